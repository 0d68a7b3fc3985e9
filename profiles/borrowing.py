"""A group's share may be lent while it is idle, and is given back on demand: newest borrower first, with notice. Pure.

Each group's share is a quota with `per: group` and `borrowing`; the quota it names with `per: hub` holds all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from profiles.amounts import Amounts, total
from profiles.booking import Borrowing
from profiles.lease import Lease, LeaveWhy, Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import Pot, QuotaPot, drawn, in_use, quota_pots
from profiles.reservations import Leave

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
    limits = dict(pot.caps.limits())
    own = dict.fromkeys(limits, 0)
    beyond: list[Lease] = []
    for lease in sorted(drawn(pot.pot, pot.quota, book), key=lambda lease: (lease.held_at, lease.id)):
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


def give_back(
    demands: Iterable[Request], policies: Policies, book: LeaseBook, now: datetime
) -> tuple[Leave, ...]:
    """Which machines are to leave so that groups that are within their own shares get what they wait for.

    `demands` in the order in which they wait. What is free and what leaves already is for the first of them; where all
    that is borrowed would not be enough for one, nothing is taken for it.
    """
    leaving: dict[str, Leave] = {}
    room: dict[Pot, dict[str, int]] = {}
    for request in demands:
        pots = tuple(quota_pots(policies, request))
        for share in pots:
            rule = borrowing_of(share, pots)
            if rule is None or not _fits(share, in_use(share, book), request.amounts):
                continue
            whole = next(pot for pot in pots if pot.pot == Pot(rule.within, "hub"))
            left = room.setdefault(whole.pot, _room(whole, book))
            taken = _take(request, left, _lent(share, whole, policies, book, leaving))
            if taken is None:
                continue
            for lease, lent_by in taken:
                leaving[lease.id] = Leave(lease, now + timedelta(seconds=lent_by.notice.seconds))
                left.update({name: n + lease.amounts.much(name) for name, n in left.items()})
            left.update({name: n - request.amounts.much(name) for name, n in left.items()})
            break
    return tuple(leaving.values())


def _room(whole: QuotaPot, book: LeaseBook) -> dict[str, int]:
    """What is free of all that is limited, with what leaves already."""
    used = in_use(whole, book)
    leaving = [each for each in drawn(whole.pot, whole.quota, book) if each.leaves_why is LeaveWhy.LENT]
    coming = total(lease.amounts for lease in leaving)
    return {name: limit - used.much(name) + coming.much(name) for name, limit in whole.caps.limits()}


def _take(
    request: Request, room: Mapping[str, int], lent: Iterable[tuple[Lease, Borrowing]]
) -> list[tuple[Lease, Borrowing]] | None:
    """As few as are needed; None where all of them are not enough."""
    short = {
        name: wanted - left for name, left in room.items() if (wanted := request.amounts.much(name)) > max(0, left)
    }
    taken: list[tuple[Lease, Borrowing]] = []
    for lease, rule in lent:
        if not short:
            break
        if any(lease.amounts.much(name) for name in short):
            taken.append((lease, rule))
            less = {name: missing - lease.amounts.much(name) for name, missing in short.items()}
            short = {name: missing for name, missing in less.items() if missing > 0}
    return None if short else taken


def _lent(
    share: QuotaPot, whole: QuotaPot, policies: Policies, book: LeaseBook, leaving: Mapping[str, Leave]
) -> list[tuple[Lease, Borrowing]]:
    """What others have borrowed from the same whole, and is not leaving already; newest first."""
    found: dict[str, tuple[Lease, Borrowing]] = {}
    for pot in _shares(policies, book):
        rule = pot.quota.borrowing
        if rule is None or rule.within != whole.pot.rule or pot.pot == share.pot:
            continue
        for lease in borrowed(pot, book):
            if lease.leaves_why is not LeaveWhy.LENT and lease.id not in leaving:
                found[lease.id] = lease, rule
    return sorted(found.values(), key=lambda each: (each[0].held_at, each[0].id), reverse=True)


def _shares(policies: Policies, book: LeaseBook) -> list[QuotaPot]:
    """The shares that machines which are out draw from."""
    rules = [rule for rule, quota in policies.quotas.items() if quota.borrowing is not None]
    if not rules:
        return []
    found: dict[Pot, QuotaPot] = {}
    for lease in book:
        for pot in quota_pots(policies, lease.request()):
            if pot.pot.rule in rules:
                found.setdefault(pot.pot, pot)
    return list(found.values())


def _fits(pot: QuotaPot, used: Amounts, wanted: Amounts) -> bool:
    return all(not (n := wanted.much(name)) or used.much(name) + n <= limit for name, limit in pot.caps.limits())
