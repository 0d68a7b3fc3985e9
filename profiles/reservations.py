"""Machines promised to somebody from … until …. Pure: what is promised when, and what has to be clear for it.

What can be reserved is a pot (`policy.reservations`): all that runs in it and all that is reserved from it stay within
what there is. Whoever has reserved takes from the reservation first, whichever machine of the pot it is; everybody else
may use what is reserved until shortly before it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from profiles.amounts import Amounts, greatest, total
from profiles.booking import Reservable
from profiles.frozen import EMPTY
from profiles.lease import Lease, LeaveWhy, Request
from profiles.lease_book import BY_AGE, LeaseBook
from profiles.pots import ReservedPot, drawn, in_use, own_leases
from profiles.staying import Ends, Staying


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """`amounts` of the pot `rule`, for one person. `profile` and `display_name` say which machine it was made for; any
    machine of the pot may take it up. `taken_at` is when the first one did, `over_at` when it was cancelled or
    released before its end, and `over_by` by whom; empty: by the hub, because nobody came. `revision` counts changes of
    what was booked, `changed_at` is when the last one was made. Times are aware UTC."""

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
    revision: int = 0
    changed_at: datetime | None = None

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


def promised_to(reservations: Iterable[Reservation], at: datetime, clear: timedelta) -> dict[str, Amounts]:
    """What has to be free for each person at that moment: the most they have reserved at any moment from then until
    `clear` later. Two reservations that follow each other are one machine's, not two."""
    holding: dict[str, list[Reservation]] = {}
    for each in reservations:
        if each.holds(at, clear):
            holding.setdefault(each.user, []).append(each)
    found = {}
    for name, theirs in holding.items():
        if len(theirs) == 1:  # nearly always
            found[name] = theirs[0].amounts
            continue
        moments = {at, *(each.begins_at for each in theirs if each.begins_at > at)}
        found[name] = greatest(total(each.amounts for each in theirs if each.holds(moment)) for moment in moments)
    return found


def for_others(
    pot: ReservedPot,
    reservations: Iterable[Reservation],
    leases: Iterable[Lease],
    user: str,
    at: datetime,
) -> Amounts:
    """What has to be free for others than `user` at that moment, beyond what their own machines (of `leases`) take."""
    theirs = (each for each in reservations if each.user != user and each.rule == pot.pot.rule)
    promised = promised_to(theirs, at, clear_time(pot.quota))
    if not promised:
        return Amounts()
    taken: dict[str, Amounts] = {}
    for lease in leases:
        if lease.user in promised:
            taken[lease.user] = taken.get(lease.user, Amounts()) + lease.amounts
    return total(amounts.beyond(taken.get(name, Amounts())) for name, amounts in promised.items())


def unused(
    pot: ReservedPot, reservations: Iterable[Reservation], leases: Iterable[Lease], user: str, at: datetime
) -> Amounts | None:
    """What this person has reserved at that moment beyond what their own machines (of `leases`) take; None: nothing
    is reserved for them."""
    mine = [each.amounts for each in reservations if each.user == user and each.rule == pot.pot.rule and each.holds(at)]
    if not mine:
        return None
    return total(mine).beyond(total(lease.amounts for lease in leases if lease.user == user))


def covers(pot: ReservedPot, promised: Amounts | None, wanted: Amounts) -> bool:
    """Whether a machine of this size stands on what its person has reserved."""
    wants = {name: n for name, _ in pot.caps.limits() if (n := wanted.much(name))}
    return promised is not None and bool(wants) and all(n <= promised.much(name) for name, n in wants.items())


def clear_from(
    pot: ReservedPot,
    reservations: Sequence[Reservation],
    book: LeaseBook,
    request: Request,
    now: datetime,
) -> datetime | None:
    """When this machine would have to be gone, because what it takes is reserved by others from then on; None: never.

    Machines whose end is known are gone by then; all others are taken to run on. While it stands on a reservation of
    its own person's it need not go.
    """
    name = request.person.name
    ours = [each for each in reservations if each.rule == pot.pot.rule and each.over_at is None]
    clear = clear_time(pot.quota)
    moments = {each.begins_at - clear for each in ours if each.user != name}
    if moments:
        moments |= {each.ends_at for each in ours if each.user == name}
    if not any(moment > now for moment in moments):
        return None
    instead = own_leases(request, book)
    used = in_use(pot, book, instead)
    tight = []
    for moment in sorted(moment for moment in moments if moment > now):
        holders = promised_to((each for each in ours if each.user != name), moment, clear)
        if not _fits(pot, total((used, *holders.values())), request.amounts):
            tight.append((moment, holders))
    if not tight:
        return None  # even if everything that runs now were still there
    there = Ends(pot, (each for each in drawn(pot.pot, pot.quota, book) if each.id not in instead))
    for moment, holders in tight:
        if covers(pot, unused(pot, ours, there.of(moment, name), name, moment), request.amounts):
            continue
        promised = for_others(pot, ours, there.of(moment, *holders), name, moment)
        needed = there.much(moment)
        if any((n := request.amounts.much(name)) and needed[name] + promised.much(name) + n > limit
               for name, limit in pot.caps.limits()):  # fmt: skip
            return moment
    return None


