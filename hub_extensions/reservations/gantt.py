"""PURE: who has reserved what, as bars over days: one calendar for each rule by which machines can be reserved. A bar
opens to all that is known of it, and to what its reader may do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from hub_extensions.capacity.view import takes
from hub_extensions.page_frame.machine_words import pool_name
from hub_extensions.reservations.times import days
from hub_extensions.reservations.words import clock, slot
from profiles.admission_words import amount, number
from profiles.model import Catalog
from profiles.pots import ReservedPot
from profiles.reservations import Reservation
from profiles.slots import levels, limits

DAYS = 7
#: What the line below a day tells of, where a rule limits several amounts.
_TELLING = ("gpus", "servers", "cores", "memory")
#: In percent of a day: a bar that is narrower has its words beside it, for which so much more is kept.
_NARROWEST, _BESIDE = 10.0, 12.0
#: So wide a part of the line below has room for its words, in percent.
_ROOM_FOR_WORDS = 11.0


@dataclass(frozen=True)
class Reader:
    """`who` says a name as far as the reader may know it; one's own is `You`."""

    name: str
    who: Callable[[Reservation], str]
    #: May cancel what others have reserved.
    acts_for_all: bool = False


@dataclass(frozen=True)
class Bar:
    """`left` and `width` in percent of its day; `lane` counts from 0. Where it would be too narrow, `short`: only
    `filled` percent of it are the bar, on its right where it lies at the end of the day. `words` are all of it, `label`
    what fits. What the reader may do: `change` and `end` one's own, or `end` somebody else's."""

    left: float
    width: float
    lane: int
    label: str
    words: str
    mine: bool
    over: bool
    id: str = ""
    name: str = ""
    #: What the button says; empty: there is none.
    end: str = ""
    short: bool = False
    at_end: bool = False
    filled: float = 100

    @property
    def change(self) -> bool:
        return self.mine and bool(self.end)


@dataclass(frozen=True)
class Load:
    """How full it is: `percent` of what can be reserved. `words` are what is free when, `label` what fits."""

    left: float
    width: float
    percent: int
    words: str = ""
    label: str = ""


@dataclass(frozen=True)
class Day:
    label: str
    free: str
    today: bool
    lanes: int
    bars: tuple[Bar, ...]
    loads: tuple[Load, ...]
    #: Where on it now is, and what its clock says.
    now: float | None
    clock: str = ""
    #: Where 6, 12 and 18 o'clock are: where clocks change, elsewhere than on other days.
    ticks: tuple[float, ...] = ()
    hours: int = 24


@dataclass(frozen=True)
class Calendar:
    rule: str
    title: str
    about: str
    days: tuple[Day, ...]

    @property
    def empty(self) -> bool:
        """Seven days of nothing are said in a sentence."""
        return not any(day.bars or day.loads for day in self.days)


def calendars(
    catalog: Catalog, reservations: Iterable[Reservation], reader: Reader, first: date, now: datetime
) -> tuple[Calendar, ...]:
    known = tuple(reservations)
    return tuple(
        _calendar(ReservedPot.of(rule, each), catalog, known, reader, first, now)
        for rule, each in catalog.policies.reservations.items()
    )


def _calendar(  # noqa: PLR0913, PLR0917 - one calendar's parts
    pot: ReservedPot,
    catalog: Catalog,
    reservations: tuple[Reservation, ...],
    reader: Reader,
    first: date,
    now: datetime,
) -> Calendar:
    quota, zone = pot.quota, catalog.policies.timezone
    of_rule = [each for each in reservations if each.rule == pot.pot.rule]
    names = [catalog.profiles[each].display_name or each for each in quota.profiles if each in catalog.profiles]
    title = ", ".join(names or [pool_name(catalog, each) for each in quota.pools]) or "All machines"
    much = ", ".join(amount(name, limit) for name, limit in limits(pot))
    return Calendar(
        rule=pot.pot.rule,
        title=title,
        about=f"{much} can be reserved, {quota.longest.human} at most, {quota.ahead.human} ahead.",
        days=tuple(
            _day(pot, of_rule, reader, (day, begin, end), now, zone) for day, begin, end in days(first, DAYS, zone)
        ),
    )


def _day(  # noqa: PLR0913, PLR0917 - one day's parts
    pot: ReservedPot,
    reservations: list[Reservation],
    reader: Reader,
    span: tuple[date, datetime, datetime],
    now: datetime,
    zone: str,
) -> Day:
    day, begin, end = span
    bars = _in_lanes(_bar(each, reader, (begin, end), zone, now) for each in reservations if _in(each, begin, end))
    is_today = begin <= now < end
    return Day(
        label=f"{day:%a} {day.day} {day:%b}",
        free=_free(pot, reservations, max(begin, now), end) if now < end else "",
        today=is_today,
        lanes=max((bar.lane for bar in bars), default=0) + 1,
        bars=bars,
        loads=tuple(_loads(pot, reservations, begin, end, zone)),
        now=_at(now, begin, end) if is_today else None,
        clock=clock(now, zone) if is_today else "",
        ticks=tuple(_at(datetime.combine(day, time(hour), ZoneInfo(zone)), begin, end) for hour in (6, 12, 18)),
        hours=round((end - begin).total_seconds() / 3600),
    )


