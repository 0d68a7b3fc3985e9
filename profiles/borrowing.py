"""A group's share may be lent while it is idle, and is given back on demand: newest borrower first, with notice. Pure.

Each group's share is a quota with `per: group` and `borrowing`; the quota it names with `per: hub` holds all of them.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from profiles.amounts import Amounts, total
from profiles.booking import Borrowing
from profiles.lease import Lease, LeaveWhy, Request
from profiles.lease_book import BY_AGE, LeaseBook
from profiles.policy import Policies, Quota
from profiles.pots import Pot, QuotaPot, drawing, in_use, own_leases, quota_pots, shares_of
from profiles.reservations import Leave
from profiles.waiting import Waiting

#: More than anybody has of anything.
ALL = 2**62


def borrowing_of(pot: QuotaPot, pots: Iterable[QuotaPot]) -> Borrowing | None:
    """By which rule this group may take more than its share, for a start that draws from all of `pots`: the whole has
    to be among them, or nothing would hold."""
    rule = pot.quota.borrowing
    if rule is None or not any(each.pot == Pot(rule.within, "hub") for each in pots):
        return None
    return rule


def may_borrow(rule: Borrowing | None, resource: str) -> int:
    """How much more than the share."""
    if rule is None:
        return 0
    return dict(rule.most.limits()).get(resource, ALL)


def borrowed(pot: QuotaPot, book: LeaseBook) -> tuple[Lease, ...]:
    """The machines that do not fit into the group's own share, newest first: who came first stands on the share."""
    used = in_use(pot, book)
    if all(used.much(name) <= limit for name, limit in pot.caps.limits()):
        return ()
    # A share's caps follow from its rule and its group.
    return book.found((pot.pot.per, pot.pot.subject), pot.quota, lambda leases: _beyond(pot, leases))


def _beyond(pot: QuotaPot, leases: Iterable[Lease]) -> tuple[Lease, ...]:
    limits = dict(pot.caps.limits())
    own = dict.fromkeys(limits, 0)
    beyond: list[Lease] = []
    for lease in sorted(drawing(pot.quota, leases), key=BY_AGE):
        takes = {name: lease.amounts.much(name) for name in limits}
        if any(n and own[name] + n > limits[name] for name, n in takes.items()):
            beyond.append(lease)
        else:
            own = {name: own[name] + n for name, n in takes.items()}
    return tuple(reversed(beyond))


def all_borrowed(policies: Policies, book: LeaseBook) -> Mapping[str, Pot]:
    """Every borrowed machine by its lease's id, with the share that it is beyond."""
    found: dict[str, Pot] = {}
    for pot in _shares(policies, book):
        for lease in borrowed(pot, book):
            found.setdefault(lease.id, pot.pot)
    return found


@dataclass(frozen=True, slots=True)
class _Draws:
    """What a request draws from: all quotas, the shares of its own groups, and the wholes that these lie within."""

    pots: tuple[QuotaPot, ...]
    shares: tuple[QuotaPot, ...]
    wholes: tuple[QuotaPot, ...]

    @classmethod
    def of(cls, request: Request, policies: Policies) -> _Draws:
        pots = tuple(quota_pots(policies, request))
        shares = [(pot, rule) for pot in pots if (rule := borrowing_of(pot, pots)) is not None]
        within = {Pot(rule.within, "hub") for _, rule in shares}
        return cls(pots, tuple(pot for pot, _ in shares), tuple(pot for pot in pots if pot.pot in within))


