"""Whom would these rules have refused: a ledger's starts once more, through the same decision. Pure.

What the rules refuse did not run: it is in nobody's way afterwards, and takes nothing from a budget. What they stop
earlier is over earlier. Nobody asks a second time here: what people would have done instead, no ledger knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from profiles.admission import Deny, decide, lease_of
from profiles.cost import charge
from profiles.lease import Charge, Entry, LeaseState, Request
from profiles.lease_book import LeaseBook
from profiles.model import Catalog
from profiles.refusal import Refusal
from profiles.simulation.agenda import Agenda, Turn
from profiles.simulation.history import Choices, person_of
from profiles.simulation.outcome import Refused
from profiles.simulation.overdraft import Overdraft
from profiles.simulation.spending import Spending
from profiles.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class RefusedStart:
    """A run that had not been."""

    entry: Entry
    refused: Refused


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


def replay(entries: Iterable[Entry], catalog: Catalog, admins: frozenset[str] = frozenset()) -> Replayed:
    """Prices and amounts are the ledger's; who may use a machine, how long it may run, and all rules the catalog's."""
    again = _Replay(catalog, admins)
    runs = sorted(entries, key=lambda entry: (entry.lease.held_at, entry.lease.id))
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
    def __init__(self, catalog: Catalog, admins: frozenset[str]) -> None:
        self.catalog, self.admins = catalog, admins
        self.choices = Choices(catalog)
        self.agenda, self.book, self.spending = Agenda(), LeaseBook(), Spending(catalog.policies)
        self.overdraft = Overdraft(self.agenda, self.book, self.spending, self.ends)
        self.running: dict[str, Entry] = {}
        self.refused: list[RefusedStart] = []
        self.cut_short: list[CutShort] = []
        self.charged = Charge()

    def starts(self, entry: Entry, now: datetime) -> None:
        person = person_of(entry.lease, self.admins)
        plan = self.choices.plan(entry.lease, person)
        if isinstance(plan, Refusal):
            self._refuse(entry, entry.lease.profile, plan, now)
            return
        today = Request.of(entry.lease.id, person, entry.lease.server, plan)
        request = replace(today, amounts=entry.lease.amounts, price_per_hour=entry.lease.price_per_hour)
        snapshot = Snapshot(self.book, self.spending.of(request, now))
        decision = decide(request, snapshot, self.catalog.policies, now)
        if isinstance(decision, Deny):
            self._refuse(entry, decision.rule, decision.refusal, now)
            return
        lease = lease_of(request, decision, now)
        self.book.put(lease)
        self.running[lease.id] = entry
        began, ended = entry.lease.began_at, entry.ended_at
        if began is not None:
            if lease.longest is not None:
                ended = min(ended, began + lease.longest)
            self.agenda.put(began, Turn.BEGINS, partial(self.begins, entry))
        self.agenda.put(ended, Turn.ENDS, partial(self.ends, lease.id))

    def _refuse(self, entry: Entry, rule: str, refusal: Refusal, now: datetime) -> None:
        self.refused.append(RefusedStart(entry, Refused(now, rule, refusal.reason, refusal.sentence)))

    def begins(self, entry: Entry, now: datetime) -> None:
        lease = self.book.get(entry.lease.id)
        if lease is not None:
            self.book.put(replace(lease, state=LeaseState.RUNNING, began_at=now))
            self.overdraft.look(lease.id, now)

    def ends(self, lease_id: str, now: datetime) -> None:
        """Nothing happens where it was stopped before."""
        entry, lease = self.running.pop(lease_id, None), self.book.remove(lease_id)
        if entry is None or lease is None:
            return
        if now < entry.ended_at:
            self.cut_short.append(CutShort(entry, now))
        if lease.began_at is None and entry.lease.began_at is not None:
            lease = replace(lease, state=LeaseState.RUNNING, began_at=entry.lease.began_at)
        used = charge(lease, lease.ran(now))
        self.charged += used
        self.spending.add(Entry(lease=lease, ended_at=now, reason=entry.reason, charge=used))
