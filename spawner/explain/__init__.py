"""PURE: pod + claim + events -> one sentence that a person understands.

`explain` tells where a start is, why it does not move, or why a server ended. `explain_rejection` does it for the
API's refusals, `verdict` says whether waiting on makes sense. Raw Kubernetes text stays in `.detail`.

| module | about |
|---|---|
| `scheduling` | no node yet: room, autoscaler, zones |
| `volumes` | the home's claim, attaching, mounting |
| `images` | pulling |
| `containers` | starting, running, crashed, out of memory |
| `taken` | evicted, preempted, drained, lost, stuck |
| `rejection` | 403 and its kin: quota, limits, policies |
| `codes`, `reference` | every reason code, and the reference page made from them |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from spawner.explain.codes import Code
from spawner.explain.containers import explain_containers, explain_end, explain_running, server_status
from spawner.explain.explanation import Explanation, Severity, Verdict, verdict
from spawner.explain.facts import NO_FACTS, Facts
from spawner.explain.images import explain_pull
from spawner.explain.kube import Event, condition, events_about, is_true, latest, section, text
from spawner.explain.rejection import explain_rejection
from spawner.explain.scheduling import explain_scheduling
from spawner.explain.taken import explain_failed, explain_gone, explain_leaving, unreachable
from spawner.explain.volumes import attaching, explain_claim, explain_volumes

__all__ = [
    "Code",
    "Explanation",
    "Facts",
    "Severity",
    "Verdict",
    "explain",
    "explain_rejection",
    "verdict",
]


def explain(
    pod: Mapping[str, Any] | None,
    claim: Mapping[str, Any] | None,
    events: Iterable[Mapping[str, Any]],
    *,
    facts: Facts = NO_FACTS,
    now: datetime,
) -> Explanation:
    """Where this start is, or why its server ended.

    `pod` and `claim` are raw API objects or None, `events` those of the namespace or of both objects, in any order:
    events of an earlier pod of the same name are ignored by their uid. `now` is aware UTC.
    """
    events = list(events)
    about_claim = events_about(
        events, "PersistentVolumeClaim", text(claim, "metadata", "uid"), text(claim, "metadata", "name")
    )
    if not pod:
        return _without_pod(claim, events, about_claim, facts)
    about_pod = events_about(events, "Pod", text(pod, "metadata", "uid"), text(pod, "metadata", "name"))
    return _over(pod, about_pod, facts, now) or _under_way(pod, claim, (about_pod, about_claim), facts, now)


def _without_pod(claim: Any, events: list[Any], about_claim: list[Event], facts: Facts) -> Explanation:
    if facts.pod_uid:
        return explain_gone(events_about(events, "Pod", facts.pod_uid))
    home = explain_claim(claim, about_claim)
    return home or Explanation(Code.REQUESTED, f"{facts.the_machine} has been asked for.", percent=5)


def _over(pod: Any, events: list[Event], facts: Facts, now: datetime) -> Explanation | None:
    """Ended, taken away, or leaving."""
    taken = explain_failed(pod, events)
    if taken is not None:
        return taken
    if text(pod, "status", "phase") in {"Failed", "Succeeded"}:
        status = server_status(pod)
        return explain_containers(pod, events, facts) or explain_end(
            pod, status, section(status, "state", "terminated")
        )
    return explain_leaving(pod, facts, now)


def _under_way(
    pod: Any, claim: Any, events: tuple[list[Event], list[Event]], facts: Facts, now: datetime
) -> Explanation:
    about_pod, about_claim = events
    lost = unreachable(pod, about_pod)
    if lost is not None:
        return lost
    placed = condition(pod, "PodScheduled")
    node = text(pod, "spec", "nodeName")
    if not node and not is_true(placed):
        # A claim that cannot be made is why there is no node; its own events say it better than the scheduler.
        home = explain_claim(claim, about_claim)
        if home is not None and home.severity is not Severity.PROGRESS:
            return home
        found = explain_scheduling(pod, about_pod, facts)
        return home if home is not None and found.reason is Code.FINDING_ROOM else found
    return (
        explain_containers(pod, about_pod, facts)
        or explain_running(pod)
        or explain_volumes(pod, claim, about_pod, facts, now)
        or _sandbox(about_pod)
        or explain_pull(about_pod, facts, now)
        or attaching(pod)
    )


def _sandbox(events: list[Event]) -> Explanation | None:
    """The pod's network could not be set up, and nothing since says that it could."""
    trouble = latest(events, "FailedCreatePodSandBox", "NetworkNotReady", "FailedPodSandBoxStatus")
    later = latest(events, "Pulling", "Pulled", "Created", "Started")
    if trouble is None or (later is not None and later.order > trouble.order):
        return None
    return Explanation(
        Code.SANDBOX_FAILED,
        "The node could not connect your machine to the network yet.",
        "It is tried again until the start's time is up; if it lasts, tell an administrator.",
        Severity.WAITING,
        percent=40,
        detail=trouble.message,
        since=trouble.first,
    )
