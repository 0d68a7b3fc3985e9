"""PURE: what a pool's nodes can give, in the amounts that quotas count."""

from __future__ import annotations

from collections.abc import Iterable

from profiles.amounts import Amounts
from profiles.frozen import freeze
from profiles.model import Pool
from spawner.feasibility import Node, free_in_pool


def gives(pool: Pool, nodes: Iterable[Node]) -> Amounts:
    """Allocatable on the nodes that are in service. `servers` is 0: nodes count pods, not servers."""
    room = free_in_pool(pool, nodes, ()).free
    devices = {name: int(count) for name, count in room.items() if "/" in name and int(count)}
    return Amounts(0, int(room.get("cpu", 0) * 1000), int(room.get("memory", 0)), freeze(devices))
