"""No node yet: what the scheduler and the autoscaler said, as one sentence and what would help.

The scheduler's message (k8s 1.34, pkg/scheduler/framework/types.go, `FitError.Error`):
`0/X nodes are available: <why, per node> [preemption: 0/X nodes are available: <why not>]`
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spawner.explain.codes import Code
from spawner.explain.explanation import Explanation, Severity
from spawner.explain.facts import Facts
from spawner.explain.kube import Event, condition, items, latest, section, text
from spawner.resources import in_words, noun

_HEAD = re.compile(r"0/(\d+) nodes are available:\s*")
_SENTENCE_END = re.compile(r"\.\s")
_PREEMPTION = re.compile(r"\s*preemption:\s*")
_COUNTED = re.compile(r"(\d+) (.+?)(?=, \d+ [A-Za-z]|$)")
_CLAIM_NOT_FOUND = re.compile(r'persistentvolumeclaim "([^"]+)" not found', re.IGNORECASE)
_NO_MORE = re.compile(
    r"max (?:node group size|limit|cluster|total nodes|size)|limits? (?:reached|exceeded)|exceed.{0,20}limit"
)
_NOT_HELPFUL = "Preemption is not helpful for scheduling"
#: A scheduler that started before a node or a claim was seen, or a device plugin that restarts, is right in seconds.
SETTLING_S = 10.0


@dataclass(frozen=True, slots=True)
class Unschedulable:
    """A scheduler's message, taken apart: how many nodes, and how many said no for which reason."""

    nodes: int
    reasons: tuple[tuple[str, int], ...]
    never_helps: int  # nodes where even an empty machine would not do, so far as the scheduler says
    text: str

    def count(self, *parts: str) -> int:
        return sum(n for reason, n in self.reasons if any(part in reason for part in parts))

    @property
    def short_of(self) -> tuple[str, ...]:
        return tuple(
            reason.removeprefix("Insufficient ") for reason, _ in self.reasons if reason.startswith("Insufficient ")
        )


def parse_unschedulable(message: str) -> Unschedulable:
    """Never raises: a message of another form has no reasons."""
    head = _HEAD.search(message)
    if head is None:
        return Unschedulable(0, (), 0, message)
    why, *preemption = _PREEMPTION.split(message[head.end() :], maxsplit=1)
    # Since 1.34 another sentence may follow ("no new claims to deallocate,"): the reasons are the first one.
    first = _SENTENCE_END.split(why.strip(), maxsplit=1)[0].rstrip(". ")
    reasons = tuple((match[2].strip(), int(match[1])) for match in _COUNTED.finditer(first))
    not_helpful = 0
    if preemption:
        rest = _HEAD.sub("", preemption[0]).rstrip(". ")
        not_helpful = sum(int(match[1]) for match in _COUNTED.finditer(rest) if match[2].strip() == _NOT_HELPFUL)
    return Unschedulable(int(head[1]), reasons, not_helpful, why)


def explain_scheduling(pod: Any, events: Sequence[Event], facts: Facts) -> Explanation:
    """A pod without a node: the PodScheduled condition's message, or the last event's, and the autoscaler's."""
    message = scheduler_message(text(condition(pod, "PodScheduled"), "message"), events)
    nominated = text(pod, "status", "nominatedNodeName")
    scaling = _autoscaler(events, facts)
    if scaling is not None and scaling.reason is Code.SCALING_UP:
        return scaling
    if nominated:
        return Explanation(
            Code.MAKING_ROOM,
            f"A place was found {facts.in_the_pool}; a less important workload is making room for it.",
            percent=15,
            detail=message,
        )
    if not message:
        return Explanation(Code.FINDING_ROOM, f"Looking for a place for your machine {facts.in_the_pool}.", percent=10)
    why = parse_unschedulable(message)
    return _home(why, message, facts) or _hopeless(why, message, facts, pod) or _room(why, message, facts, scaling)


