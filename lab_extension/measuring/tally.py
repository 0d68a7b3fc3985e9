"""PURE: readings, one after the other -> what was used so far. Every figure only grows, so that a report may be lost,
repeated or late and the next one puts all right."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass

from lab_extension.measuring.reading import GpuReading, Reading

#: Cores are judged by the busiest minute: three seconds on all of them, for an import, ask for no larger machine.
SUSTAINED_S = 60.0
#: The share of its last minute from which a GPU works, whatever keeps it busy.
WORKS_FROM = 0.05


@dataclass(slots=True)
class Figures:
    """Since this process began to measure. Seconds, cores, bytes; `gpu_busy_s` adds up over GPUs."""

    covered_s: float = 0.0
    cpu_s: float = 0.0
    peak_cores: float = 0.0
    sustained_cores: float = 0.0
    memory_peak: int = 0
    gpus: int = 0
    gpu_busy_s: float = 0.0
    gpu_peak: float = 0.0
    gpu_memory_peak: int = 0
    gpu_covered_s: float = 0.0

    def to_dict(self) -> dict[str, float]:
        return {name: round(value, 3) for name, value in asdict(self).items()}


class Tally:
    def __init__(self) -> None:
        self.figures = Figures()
        self._last: tuple[float, Reading] | None = None
        self._minute: deque[tuple[float, float, float]] = deque()

    def add(self, at_s: float, reading: Reading, gpus: GpuReading | None, longest_s: float) -> None:
        """`at_s` is a clock that never goes back. Readings further apart than `longest_s` leave a gap: a machine that
        was put to sleep was not measured meanwhile."""
        figures, last, self._last = self.figures, self._last, (at_s, reading)
        figures.memory_peak = max(figures.memory_peak, reading.memory)
        if gpus is not None:
            figures.gpus = max(figures.gpus, gpus.count)
            figures.gpu_memory_peak = max(figures.gpu_memory_peak, gpus.memory)
            figures.gpu_peak = max(figures.gpu_peak, gpus.peak or 0.0)
        length = at_s - last[0] if last is not None else 0.0
        if last is None or not 0 < length <= longest_s:
            self._minute.clear()
            return
        used = max(0.0, reading.cpu_s - last[1].cpu_s)
        figures.covered_s += length
        figures.cpu_s += used
        figures.peak_cores = max(figures.peak_cores, used / length)
        busy = 0.0
        if gpus is not None and gpus.busy is not None:
            busy = gpus.busy * length
            figures.gpu_covered_s += length
            figures.gpu_busy_s += busy
        self._minute.append((length, used, busy))
        self._forget()
        together = sum(each[0] for each in self._minute)
        if together >= SUSTAINED_S:
            figures.sustained_cores = max(figures.sustained_cores, sum(each[1] for each in self._minute) / together)

    @property
    def gpu_works(self) -> bool:
        """Whether GPUs had something to do in the last minute."""
        together = sum(each[0] for each in self._minute)
        return together > 0 and sum(each[2] for each in self._minute) / together > WORKS_FROM

    def _forget(self) -> None:
        """What is not needed for a whole minute."""
        together = sum(each[0] for each in self._minute)
        while together - self._minute[0][0] >= SUSTAINED_S:
            together -= self._minute.popleft()[0]
