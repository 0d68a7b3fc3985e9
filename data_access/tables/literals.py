"""A value that a person compares a column with, as a value of the column's type. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import ROUND_FLOOR, Context, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_access.errors import DataError, Reason
from data_access.tables.predicate import Among, Compare, Known, Predicate

#: Enough digits for every decimal(76, …) and for what a person writes.
_EXACT = Context(prec=400)


def compared(column: pa.Field, operator: str, value: Any) -> Predicate:
    """`column operator value`. Raises DataError(bad-predicate) where they can't be compared."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return _steps(column, kind, operator, _number(column, value))
    return Compare(column.name, operator, _scalar(column, kind, value))


def among(column: pa.Field, values: list[Any]) -> Predicate:
    """`column in (values)`. Raises DataError(bad-predicate)."""
    parts = [compared(column, "=", value) for value in values]
    given = {part.value.as_py(): part.value for part in parts if isinstance(part, Compare)}
    kept = tuple(value for key, value in given.items() if key == key)  # noqa: PLR0124 - nothing equals NaN
    return Among(column.name, kept) if kept else Known(column.name, False)


def _steps(column: pa.Field, kind: pa.DataType, operator: str, value: Decimal) -> Predicate:
    """Exactly, where the value lies between two that the column can have, or beyond all of them."""
    name = column.name
    if value.is_nan():
        return Known(name, operator == "!=")
    lowest, highest, step = _span(kind)
    if not lowest <= value <= highest:
        beyond = operator in ("!=", "<", "<=") if value > highest else operator in ("!=", ">", ">=")
        return Known(name, beyond)
    floor = value.quantize(step, ROUND_FLOOR, context=_EXACT)
    scalar = pa.scalar(int(floor) if pa.types.is_integer(kind) else floor, kind)
    if floor == value:
        return Compare(name, operator, scalar)
    if operator in ("=", "!="):
        return Known(name, operator == "!=")
    return Compare(name, "<=" if operator[0] == "<" else ">", scalar)  # x > 1.5 is x > 1; x >= 1.5 too


def _span(kind: pa.DataType) -> tuple[Decimal, Decimal, Decimal]:
    if pa.types.is_decimal(kind):
        step = Decimal(1).scaleb(-kind.scale)
        most = _EXACT.multiply(Decimal(10**kind.precision - 1), step)
        return -most, most, step
    signed = pa.types.is_signed_integer(kind)
    bits = kind.bit_width
    low = -(2 ** (bits - 1)) if signed else 0
    return Decimal(low), Decimal(low + 2**bits - 1), Decimal(1)


def _number(column: pa.Field, value: Any) -> Decimal:
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, bool) or not isinstance(plain, int | float | Decimal):
        raise _differs(column, plain)
    return Decimal(plain)


def _scalar(column: pa.Field, kind: pa.DataType, value: Any) -> pa.Scalar:
    plain = value.item() if hasattr(value, "item") and not isinstance(value, date) else value
    for fits, read in _KINDS:
        if fits(kind):
            try:
                found = read(plain, kind)
            except (ValueError, InvalidOperation, OverflowError, pa.ArrowException) as error:
                raise _differs(column, plain) from error
            if found is None:
                break
            return found
    raise _differs(column, plain)


def _truth(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    return pa.scalar(value, kind) if isinstance(value, bool) else None


def _float(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return pa.scalar(float(value)).cast(kind)  # 0.1 of a float32 column is the float32 nearest to it


def _text(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    return pa.scalar(value, kind) if isinstance(value, str) else None


def _bytes(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    return pa.scalar(value, kind) if isinstance(value, bytes) else None


def _date(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo or value.time() != time.min:
            return None
        value = value.date()
    return pa.scalar(value, kind) if isinstance(value, date) else None


def _timestamp(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - its zone is the column's
    text = value.isoformat() if isinstance(value, datetime) else value
    if not isinstance(text, str):
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo and not kind.tz:
        return None
    us = pa.scalar(moment, pa.timestamp("us", "UTC" if moment.tzinfo else None))
    if kind.tz and not moment.tzinfo:
        us = pc.assume_timezone(us, kind.tz)  # a time without a zone is of the column's
    digits = re.search(r"[.,]\d{6}(\d{1,3})", text)  # of a second; Python keeps six
    if digits is None:
        return us.cast(pa.timestamp(kind.unit, us.type.tz)).cast(kind)
    nanoseconds = us.value * 1000 + int(digits[1].ljust(3, "0"))
    return pa.scalar(nanoseconds, pa.int64()).cast(pa.timestamp("ns", us.type.tz)).cast(kind)


def _time(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    if isinstance(value, str):
        value = time.fromisoformat(value)
    return pa.scalar(value, kind) if isinstance(value, time) else None


_KINDS: list[tuple[Callable[[pa.DataType], bool], Callable[[Any, pa.DataType], pa.Scalar | None]]] = [
    (pa.types.is_boolean, _truth),
    (pa.types.is_floating, _float),
    (pa.types.is_string, _text),
    (pa.types.is_large_string, _text),
    (pa.types.is_string_view, _text),
    (pa.types.is_date, _date),
    (pa.types.is_timestamp, _timestamp),
    (pa.types.is_time, _time),
    (pa.types.is_binary, _bytes),
    (pa.types.is_large_binary, _bytes),
]


def _differs(column: pa.Field, value: Any) -> DataError:
    shown = f"'{value}'" if isinstance(value, str) else str(value)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return DataError(
        Reason.BAD_PREDICATE, f"Column '{column.name}' is {kind}; {shown} is no value of it.", _remedy(kind, value)
    )


def _remedy(kind: pa.DataType, value: Any) -> str:
    if pa.types.is_timestamp(kind):
        zone = "with +01:00 behind it, or nothing for the column's own zone" if kind.tz else "without a zone"
        return f"Write times as '2026-11-20 09:30:00', {zone}."
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return f"Write texts in quotes: '{value}'."
    for fits, remedy in _REMEDIES:
        if fits(kind):
            return remedy
    return "Write a number without quotes."


_REMEDIES = [
    (pa.types.is_boolean, "Write true or false."),
    (pa.types.is_date, "Write days as '2026-11-20'."),
    (pa.types.is_time, "Write times as '09:30:00'."),
    (pa.types.is_nested, "Of nested columns only `is null` and `is not null` can be asked; load it and look inside."),
]
