"""How far a transfer is, where a person looks on."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from data_access.workspace import Workspace


class Advanced:
    """Call it with bytes; from any thread."""

    def __init__(self, bar: Any = None) -> None:
        self._bar, self._lock = bar, threading.Lock()

    def __call__(self, count: int) -> None:
        if self._bar is not None:
            with self._lock:
                self._bar.update(count)

    def total(self, size: int | None) -> None:
        """Known later than the start, of a download."""
        if self._bar is not None and size is not None:
            with self._lock:
                self._bar.reset(size)


def wanted(workspace: Workspace, progress: bool | None) -> bool:
    """As the call says, else the settings, else where there is a terminal or a notebook."""
    for said in (progress, workspace.settings.progress):
        if said is not None:
            return said
    return sys.stderr.isatty() or "ipykernel" in sys.modules


@contextmanager
def bar(workspace: Workspace, what: str, total: int | None, progress: bool | None) -> Iterator[Advanced]:
    """Bytes, of `total` where that is known."""
    if not wanted(workspace, progress):
        yield Advanced()
        return
    from tqdm.auto import tqdm

    # Half a second: what is done sooner shows nothing.
    with tqdm(total=total, desc=what, unit="B", unit_scale=True, delay=0.5, leave=False, disable=False) as shown:
        yield Advanced(shown)
