"""Budgets that run out while machines run: they get their grace, then they stop. As the hub's own look at them does.

A start sets aside what its first hours cost, and what is set aside is there. Who runs longer lives on what is left, and
may share it with others: only then can a budget be used up by machines that run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from profiles.lease import Charge, Lease
from profiles.lease_book import LeaseBook
from profiles.pots import BudgetPot, Pot, budget_pots, drawn, per_hour, running_up, unit_of
from profiles.simulation.agenda import Agenda, Turn
from profiles.simulation.spending import Spending, request_of

#: At the most often. The hub looks every minute; here it is enough to be a few minutes late.
LOOKS_EVERY = timedelta(minutes=5)

Stop = Callable[[str, datetime], None]


class Overdraft:
    """`stop` ends the lease of that id."""

    def __init__(self, agenda: Agenda, book: LeaseBook, spending: Spending, stop: Stop) -> None:
        self._policies, self._agenda, self._book, self._spending = spending.policies, agenda, book, spending
        self._stop = stop
        self._known: set[Pot] = set()

    def look(self, lease_id: str, now: datetime) -> None:
        """To be called when it begins. Comes again while it runs, not before one of its budgets can be used up at the
        pace of this moment: whoever makes it faster begins, and so looks."""
        lease = self._book.get(lease_id)
        if lease is None or lease.began_at is None or not self._policies.budgets:
            return
        pots = [pot for pot in budget_pots(self._policies, request_of(lease), now) if per_hour(pot.budget, lease)]
        again = []
        for pot, used in self._used(pots, lease, now):
            if used >= pot.limit and pot.pot not in self._known:
                self._known.add(pot.pot)
                grace = timedelta(seconds=pot.budget.grace.seconds)
                self._agenda.put(now + grace, Turn.ENDS, partial(self._grace_is_over, pot.pot, lease))
            pace = sum((per_hour(pot.budget, each) for each in drawn(pot.pot, pot.budget, self._book)), Decimal(0))
            again.append(now + max(LOOKS_EVERY, _hours((pot.limit - used) / pace)))
        if again:
            self._agenda.put(min(again), Turn.ENDS, partial(self.look, lease_id))

    def _grace_is_over(self, pot: Pot, first: Lease, now: datetime) -> None:
        """Unless a new window has begun meanwhile."""
        self._known.discard(pot)
        pots = [each for each in budget_pots(self._policies, request_of(first), now) if each.pot == pot]
        for each, used in self._used(pots, first, now):
            if used >= each.limit:
                for lease in list(drawn(pot, each.budget, self._book)):
                    if lease.began_at is not None and per_hour(each.budget, lease):
                        self._stop(lease.id, now)

    def _used(self, pots: list[BudgetPot], lease: Lease, now: datetime) -> Iterator[tuple[BudgetPot, Decimal]]:
        spent = self._spending.of(request_of(lease), now)
        for pot in pots:
            used = unit_of(pot.budget, spent.get(pot.pot, Charge())) + running_up(pot, self._book, now)
            yield pot, used


def _hours(hours: Decimal) -> timedelta:
    """A year at most: no simulation is longer, and a budget may be."""
    return timedelta(seconds=int(min(hours, Decimal(8766)) * 3600))
