"""What pages and REST do with reservations: the machine is looked up here, on the Hub's side; what was sent is a
choice, a time and a text."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hub_extensions.audit.entry import Way
from hub_extensions.notices.post import cleaned
from hub_extensions.reservations.change import Change
from hub_extensions.reservations.decide import Booking
from hub_extensions.reservations.store import LOOK_BACK, Reservations
from hub_extensions.reservations.words import NotPossible
from profiles.choice import MachineChoice
from profiles.lease import Request
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.policy import Policies
from profiles.refusal import Refusal
from profiles.reservations import Reservation
from profiles.resolve import resolve
from profiles.slots import Span

#: So far a search looks, from where it begins.
SEARCHED = timedelta(days=14)
#: What pages show of the past.
FEED_BACK = timedelta(days=30)


@dataclass(frozen=True)
class Desk:
    """`gate` is the Hub's. `way` is how the person came."""

    gate: Any
    catalog: Catalog
    me: Person
    way: Way

    @property
    def reservations(self) -> Reservations:
        return Reservations(self.gate.store)

    @property
    def policies(self) -> Policies:
        return self.catalog.policies

    def request(self, choice: MachineChoice) -> tuple[Request, MachinePlan] | NotPossible:
        outcome = resolve(self.catalog, choice, self.me)
        if isinstance(outcome, Refusal):
            return NotPossible.of(outcome)
        return Request.of("", self.me, "", outcome), outcome

    def booking(
        self, choice: MachineChoice, begins_at: datetime, ends_at: datetime, note: str = ""
    ) -> Booking | NotPossible:
        asked = self.request(choice)
        if isinstance(asked, NotPossible):
            return asked
        request, plan = asked
        options: Mapping[str, str] = plan.options
        return Booking(
            id=uuid.uuid4().hex,
            request=request,
            begins_at=begins_at,
            ends_at=ends_at,
            options=options,
            note=one_line(note),
        )

    async def book(self, said: Booking, now: datetime) -> Reservation | NotPossible:
        made: Reservation | NotPossible = await self.gate.call(self.reservations.book, said, self.policies, now)
        return made

    async def proposed(
        self, said: Booking, now: datetime, until: datetime | None = None
    ) -> tuple[Span, ...] | NotPossible:
        last = until or max(said.begins_at, now) + SEARCHED
        found: tuple[Span, ...] | NotPossible = await self.gate.call(
            self.reservations.proposed, said, self.policies, last, now
        )
        return found

    async def change(
        self, reservation_id: str, said: Change, now: datetime, *, acts_for_all: bool = False
    ) -> Reservation | NotPossible:
        if said.note is not None:
            said = replace(said, note=one_line(said.note))
        changed: Reservation | NotPossible = await self.gate.call(
            self.reservations.change,
            reservation_id,
            said,
            self.me.name,
            self.request,
            self.policies,
            now,
            self.way,
            acts_for_all=acts_for_all,
        )
        self.gate.freed.set()  # what it no longer needs
        return changed

    async def end(
        self, reservation_id: str, now: datetime, *, acts_for_all: bool, reason: str | None = None
    ) -> Reservation | NotPossible:
        ended: Reservation | NotPossible = await self.gate.call(
            self.reservations.end,
            reservation_id,
            self.me.name,
            self.policies,
            now,
            self.way,
            acts_for_all=acts_for_all,
            reason=None if reason is None else one_line(reason),
        )
        self.gate.freed.set()  # who waits in line may have it
        return ended

    async def mine(self, now: datetime) -> tuple[Reservation, ...]:
        found: tuple[Reservation, ...] = await self.gate.call(
            self.reservations.of_user, self.me.name, now - LOOK_BACK
        )
        return found

    async def between(self, since: datetime, until: datetime) -> tuple[Reservation, ...]:
        found: tuple[Reservation, ...] = await self.gate.call(self.reservations.between, since, until)
        return found


def one_line(text: str) -> str:
    return " ".join(cleaned(text).split())
