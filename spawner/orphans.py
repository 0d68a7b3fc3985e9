"""Pods that no server of this hub stands for: what a request carried out after its hub had died leaves behind.

A pod is an orphan only after it has been unknown for a while, and never where *most* pods are unknown: then it is the
hub's database that is wrong, and people are working in those pods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from spawner.podstate import Pod, is_leaving, spawn_id_of, uid_of

#: Unknown pods beyond this share (of at least FEW) mean that the database is to be doubted.
MOST, FEW = 0.5, 4


@dataclass(frozen=True)
class Sweep:
    """`first_seen` goes into the next sweep. `doubtful`: too many are unknown; nothing may be removed."""

    remove: tuple[Pod, ...]
    first_seen: Mapping[str, float]
    doubtful: bool


def sweep(
    pods: Iterable[Pod],
    is_known: Callable[[Pod], bool],
    first_seen: Mapping[str, float],
    now: float,
    grace_s: float,
) -> Sweep:
    """PURE. `first_seen`: uid → when it was first found unknown, in seconds of the same clock as `now`."""
    ours = [pod for pod in pods if spawn_id_of(pod) and not is_leaving(pod)]
    unknown = [pod for pod in ours if not is_known(pod)]
    seen = {uid_of(pod): first_seen.get(uid_of(pod), now) for pod in unknown}
    doubtful = len(unknown) >= FEW and len(unknown) > MOST * len(ours)
    due = () if doubtful else tuple(pod for pod in unknown if now - seen[uid_of(pod)] >= grace_s)
    return Sweep(due, seen, doubtful)
