"""Whether values of one Arrow type can be kept as another without a change. Pure, on types alone.

`fit(table, frame)` is what a later frame may do to a column:

| the table has | a frame may bring | and the column |
|---|---|---|
| any type | the same kind in another layout (string, large_string, a categorical of them …), or nulls only | stays |
| int16, int32, int64 | a narrower integer | stays |
| float64 | float32; int8, int16, int32; int64 whose values are exact (checked, ± 2^53) | stays |
| decimal(p,s) | a decimal with no more digits before and behind the point | stays |
| timestamp | any unit, the same zone; values are checked | stays, or takes the finer of s, ms, us |
| int8 → int16 → int32 → int64 | a wider integer | widens |
| float32 → float64; int8, int16, int32 → float64 | the wider | widens |
| decimal(p,s) | more digits before the point, the same scale | widens |

Every widening is one that Hive, Spark and Trino read in files written before it. Others are refused, such as int64 →
float64 (old values would not be exact), a larger scale, date → timestamp, anything → string.
"""

from __future__ import annotations

from enum import Enum

import pyarrow as pa

from data_access.tables.hive_types import is_list


class Fit(Enum):
    """How a frame's column meets the table's."""

    STAYS = "stays"
    WIDENS = "widens"
    DIFFERS = "differs"


_INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
_EXACT_IN_DOUBLE = (pa.int8(), pa.int16(), pa.int32())
_UNITS = ["s", "ms", "us", "ns"]
_UTC = {"UTC", "Etc/UTC", "Z", "+00:00", "GMT", "Etc/GMT", "Zulu"}


def fit(table: pa.DataType, frame: pa.DataType) -> Fit:
    """What `frame` does to a column of `table`."""
    table, frame = plain(table), plain(frame)
    if table.equals(frame) or pa.types.is_null(frame):
        return Fit.STAYS
    for family in (_numbers, _decimals, _timestamps, _bytes, _nested):
        found = family(table, frame)
        if found is not None:
            return found
    return Fit.DIFFERS


def plain(type_: pa.DataType) -> pa.DataType:
    """Without what is layout only: a dictionary's values, an extension's storage, one kind of text and of date."""
    if isinstance(type_, pa.BaseExtensionType):
        return plain(type_.storage_type)
    if pa.types.is_dictionary(type_):
        return plain(type_.value_type)
    if type_ in (pa.large_string(), pa.string_view()):
        return pa.string()
    if type_ in (pa.large_binary(), pa.binary_view()):
        return pa.binary()
    if type_ == pa.date64():
        return pa.date32()
    return type_


def _numbers(table: pa.DataType, frame: pa.DataType) -> Fit | None:
    if table in _INTEGERS and frame in _INTEGERS:
        return Fit.STAYS if _INTEGERS.index(frame) < _INTEGERS.index(table) else Fit.WIDENS
    if table == pa.float64():
        return Fit.STAYS if frame == pa.float32() or frame in _INTEGERS else None
    if frame == pa.float64():
        return Fit.WIDENS if table == pa.float32() or table in _EXACT_IN_DOUBLE else None
    if table == pa.float32() and frame in (pa.int8(), pa.int16()):
        return Fit.STAYS
    return None


def _decimals(table: pa.DataType, frame: pa.DataType) -> Fit | None:
    if not (pa.types.is_decimal(table) and pa.types.is_decimal(frame)):
        return None
    if frame.scale <= table.scale and frame.precision - frame.scale <= table.precision - table.scale:
        return Fit.STAYS
    return Fit.WIDENS if frame.scale == table.scale else Fit.DIFFERS


def _timestamps(table: pa.DataType, frame: pa.DataType) -> Fit | None:
    if not (pa.types.is_timestamp(table) and pa.types.is_timestamp(frame)):
        return None
    if zone(table) != zone(frame):
        return Fit.DIFFERS
    coarse = _UNITS.index(table.unit) < min(_UNITS.index(frame.unit), _UNITS.index("us"))
    return Fit.WIDENS if coarse else Fit.STAYS


def zone(type_: pa.TimestampType) -> str | None:
    """Its zone, with one word for UTC; None without."""
    return "UTC" if type_.tz in _UTC else type_.tz


def _bytes(table: pa.DataType, frame: pa.DataType) -> Fit | None:
    if pa.types.is_fixed_size_binary(table) and frame == pa.binary():
        return Fit.WIDENS
    return Fit.STAYS if table == pa.binary() and pa.types.is_fixed_size_binary(frame) else None


def _nested(table: pa.DataType, frame: pa.DataType) -> Fit | None:
    """Nested types never widen: each part has to stay."""
    if is_list(table) and is_list(frame):
        sizes = [type_.list_size for type_ in (table, frame) if pa.types.is_fixed_size_list(type_)]
        same = len(sizes) < 2 or sizes[0] == sizes[1]
        parts = [(table.value_type, frame.value_type)] if same and not (sizes and _only_table(table, frame)) else []
    elif pa.types.is_map(table) and pa.types.is_map(frame):
        parts = [(table.key_type, frame.key_type), (table.item_type, frame.item_type)]
    elif pa.types.is_struct(table) and pa.types.is_struct(frame):
        mine, theirs = ({field.name: field.type for field in type_} for type_ in (table, frame))
        parts = [(mine[name], theirs[name]) for name in mine] if mine.keys() == theirs.keys() else []
    else:
        return None
    stays = parts and all(fit(mine, theirs) is Fit.STAYS for mine, theirs in parts)
    return Fit.STAYS if stays else Fit.DIFFERS


def _only_table(table: pa.DataType, frame: pa.DataType) -> bool:
    """A table of lists of one size, a frame of lists of any."""
    return pa.types.is_fixed_size_list(table) and not pa.types.is_fixed_size_list(frame)
