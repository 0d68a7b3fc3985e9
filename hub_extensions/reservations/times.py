"""PURE: times as forms and programs write them, in the policies' time zone unless they say another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub_extensions.reservations.words import (
    NotPossible,
    comes_never,
    comes_twice,
    no_time,
    too_early_a_year,
    too_late_a_year,
    too_long_for_all,
    unread_length,
)
from profiles.quantity import BadQuantity, Duration

#: Beyond these no rule goes, and arithmetic stays within what there is of time.
FIRST, LAST = date(2000, 1, 1), date(2200, 1, 1)
_LONGEST = timedelta(days=36525)


def moment(text: str, timezone: str) -> datetime | NotPossible:
    """ISO 8601; without a zone it is the policies'."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return no_time()
    if at.date() < FIRST:
        return too_early_a_year(at.year)
    if at.date() > LAST:
        return too_late_a_year(at.year)
    return at.astimezone(UTC) if at.tzinfo else _by_the_clock(at, timezone)


def _by_the_clock(at: datetime, timezone: str) -> datetime | NotPossible:
    """Where clocks change, a time may come twice, or never."""
    zone = ZoneInfo(timezone)
    one, other = (at.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if one < other:
        return comes_twice(at, timezone, tuple(each.astimezone(zone) for each in (one, other)))
    return one if one == other else comes_never(at, timezone, one.astimezone(zone))


def as_typed(at: datetime, timezone: str) -> tuple[str, str]:
    """As the form has it: day and clock."""
    local = at.astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d}", f"{local:%H:%M}"


def of_form(day: str, clock: str, timezone: str) -> datetime | NotPossible:
    return moment(f"{day.strip()}T{clock.strip()}", timezone) if day.strip() and clock.strip() else no_time()


def lasting(value: str | int) -> timedelta | NotPossible:
    """`2h`, `90m`, or seconds."""
    try:
        said = Duration.parse(value)
    except BadQuantity:
        return unread_length()
    return timedelta(seconds=said.seconds) if said.seconds <= _LONGEST.total_seconds() else too_long_for_all(said)


def day_of(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST <= day <= LAST else None


def days(first: date, many: int, timezone: str) -> Iterator[tuple[date, datetime, datetime]]:
    """Each day with its midnights: where clocks change, it has 23 or 25 hours."""
    zone = ZoneInfo(timezone)
    for ahead in range(many):
        day = first + timedelta(days=ahead)
        begin, end = (
            datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1))
        )
        yield day, begin, end
