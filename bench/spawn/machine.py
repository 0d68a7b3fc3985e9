"""What else the machine was doing while it was measured: figures from a busy machine say less."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Noise:
    """From `begin()` to `end()`: load, and the CPU that others took from this machine."""

    at: float
    busy: tuple[int, int, int]

    @classmethod
    def begin(cls) -> Noise:
        return cls(time.time(), _ticks())

    def end(self) -> dict[str, object]:
        used, idle, stolen = (after - before for after, before in zip(_ticks(), self.busy, strict=True))
        total = max(1, used + idle + stolen)
        return {
            "cores": os.cpu_count(),
            "kernel": platform.release(),
            "when": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(self.at)),
            "minutes": round((time.time() - self.at) / 60, 1),
            "load average of the last 15 minutes": round(os.getloadavg()[2], 1),
            "CPU busy": round(used / total, 2),
            "CPU stolen": round(stolen / total, 2),
        }


def _ticks() -> tuple[int, int, int]:
    """Ticks since boot: used, idle, stolen by the hypervisor."""
    user, nice, system, idle, iowait, irq, softirq, steal, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return user + nice + system + irq + softirq, idle + iowait, steal
