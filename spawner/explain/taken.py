"""The pod was taken away, or will not go: evicted, preempted, drained, its node lost, its time over, stuck."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from spawner.explain.codes import Code
from spawner.explain.explanation import Explanation, Severity
from spawner.explain.facts import Facts
from spawner.explain.kube import Event, condition, is_true, latest, section, text, time
from spawner.resources import amount, bytes_in_words

_AGAIN = "Your home is safe; start again to get another machine."
#: `deletionTimestamp` already includes the grace period; what is still there this much later is stuck.
STUCK_AFTER_S = 30.0


def explain_failed(pod: Any, events: Sequence[Event]) -> Explanation | None:
    """A pod that ended as a whole (`status.reason`), or is being taken away (the DisruptionTarget condition)."""
    reason, message = text(pod, "status", "reason"), text(pod, "status", "message")
    failed = text(pod, "status", "phase") == "Failed"
    if reason == "Evicted":
        return _evicted(message)
    if failed and (reason.startswith(("OutOf", "Outof")) or reason in _NODE_REJECTIONS):
        return _rejected(reason, message)
    by_reason = _BY_REASON.get(reason)
    target = condition(pod, "DisruptionTarget")
    leaving = failed or section(pod, "metadata").get("deletionTimestamp") is not None
    if by_reason is None and is_true(target) and leaving:
        by_reason = _BY_DISRUPTION.get(text(target, "reason"))
        message = text(target, "message")
    if by_reason is None and leaving:
        by_reason, message = _by_event(events) or (None, message)
    if by_reason is None:
        return None
    code, sentence, remedy = by_reason
    return Explanation(
        code, sentence, remedy, Severity.FATAL, detail=message, since=time(target.get("lastTransitionTime"))
    )


Story = tuple[Code, str, str]
_LOST: Story = (Code.NODE_LOST, "The computer your machine was on no longer answers, so the machine is lost.", _AGAIN)
_SHUT: Story = (Code.NODE_SHUTDOWN, "The computer your machine was on is shutting down.", _AGAIN)
_DRAINED: Story = (Code.NODE_DRAINED, "The computer your machine was on is being emptied for maintenance.", _AGAIN)
_PREEMPTED: Story = (
    Code.PREEMPTED,
    "Your machine had to give way to a more important one.",
    "Your home is safe; start again, perhaps on another machine.",
)
_EVICTED: Story = (Code.EVICTED, "The node ended your machine to protect itself.", _AGAIN)
_BY_REASON: dict[str, Story] = {
    "NodeLost": _LOST,
    "NodeShutdown": _SHUT,
    "Shutdown": _SHUT,
    "Terminated": _SHUT,  # graceful node shutdown, kubelet/nodeshutdown
    "Preempting": _PREEMPTED,
    "DeadlineExceeded": (
        Code.DEADLINE_EXCEEDED,
        "The machine has run as long as it is allowed to.",
        "Your home is safe; start again if you need more time.",
    ),
}
_BY_DISRUPTION: dict[str, Story] = {
    "PreemptionByScheduler": _PREEMPTED,
    "DeletionByTaintManager": _LOST,
    "DeletionByPodGC": _LOST,
    "EvictionByEvictionAPI": _DRAINED,
    "TerminationByKubelet": _EVICTED,
}
_BY_EVENT: tuple[tuple[str, Story], ...] = (
    ("Preempted", _PREEMPTED),
    ("TaintManagerEviction", _LOST),
    ("NodeControllerEviction", _LOST),
    ("Evicted", _EVICTED),
)
_NODE_REJECTIONS = frozenset(
    {
        "UnexpectedAdmissionError",
        "NodeAffinity",
        "AdmissionFailed",
        "TopologyAffinityError",
        "InvalidNodeInfo",
        "NodePorts",
    }
)


def _by_event(events: Sequence[Event]) -> tuple[Story, str] | None:
    for reason, story in _BY_EVENT:
        event = latest(events, reason)
        # The taint controller may take its word back.
        if event is not None and not event.message.startswith("Cancelling"):
            return story, event.message
    return None


def explain_gone(events: Sequence[Event]) -> Explanation:
    """The pod was made and is no longer there; `events` are those of its uid."""
    found = _by_event(events)
    story, message = found or (
        (Code.POD_GONE, "Your machine was removed from the cluster by something other than the hub.", _AGAIN),
        events[-1].message if events else "",
    )
    return Explanation(*story, severity=Severity.FATAL, detail=message)


def _evicted(message: str) -> Explanation:
    lower = message.lower()
    if "ephemeral" in lower or "emptydir" in lower or "disk" in lower or "inodes" in lower or "imagefs" in lower:
        own = re.search(r'(?:limit|exceeds the (?:total )?limit(?: of containers)?) "?([0-9.]+[A-Za-z]*)"?', message)
        if "exceed" in lower:
            limit = f" ({bytes_in_words(amount(own[1]))})" if own and amount(own[1]) else ""
            sentence = f"The machine used more of the node's local disk than it may{limit} and was stopped."
        else:
            sentence = "The node's local disk ran full, so your machine was stopped."
        return Explanation(
            Code.EVICTED_DISK,
            sentence,
            "Files in your home are safe. Write large temporary files to your home instead of /tmp, then start again.",
            Severity.FATAL,
            detail=message,
        )
    if "memory" in lower:
        return Explanation(
            Code.EVICTED_MEMORY,
            "The node ran out of memory, so your machine was stopped.",
            "Your home is safe; start again, on a machine with more memory if you used much.",
            Severity.FATAL,
            detail=message,
        )
    return Explanation(*_EVICTED, severity=Severity.FATAL, detail=message)


def _rejected(reason: str, message: str) -> Explanation:
    return Explanation(
        Code.NODE_REJECTED,
        "The node that was chosen could not take your machine after all.",
        "Start again: another place is looked for.",
        Severity.FATAL,
        detail=f"{reason}: {message}",
    )


def explain_leaving(pod: Any, facts: Facts, now: datetime) -> Explanation | None:
    """A pod with a deletionTimestamp; None for one without."""
    metadata = section(pod, "metadata")
    due = time(metadata.get("deletionTimestamp"))
    if due is None:
        return None
    overdue = (now - due).total_seconds()
    node, finalizers = text(pod, "spec", "nodeName"), metadata.get("finalizers")
    if overdue < STUCK_AFTER_S:
        return Explanation(Code.STOPPING, "The machine is shutting down.", "It frees your home when it has stopped.")
    gone = bool(node) and facts.nodes is not None and node not in facts.nodes
    not_ready = text(condition(pod, "Ready"), "reason") == "NodeNotReady" or text(pod, "status", "reason") == "NodeLost"
    if gone or not_ready:
        why = f"node {node or 'it is on'} {'is gone' if gone else 'does not answer'}"
    elif isinstance(finalizers, (list, tuple)) and finalizers:
        why = f"the cluster waits for {', '.join(str(each) for each in finalizers[:3])}"
    elif node:
        why = f"node {node} has not confirmed that it is stopped"
    else:
        why = "the cluster has not removed it"
    return Explanation(
        Code.STOPPING_STUCK,
        f"Your last machine has been shutting down for longer than it should: {why}.",
        "A new one can start when it is gone. If this lasts for more than a few minutes, tell an administrator.",
        Severity.WAITING,
        percent=5,
        detail=f"deletionTimestamp {metadata.get('deletionTimestamp')}, finalizers {finalizers or 'none'}",
        since=due,
    )


def unreachable(pod: Any, events: Sequence[Event]) -> Explanation | None:
    """A running pod whose node has stopped answering; the cluster takes it away after five minutes."""
    ready = condition(pod, "Ready")
    event = latest(events, "NodeNotReady")
    lost = text(pod, "status", "reason") == "NodeLost"
    if text(pod, "status", "phase") != "Running" or is_true(ready) or (event is None and not lost):
        return None
    since = time(ready.get("lastTransitionTime"))
    if event is not None and since is not None and event.last is not None and (since - event.last).total_seconds() > 60:
        return None  # not ready for a later, other reason
    node = text(pod, "spec", "nodeName")
    return Explanation(
        Code.NODE_LOST,
        f"The computer your machine is on{f' (node {node})' if node else ''} does not answer at the moment.",
        "If it comes back within five minutes your work continues; else start again, your home is safe.",
        Severity.WAITING,
        detail=event.message if event else "",
        since=since,
    )
