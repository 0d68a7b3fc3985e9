"""What people want, before anything is decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from profiles.choice import MachineChoice
from profiles.person import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody comes and wants a machine for a while.

    Who is refused asks again after `retries_after`; who waits for room waits; whoever has no machine once `patience`
    is over goes away. `forgets`: it is left running when the work is done, until it is stopped for idleness.
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

    @property
    def goes_away_at(self) -> datetime:
        return self.comes_at + self.patience
