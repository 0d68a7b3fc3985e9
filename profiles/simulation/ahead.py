"""The look at what is promised: who is called, who makes room, which reservations nobody takes up.

As the Hub's own (`hub_extensions.admission.ahead`) it only does what `profiles.turns` decides. The Hub looks at all of
it every few seconds. Here it is looked at whenever something has changed, and only at those whom that can help: who
waits for a pot that nothing has come back to still waits. Every few minutes all are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from profiles.lease import KEPT, EndReason, Lease, LeaveWhy
from profiles.pots import Pot
from profiles.reservations import Leave, Reservation, clear_time
from profiles.simulation.agenda import Agenda, Turn
from profiles.simulation.books import Books
from profiles.turns import Step, clearings, is_news, next_step, reservation_at, spared, to_give_back
from profiles.waiting import Waiting

#: For what changes by the clock alone, such as hours and budgets.
LOOKS_EVERY = timedelta(minutes=10)
#: Whom something has come back to: a person, a group, a profile.
Place = tuple[str, str]


def _nothing(waiting: Waiting, now: datetime) -> None:
    """Nobody stands in line."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the simulation does about what is news here. `stop` ends a machine, or a start that has no machine yet."""

    stop: Callable[[str, EndReason, datetime], None]
    called: Callable[[Waiting, datetime], None] = _nothing
    missed: Callable[[Waiting, datetime], None] = _nothing


class Ahead:
    def __init__(self, agenda: Agenda, books: Books, hooks: Hooks) -> None:
        self._agenda, self._books, self._hooks = agenda, books, hooks
        self._coming: set[datetime] = set()
        self._freed: set[Place] | None = set()
        self._watches = False
        self._lends = any(quota.borrowing is not None for quota in books.policies.quotas.values())
        self._promises = self._lends or bool(books.policies.reservations)

    def freed(self, lease: Lease, now: datetime) -> None:
        """Look before anybody else comes."""
        self._come_back(*_places(lease))
        if self._promises or self._books.waiting:
            self._look_at(now)

    def line_changed(self, pot: Pot | None, now: datetime) -> None:
        """Somebody came to those who wait for this pot, or went away."""
        if pot is not None:
            self._come_back((pot.per, pot.subject))
        self._look_at(now)

    def _come_back(self, *places: Place) -> None:
        if self._freed is not None:
            self._freed.update(places)

    def held(self, lease: Lease) -> None:
        """It was granted until others need what it takes."""
        if lease.leaves_at is not None:
            self._agenda.put(lease.leaves_at, Turn.ENDS, partial(self._leaves, lease.id))

    def reserved(self, made: Reservation, now: datetime) -> None:
        """Look at it whenever something may be due."""
        self._books.reserve((*self._books.reservations, made))
        rule = self._books.policies.reservations[made.rule]
        clear = made.begins_at - clear_time(rule)
        no_show = made.begins_at + timedelta(seconds=rule.no_show.seconds)
        for at in (now, clear, made.begins_at, no_show, made.ends_at):
            if at >= now:
                self._look_at(at)
        self._freed = None

    def _look_at(self, at: datetime) -> None:
        """Several changes at one moment are one look."""
        if at not in self._coming:
            self._coming.add(at)
            self._agenda.put(at, Turn.LOOKS, self._look)

    def _look(self, now: datetime) -> None:
        self._coming.discard(now)
        self._reservations(now)
        if self._books.waiting:
            self._call(now)
        self._freed = set()
        if self._lends:
            leaves = to_give_back(self._books.in_line(), self._books.deciding(now), now)
            self._make_room(leaves, LeaveWhy.LENT)
        self._watch(now)

    def _watch(self, now: datetime) -> None:
        if self._books.waiting and not self._watches:
            self._watches = True
            self._agenda.put(now + LOOKS_EVERY, Turn.LOOKS, self._again)

    def _again(self, now: datetime) -> None:
        self._watches = False
        self._freed = None
        self._look(now)

    def _reservations(self, now: datetime) -> None:
        books = self._books
        if books.reservations:
            after = tuple(reservation_at(each, books.policies, books.leases, now) for each in books.reservations)
            if after != books.reservations:
                books.reserve(after)
        if books.policies.reservations:
            self._make_room(clearings(books.reservations, books.policies, books.leases, now), LeaveWhy.RESERVED)

    def _make_room(self, leaves: Sequence[Leave], why: LeaveWhy) -> None:
        """These leave for this reason, and of those who were told so nobody else."""
        for lease in spared(leaves, why, self._books.leases):
            self._books.put(replace(lease, leaves_at=None, leaves_why=None))
        for leave in leaves:
            if is_news(leave, why):
                self._books.put(replace(leave.lease, leaves_at=leave.at, leaves_why=why))
                self._agenda.put(leave.at, Turn.ENDS, partial(self._leaves, leave.lease.id))

    def _leaves(self, lease_id: str, now: datetime) -> None:
        """Unless it may stay meanwhile, or longer."""
        lease = self._books.leases.get(lease_id)
        if lease is not None and not lease.is_kept and lease.leaves_at is not None and lease.leaves_at <= now:
            self._hooks.stop(lease_id, EndReason.GIVEN_BACK, now)

    def _call(self, now: datetime) -> None:
        books = self._books
        for _ in range(2 * len(books.waiting) + 1):  # each is called at most once, and passed at most once
            line = replace(books.in_line(), waiting=tuple(filter(self._may_help, books.waiting)))
            step = next_step(line, books.deciding(now), now)
            if step.nothing:
                break
            self._do(step, now)

    def _may_help(self, waiting: Waiting) -> bool:
        """What all share may be free at any time, and so may what nobody shares."""
        pot = waiting.pot
        if self._freed is None or pot is None or pot.per == "hub" or waiting.kept_until is not None:
            return True
        return (pot.per, pot.subject) in self._freed

    def _do(self, step: Step, now: datetime) -> None:
        books = self._books
        after = {each.id: each for each in books.waiting}
        after.update({waiting.id: replace(waiting, pot=pot) for waiting, pot in step.moved})
        after.update({waiting.id: waiting for waiting in step.called})
        for waiting in step.passed:
            del after[waiting.id]
            place = books.remove(KEPT + waiting.id)
            if place is not None:
                self._come_back(*_places(place))
        for waiting in step.called:
            if waiting.pot is not None:
                self._come_back((waiting.pot.per, waiting.pot.subject))
        if step.place is not None:
            books.put(step.place)
        books.line(after.values())
        for waiting in step.passed:
            self._hooks.missed(waiting, now)
        for waiting in step.called:
            assert waiting.kept_until is not None, "a place is kept until then"
            self._look_at(waiting.kept_until)
            self._hooks.called(waiting, now)


def _places(lease: Lease) -> Iterator[Place]:
    yield "user", lease.user
    yield "profile", lease.profile
    yield from (("group", each) for each in lease.groups)
