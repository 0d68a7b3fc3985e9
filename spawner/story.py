"""What a start is doing, told once and read by any number of progress pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True)
class Line:
    """One thing to tell. `percent` None leaves the bar where it is."""

    sentence: str
    remedy: str = ""
    percent: int | None = None
    reason: str = ""

    @property
    def message(self) -> str:
        return f"{self.sentence} {self.remedy}".strip()

    def event(self) -> dict[str, Any]:
        """As JupyterHub's progress stream wants it."""
        event: dict[str, Any] = {"message": self.message}
        html = escape(self.sentence)
        if self.remedy:
            html += f" <small>{escape(self.remedy)}</small>"
        event["html_message"] = html
        if self.percent is not None:
            event["progress"] = self.percent
        if self.reason:
            event["reason"] = self.reason
        return event


class Story:
    """Append-only; a reader who comes late hears it from the beginning."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._turn = asyncio.Event()
        self._ended = False

    @property
    def last(self) -> Line | None:
        return self._lines[-1] if self._lines else None

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(self._lines)

    def tell(self, line: Line) -> None:
        """Add a line, unless it only repeats the last one. The bar never goes backwards."""
        highest = max((each.percent for each in self._lines if each.percent is not None), default=0)
        if line.percent is not None and line.percent < highest:
            line = Line(line.sentence, line.remedy, highest, line.reason)
        last = self.last
        if last is not None and (last.sentence, last.remedy, last.percent) == (
            line.sentence,
            line.remedy,
            line.percent,
        ):
            return
        self._lines.append(line)
        self._wake()

    def end(self) -> None:
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()

    async def read(self) -> AsyncIterator[Line]:
        at = 0
        while True:
            turn = self._turn
            while at < len(self._lines):
                yield self._lines[at]
                at += 1
            if self._ended:
                return
            await turn.wait()
