"""What became of a simulated day: every visit's story, every run, how full pools were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from profiles.lease import Entry
from profiles.model import Catalog
from profiles.reservations import Reservation
from profiles.simulation.visit import Visit


class Fate(StrEnum):
    """How a visit went."""

    SERVED = "served"
    LOST = "lost"
    """Refused until it was given up."""
    LEFT = "left-the-line"
    """Stood in line, and went away before it was called."""
    MISSED = "missed-the-call"
    """Called from the line, and did not come while the machine was kept."""
    GAVE_UP = "gave-up"
    """Admitted, and no room was found in time."""


@dataclass(frozen=True, slots=True)
class Refused:
    """`rule` is the id of the quota, budget or approval; of the profile or pool where these refused."""

    at: datetime
    rule: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`waited` is from the first click until there was room: tries that were refused, the line, and the time until
    somebody said yes (`asked`) included. Who never stood in line has no `joined_at`."""

    visit: Visit
    fate: Fate
    pool: str = ""
    refusals: tuple[Refused, ...] = ()
    asked: bool = False
    joined_at: datetime | None = None
    called_at: datetime | None = None
    waited: timedelta | None = None
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A pool from this moment until the next one."""

    at: datetime
    machines: int
    share: float
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`begin` and `end` are the span that is looked at; runs that begin in it may end later. So many who wanted to
    reserve something could not: `not_reserved`. `line`: how many stood in line from which moment on, not counting those
    who were called."""

    catalog: Catalog
    begin: datetime
    end: datetime
    stories: tuple[Story, ...]
    pools: dict[str, tuple[Moment, ...]]
    limited: frozenset[str]
    line: tuple[tuple[datetime, int], ...] = ()
    reservations: tuple[Reservation, ...] = ()
    not_reserved: int = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The ledger of this day, oldest end first."""
        ended = [story.entry for story in self.stories if story.entry is not None]
        return tuple(sorted(ended, key=lambda entry: (entry.ended_at, entry.lease.id)))
