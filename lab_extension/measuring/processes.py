"""The figures of a tree of processes, for a server that has no container to itself (`make run`)."""

from __future__ import annotations

import os

import psutil

from lab_extension.measuring.reading import Reading


class ProcessTree:
    """This process and everything that it started, kernels and terminals included.

    A process takes the time of its own ended children with it, so the sum over those that live misses nothing but what
    somebody else adopted; where the sum shrinks by that, the count stands still instead of turning back.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._root = psutil.Process(os.getpid() if pid is None else pid)
        self._counted = self._seen = 0.0

    def read(self) -> Reading:
        total, memory = 0.0, 0
        for process in (self._root, *self._root.children(recursive=True)):
            try:
                with process.oneshot():
                    times, sizes = process.cpu_times(), process.memory_info()
            except psutil.Error:
                continue  # it ended meanwhile
            total += times.user + times.system + times.children_user + times.children_system
            memory += max(0, sizes.rss - getattr(sizes, "shared", 0))  # libraries that all share count for none
        self._counted += max(0.0, total - self._seen)
        self._seen = total
        return Reading(self._counted, memory)