class _Shares:
    """What groups have left of their own shares, as those in line are given theirs one after the other."""

    def __init__(self, book: LeaseBook) -> None:
        self._book = book
        self._left: dict[Pot, dict[str, int]] = {}

    def give(self, request: Request, draws: _Draws, *, only_look: bool = False) -> tuple[QuotaPot, ...]:
        """The wholes that it draws from within all shares of its own; none where it would borrow, or has no share."""
        instead = own_leases(request, self._book)
        wants = request.amounts
        lefts = []
        for pot in draws.shares:
            if pot.pot not in self._left:
                used = in_use(pot, self._book)
                self._left[pot.pot] = {name: limit - used.much(name) for name, limit in pot.caps.limits()}
            own = total(drawn_amounts(pot, self._book, instead))
            left = self._left[pot.pot]
            if any((n := wants.much(name)) and n > much + own.much(name) for name, much in left.items()):
                return ()
            lefts.append((left, wants.beyond(own)))
        for left, takes in lefts if not only_look else ():
            left.update({name: much - takes.much(name) for name, much in left.items()})
        return draws.wholes


def owners_first(  # noqa: PLR0913, PLR0917 - what the order depends on
    line: Sequence[Waiting],
    request: Request,
    pot: Pot,
    policies: Policies,
    book: LeaseBook,
    thought: dict[object, object],
) -> Sequence[Waiting]:
    """The line as this request sees it. For what is lent, those who are within their own group's share come before
    those who would borrow: whoever was asked to give back would otherwise be the next to borrow. `thought` keeps the
    order as long as line and book stay as they are."""
    if pot.per != "hub" or not any(_lies_within(quota, pot) for quota in policies.quotas.values()):
        return line
    order = thought.get(_Order)
    if not isinstance(order, _Order) or not order.is_of(line, policies, book):
        draws = thought.get(_InLine)
        if not isinstance(draws, _InLine) or not draws.is_of(line, policies):
            draws = thought[_InLine] = _InLine.of(line, policies)
        order = thought[_Order] = _Order.of(draws, book)
    if any(waiting.is_place_of(request) for waiting in line):
        return order.line
    within = order.shares.give(request, _Draws.of(request, policies), only_look=True)
    return order.owners if within else order.line


@dataclass(frozen=True, slots=True)
class _InLine:
    """What each in the line draws from: as long as the line stays as it is, whatever starts and ends."""

    line: Sequence[Waiting]
    policies: Policies
    draws: tuple[_Draws, ...]

    @classmethod
    def of(cls, line: Sequence[Waiting], policies: Policies) -> _InLine:
        return cls(line, policies, tuple(_Draws.of(waiting.request, policies) for waiting in line))

    def is_of(self, line: Sequence[Waiting], policies: Policies) -> bool:
        return self.line is line and self.policies is policies


@dataclass(frozen=True, slots=True)
class _Order:
    """The owners of a line, and all of it with them in front."""

    made_of: _InLine
    book: LeaseBook
    changes: int
    shares: _Shares
    owners: tuple[Waiting, ...]
    line: tuple[Waiting, ...]

    @classmethod
    def of(cls, made_of: _InLine, book: LeaseBook) -> _Order:
        shares = _Shares(book)
        owners: list[Waiting] = []
        others: list[Waiting] = []
        for waiting, draws in zip(made_of.line, made_of.draws, strict=True):
            (owners if waiting.kept_until is None and shares.give(waiting.request, draws) else others).append(waiting)
        return cls(made_of, book, book.changes, shares, tuple(owners), (*owners, *others))

    def is_of(self, line: Sequence[Waiting], policies: Policies, book: LeaseBook) -> bool:
        return self.made_of.is_of(line, policies) and self.book is book and self.changes == book.changes


def _lies_within(quota: Quota, pot: Pot) -> bool:
    return quota.borrowing is not None and quota.borrowing.within == pot.rule


