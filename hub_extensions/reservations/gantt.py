"""PURE: who has reserved what, as bars over days: one calendar for each rule by which machines can be reserved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from hub_extensions.capacity.view import takes
from hub_extensions.page_frame.machine_words import pool_name
from hub_extensions.reservations.times import days
from hub_extensions.reservations.words import slot
from profiles.admission_words import amount, number
from profiles.model import Catalog
from profiles.pots import ReservedPot
from profiles.reservations import Reservation
from profiles.slots import levels, limits

DAYS = 7
#: What the line below a day tells of, where a rule limits several amounts.
_TELLING = ("gpus", "servers", "cores", "memory")
#: A bar stays wide enough to be seen.
_NARROWEST = 1.0


@dataclass(frozen=True)
class Bar:
    """`left` and `width` in percent of its day; `lane` counts from 0. `words` are all of it, `label` what fits."""

    left: float
    width: float
    lane: int
    label: str
    words: str
    mine: bool
    over: bool


@dataclass(frozen=True)
class Load:
    """How full it is: `percent` of what can be reserved."""

    left: float
    width: float
    percent: int


@dataclass(frozen=True)
class Day:
    label: str
    free: str
    today: bool
    lanes: int
    bars: tuple[Bar, ...]
    loads: tuple[Load, ...]
    #: Where on it now is.
    now: float | None


@dataclass(frozen=True)
class Calendar:
    rule: str
    title: str
    about: str
    days: tuple[Day, ...]


def calendars(
    catalog: Catalog, reservations: Iterable[Reservation], who: Callable[[Reservation], str], first: date, now: datetime
) -> tuple[Calendar, ...]:
    """`who` says a name as far as the reader may know it; one's own is `You`."""
    known = tuple(reservations)
    return tuple(
        _calendar(ReservedPot.of(rule, each), catalog, known, who, first, now)
        for rule, each in catalog.policies.reservations.items()
    )


def _calendar(  # noqa: PLR0913, PLR0917 - one calendar's parts
    pot: ReservedPot,
    catalog: Catalog,
    reservations: tuple[Reservation, ...],
    who: Callable[[Reservation], str],
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
            _day(pot, of_rule, who, (day, begin, end), now, zone) for day, begin, end in days(first, DAYS, zone)
        ),
    )


def _day(  # noqa: PLR0913, PLR0917 - one day's parts
    pot: ReservedPot,
    reservations: list[Reservation],
    who: Callable[[Reservation], str],
    span: tuple[date, datetime, datetime],
    now: datetime,
    zone: str,
) -> Day:
    day, begin, end = span
    bars = tuple(_bars(reservations, who, begin, end, zone))
    is_today = begin <= now < end
    return Day(
        label=f"{day:%a} {day.day} {day:%b}",
        free=_free(pot, reservations, max(begin, now), end) if now < end else "",
        today=is_today,
        lanes=max((bar.lane for bar in bars), default=0) + 1,
        bars=bars,
        loads=tuple(_loads(pot, reservations, begin, end)),
        now=_at(now, begin, end) if is_today else None,
    )


def _bars(
    reservations: Iterable[Reservation], who: Callable[[Reservation], str], begin: datetime, end: datetime, zone: str
) -> Iterator[Bar]:
    """Side by side where they overlap."""
    lanes: list[datetime] = []
    there = ((each, _until(each)) for each in reservations)
    for each, until in sorted(there, key=lambda found: (found[0].begins_at, found[0].id)):
        if each.begins_at >= end or until <= begin:
            continue
        lane = next((n for n, free in enumerate(lanes) if free <= each.begins_at), len(lanes))
        lanes[lane : lane + 1] = [until]
        left, right = _at(each.begins_at, begin, end), _at(until, begin, end)
        name = who(each)
        begun = each.begins_at < begin
        machine = f"{each.display_name}, {takes(each.amounts)}"
        clock = f"{(until if begun else each.begins_at).astimezone(ZoneInfo(zone)):%H:%M}"
        yield Bar(
            left=min(left, 100 - _NARROWEST),
            width=max(_NARROWEST, round(right - left, 3)),
            lane=lane,
            label=name if begun and until >= end else f"{'until ' if begun else ''}{clock} {name}",
            words=f"{name}: {machine}, {slot(each.begins_at, until, zone)}{_note(each, name)}",
            mine=name == "You",
            over=each.over_at is not None,
        )


def _note(reservation: Reservation, name: str) -> str:
    """What somebody wrote is for themselves."""
    return f" – {reservation.note}" if reservation.note and name == "You" else ""


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


def _loads(pot: ReservedPot, reservations: Iterable[Reservation], begin: datetime, end: datetime) -> Iterator[Load]:
    for level in levels(pot, reservations, begin, end):
        percent = max((min(100, level.amounts.much(n) * 100 // limit) for n, limit in limits(pot) if limit), default=0)
        if percent:
            left, right = _at(level.begins_at, begin, end), _at(level.ends_at, begin, end)
            yield Load(left, round(right - left, 3), percent)
