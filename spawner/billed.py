"""PURE: a pod's object stays, by a finalizer, until its end is in the ledger. What there is to write, and when.

| what the pod says                                   | it is over since                                         |
|-----------------------------------------------------|----------------------------------------------------------|
| every container has ended, or its phase is terminal | its server's container ended, by the node's own clock    |
| it never had a node                                 | somebody asked for its removal                           |
| removed by force (grace 0), nothing ended           | likewise, if the node says no more within `FORCED_S`     |
| anything else, a node that does not answer included | not yet                                                  |

`settling` acts on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from spawner.podstate import Pod, finished_at, is_leaving, node_of, uid_of

FINALIZER = "remuda.dev/billed"
#: A pod that is removed by force may have a node that still says how it ended; a node that is lost says nothing.
FORCED_S = 30.0
#: A start that waits for the name lets the ledger have so long. After that the end is kept in memory, and the pod goes.
HURRIED_S = 3.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 15.0


@dataclass(frozen=True)
class Over:
    """Nothing of it runs any more, since `at`."""

    at: datetime


@dataclass(frozen=True)
class NotYet:
    """Look again when it changes, or after `look_again_s`."""

    look_again_s: float | None = None


def held(manifest: Pod) -> dict[str, Any]:
    """The manifest with our finalizer; nothing that comes in is changed."""
    metadata = manifest["metadata"]
    names = [name for name in metadata.get("finalizers") or () if name != FINALIZER]
    return {**manifest, "metadata": {**metadata, "finalizers": [*names, FINALIZER]}}


def is_held(pod: Pod) -> bool:
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def release_patch(pod: Pod) -> dict[str, Any]:
    """A strategic merge patch: of this very pod (by its uid) ours alone is taken away, whoever else has one on it."""
    return {"metadata": {"uid": uid_of(pod), "$deleteFromPrimitiveList/finalizers": [FINALIZER]}}


def outcome(pod: Pod, forced_for_s: float = 0.0) -> Over | NotYet:
    """Of a pod that somebody has told to go. `forced_for_s`: since when it is known to be removed by force."""
    if not is_leaving(pod):
        return NotYet()
    at = finished_at(pod) or _asked_at(pod)
    if _nothing_runs(pod):
        return Over(at)
    if pod["metadata"].get("deletionGracePeriodSeconds") != 0:
        return NotYet()
    return Over(at) if forced_for_s >= FORCED_S else NotYet(FORCED_S - forced_for_s)


def is_confirmed_gone(pod: Pod) -> bool:
    """Its node has let go of it, disks included: without a finalizer the object would be gone."""
    return pod["metadata"].get("deletionGracePeriodSeconds") == 0 and isinstance(outcome(pod), Over)


def pause_s(attempt: int) -> float:
    """Before the ledger is tried again; `attempt` counts from 1."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(attempt - 1, 10))


def _nothing_runs(pod: Pod) -> bool:
    status = pod.get("status") or {}
    if status.get("phase") in ("Failed", "Succeeded"):
        return True
    states = [each.get("state") or {} for each in status.get("containerStatuses") or ()]
    if not states:
        return node_of(pod) is None
    wanted = len((pod.get("spec") or {}).get("containers") or ())
    return len(states) >= wanted and all("terminated" in state for state in states)


def _asked_at(pod: Pod) -> datetime:
    """Kubernetes writes down when the pod is to be gone: the grace later than somebody asked."""
    metadata = pod["metadata"]
    due = datetime.fromisoformat(metadata["deletionTimestamp"])
    return due - timedelta(seconds=metadata.get("deletionGracePeriodSeconds") or 0)
