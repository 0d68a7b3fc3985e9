"""How much fits into a pool: nodes, and machines placed on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from profiles.amounts import Amounts
from profiles.model import Catalog, NodeSize


@dataclass(frozen=True, slots=True)
class PoolSize:
    """`nodes` of None: as many as are wanted, at once. A node of no known size takes one machine."""

    nodes: int | None = None
    node: NodeSize | None = None


def sizes_of(catalog: Catalog, nodes: Mapping[str, int]) -> dict[str, PoolSize]:
    """Of every pool: `nodes` says how many, `autoscaled.largestNode` how large each is."""
    return {
        name: PoolSize(nodes.get(name), pool.autoscaled.largest_node if pool.autoscaled is not None else None)
        for name, pool in catalog.pools.items()
    }


class Room:
    """One pool. Machines go where least stays free, so that large ones find whole nodes; nothing is ever moved."""

    def __init__(self, size: PoolSize) -> None:
        self._whole = _capacity(size.node)
        self._free = None if size.nodes is None else [dict(self._whole) for _ in range(size.nodes)]
        self._places: dict[str, tuple[int, dict[str, int]]] = {}
        self._used: dict[str, int] = {}

    @property
    def is_limited(self) -> bool:
        return self._free is not None

    @property
    def machines(self) -> int:
        return len(self._places)

    @property
    def share(self) -> float:
        """In use of what there is: of cores, memory and each device the scarcest. 0 where there is no limit."""
        if not self._free:
            return 0.0
        nodes = len(self._free)
        return max(
            (self._used.get(name, 0) / (whole * nodes) for name, whole in self._whole.items() if whole), default=0.0
        )

    def ever_fits(self, amounts: Amounts) -> bool:
        """Whether an empty node would take it."""
        wanted = self._wanted(amounts)
        return self._free != [] and all(wanted.get(name, 0) <= whole for name, whole in self._whole.items())

    def place(self, lease_id: str, amounts: Amounts) -> bool:
        """False: no node has room now."""
        wanted, node = self._wanted(amounts), -1
        if self._free is not None:
            fitting = [
                (sum(free[name] - wanted.get(name, 0) for name in free), number)
                for number, free in enumerate(self._free)
                if all(free[name] >= wanted.get(name, 0) for name in free)
            ]
            if not fitting:
                return False
            node = min(fitting)[1]
            _add(self._free[node], wanted, -1)
        self._places[lease_id] = (node, wanted)
        _add(self._used, wanted, 1)
        return True

    def leave(self, lease_id: str) -> None:
        node, wanted = self._places.pop(lease_id)
        _add(self._used, wanted, -1)
        if self._free is not None:
            _add(self._free[node], wanted, 1)

    def _wanted(self, amounts: Amounts) -> dict[str, int]:
        """Only what nodes are measured by. A device that they lack is measured too: they have 0 of it."""
        if "machines" in self._whole:
            return {"machines": 1}
        everything = {"millicores": amounts.millicores, "memory": amounts.memory, **amounts.devices}
        for name in amounts.devices:
            if name not in self._whole:
                self._lacks(name)
        return {name: count for name, count in everything.items() if name in self._whole}

    def _lacks(self, device: str) -> None:
        self._whole[device] = 0
        for free in self._free or ():
            free[device] = 0


def _capacity(node: NodeSize | None) -> dict[str, int]:
    if node is None:
        return {"machines": 1}
    capacity = dict(node.extended_resources)
    if node.cpu is not None:
        capacity["millicores"] = node.cpu.millicores
    if node.memory is not None:
        capacity["memory"] = node.memory.bytes
    return capacity


def _add(to: dict[str, int], amounts: Mapping[str, int], sign: int) -> None:
    for name, count in amounts.items():
        to[name] = to.get(name, 0) + sign * count
