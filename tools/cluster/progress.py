"""One line per finished step with its seconds; a long step also says when it starts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """What the step's line says at its end; a step that found nothing to do says so."""

    text: str = "done"


@dataclass
class Progress:
    """Lines of parallel steps come whole, in the order in which the steps end."""

    started: float = field(default_factory=time.monotonic)
    timings: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, text: str) -> None:
        with self._lock:
            print(f"[{time.monotonic() - self.started:6.1f} s] {text}", flush=True)

    @contextmanager
    def step(self, name: str, *, expect: str = "") -> Iterator[Outcome]:
        """`expect` is said at the start of a step that takes long: 'about 5 minutes'."""
        if expect:
            self.say(f"{name}: started, {expect}")
        begun = time.monotonic()
        outcome = Outcome()
        try:
            yield outcome
        except BaseException:
            self.say(f"{name}: FAILED after {time.monotonic() - begun:.1f} s")
            raise
        self.timings[name] = time.monotonic() - begun
        self.say(f"{name}: {outcome.text} ({self.timings[name]:.1f} s)")
