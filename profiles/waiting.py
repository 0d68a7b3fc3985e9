"""People who wait in line for something that others have. Pure values; `admission` counts who comes before whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from profiles.amounts import Amounts, total
from profiles.choice import MachineChoice
from profiles.frozen import EMPTY
from profiles.lease import KEPT, Request
from profiles.pots import Pot
from profiles.quantity import Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A place in line for one server. `request.lease_id` is no start's: a start has an id of its own.

    `pot` is what it waits for, as of the last look: only there does it come before others. None: something that is
    not shared, such as hours or a budget. `kept_until`: it was called, and until then the machine is kept for it (its
    lease is `KEPT`). `starts_itself`: the hub starts the machine when it is called, for as long as was asked for
    (`run_for`).
    """

    id: str
    request: Request
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    joined_at: datetime
    starts_itself: bool = False
    pot: Pot | None = None
    kept_until: datetime | None = None
    run_for: Duration | None = None

    @property
    def choice(self) -> MachineChoice:
        """What it waits for."""
        return MachineChoice(self.request.profile, self.options, run_for=self.run_for)

    def is_for(self, request: Request) -> bool:
        return (self.request.person.name, self.request.server) == (request.person.name, request.server)

    def is_place_of(self, request: Request) -> bool:
        """Whether this request may go when it is this one's turn. A place for a small machine is none for a large one:
        that would be taken from those behind."""
        if request.lease_id == KEPT + self.id:
            return True
        mine = self.request
        same = self.is_for(request) and mine.profile == request.profile
        return same and request.amounts.beyond(mine.amounts) == Amounts()


def before(line: Iterable[Waiting], request: Request) -> Iterator[Waiting]:
    """Who comes before this request: all others who wait, or those before its own place. Who was called holds a machine
    already, and waits no more; nobody waits for themselves."""
    for waiting in line:
        if waiting.is_place_of(request):
            return
        if waiting.kept_until is None and waiting.request.person.name != request.person.name:
            yield waiting


def wanted_before(line: Iterable[Waiting], request: Request) -> dict[Pot, tuple[int, Amounts]]:
    """How many come before this request for what is in each pot, and how much they want."""
    ahead: dict[Pot, list[Amounts]] = {}
    for waiting in before(line, request):
        if waiting.pot is not None:
            ahead.setdefault(waiting.pot, []).append(waiting.request.amounts)
    return {pot: (len(wanted), total(wanted)) for pot, wanted in ahead.items()}
