"""How much of everything machines hold: what quotas count, add and compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from profiles.accelerators import count_gpus
from profiles.frozen import EMPTY, FrozenDict, freeze
from profiles.plan import MachinePlan


@dataclass(frozen=True, slots=True)
class Amounts:
    """Servers, thousandths of a core, bytes of memory, and devices by Kubernetes' name of the resource.

    Of a machine it is what its pod *requests*, which is what nobody else can have meanwhile; bursting above it up to
    the limit takes nothing from anyone. Devices with a count of 0 are left out, so that equal amounts are equal.
    """

    servers: int = 0
    millicores: int = 0
    memory: int = 0
    devices: Mapping[str, int] = field(default_factory=lambda: EMPTY)

    @classmethod
    def of(cls, plan: MachinePlan) -> Amounts:
        """What one server on this plan takes."""
        devices = freeze({name: n for name, n in plan.extended_resources.items() if n})
        return cls(1, plan.cpu.request.millicores, plan.memory.request.bytes, devices)

    @property
    def gpus(self) -> int:
        """Whole devices and MIG slices of every kind."""
        return count_gpus(self.devices)

    def much(self, resource: str) -> int:
        """By the names that `Caps.limits` uses: servers, cores (thousandths), memory (bytes), gpus, or a device."""
        match resource:
            case "servers":
                return self.servers
            case "cores":
                return self.millicores
            case "memory":
                return self.memory
            case "gpus":
                return self.gpus
        return self.devices.get(resource, 0)

    def beyond(self, other: Amounts) -> Amounts:
        """What is left of it when the other is taken away; never less than nothing."""
        devices = {name: left for name, n in self.devices.items() if (left := n - other.devices.get(name, 0)) > 0}
        return Amounts(
            max(0, self.servers - other.servers),
            max(0, self.millicores - other.millicores),
            max(0, self.memory - other.memory),
            FrozenDict(devices) if devices else EMPTY,
        )

    def __add__(self, other: Amounts) -> Amounts:
        return total((self, other))

    def to_dict(self) -> dict[str, Any]:
        """JSON; `from_dict` reads it back."""
        return {
            "servers": self.servers,
            "millicores": self.millicores,
            "memory": self.memory,
            "devices": dict(self.devices),
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Amounts:
        """Raises KeyError, TypeError or ValueError for what is no amounts."""
        devices = {str(name): int(count) for name, count in dict(kept["devices"]).items() if count}
        return cls(int(kept["servers"]), int(kept["millicores"]), int(kept["memory"]), freeze(devices))


def total(many: Iterable[Amounts]) -> Amounts:
    """The sum; of none it is nothing."""
    servers = millicores = memory = 0
    devices: dict[str, int] = {}
    for each in many:
        servers += each.servers
        millicores += each.millicores
        memory += each.memory
        for name, count in each.devices.items():
            devices[name] = devices.get(name, 0) + count
    return Amounts(servers, millicores, memory, FrozenDict(devices) if devices else EMPTY)


def greatest(many: Iterable[Amounts]) -> Amounts:
    """The most that any of them has, amount by amount; of none it is nothing."""
    servers = millicores = memory = 0
    devices: dict[str, int] = {}
    for each in many:
        servers = max(servers, each.servers)
        millicores = max(millicores, each.millicores)
        memory = max(memory, each.memory)
        for name, count in each.devices.items():
            devices[name] = max(devices.get(name, 0), count)
    return Amounts(servers, millicores, memory, FrozenDict(devices) if devices else EMPTY)