def _fits(pot: ReservedPot, needed: Amounts, wanted: Amounts) -> bool:
    return all(
        not wanted.much(name) or needed.much(name) + wanted.much(name) <= limit for name, limit in pot.caps.limits()
    )


def to_clear(
    pot: ReservedPot, reservations: Sequence[Reservation], book: LeaseBook, now: datetime
) -> Iterator[Leave]:
    """Which machines have to be gone before reservations begin, newest first, so that each finds what it needs.

    Nobody's that stands on a reservation of its own at that time, and none that is not needed. All of it is thought
    anew: a machine that was told and is not among these may stay, and one that is told now has the rule's `notice`.
    """
    clear = clear_time(pot.quota)
    earliest = now + timedelta(seconds=pot.quota.notice.seconds)
    upcoming = [each for each in reservations if each.rule == pot.pot.rule and each.stands(now)]
    if not upcoming:
        return
    # At the end of a reservation its machine stands on nothing any more, and others' may have begun.
    moments = {max(now, each.begins_at - clear) for each in upcoming} | {each.ends_at for each in upcoming}
    used = in_use(pot, book)
    tight = []  # those at which it would not fit if everything that runs now were still there
    for moment in sorted(moments):
        promised = promised_to(upcoming, moment, clear)
        if promised and _short(pot, total((used, *promised.values()))):
            tight.append((moment, promised))
    if not tight:
        return
    there = Staying(pot, drawn(pot.pot, pot.quota, book), _own_end)
    for moment, promised in tight:
        there.pass_to(moment)
        for lease in _in_the_way(pot, promised, there):
            yield Leave(lease, _when(lease, moment, now, earliest))


def _in_the_way(pot: ReservedPot, promised: Mapping[str, Amounts], there: Staying) -> tuple[Lease, ...]:
    """Takes them from `there`."""

    def missing() -> dict[str, int]:
        theirs = {name: total(lease.amounts for lease in there.of(name)) for name in promised}
        needed = total((there.amounts(), *(amounts.beyond(theirs[name]) for name, amounts in promised.items())))
        return {name: needed.much(name) - limit for name, limit in pot.caps.limits() if needed.much(name) > limit}

    short = missing() if promised else {}
    if not short:
        return ()
    covered = {id_ for name, amounts in promised.items() for id_ in _standing_on(pot, amounts, there.of(name))}
    gone: list[Lease] = []
    for lease in there.newest_first():
        if not short:
            break
        if lease.id in covered or not any(lease.amounts.much(name) for name in short):
            continue
        there.remove(lease)
        if lease.user in promised and missing() == short:
            there.put(lease)  # what it takes would only be promised to its own person instead
            continue
        gone.append(lease)
        short = missing()
    for lease in reversed(gone[:-1]):
        there.put(lease)
        if missing() == short:
            gone.remove(lease)
        else:
            there.remove(lease)
    return tuple(gone)


def _standing_on(pot: ReservedPot, promised: Amounts, leases: Iterable[Lease]) -> Iterator[str]:
    """Of one person's machines those that stand on what they have reserved: who came first, as far as it goes."""
    left = {name: promised.much(name) for name, _ in pot.caps.limits()}
    for lease in sorted(leases, key=BY_AGE):
        takes = {name: lease.amounts.much(name) for name in left}
        if all(n <= left[name] for name, n in takes.items()):
            left = {name: n - takes[name] for name, n in left.items()}
            yield lease.id


def _when(lease: Lease, moment: datetime, now: datetime, earliest: datetime) -> datetime:
    """What somebody was told stays, unless there is more time, or notice for less of it."""
    known = lease.leaves_at if lease.leaves_why is LeaveWhy.RESERVED else None
    if lease.leaves_why is LeaveWhy.KEPT and lease.leaves_at is not None:
        return max(moment, earliest, lease.leaves_at)
    if known is None:
        return max(moment, earliest)
    if known > moment:
        return min(known, max(moment, earliest))
    return known if moment == now else moment


def _short(pot: ReservedPot, needed: Amounts) -> bool:
    return any(needed.much(name) > limit for name, limit in pot.caps.limits())


def _own_end(lease: Lease) -> datetime | None:
    """Without having to make room for a reservation."""
    return lease.ends_at if lease.leaves_why is not LeaveWhy.RESERVED else replace(lease, leaves_at=None).ends_at
