"""How far long work is, where a person looks on; nothing in scripts and pipes, nor for what is over at once.

In a notebook a light bar of HTML, in a terminal a line on stderr; both are gone when the work is done. A thread draws,
so that work which says nothing for a while still shows how long it has lasted.
"""

from __future__ import annotations

import contextvars
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol, TextIO
from uuid import uuid4

from data_access.config import Settings

_QUIET_S = 1.0  # what is over by then shows nothing
_EACH_S = 0.25
_LOG_EACH_S = 10.0  # where lines can't be taken back: only with progress=True
_LINE = 24  # characters of a terminal's bar


@dataclass(frozen=True)
class Shown:
    """One moment of the work. `share` is between 0 and 1, None where the end is not known."""

    title: str
    share: float | None
    facts: str

    @property
    def percent(self) -> str:
        return "" if self.share is None else f"{int(self.share * 100)} %"

    @property
    def told(self) -> str:
        return " · ".join(part for part in (self.percent, self.facts) if part)


class _Screen(Protocol):
    def show(self, moment: Shown) -> None: ...

    def clear(self) -> None: ...


class Progress:
    """Counts steps, bytes and rows; safe for threads, and free of cost where nobody looks on."""

    def __init__(self, title: str, size: int | None = None, rows: int | None = None, steps: int = 0) -> None:
        self._title, self._size, self._of_rows, self._steps = title, size, rows, steps
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._step, self._name = 0, ""
        self.bytes = self.rows = 0

    def advance(self, size: int = 0, rows: int = 0) -> None:
        """`size` more stored bytes and `rows` more rows are done."""
        with self._lock:
            self.bytes += size
            self.rows += rows

    def total(self, size: int | None) -> None:
        """Known later than the start, of a download."""
        with self._lock:
            self._size = size

    def step(self, name: str, size: int | None = None) -> None:
        """The next step begins; of `size` bytes, where it is a transfer."""
        with self._lock:
            self._step, self._name = self._step + 1, name
            self._size, self.bytes, self.rows = size, 0, 0

    def now(self) -> Shown:
        """Rows tell the share where their number is known, else bytes; with steps, each counts the same."""
        from data_access.discover.words import size

        with self._lock:
            share = _share(self.rows, self._of_rows)
            share = _share(self.bytes, self._size) if share is None else share
            if self._steps:
                share = min(1.0, (max(0, self._step - 1) + (share or 0.0)) / self._steps)
            facts = [
                _of(f"{self.rows:,}", f"{self._of_rows:,}" if self._of_rows else "") + " rows" if self.rows else "",
                _of(size(self.bytes), size(self._size) if self._size else "") if self.bytes else "",
                _time(time.monotonic() - self._began),
            ]
            title = f"{self._title}: {self._name}" if self._name else self._title
            return Shown(title, share, " · ".join(fact for fact in facts if fact))


def _share(done: int, total: int | None) -> float | None:
    return min(1.0, done / total) if total else None


def _of(done: str, total: str) -> str:
    return f"{done} of {total}" if total else done


def _time(seconds: float) -> str:
    minutes, left = divmod(int(seconds), 60)
    return f"{minutes}:{left:02d} min" if minutes else f"{left} s"


@contextmanager
def progress(  # noqa: PLR0913 - what is known of the work beforehand
    settings: Settings,
    title: str,
    *,
    size: int | None = None,
    rows: int | None = None,
    steps: int = 0,
    shown: bool | None = None,
) -> Iterator[Progress]:
    """For a `with` block: `size` in stored bytes, `rows`, or the number of `steps`, where they are known.

    `shown` is what the call says; else the settings do, else it depends on who looks on.
    """
    made = Progress(title, size, rows, steps)
    screen = _screen(settings.progress if shown is None else shown)
    if screen is None:
        yield made
        return
    over = threading.Event()
    # In the caller's context: a kernel finds the cell that output belongs to there.
    drawing = threading.Thread(
        target=contextvars.copy_context().run, args=(_draw, made, screen, over), name="progress", daemon=True
    )
    drawing.start()
    try:
        yield made
    finally:
        over.set()
        drawing.join()


def _draw(work: Progress, screen: _Screen, over: threading.Event) -> None:
    if over.wait(_QUIET_S):
        return
    try:
        while True:
            screen.show(work.now())
            if over.wait(_EACH_S):
                break
        screen.clear()
    except (OSError, ValueError):  # nobody looks on any more: the terminal was closed
        return


def _screen(wanted: bool | None) -> _Screen | None:
    """A notebook, a terminal, or, only where it is asked for, the lines of a log."""
    if wanted is False:
        return None
    shell = sys.modules.get("IPython")
    if shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None:
        return _Notebook()
    if sys.stderr is None:
        return None
    if sys.stderr.isatty():
        return _Terminal(sys.stderr)
    return _Log(sys.stderr) if wanted else None


class _Notebook:
    """HTML that Jupyter replaces in place; it needs no widgets, and takes the theme's colours."""

    def __init__(self) -> None:
        self._id = uuid4().hex
        self._last: Shown | None = None

    def show(self, moment: Shown) -> None:
        if moment != self._last:
            told = f"{moment.title} {moment.told}"
            self._put({"text/html": html(moment), "text/plain": told}, update=self._last is not None)
            self._last = moment

    def clear(self) -> None:
        self._put({"text/html": "", "text/plain": ""}, update=True)

    def _put(self, data: dict[str, str], *, update: bool) -> None:
        from IPython import display

        show: Any = display.display
        show(data, raw=True, display_id=self._id, update=update)


def html(moment: Shown) -> str:
    """One line: title, bar, facts; without a known end, no bar."""
    bar = ""
    if moment.share is not None:
        percent = int(moment.share * 100)
        bar = (
            f'<span role="progressbar" aria-label="{escape(moment.title)}" aria-valuenow="{percent}"'
            ' style="flex:0 1 16em;height:6px;border-radius:3px;overflow:hidden;background:rgba(128,128,128,.3)">'
            f'<span style="display:block;height:100%;width:{moment.share:.1%};border-radius:3px;'
            'background:var(--jp-brand-color1,#1976d2)"></span></span>'
        )
    return (
        '<div style="display:flex;flex-wrap:wrap;align-items:center;gap:.2em .8em;padding:.2em 0;'
        'font-family:var(--jp-ui-font-family,sans-serif);font-size:13px">'
        f"<span>{escape(moment.title)}</span>{bar}"
        f'<span style="opacity:.75;font-variant-numeric:tabular-nums">{escape(moment.told)}</span></div>'
    )


class _Terminal:
    """One line, written over again and taken away at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, moment: Shown) -> None:
        bar = ""
        if moment.share is not None:
            done = int(moment.share * _LINE)
            bar = f" {'█' * done}{'░' * (_LINE - done)}"
        line = f"{moment.title}{bar} {moment.told}"
        self._write(f"\r\x1b[K{line[: shutil.get_terminal_size((100, 24)).columns - 1]}")

    def clear(self) -> None:
        self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class _Log:
    """Lines that stay, now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = 0.0

    def show(self, moment: Shown) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _LOG_EACH_S
            self._stream.write(f"{moment.title} {moment.told}\n")
            self._stream.flush()

    def clear(self) -> None:
        return
