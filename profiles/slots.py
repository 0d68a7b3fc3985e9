"""When something can still be reserved: what is promised from moment to moment, and the times at which more fits. Pure.

A reservation takes what it needs from `clear_before` before its beginning on (`reservations.for_others`). So where all
there is gets reserved, two that follow each other lie that far apart: meanwhile what runs on the first one stops. One
person's own may follow at once: their machine runs through.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from zoneinfo import ZoneInfo

from profiles.amounts import Amounts, total
from profiles.hours import WorkingHours, opening
from profiles.lease import Lease
from profiles.lease_book import LeaseBook
from profiles.pots import ReservedPot, drawn, in_use
from profiles.reservations import Reservation, clear_time, for_others, promised_to
from profiles.staying import Ends

#: From … until …
Span = tuple[datetime, datetime]
HOUR = timedelta(hours=1)
#: So many slots are proposed.
PROPOSED = 5


@dataclass(frozen=True, slots=True)
class Level:
    """So much is reserved, all of that time."""

    begins_at: datetime
    ends_at: datetime
    amounts: Amounts


def levels(
    pot: ReservedPot, reservations: Iterable[Reservation], since: datetime, until: datetime
) -> tuple[Level, ...]:
    """All of that time, one level after the other; what is kept clear counts, but not beside what the same person
    still has then (`promised_to`)."""
    clear = clear_time(pot.quota)
    held = [
        (begin, end, each)
        for each in reservations
        if each.rule == pot.pot.rule and each.over_at is None
        if (begin := max(since, each.begins_at - clear)) < (end := min(until, each.ends_at))
    ]
    begins: dict[datetime, list[int]] = {since: [], until: []}
    ends: dict[datetime, list[int]] = {}
    for number, (begin, end, _) in enumerate(held):
        begins.setdefault(begin, []).append(number)
        ends.setdefault(end, []).append(number)
    there: dict[int, Reservation] = {}
    found = []
    for begin, end in pairwise(sorted({*begins, *ends})):
        for number in ends.get(begin, ()):
            del there[number]
        there |= {number: held[number][2] for number in begins.get(begin, ())}
        found.append(Level(begin, end, total(promised_to(there.values(), begin, clear).values())))
    return tuple(found)


def limits(pot: ReservedPot) -> tuple[tuple[str, int], ...]:
    """What may be reserved of each amount at once."""
    most = dict(pot.caps.limits())
    for name, limit in pot.quota.at_most.limits():
        most[name] = min(limit, most.get(name, limit))
    return tuple(most.items())


def fits(pot: ReservedPot, level: Level, wanted: Amounts) -> bool:
    return all(
        not (n := wanted.much(name)) or level.amounts.much(name) + n <= limit for name, limit in limits(pot)
    )


def beyond(
    pot: ReservedPot, reservations: Sequence[Reservation], wanted: Reservation, now: datetime
) -> tuple[Level, str, int] | None:
    """The first moments at which `wanted`, counted in, takes too much, of what, and the limit; None: it fits."""
    for level in levels(pot, [*reservations, wanted], held_from(pot, wanted, now), wanted.ends_at):
        for name, limit in limits(pot):
            if wanted.amounts.much(name) and level.amounts.much(name) > limit:
                return level, name, limit
    return None


def free_spans(
    pot: ReservedPot, reservations: Iterable[Reservation], wanted: Amounts, since: datetime, until: datetime
) -> tuple[Span, ...]:
    """When so much more may be held, clearing included."""
    free = (
        (level.begins_at, level.ends_at)
        for level in levels(pot, reservations, since, until)
        if fits(pot, level, wanted)
    )
    return joined(free)


def open_spans(hours: WorkingHours | None, since: datetime, until: datetime, timezone: str) -> Iterator[Span]:
    at = since
    while at < until:
        now = None if hours is None else opening(hours, at, timezone)
        end = until if now is None or now.until is None else min(now.until, until)
        if now is None or now.is_open:
            yield at, end
        at = end


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in their order; those that meet are one."""
    found: list[Span] = []
    for begin, end in spans:
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return tuple(found)


def within(begin: datetime, end: datetime, spans: Iterable[Span]) -> bool:
    """In one of them."""
    return any(from_ <= begin and end <= to for from_, to in spans)


def _lies_in(begin: datetime, end: datetime, spans: Sequence[Span]) -> bool:
    """`within`, where they are in their order and apart from each other, as `joined` makes them."""
    last = bisect_right(spans, begin, key=lambda span: span[0])
    return last > 0 and end <= spans[last - 1][1]


def held_from(pot: ReservedPot, wanted: Reservation, now: datetime) -> datetime:
    """From then on what it needs has to be free."""
    return max(now, wanted.begins_at - clear_time(pot.quota))


def in_the_way(
    pot: ReservedPot, reservations: Sequence[Reservation], wanted: Reservation, book: LeaseBook, now: datetime
) -> tuple[Lease, ...]:
    """What runs there and cannot be told to leave in time, where that leaves too little; empty: it fits beside it, or
    there is time enough to tell whoever has to leave. Machines whose end is known are gone by then."""
    return _Way(pot, reservations, book, now).of(wanted)


