"""What people want, before anything is decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from profiles.choice import MachineChoice
from profiles.person import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody comes and wants a machine for a while.

    Who is refused stands in line where that helps, and else asks again after `retries_after`; who waits for room waits;
    whoever has no machine once `patience` is over goes away. Who is called from the line comes `answers_after` that;
    at once: the Hub starts the machine for them. `forgets`: it is left running when the work is done, until it is
    stopped for idleness.
    """

    id: str
    person: Person
    choice: MachineChoice
    comes_at: datetime
    works_for: timedelta
    server: str = ""
    forgets: bool = False
    patience: timedelta = timedelta(hours=1)
    retries_after: timedelta = timedelta(minutes=10)
    answers_after: timedelta = timedelta(0)

    @property
    def goes_away_at(self) -> datetime:
        return self.comes_at + self.patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Somebody wants to have a machine from … until …, and says so at `made_at`. Their visit is another matter: they
    may not come, and come all the same where nothing is free to be reserved."""

    id: str
    person: Person
    choice: MachineChoice
    made_at: datetime
    begins_at: datetime
    ends_at: datetime