def _in(reservation: Reservation, begin: datetime, end: datetime) -> bool:
    return reservation.begins_at < end and _until(reservation) > begin


def _bar(
    each: Reservation, reader: Reader, day: tuple[datetime, datetime], zone: str, now: datetime
) -> Bar:
    begin, end = day
    until, name = _until(each), reader.who(each)
    left, right = _at(each.begins_at, begin, end), _at(until, begin, end)
    short = right - left < _NARROWEST
    box = right - left + (_BESIDE if short else 0)
    begun = each.begins_at < begin
    told = clock(until if begun else each.begins_at, zone)
    mine = each.user == reader.name
    ends = "End it now" if each.begins_at <= now else "Cancel" if mine else "Cancel it"
    return Bar(
        left=round(min(left, 100 - box), 3),
        width=round(box, 3),
        lane=0,
        label=name if begun and until >= end else f"{'until ' if begun else ''}{told} {name}",
        words=f"{name}: {each.display_name}, {takes(each.amounts)}, {slot(each.begins_at, until, zone)}"
        f"{_note(each, mine)}",
        mine=mine,
        over=each.over_at is not None,
        id=each.id,
        name=each.user if reader.acts_for_all else name,
        end=ends if each.stands(now) and (mine or reader.acts_for_all) else "",
        short=short,
        at_end=left > 100 - box,
        filled=round(max(1.0, right - left) / box * 100, 1),
    )


def _in_lanes(bars: Iterable[Bar]) -> tuple[Bar, ...]:
    """Below each other where their boxes overlap."""
    lanes: list[float] = []
    placed = []
    for bar in sorted(bars, key=lambda bar: (bar.left, bar.id)):
        lane = next((n for n, free in enumerate(lanes) if free <= bar.left + 0.01), len(lanes))
        lanes[lane : lane + 1] = [bar.left + bar.width]
        placed.append(replace(bar, lane=lane))
    return tuple(placed)


def _note(reservation: Reservation, mine: bool) -> str:
    """What somebody wrote is for themselves."""
    return f" – {reservation.note}" if reservation.note and mine else ""


def _until(reservation: Reservation) -> datetime:
    """Where it was ended early or released, until then."""
    return reservation.ends_at if reservation.over_at is None else min(reservation.ends_at, reservation.over_at)


def _at(moment: datetime, begin: datetime, end: datetime) -> float:
    return round(min(1.0, max(0.0, (moment - begin) / (end - begin))) * 100, 3)


def _telling(pot: ReservedPot) -> tuple[str, int]:
    most = dict(limits(pot))
    return next(((name, most[name]) for name in _TELLING if name in most), next(iter(most.items())))


def _free(pot: ReservedPot, reservations: Iterable[Reservation], since: datetime, until: datetime) -> str:
    name, limit = _telling(pot)
    used = [level.amounts.much(name) for level in levels(pot, reservations, since, until)]
    least, most = max(0, limit - max(used)), max(0, limit - min(used))
    if least == most:
        return f"{number(name, least)} of {amount(name, limit)} free"
    return f"{number(name, least)} to {number(name, most)} of {amount(name, limit)} free"


def _loads(
    pot: ReservedPot, reservations: Iterable[Reservation], begin: datetime, end: datetime, zone: str
) -> Iterator[Load]:
    name, limit = _telling(pot)
    for since, until, percent, taken in _runs(pot, reservations, begin, end, name):
        left, right = _at(since, begin, end), _at(until, begin, end)
        last = "24:00" if until == end else clock(until, zone)
        free = number(name, max(0, limit - taken))
        yield Load(
            left=left,
            width=round(right - left, 3),
            percent=percent,
            words=f"{clock(since, zone)} to {last}: {free} of {amount(name, limit)} free",
            label=("full" if percent >= 100 else f"{free} free") if right - left >= _ROOM_FOR_WORDS else "",
        )


def _runs(
    pot: ReservedPot, reservations: Iterable[Reservation], begin: datetime, end: datetime, name: str
) -> Iterator[tuple[datetime, datetime, int, int]]:
    """Where something is reserved: levels that are alike are one."""
    found: list[tuple[datetime, datetime, int, int]] = []
    for level in levels(pot, reservations, begin, end):
        percent = max((min(100, level.amounts.much(n) * 100 // limit) for n, limit in limits(pot) if limit), default=0)
        taken = level.amounts.much(name)
        if found and found[-1][1:] == (level.begins_at, percent, taken):
            found[-1] = found[-1][0], level.ends_at, percent, taken
        elif percent:
            found.append((level.begins_at, level.ends_at, percent, taken))
    yield from found