def _waiting(code: Code, sentence: str, remedy: str, detail: str, patience_s: float | None = None) -> Explanation:
    return Explanation(code, sentence, remedy, Severity.WAITING, 10, detail, patience_s=patience_s)


def _home(why: Unschedulable, message: str, facts: Facts) -> Explanation | None:
    """The home decides where the machine can be, before room does."""
    missing = _CLAIM_NOT_FOUND.search(message)
    if missing is not None:
        return _waiting(
            Code.HOME_MISSING,
            f"Your home disk ({missing[1]}) does not exist any more.",
            "Start again to have it made; ask an administrator first if you had files there.",
            message,
            SETTLING_S,
        )
    if re.search(r'persistentvolumeclaim "[^"]+" is being deleted', message):
        return Explanation(
            Code.HOME_BEING_DELETED,
            "Your home disk is being deleted, so no machine can use it.",
            "Ask an administrator at once: its contents may still be saved.",
            Severity.FATAL,
            detail=message,
        )
    if "non-existent pv" in message or "non-existent persistentvolume" in message:
        # A volume made a moment ago may be unknown to the scheduler still, though the claim is bound to it.
        return _waiting(
            Code.HOME_LOST,
            "The disk behind your home is gone from the cluster.",
            "Ask an administrator: the volume has to be restored before a machine can start.",
            message,
            SETTLING_S,
        )
    if "unbound immediate PersistentVolumeClaims" in message:
        return Explanation(Code.MAKING_HOME, "Your home disk is being made.", percent=15, detail=message)
    return _home_per_node(why, message, facts)


def _home_per_node(why: Unschedulable, message: str, facts: Facts) -> Explanation | None:
    if why.count("ReadWriteOncePod", "had no available disk"):
        return _waiting(
            Code.HOME_IN_USE,
            "Your home is still in use by another machine of yours.",
            "It is free as soon as that one has stopped.",
            message,
        )
    if why.short_of:
        return None
    if why.count("volume node affinity", "PersistentVolume's node affinity", "available volume zone"):
        may_change = facts.autoscaled or why.count("unschedulable")
        return _waiting(
            Code.HOME_UNREACHABLE,
            f"Your home disk is in a place that no machine {facts.in_the_pool} can reach.",
            "Choose a machine of another pool, or ask an administrator to move your home.",
            message,
            None if may_change else SETTLING_S,
        )
    if why.count("exceed max volume count"):
        return _waiting(
            Code.VOLUME_LIMIT,
            f"The machines {facts.in_the_pool} have as many disks attached as they can hold.",
            "A place is free as soon as somebody stops a machine there; another pool may have one now.",
            message,
        )
    if why.count("available persistent volumes to bind", "enough free storage"):
        return _waiting(
            Code.PROVISIONING_FAILED,
            f"There is no disk for your home that a machine {facts.in_the_pool} could use.",
            "Ask an administrator: the storage has no free volume there.",
            message,
        )
    return None


def _hopeless(why: Unschedulable, message: str, facts: Facts, pod: Any) -> Explanation | None:
    """Since 1.34 the scheduler tells nodes that are too small even when empty from those that are in use."""
    may_change = (
        facts.autoscaled or why.count("were unschedulable") or (facts.room and facts.room.usable < facts.room.total)
    )
    if not why.short_of or why.never_helps != why.nodes or may_change:
        return None
    asked = {name: value for each in items(pod, "spec", "containers") for name, value in _requests(each).items()}
    wanted = " and ".join(in_words(name, asked[name]) for name in why.short_of if name in asked)
    return _waiting(
        Code.NEVER_FITS,
        f"You asked for {wanted or 'more than there is'}; no machine {facts.in_the_pool} has that, "
        "even when nobody else uses it.",
        "Choose a smaller machine or fewer options.",
        message,
        SETTLING_S,
    )


def _requests(container: Any) -> Mapping[str, Any]:
    return section(container, "resources", "requests") or section(container, "resources", "limits")


