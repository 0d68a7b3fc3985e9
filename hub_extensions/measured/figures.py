"""PURE: what a machine was measured to use. Later reports of one process only grow; processes of one machine add up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from profiles.machine import RunningMachine

#: What a receipt may judge by: less was hardly a session, or was looked at too little of the time.
ENOUGH_MS, ENOUGH_SHARE = 10 * 60 * 1000, 0.8
#: A GPU that only ever held this much was not used: looking at it takes some.
GPU_NOTHING = 64 * 2**20
_ADDS_UP = ("covered_ms", "cpu_ms", "gpu_busy_ms", "gpu_covered_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Whole numbers, as they are kept: milliseconds, thousandths of a core, bytes, per cent. `sustained_millicores` is
    the busiest minute's; `gpu_busy_ms` adds up over GPUs, over the time in which the driver said how busy they are."""

    covered_ms: int = 0
    cpu_ms: int = 0
    peak_millicores: int = 0
    sustained_millicores: int = 0
    memory_peak: int = 0
    gpus: int = 0
    gpu_busy_ms: int = 0
    gpu_peak_percent: int = 0
    gpu_memory_peak: int = 0
    gpu_covered_ms: int = 0
    has_millicores: int = 0
    has_memory: int = 0
    has_gpus: int = 0

    def later(self, other: Measured) -> Measured:
        """Of one process: whichever came first, and however often."""
        return Measured(**{each.name: max(getattr(self, each.name), getattr(other, each.name)) for each in _FIELDS})

    def __add__(self, other: Measured) -> Measured:
        """Of another process on the same machine."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _ADDS_UP}
        return replace(self.later(other), **sums)

    def within(self, machine: RunningMachine) -> Measured:
        """No more than the machine has: on this computer machines are labels, and their processes may use all of it."""
        cores, memory, gpus = round(machine.cpu_cores * 1000), machine.memory_bytes, machine.gpus
        return replace(
            self,
            cpu_ms=min(self.cpu_ms, self.covered_ms * cores // 1000),
            peak_millicores=min(self.peak_millicores, cores),
            sustained_millicores=min(self.sustained_millicores, self.peak_millicores, cores),
            memory_peak=min(self.memory_peak, memory),
            gpus=min(self.gpus, gpus),
            gpu_busy_ms=min(self.gpu_busy_ms, self.gpu_covered_ms * min(self.gpus, gpus)),
            gpu_covered_ms=min(self.gpu_covered_ms, self.covered_ms) if gpus else 0,
            has_millicores=cores,
            has_memory=memory,
            has_gpus=gpus,
        )

    def enough(self, lasted_s: float) -> bool:
        """Whether anything may be concluded about the whole session."""
        return self.covered_ms >= ENOUGH_MS and self.covered_ms >= ENOUGH_SHARE * 1000 * lasted_s

    @property
    def gpus_seen(self) -> bool:
        """Whether GPUs said what they did, nearly all of the time."""
        return bool(self.gpus) and self.gpu_covered_ms >= ENOUGH_SHARE * self.covered_ms

    @property
    def gpus_unused(self) -> bool:
        return self.gpus_seen and not self.gpu_busy_ms and not self.gpu_peak_percent and (
            self.gpu_memory_peak <= GPU_NOTHING
        )

    # Used against what there was, 0 to 1; None where it was not measured.

    @property
    def cores_share(self) -> float | None:
        return _share(self.cpu_ms * 1000, self.covered_ms * self.has_millicores)

    @property
    def memory_share(self) -> float | None:
        return _share(self.memory_peak, self.has_memory) if self.covered_ms else None

    @property
    def gpu_share(self) -> float | None:
        return _share(self.gpu_busy_ms, self.gpu_covered_ms * self.has_gpus) if self.gpus_seen else None


_FIELDS = fields(Measured)


def together(runs: Iterable[Measured]) -> Measured:
    total = Measured()
    for each in runs:
        total += each
    return total


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Of many sessions: used and had, weighed by how long each was measured."""

    cores_used: float = 0.0
    cores_had: float = 0.0
    memory_used: float = 0.0
    memory_had: float = 0.0
    gpus_used: float = 0.0
    gpus_had: float = 0.0

    @classmethod
    def of(cls, one: Measured) -> Efficiency:
        had_gpus = one.gpu_covered_ms * one.has_gpus if one.gpus else 0
        return cls(
            one.cpu_ms,
            one.covered_ms * one.has_millicores / 1000,
            one.covered_ms / 1000 * one.memory_peak,
            one.covered_ms / 1000 * one.has_memory,
            one.gpu_busy_ms,
            had_gpus,
        )

    def __add__(self, other: Efficiency) -> Efficiency:
        return Efficiency(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def cores(self) -> float | None:
        return _share(self.cores_used, self.cores_had)

    @property
    def memory(self) -> float | None:
        return _share(self.memory_used, self.memory_had)

    @property
    def gpus(self) -> float | None:
        return _share(self.gpus_used, self.gpus_had)


def _share(used: float, had: float) -> float | None:
    return min(1.0, used / had) if had else None
