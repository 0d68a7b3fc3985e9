"""Looks at the machine every few seconds, in a thread of its own: a busy server measures itself all the same."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from lab_extension.measuring.cgroup import Read, container_reader
from lab_extension.measuring.gpus import NoGpus, Nvml
from lab_extension.measuring.processes import ProcessTree
from lab_extension.measuring.reading import GpuReading
from lab_extension.measuring.tally import Figures, Tally

log = logging.getLogger(__name__)

EVERY_S = 2.0
#: Where a look is dear (hundreds of processes), looks become rarer, so that they never take more of a core than this.
SHARE = 0.001
RAREST_S = 30.0


class Sampler:
    def __init__(self, read: Read, gpus: Nvml | None = None, every_s: float = EVERY_S) -> None:
        self._read, self._gpus, self._every_s = read, gpus, every_s
        self._tally, self._lock, self._over = Tally(), threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._look_for_ever, name="remuda: measuring", daemon=True)
        #: What looking has cost so far, in seconds of a core.
        self.cost_s = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()

    def look(self, longest_s: float = 3 * RAREST_S) -> None:
        """One look, now."""
        gpus = self._gpu_reading()
        reading, at_s = self._read(), time.monotonic()
        with self._lock:
            self._tally.add(at_s, reading, gpus, longest_s)

    def figures(self) -> dict[str, float]:
        with self._lock:
            return self._tally.figures.to_dict()

    @property
    def gpu_works(self) -> bool:
        with self._lock:
            return self._tally.gpu_works

    def _gpu_reading(self) -> GpuReading | None:
        if self._gpus is None:
            return None
        try:
            return self._gpus.read()
        except NoGpus as e:
            log.warning("GPUs can no longer be asked: %s", e)
            self._gpus = None
            return None

    def _look_for_ever(self) -> None:
        begun_s, failed = time.thread_time(), False
        wait_s = self._every_s
        while not self._over.is_set():
            before_s = time.thread_time()
            try:
                self.look(longest_s=3 * wait_s + 1)
            except Exception:
                if not failed:
                    log.exception("What this machine uses could not be measured; tried again every %s s", wait_s)
                failed = True
            now_s = time.thread_time()
            self.cost_s = now_s - begun_s
            wait_s = min(RAREST_S, max(self._every_s, (now_s - before_s) / SHARE))
            self._over.wait(wait_s)


def sampler_for(environ: Mapping[str, str], machine: Mapping[str, Any] | None) -> Sampler:
    """On a cluster the container is the machine, and nobody else is in it; elsewhere only our own processes are ours,
    and the computer's GPUs belong to nobody in particular."""
    container = container_reader() if environ.get("KUBERNETES_SERVICE_HOST") else None
    gpus = None
    if container is not None and machine is not None and machine.get("gpus"):
        try:
            gpus = Nvml()
        except NoGpus as e:
            log.warning("This machine has GPUs that cannot be asked what they do: %s", e)
    return Sampler(container or ProcessTree().read, gpus)


__all__ = ["Figures", "Sampler", "sampler_for"]
