"""What one look at the machine says. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """`cpu_s` counts from a beginning of its own and only grows; `memory` is in bytes, what the system can take back
    at any time (files read once) left out."""

    cpu_s: float
    memory: int


@dataclass(frozen=True, slots=True)
class GpuReading:
    """All GPUs that are visible here. `busy` is the sum of their shares of time, 0 to `count`, and `peak` the busiest
    one's; both None where the driver does not say (MIG slices)."""

    count: int
    memory: int
    busy: float | None = None
    peak: float | None = None