def _room(why: Unschedulable, message: str, facts: Facts, scaling: Explanation | None) -> Explanation:
    if why.short_of or why.count("Too many pods"):
        return _full(why, message, facts, scaling)
    out_of_service = why.count("were unschedulable", "unknown conditions", "node.kubernetes.io/", "were not ready")
    if facts.room is not None and facts.room.total and facts.room.usable < facts.room.total:
        out_of_service = max(out_of_service, facts.room.total - facts.room.usable)
    if out_of_service:
        return _waiting(
            Code.NODES_UNAVAILABLE,
            f"The machines {facts.in_the_pool} are out of service at the moment ({out_of_service} of them).",
            "Choose a machine of another pool, or wait until they are back.",
            message,
        )
    if scaling is not None:
        return scaling
    others = why.count("pod affinity", "anti-affinity", "topology spread", "free ports", "cannot allocate all claims")
    if others or not (why.nodes or "no nodes available" in message):
        return _waiting(
            Code.NO_ROOM,
            f"There is no place for your machine {facts.in_the_pool} right now.",
            "Wait for one, or choose another machine.",
            message,
        )
    return _empty(why, message, facts)


def _full(why: Unschedulable, message: str, facts: Facts, scaling: Explanation | None) -> Explanation:
    if scaling is not None:
        return scaling
    short = " and ".join(noun(resource) for resource in why.short_of) or "places"
    return _waiting(
        Code.NO_ROOM,
        f"There is no room {facts.in_the_pool} right now: not enough free {short}.",
        "You get the next free place if you wait; a smaller machine or another pool may start at once.",
        message,
    )


def _empty(why: Unschedulable, message: str, facts: Facts) -> Explanation:
    known_empty = facts.room is not None and facts.room.total == 0
    elsewhere = why.count("didn't match Pod's node affinity", "untolerated taint", "didn't tolerate")
    certain = known_empty or (elsewhere >= why.nodes and not why.count("taint", "tolerate"))
    return _waiting(
        Code.POOL_EMPTY,
        f"There are no machines {facts.in_the_pool} at the moment.",
        "Choose a machine of another pool, or ask an administrator to add one.",
        message,
        SETTLING_S if certain and not facts.autoscaled else None,
    )


def _autoscaler(events: Sequence[Event], facts: Facts) -> Explanation | None:
    """What cluster-autoscaler (TriggeredScaleUp, NotTriggerScaleUp) or Karpenter (Nominated) said last."""
    said = [
        event
        for event in events
        if event.reason in {"TriggeredScaleUp", "NotTriggerScaleUp", "Nominated", "FailedScaleUp"}
        or (event.reason == "FailedScheduling" and "karpenter" in event.component)
    ]
    if not said:
        return None
    last = said[-1]
    if last.reason in {"TriggeredScaleUp", "Nominated"}:
        return Explanation(
            Code.SCALING_UP,
            f"A new machine is being added {facts.in_the_pool.replace('in ', 'to ', 1)} for you.",
            "This takes a few minutes.",
            percent=15,
            detail=last.message,
            since=last.last,
        )
    if "backoff" in last.message or last.reason == "FailedScaleUp":
        return _waiting(
            Code.SCALE_UP_FAILING,
            f"There is no room {facts.in_the_pool}, and adding a machine did not work just now.",
            "It is tried again; another pool may have room at once.",
            last.message,
        )
    if _NO_MORE.search(last.message):
        return _waiting(
            Code.POOL_AT_MAXIMUM,
            f"There is no room {facts.in_the_pool}, and it has as many machines as it may have.",
            "You get the next free place if you wait; another pool may have room at once.",
            last.message,
        )
    return None


def scheduler_message(condition_message: str, events: Sequence[Event]) -> str:
    """The condition's message is the newest; events stand in where the condition has none yet."""
    own = [event for event in events if "karpenter" not in event.component]
    event = latest(own, "FailedScheduling")
    return condition_message or (event.message if event else "")