def give_back(
    demands: Iterable[Request], policies: Policies, book: LeaseBook, now: datetime
) -> tuple[Leave, ...]:
    """Which machines are to leave so that groups that are within their own shares get what they wait for, those that
    were told before among them: a machine that was told and is not among these may stay.

    `demands` in the order in which they wait. What is free is for the first of them; where all that is borrowed would
    not be enough for one, nothing is taken for it.
    """
    waiting = tuple(demands)
    if not waiting:  # what is lent need not be looked for
        return ()
    leaving: dict[str, Leave] = {}
    room: dict[Pot, dict[str, int]] = {}
    shares, lent = _Shares(book), _lent(policies, book)
    for request in waiting:
        draws = _Draws.of(request, policies)
        wholes = shares.give(request, draws)
        mine = {pot.pot for pot in draws.pots}
        taken: dict[str, _Lent] = {}
        enough = True
        for whole in wholes:
            left = room.setdefault(whole.pot, _room(whole, book))
            can = (each for each in lent if each.lease.id not in leaving and each.is_for(whole, mine))
            found = _take(request, left, can)
            enough = enough and found is not None
            taken.update({each.lease.id: each for each in found or ()})
        if not enough:
            continue
        for each in taken.values():
            known = each.lease.leaves_at if each.lease.leaves_why is LeaveWhy.LENT else None
            at = known or now + timedelta(seconds=each.rule.notice.seconds)
            leaving[each.lease.id] = Leave(each.lease, at)
        for whole in wholes:
            coming = total(drawn_amounts(whole, book, taken))
            left = room[whole.pot]
            left.update({name: n + coming.much(name) - request.amounts.much(name) for name, n in left.items()})
    return tuple(leaving.values())


def drawn_amounts(pot: QuotaPot, book: LeaseBook, ids: Iterable[str]) -> Iterator[Amounts]:
    """What those of these leases take from the pot that draw from it."""
    there = book.at((pot.pot.per, pot.pot.subject))
    return (lease.amounts for lease in drawing(pot.quota, (there[each] for each in ids if each in there)))


def _room(whole: QuotaPot, book: LeaseBook) -> dict[str, int]:
    """What is free of all that is limited."""
    used = in_use(whole, book)
    return {name: limit - used.much(name) for name, limit in whole.caps.limits()}


@dataclass(frozen=True, slots=True)
class _Lent:
    """A borrowed machine, the share that it is beyond, and by which rule."""

    lease: Lease
    share: Pot
    rule: Borrowing

    def is_for(self, whole: QuotaPot, mine: Container[Pot]) -> bool:
        """It is taken from that whole, and not by those who want it back."""
        about = self.share not in mine and self.rule.within == whole.pot.rule
        return about and any(drawing(whole.quota, (self.lease,)))


def _take(request: Request, room: Mapping[str, int], lent: Iterable[_Lent]) -> list[_Lent] | None:
    """As few as are needed; None where all of them are not enough."""
    wants = {name: n for name in room if (n := request.amounts.much(name))}
    short = {name: n - room[name] for name, n in wants.items() if n > room[name]}
    taken: list[_Lent] = []
    for each in lent:
        if not short:
            break
        if any(each.lease.amounts.much(name) for name in short):
            taken.append(each)
            less = {name: missing - each.lease.amounts.much(name) for name, missing in short.items()}
            short = {name: missing for name, missing in less.items() if missing > 0}
    if short:
        return None
    for each in reversed(taken[:-1]):
        rest = [other for other in taken if other is not each]
        if all(sum(other.lease.amounts.much(name) for other in rest) >= n - room[name] for name, n in wants.items()):
            taken = rest
    return taken


def _lent(policies: Policies, book: LeaseBook) -> list[_Lent]:
    """All that is borrowed: first what leaves already, then the newest."""
    found: dict[str, _Lent] = {}
    for pot in _shares(policies, book):
        if pot.quota.borrowing is not None:
            for lease in borrowed(pot, book):
                found.setdefault(lease.id, _Lent(lease, pot.pot, pot.quota.borrowing))
    newest = sorted(found.values(), key=lambda each: BY_AGE(each.lease), reverse=True)
    return sorted(newest, key=lambda each: each.lease.leaves_why is not LeaveWhy.LENT)


def _shares(policies: Policies, book: LeaseBook) -> Iterator[QuotaPot]:
    """The shares that machines which are out draw from."""
    for rule, quota in policies.quotas.items():
        if quota.borrowing is not None:
            yield from shares_of(rule, quota, book)
