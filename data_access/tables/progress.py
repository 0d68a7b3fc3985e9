"""A bar on long work, where a person looks on; nothing in scripts and for what is over at once."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from data_access.config import Settings

_QUIET_S = 1.0  # what is over by then needs no bar


class Progress:
    """Counts bytes and rows; safe for threads. The bar appears after a second, and only when somebody looks on."""

    def __init__(self, title: str, total: int | None, *, shown: bool) -> None:
        self._title, self._total, self._shown = title, total, shown
        self._began = time.monotonic()
        self._bar: Any = None
        self._lock = threading.Lock()
        self.bytes = self.rows = 0

    def advance(self, size: int, rows: int) -> None:
        """`size` more bytes and `rows` more rows are done."""
        with self._lock:
            self.bytes += size
            self.rows += rows
            if not self._shown or time.monotonic() - self._began < _QUIET_S:
                return
            if self._bar is None:
                self._bar = _bar(self._title, self._total)
            self._bar.set_postfix_str(f"{self.rows:,} rows", refresh=False)
            self._bar.update(self.bytes - self._bar.n)

    def close(self) -> None:
        with self._lock:
            if self._bar is not None:
                self._bar.close()


@contextmanager
def progress(settings: Settings, title: str, total: int | None) -> Iterator[Progress]:
    """For a `with` block; `total` in bytes, where it is known."""
    made = Progress(title, total, shown=settings.progress if settings.progress is not None else watched())
    try:
        yield made
    finally:
        made.close()


def watched() -> bool:
    """Whether a person looks on: a notebook, or a terminal."""
    shell = sys.modules.get("IPython")
    if shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell":
        return True
    return sys.stderr is not None and sys.stderr.isatty()


def _bar(title: str, total: int | None) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=total, desc=title, unit="B", unit_scale=True, unit_divisor=1024, leave=False)