class _Way:
    """`in_the_way` for one slot after the other. The machines are looked through once, and only where somebody may be
    in the way."""

    def __init__(
        self, pot: ReservedPot, reservations: Sequence[Reservation], book: LeaseBook, now: datetime
    ) -> None:
        self._pot, self._book, self._now = pot, book, now
        self._standing = [each for each in reservations if each.stands(now)]
        self._clear = clear_time(pot.quota)
        self._limits = tuple(pot.caps.limits())
        self._ends: Ends | None = None

    def of(self, wanted: Reservation) -> tuple[Lease, ...]:
        pot, clear = self._pot, self._clear
        earliest, first = self._now + timedelta(seconds=pot.quota.notice.seconds), held_from(pot, wanted, self._now)
        if first >= earliest:
            return ()
        all_of_them, until = [*self._standing, wanted], min(earliest, wanted.ends_at)
        used = in_use(pot, self._book)
        moments = {first, *(at for each in all_of_them if first < (at := each.begins_at - clear) < until)}
        for moment in sorted(moments):
            ours = (each for each in all_of_them if each.rule == pot.pot.rule)
            holders = promised_to(ours, moment, clear)
            most = total((used, *holders.values()))  # as if everything that runs now were still there
            if not self._short(wanted, {name: most.much(name) for name, _ in self._limits}):
                continue
            there = self._there()
            promised = for_others(pot, all_of_them, there.of(moment, *holders), "", moment)
            needed = {name: n + promised.much(name) for name, n in there.much(moment).items()}
            if short := self._short(wanted, needed):
                staying = there.all_of_them(moment)
                return tuple(lease for lease in staying if any(lease.amounts.much(name) for name in short))
        return ()

    def _short(self, wanted: Reservation, needed: Mapping[str, int]) -> list[str]:
        return [name for name, limit in self._limits if wanted.amounts.much(name) and needed[name] > limit]

    def _there(self) -> Ends:
        if self._ends is None:
            self._ends = Ends(self._pot, drawn(self._pot.pot, self._pot.quota, self._book))
        return self._ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A slot for `wanted`, whose own times say nothing but its length. `permitted` are times in one of which it has to
    lie, for each rule that asks for a yes; `apart` are times that it must not touch."""

    pot: ReservedPot
    reservations: Sequence[Reservation]
    book: LeaseBook
    wanted: Reservation
    hours: WorkingHours | None = None
    permitted: tuple[tuple[Span, ...], ...] = ()
    apart: tuple[Span, ...] = ()
    timezone: str = "UTC"


def free_slots(
    search: Search, since: datetime, until: datetime, now: datetime, most: int = PROPOSED
) -> tuple[Span, ...]:
    """The soonest slot that can be reserved between `since` and `until`, then full hours, none over another."""
    pot, wanted = search.pot, search.wanted
    since = max(since, now)
    length, clear = wanted.ends_at - wanted.begins_at, clear_time(pot.quota)
    if until - since < length:
        return ()
    begins = max(now, since - clear)
    # One's own are looked at with each slot (`beyond`): whether they count depends on where it lies.
    others = [each for each in search.reservations if each.user != wanted.user]
    free = free_spans(pot, others, wanted.amounts, begins, until)
    opened = joined(open_spans(search.hours, since, until, search.timezone))
    soon = now + timedelta(seconds=pot.quota.notice.seconds) + clear
    boundaries = {
        since,
        soon,
        *(begin + clear for begin, _ in free),
        *(begin for begin, _ in (*opened, *chain(*search.permitted))),
        *(each.ends_at + clear for each in search.reservations),
        *(each.ends_at for each in search.reservations if each.user == wanted.user),
        *(lease.ends_at + clear for lease in drawn(pot.pot, pot.quota, search.book) if lease.ends_at is not None),
    }

    way = _Way(pot, search.reservations, search.book, now)

    def can_be(begin: datetime) -> bool:
        end = begin + length
        if not (
            _lies_in(begin, end, opened)
            and _lies_in(max(now, begin - clear), end, free)
            and all(within(begin, end, spans) for spans in search.permitted)
            and all(end <= from_ or to <= begin for from_, to in search.apart)
        ):
            return False
        slot = replace(wanted, begins_at=begin, ends_at=end)
        return beyond(pot, search.reservations, slot, now) is None and (begin >= soon or not way.of(slot))

    last = until - length
    first = next((at for at in sorted(boundaries) if since <= at <= last and can_be(at)), None)
    if first is None:
        return ()
    found = [first]
    for at in _full_hours(first, last, search.timezone):
        if len(found) == most:
            break
        if at >= found[-1] + max(length, HOUR) and can_be(at):
            found.append(at)
    return tuple((at, at + length) for at in found)


def _full_hours(since: datetime, until: datetime, timezone: str) -> Iterator[datetime]:
    """By the clock there, which need not go by UTC's hours."""
    local = since.astimezone(ZoneInfo(timezone))
    at = since - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    while at <= until:
        if at >= since:
            yield at.astimezone(UTC)
        at += HOUR
