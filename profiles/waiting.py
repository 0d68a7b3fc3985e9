"""People who wait in line for something that others have. Pure values; `admission` counts who comes before whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from profiles.amounts import Amounts, total
from profiles.frozen import EMPTY
from profiles.lease import Request
from profiles.pots import Pot


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A place in line for one server. `request.lease_id` is no start's: a start has an id of its own.

    `pot` is what it waits for, as of the last look: only there does it come before others. None: something that is
    not shared, such as hours or a budget. `kept_until`: it was called, and until then the machine is kept for it (its
    lease is `KEPT`). `starts_itself`: the hub starts the machine when it is called.
    """

    id: str
    request: Request
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    joined_at: datetime
    starts_itself: bool = False
    pot: Pot | None = None
    kept_until: datetime | None = None

    def is_for(self, request: Request) -> bool:
        return (self.request.person.name, self.request.server) == (request.person.name, request.server)


def before(line: Iterable[Waiting], request: Request) -> Iterator[Waiting]:
    """Who comes before this request: all who wait, or those before its own place. Who was called holds a machine
    already, and waits no more."""
    for waiting in line:
        if waiting.is_for(request):
            return
        if waiting.kept_until is None:
            yield waiting


def wanted_before(line: Iterable[Waiting], request: Request, pot: Pot) -> tuple[int, Amounts]:
    """How many come before this request for what is in the pot, and how much they want."""
    ahead = [waiting.request.amounts for waiting in before(line, request) if waiting.pot == pot]
    return len(ahead), total(ahead)
