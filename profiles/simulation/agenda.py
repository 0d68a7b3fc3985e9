"""The clock of a simulation: what happens next. Nothing here takes real time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import IntEnum
from itertools import count


class Turn(IntEnum):
    """Of what happens at the same moment, the first: what frees a place comes before who is called to it, and both
    before what takes one."""

    ENDS = 0
    BEGINS = 1
    LOOKS = 2
    COMES = 3


class Agenda:
    """Moments in order; within one moment by turn, then in the order in which they were put down."""

    def __init__(self) -> None:
        self._events: list[tuple[datetime, Turn, int, Callable[[datetime], None]]] = []
        self._number = count()

    def put(self, at: datetime, turn: Turn, event: Callable[[datetime], None]) -> None:
        heapq.heappush(self._events, (at, turn, next(self._number), event))

    def run(self) -> Iterator[datetime]:
        """Let everything happen, also what events put down; tells each moment after its event."""
        while self._events:
            at, _, _, event = heapq.heappop(self._events)
            event(at)
            yield at
