"""When a machine is open: hours of the day, on days of the week. Pure: moment and time zone are arguments.

A day's hours belong to the day on which they begin: `fri`, 20:00 to 08:00, ends on Saturday morning. Where clocks
change, a closing time that comes twice is the later one, an opening time the earlier one, and a time that is skipped is
an hour further on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)

from profiles.base import Model
from profiles.fields import quoted, wrong

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MIDNIGHT = "24:00"
_DAY = f"(?:{'|'.join(DAYS)})"
_DAYS = re.compile(rf"{_DAY}(?:-{_DAY})?")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_WEEK = timedelta(days=7)
Span = tuple[datetime, datetime]
#: A weekly opening may lie in the hour that a change of clocks skips: then the one after it counts.
_AHEAD = 16


def _days(value: str) -> str:
    if _DAYS.fullmatch(value) is None:
        raise wrong(f"{quoted(value)} is no day of the week", "write mon, tue, wed, thu, fri, sat, sun, or mon-fri")
    return value


def _time(value: Any) -> str:
    """YAML 1.1 reads an unquoted 20:00 as sixty-base 1200."""
    if isinstance(value, int) and not isinstance(value, bool) and 60 <= value <= 24 * 60:
        raise wrong(f"YAML reads this time as the number {value}", f'put it in quotes: "{value // 60}:{value % 60:02}"')
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        raise wrong(f"{quoted(value)} is not a time of day", 'write hours and minutes in quotes: "08:00", "24:00"')
    return value


Days = Annotated[
    str,
    AfterValidator(_days),
    WithJsonSchema({"type": "string", "pattern": f"^{_DAYS.pattern}$", "examples": ["mon-fri"]}),
]
TimeOfDay = Annotated[
    str,
    BeforeValidator(_time),
    WithJsonSchema({"type": "string", "pattern": f"^(?:{_TIME.pattern})$", "examples": ["08:00", "20:00"]}),
]


class Hours(Model):
    """When a machine may run, by the clock of `policies.timezone`. When it closes it is stopped; its card says when."""

    days: tuple[Days, ...] = Field(
        default=("mon-sun",), description="Days on which it opens: `mon`, or several at once: `mon-fri`."
    )
    from_: TimeOfDay = Field(default="00:00", alias="from", description="When it opens.")
    to: TimeOfDay = Field(default=MIDNIGHT, description="When it closes; earlier than `from` it is on the day after.")

    @model_validator(mode="after")
    def _lasts(self) -> Hours:
        if not self.days:
            raise wrong("there is no day on which it opens", "write days: [mon-fri], or leave days out for every day")
        if self.from_ == MIDNIGHT:
            raise wrong("it would open at the end of the day", 'write from: "00:00" and the day after')
        if self.from_ == self.to:
            raise wrong(f"it opens and closes at {self.to}", 'for whole days write from: "00:00" and to: "24:00"')
        return self

    @property
    def weekdays(self) -> frozenset[int]:
        """Monday is 0. `sat-mon` goes over the end of the week."""
        return frozenset(day for span in self.days for day in _span(span))

    @property
    def words(self) -> str:
        """`Monday to Friday from 08:00 to 20:00`, `every day from 22:00 to 06:00`, `Saturday and Sunday`."""
        days = _day_words(self)
        return days if (self.from_, self.to) == ("00:00", MIDNIGHT) else f"{days} from {self.from_} to {self.to}"


class Timetable(RootModel[tuple[Hours, ...]]):
    """Several: open whenever one of them is."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _some(self) -> Timetable:
        if not self.root:
            raise wrong("there are no hours in the list", "write when it opens, or leave hours out for always")
        return self

    @property
    def words(self) -> str:
        """`Monday to Friday from 08:00 to 20:00, and Saturday from 10:00 to 14:00`."""
        *others, last = (each.words for each in self.root)
        return f"{', '.join(others)}, and {last}" if others else last


def _one_or_several(value: Any, _handler: Any) -> Hours | Timetable:
    """Decided by the shape, so that a mistake is told of the one that was meant."""
    if isinstance(value, (Hours, Timetable)):
        return value
    return Timetable.model_validate(value) if isinstance(value, (list, tuple)) else Hours.model_validate(value)


#: A profile's `hours`: one mapping, or a list of them.
WorkingHours = Annotated[Hours | Timetable, WrapValidator(_one_or_several)]


@dataclass(frozen=True, slots=True)
class Opening:
    """Open or closed, and when that changes, in UTC. None: never; only what is always open never changes."""

    is_open: bool
    until: datetime | None


def opening(hours: Hours | Timetable, now: datetime, timezone: str) -> Opening:
    """Open at `now`? Hours that follow each other without a gap are one: whole days close at the end of the last."""
    many = hours.root if isinstance(hours, Timetable) else (hours,)
    spans = merge(*(_spans(each, now, ZoneInfo(timezone)) for each in many))
    begin, end = next(span for span in _joined(spans) if now < span[1])
    if now < begin:
        return Opening(False, begin)
    return Opening(True, None if end - now > _WEEK else end)


def _spans(hours: Hours, now: datetime, zone: ZoneInfo) -> Iterator[Span]:
    """From yesterday on, which may go over midnight."""
    today, days = now.astimezone(zone).date(), hours.weekdays
    opens, closes = _minutes(hours.from_), _minutes(hours.to)
    for ahead in range(-1, _AHEAD):
        day = today + timedelta(days=ahead)
        if day.weekday() in days:
            last = day if opens < closes else day + timedelta(days=1)
            begin, end = _moments(day, opens, zone)[0], _moments(last, closes, zone)[1]
            if begin < end:
                yield begin, end


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    pending: tuple[datetime, datetime] | None = None
    for begin, end in spans:
        if pending is None or begin > pending[1]:
            if pending is not None:
                yield pending
            pending = (begin, end)
        else:
            pending = (pending[0], max(end, pending[1]))
    if pending is not None:
        yield pending


def _moments(day: date, minutes: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moment of a local time, first and last: they differ where clocks go back."""
    local = datetime.combine(day + timedelta(days=minutes // 1440), time(minutes % 1440 // 60, minutes % 60), zone)
    first = local.astimezone(UTC)
    return first, max(first, local.replace(fold=1).astimezone(UTC))


def _minutes(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)


def _span(days: str) -> Iterator[int]:
    first, _, last = days.partition("-")
    begin = DAYS.index(first)
    length = (DAYS.index(last or first) - begin) % 7
    return ((begin + offset) % 7 for offset in range(length + 1))


def _day_words(hours: Hours) -> str:
    if len(hours.weekdays) == len(DAYS):
        return "every day"
    parts = [" to ".join(NAMES[DAYS.index(day)] for day in dict.fromkeys(span.split("-"))) for span in hours.days]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
