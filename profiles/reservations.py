"""Machines promised to somebody from … until …. Pure: what is promised when, and what has to be clear for it.

What can be reserved is a pot (`policy.reservations`): all that runs in it and all that is reserved from it stay within
what there is. Whoever has reserved takes from the reservation first, whichever machine of the pot it is; everybody else
may use what is reserved until shortly before it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from profiles.amounts import Amounts, total
from profiles.booking import Reservable
from profiles.frozen import EMPTY
from profiles.lease import Lease, LeaveWhy, Request
from profiles.lease_book import LeaseBook
from profiles.pots import ReservedPot, drawn, own_leases


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """`amounts` of the pot `rule`, for one person. `profile` and `display_name` say which machine it was made for; any
    machine of the pot may take it up. `taken_at` is when the first one did, `over_at` when it was cancelled or
    released before its end, and `over_by` by whom; empty: by the hub, because nobody came. Times are aware UTC."""

    id: str
    rule: str
    user: str
    groups: frozenset[str]
    profile: str
    display_name: str
    amounts: Amounts
    begins_at: datetime
    ends_at: datetime
    made_at: datetime
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    note: str = ""
    taken_at: datetime | None = None
    over_at: datetime | None = None
    over_by: str = ""

    def stands(self, now: datetime) -> bool:
        """Neither over nor given up."""
        return self.over_at is None and now < self.ends_at

    def holds(self, at: datetime, clear_before: timedelta = timedelta(0)) -> bool:
        """Whether what it needs has to be free at that moment."""
        return self.over_at is None and self.begins_at - clear_before <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Leave:
    """This machine has to be gone at that moment."""

    lease: Lease
    at: datetime


def clear_time(reservable: Reservable) -> timedelta:
    return timedelta(seconds=reservable.clear_before.seconds)


def for_others(
    pot: ReservedPot,
    reservations: Iterable[Reservation],
    leases: Iterable[Lease],
    user: str,
    at: datetime,
) -> Amounts:
    """What has to be free for others than `user` at that moment, beyond what their own machines (of `leases`) take."""
    clear = clear_time(pot.quota)
    promised: dict[str, Amounts] = {}
    for each in reservations:
        if each.user != user and each.rule == pot.pot.rule and each.holds(at, clear):
            promised[each.user] = promised.get(each.user, Amounts()) + each.amounts
    if not promised:
        return Amounts()
    taken: dict[str, Amounts] = {}
    for lease in leases:
        if lease.user in promised:
            taken[lease.user] = taken.get(lease.user, Amounts()) + lease.amounts
    return total(amounts.beyond(taken.get(name, Amounts())) for name, amounts in promised.items())


def clear_from(
    pot: ReservedPot,
    reservations: Sequence[Reservation],
    book: LeaseBook,
    request: Request,
    now: datetime,
) -> datetime | None:
    """When this machine would have to be gone, because what it takes is reserved by others from then on; None: never.

    Machines whose end is known are gone by then; all others are taken to run on.
    """
    begins = _clearings(pot, reservations, request.person.name, now)
    if not begins:
        return None
    instead = own_leases(request, book)
    leases = [lease for lease in drawn(pot.pot, pot.quota, book) if lease.id not in instead]
    for moment in begins:
        staying = [lease for lease in leases if lease.ends_at is None or lease.ends_at > moment]
        promised = for_others(pot, reservations, staying, request.person.name, moment)
        needed = total((*(lease.amounts for lease in staying), promised))
        if not _fits(pot, needed, request.amounts):
            return moment
    return None


def _clearings(
    pot: ReservedPot, reservations: Iterable[Reservation], user: str, now: datetime
) -> list[datetime]:
    """When something of others begins to be kept clear, soonest first."""
    clear = clear_time(pot.quota)
    moments = {
        each.begins_at - clear
        for each in reservations
        if each.rule == pot.pot.rule and each.over_at is None and each.user != user
    }
    return sorted(moment for moment in moments if moment > now)


def _fits(pot: ReservedPot, needed: Amounts, wanted: Amounts) -> bool:
    return all(
        not wanted.much(name) or needed.much(name) + wanted.much(name) <= limit for name, limit in pot.caps.limits()
    )


def reserved_most(
    pot: ReservedPot, reservations: Iterable[Reservation], begins_at: datetime, ends_at: datetime
) -> dict[str, int]:
    """The most that is reserved at any moment of the slot, for each amount that the pot limits."""
    there = [
        each
        for each in reservations
        if each.rule == pot.pot.rule and each.over_at is None and each.begins_at < ends_at and begins_at < each.ends_at
    ]
    moments = {begins_at, *(each.begins_at for each in there if each.begins_at > begins_at)}
    sums = [total(each.amounts for each in there if each.begins_at <= at < each.ends_at) for at in moments]
    return {name: max(each.much(name) for each in sums) for name, _ in pot.caps.limits()}


def to_clear(
    pot: ReservedPot, reservations: Sequence[Reservation], book: LeaseBook, now: datetime
) -> Iterator[Leave]:
    """Which machines have to be gone before reservations begin, newest first, so that each finds what it needs.

    Nobody's that stands on a reservation of its own at that time. All of it is thought anew: a machine that was told
    and is not among these may stay, and one that is told now has the rule's `notice`.
    """
    clear = clear_time(pot.quota)
    earliest = now + timedelta(seconds=pot.quota.notice.seconds)
    told: dict[str, datetime] = {}
    upcoming = [each for each in reservations if each.rule == pot.pot.rule and each.stands(now)]
    leases = list(drawn(pot.pot, pot.quota, book))
    for moment in sorted({max(now, each.begins_at - clear) for each in upcoming}):
        staying = [lease for lease in leases if _stays(lease, told, moment)]
        protected = {each.user for each in upcoming if each.holds(moment, clear)}
        promised = for_others(pot, upcoming, staying, "", moment)
        loose = sorted(
            (lease for lease in staying if lease.user not in protected),
            key=lambda lease: (lease.held_at, lease.id),
            reverse=True,
        )
        for lease in loose:
            short = _short(pot, total((*(each.amounts for each in staying), promised)))
            if not short:
                break
            if any(lease.amounts.much(name) for name in short):
                known = lease.leaves_at if lease.leaves_why is LeaveWhy.RESERVED else None
                at = moment if known is not None and known <= moment else max(moment, earliest)
                told[lease.id] = at
                staying.remove(lease)
                yield Leave(lease, at)


def _stays(lease: Lease, told: dict[str, datetime], moment: datetime) -> bool:
    own = replace(lease, leaves_at=None).ends_at if lease.leaves_why is LeaveWhy.RESERVED else lease.ends_at
    end = min((end for end in (own, told.get(lease.id)) if end is not None), default=None)
    return end is None or end > moment


def _short(pot: ReservedPot, needed: Amounts) -> frozenset[str]:
    return frozenset(name for name, limit in pot.caps.limits() if needed.much(name) > limit)
