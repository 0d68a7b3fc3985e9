"""Whom would these rules have refused: a ledger's starts once more, through the same decision. Pure.

What the rules refuse did not run: it is in nobody's way afterwards, and takes nothing from a budget. What they stop
earlier is over earlier. Nobody asks a second time or stands in line here: what people would have done instead, no
ledger knows. So nobody asks for a machine back that is lent, either; `day` plays all that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from profiles.admission import Deny
from profiles.cost import charge
from profiles.lease import Charge, EndReason, Entry, LeaseState, Request
from profiles.lease_book import BY_AGE
from profiles.model import Catalog
from profiles.refusal import Refusal
from profiles.resolve import resolve
from profiles.simulation.agenda import Agenda, Turn
from profiles.simulation.ahead import Ahead, Hooks
from profiles.simulation.books import Books
from profiles.simulation.history import Choices, person_of
from profiles.simulation.outcome import Refused
from profiles.simulation.overdraft import Overdraft
from profiles.simulation.reserving import reservable, reserve
from profiles.simulation.visit import Booking
from profiles.turns import can_wait


@dataclass(frozen=True, slots=True)
class RefusedStart:
    """A run that had not been, or later: `could_wait` in line."""

    entry: Entry
    refused: Refused
    could_wait: bool = False


@dataclass(frozen=True, slots=True)
class CutShort:
    """A run that had ended at `at`, and not when it did."""

    entry: Entry
    at: datetime

    @property
    def lost(self) -> timedelta:
        return self.entry.ended_at - self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Refusals are in the order of the starts, `cut_short` in that of the ends. `charged` is what the ledger says,
    `instead` what it had said."""

    starts: int = 0
    people: int = 0
    refused: tuple[RefusedStart, ...] = ()
    cut_short: tuple[CutShort, ...] = ()
    charged: Charge = field(default_factory=Charge)
    instead: Charge = field(default_factory=Charge)


@dataclass(frozen=True, slots=True)
class Told:
    """What a ledger does not say: who had reserved what, whether those who need a yes have it, who was an
    administrator."""

    bookings: tuple[Booking, ...] = ()
    approved: bool = False
    admins: frozenset[str] = frozenset()


def replay(entries: Iterable[Entry], catalog: Catalog, told: Told | None = None) -> Replayed:
    """Prices and amounts are the ledger's; who may use a machine, how long it may run, and all rules the catalog's."""
    again = _Replay(catalog, told or Told())
    runs = sorted(entries, key=lambda entry: BY_AGE(entry.lease))
    for booking in again.told.bookings:
        again.agenda.put(booking.made_at, Turn.COMES, partial(again.books_it, booking))
    for entry in runs:
        again.agenda.put(entry.lease.held_at, Turn.COMES, partial(again.starts, entry))
    for _ in again.agenda.run():
        pass
    return Replayed(
        starts=len(runs),
        people=len({entry.lease.user for entry in runs}),
        refused=tuple(again.refused),
        cut_short=tuple(again.cut_short),
        charged=sum((entry.charge for entry in runs), Charge()),
        instead=again.charged,
    )


class _Replay:
    def __init__(self, catalog: Catalog, told: Told) -> None:
        self.catalog, self.told = catalog, told
        self.choices = Choices(catalog)
        self.agenda, self.books = Agenda(), Books(catalog.policies)
        self.ahead = Ahead(self.agenda, self.books, Hooks(self.stops))
        self.overdraft = Overdraft(self.agenda, self.books.leases, self.books.spending, self.ends)
        self.running: dict[str, Entry] = {}
        self.refused: list[RefusedStart] = []
        self.cut_short: list[CutShort] = []
        self.charged = Charge()

    def books_it(self, booking: Booking, now: datetime) -> None:
        """What is not free, or not for them, is not reserved."""
        plan = resolve(self.catalog, booking.choice, booking.person)
        if isinstance(plan, Refusal):
            return
        request = Request.of(booking.id, booking.person, "", plan)
        pot = reservable(request, self.catalog.policies)
        if pot is None:
            return
        if self.told.approved:
            self.books.say_yes(request, now)
        made = reserve(booking, pot, request, self.books, now)
        if made is not None:
            self.ahead.reserved(made, now)

    def starts(self, entry: Entry, now: datetime) -> None:
        person = person_of(entry.lease, self.told.admins)
        plan = self.choices.plan(entry.lease, person)
        if isinstance(plan, Refusal):
            self._refuse(entry, entry.lease.profile, plan, now)
            return
        today = Request.of(entry.lease.id, person, entry.lease.server, plan)
        request = replace(today, amounts=entry.lease.amounts, price_per_hour=entry.lease.price_per_hour)
        if self.told.approved:
            self.books.say_yes(request, now)
        decision = self.books.admit(request, now)
        if isinstance(decision, Deny):
            waits = self.catalog.policies.queue.enabled and can_wait(decision)
            self._refuse(entry, decision.rule, decision.refusal, now, could_wait=waits)
            return
        lease = self.books.leases.get(request.lease_id)
        assert lease is not None, "it was admitted"
        self.running[lease.id] = entry
        self.ahead.held(lease)
        ends = [entry.ended_at]
        if entry.lease.began_at is not None:
            if lease.longest is not None:
                ends.append(entry.lease.began_at + lease.longest)
            self.agenda.put(entry.lease.began_at, Turn.BEGINS, partial(self.begins, entry))
        if lease.closes_at is not None:
            ends.append(lease.closes_at)
        self.agenda.put(min(ends), Turn.ENDS, partial(self.ends, lease.id))

    def _refuse(
        self, entry: Entry, rule: str, refusal: Refusal, now: datetime, *, could_wait: bool = False
    ) -> None:
        refused = Refused(now, rule, refusal.reason, refusal.sentence)
        self.refused.append(RefusedStart(entry, refused, could_wait))

    def begins(self, entry: Entry, now: datetime) -> None:
        lease = self.books.leases.get(entry.lease.id)
        if lease is not None:
            self.books.put(replace(lease, state=LeaseState.RUNNING, began_at=now))
            self.overdraft.look(lease.id, now)

    def stops(self, lease_id: str, reason: EndReason, now: datetime) -> None:
        """It had to make room."""
        self.ends(lease_id, now, reason)

    def ends(self, lease_id: str, now: datetime, why: EndReason | None = None) -> None:
        """Nothing happens where it was stopped before."""
        entry, lease = self.running.pop(lease_id, None), self.books.leases.get(lease_id)
        if entry is None or lease is None:
            return
        if now < entry.ended_at:
            self.cut_short.append(CutShort(entry, now))
        if lease.began_at is None and entry.lease.began_at is not None:
            lease = replace(lease, state=LeaseState.RUNNING, began_at=entry.lease.began_at)
        used = charge(lease, lease.ran(now))
        self.charged += used
        self.books.settle(Entry(lease=lease, ended_at=now, reason=why or entry.reason, charge=used))
        self.ahead.freed(lease, now)
