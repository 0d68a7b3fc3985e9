"""Values that a check compares with: kept exactly in JSON, and fitted exactly to a column's type. Pure.

JSON has no dates and no decimals, so those are one-key objects: `{"date": "2026-11-20"}`, `{"decimal": "0.10"}`.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated, Any

import pyarrow as pa
from pydantic import BeforeValidator, PlainSerializer

_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unfit(ValueError):
    """A value that can't be compared with a column of this type; the text says why."""


def to_json(value: Any) -> Any:
    """A value as JSON. Raises ValueError for what has no exact form (NaN, infinities, other types)."""
    if hasattr(value, "item") and type(value).__module__ == "numpy":
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no limit or value to compare with; leave it out where there is none")
        return value
    if isinstance(value, datetime):  # before date: it is one
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, time):
        return {"time": value.isoformat()}
    if isinstance(value, Decimal) and value.is_finite():
        return {"decimal": str(value)}
    raise ValueError(f"{value!r} is a {type(value).__name__}, which no check compares with")


def from_json(value: Any) -> Any:
    """What `to_json` made, as it was; anything else is checked by it."""
    if isinstance(value, dict) and len(value) == 1:
        kind, text = next(iter(value.items()))
        reader = {
            "datetime": datetime.fromisoformat,
            "date": date.fromisoformat,
            "time": time.fromisoformat,
            "decimal": Decimal,
        }.get(kind)
        if reader is not None and isinstance(text, str):
            return reader(text)
    plain = to_json(value)
    return value if isinstance(plain, dict) else plain


#: A field that holds one such value.
Value = Annotated[Any, BeforeValidator(from_json), PlainSerializer(to_json)]


def _whole(value: Any, arrow: pa.DataType, say: str) -> Fraction:
    """A number exactly; Decimal(repr) for floats, since 0.1 means a tenth to whoever wrote it."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Unfit(f"{say} is {arrow} and can't be compared with {value!r}")
    return Fraction(Decimal(repr(value)) if isinstance(value, float) else value)


def _instant(value: Any, arrow: pa.DataType, say: str) -> Fraction:
    """A point in time as seconds since 1970 in UTC. A time without a zone is one in UTC, as Arrow has it."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Unfit(f"{say} is {arrow} and {value!r} is no time in ISO form") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise Unfit(f"{say} is {arrow} and can't be compared with {value!r}")
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return Fraction((aware - _EPOCH) // timedelta(microseconds=1), 10**6)


def _time_of_day(value: Any, arrow: pa.DataType, say: str) -> Fraction:
    if isinstance(value, str):
        try:
            value = time.fromisoformat(value)
        except ValueError:
            raise Unfit(f"{say} is {arrow} and {value!r} is no time of day") from None
    if not isinstance(value, time):
        raise Unfit(f"{say} is {arrow} and can't be compared with {value!r}")
    return Fraction(((value.hour * 60 + value.minute) * 60 + value.second) * 10**6 + value.microsecond, 10**6)


def steps(value: Any, arrow: pa.DataType, say: str) -> Fraction | None:
    """The value counted in the column's own smallest steps (1, cents, microseconds); None where a column has none.

    Columns with steps compare as integers: exact, and the same for every type. Raises Unfit.
    """
    if pa.types.is_integer(arrow):
        return _whole(value, arrow, say)
    if pa.types.is_decimal(arrow):
        return _whole(value, arrow, say) * Fraction(10) ** arrow.scale
    if pa.types.is_timestamp(arrow):
        return _instant(value, arrow, say) * _UNITS[arrow.unit]
    if pa.types.is_date(arrow):
        return _instant(value, arrow, say) * (1000 if pa.types.is_date64(arrow) else Fraction(1, 86400))
    if pa.types.is_time(arrow):
        return _time_of_day(value, arrow, say) * _UNITS[arrow.unit]
    return None


def same_kind(value: Any, arrow: pa.DataType, say: str) -> Any:
    """The value of a column without steps (floats, text, booleans), as one compares it. Raises Unfit.

    A limit beside a float column is rounded to the column's own precision, as NumPy does: 0.1 is in a float32 column.
    """
    if pa.types.is_floating(arrow):
        try:
            return pa.scalar(float(_whole(value, arrow, say)), arrow).as_py()
        except OverflowError:
            return math.copysign(math.inf, value)
    text = pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow)
    if (text and isinstance(value, str)) or (pa.types.is_boolean(arrow) and isinstance(value, bool)):
        return value
    raise Unfit(f"{say} is {arrow} and can't be compared with {value!r}")


def plain(array: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Without a dictionary: categories as their values."""
    return array.cast(array.type.value_type) if pa.types.is_dictionary(array.type) else array


def plain_type(arrow: pa.DataType) -> pa.DataType:
    return arrow.value_type if pa.types.is_dictionary(arrow) else arrow


def as_steps(array: pa.Array) -> pa.Array:
    """A column with steps as integers (decimals stay decimals: they are compared as such)."""
    arrow = array.type
    if pa.types.is_date32(arrow) or pa.types.is_time32(arrow):
        return array.cast(pa.int32())
    if pa.types.is_temporal(arrow):
        return array.cast(pa.int64())
    return array


def bounds(arrow: pa.DataType) -> tuple[int, int]:
    """The least and the greatest count of steps that a column of this type holds."""
    if pa.types.is_decimal(arrow):
        return -(10**arrow.precision) + 1, 10**arrow.precision - 1
    bits = arrow.bit_width
    if pa.types.is_unsigned_integer(arrow):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def step_scalar(count: int, arrow: pa.DataType) -> pa.Scalar:
    """A count of steps as a scalar beside `as_steps` of such a column."""
    if pa.types.is_decimal(arrow):
        digits = tuple(map(int, str(abs(count))))  # not scaleb(): that rounds to 28 digits
        return pa.scalar(Decimal((count < 0, digits, -arrow.scale)), arrow)
    if pa.types.is_integer(arrow):
        return pa.scalar(count, arrow)
    return pa.scalar(count, pa.int32() if arrow.bit_width == 32 else pa.int64())


def told(value: Any, *, rounded: bool = False) -> str:
    """A value as sentences say it, a limit as what was seen: from 10,000 on in groups, so that a year stays a year.

    `rounded`: floats to six digits, or to whole numbers: what was seen needs it, and a limit must not be.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else str(value)
        if rounded:
            value = round(value, 0) if 100_000 <= abs(value) < 1e15 else float(f"{value:.6g}")
        text = f"{value:,}" if abs(value) >= 10_000 else str(value)
        return text.removesuffix(".0")
    whole = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return f"{value:,}" if whole and abs(value) >= 10_000 else str(value)


def within(text: timedelta | str | float) -> timedelta:
    """A span: a timedelta, seconds, or `90s`, `15m`, `36h`, `2d`, `1w`. Raises ValueError."""
    if isinstance(text, timedelta):
        span = text
    elif isinstance(text, int | float) and not isinstance(text, bool):
        span = timedelta(seconds=text)
    else:
        text = str(text)
        seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
        try:
            span = timedelta(microseconds=int(Decimal(text[:-1].strip()) * seconds[text[-1:]] * 10**6))
        except (KeyError, InvalidOperation, TypeError, OverflowError, ValueError):
            raise ValueError(f"{text!r} is no span of time; write 36h, 2d or a timedelta") from None
    if span <= timedelta(0):
        raise ValueError(f"{text!r} is no span of time: it must be longer than nothing")
    return span


def spelled(span: timedelta) -> str:
    """A span in words a person says: `36 hours`, `2 days`, `90 seconds`."""
    seconds = span.total_seconds()
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length or seconds == length:
            return f"{round(seconds / length, 1):,g} {name}{'s' if seconds != length else ''}"
    return f"{seconds:g} second{'s' if seconds != 1 else ''}"
