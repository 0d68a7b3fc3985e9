"""Which Arrow types a table takes, what Hive calls them, and how they lie in Parquet files. Pure.

| Arrow | Hive | in the file | comes back as |
|---|---|---|---|
| bool, int8 … int64, float32, float64 | boolean, tinyint … bigint, float, double | the same | the same |
| decimal32, decimal64, decimal128 (p ≤ 38, scale ≥ 0) | decimal(p,s) | decimal128, fixed bytes | the same |
| string, large_string, string_view, arrow.json | string | the same layout | the same |
| binary, large_binary, binary_view, fixed_size_binary, arrow.uuid | binary | binary | the same |
| date32, date64 (whole days) | date | date32 | the same |
| timestamp, any unit, with and without a zone | timestamp | INT64 µs (UTC where it has a zone) | the same |
| list, large_list, fixed_size_list, fixed_shape_tensor | array<…> | list | the same |
| struct, map | struct<…>, map<…> | the same | the same |
| dictionary (a categorical) | its values' | its values | dictionary, same order of categories |

Everything else is refused: `rule` says why and what to do instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Taken:
    """A type with a place in a table: Hive's text for it, and what the files hold."""

    hive: str
    file: pa.DataType


@dataclass(frozen=True)
class Refused:
    """A type without one. `why` continues "column 'x' is …"; `remedy` is a sentence."""

    why: str
    remedy: str


_PLAIN = {
    pa.bool_(): "boolean",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "string",
    pa.large_string(): "string",
    pa.binary(): "binary",
    pa.large_binary(): "binary",
    pa.date32(): "date",
}
#: Stored as another type that holds the same values.
_STORED_AS = {
    pa.string_view(): pa.large_string(),
    pa.binary_view(): pa.large_binary(),
    pa.date64(): pa.date32(),
}
_EXTENSIONS_TAKEN = ("arrow.json", "arrow.uuid", "arrow.fixed_shape_tensor")


def rule(type_: pa.DataType) -> Taken | Refused:
    """What a table does with a type, at any depth."""
    if type_ in _PLAIN:
        return Taken(_PLAIN[type_], type_)
    return next((decide(type_) for applies, decide in _RULES if applies(type_)), None) or _refused(type_)


def _extension(type_: pa.BaseExtensionType) -> Taken | Refused:
    if type_.extension_name in _EXTENSIONS_TAKEN:
        return rule(type_.storage_type)
    if type_.extension_name == "pandas.interval":
        return Refused("an interval", 'Store its ends as two columns, or its text: .astype("str").')
    if type_.extension_name == "pandas.period":
        return Refused("a period", "Store its start: .dt.to_timestamp().")
    return Refused(
        f"of the extension type {type_.extension_name}, which only its maker can read",
        f"Store its storage, {type_.storage_type}.",
    )


def _dictionary(type_: pa.DictionaryType) -> Taken | Refused:
    inner = rule(type_.value_type)
    if isinstance(inner, Refused):
        return Refused(f"a categorical whose categories are {_kind(inner)}", inner.remedy)
    if pa.types.is_nested(type_.value_type) or pa.types.is_dictionary(type_.value_type):
        return Refused("a dictionary of nested values", f"Cast it to {type_.value_type}.")
    return inner


def _kind(refused: Refused) -> str:
    """`an interval` as many: for "whose categories are …"."""
    return refused.why.removeprefix("an ").removeprefix("a ") + ("s" if refused.why.startswith(("a ", "an ")) else "")


def _decimal(type_: pa.DataType) -> Taken | Refused:
    if type_.precision > 38:
        return Refused(f"a decimal of {type_.precision} digits; Hive has 38", "Cast it to decimal128 with 38 or fewer.")
    if type_.scale < 0:
        return Refused(f"a decimal of scale {type_.scale}; Hive has none below 0", "Cast it to a decimal of scale 0.")
    return Taken(f"decimal({type_.precision},{type_.scale})", pa.decimal128(type_.precision, type_.scale))


def _within(type_: pa.DataType) -> Taken | Refused:
    """The rule for a type inside a list, a struct or a map: the order of categories is not kept there."""
    if pa.types.is_dictionary(type_) and type_.ordered:
        return Refused("a categorical with an order, which is kept for whole columns only", "Store its text there.")
    return rule(type_)


def _list(type_: pa.DataType) -> Taken | Refused:
    inner = _within(type_.value_type)
    if isinstance(inner, Refused):
        return Refused(f"a list whose items are {inner.why}", inner.remedy)
    make = pa.large_list if pa.types.is_large_list(type_) else pa.list_
    return Taken(f"array<{inner.hive}>", make(type_.value_field.with_type(inner.file)))


def _struct(type_: pa.StructType) -> Taken | Refused:
    if not type_.num_fields:
        return Refused("a struct without fields, which Parquet can't hold", "Drop it.")
    seen: set[str] = set()
    hive, fields = [], []
    for field in type_:
        lowered = field.name.lower()
        if lowered in seen:
            return Refused(f"a struct with two fields '{lowered}' (Hive ignores case)", "Rename one.")
        if wrong := wrong_name(field.name):
            return Refused(f"a struct with a field '{field.name}', and {wrong}", "Rename that field.")
        seen.add(lowered)
        inner = _within(field.type)
        if isinstance(inner, Refused):
            return Refused(f"a struct whose field '{field.name}' is {inner.why}", inner.remedy)
        hive.append(f"{lowered}:{inner.hive}")
        fields.append(field.with_type(inner.file))
    return Taken(f"struct<{','.join(hive)}>", pa.struct(fields))


def _map(type_: pa.MapType) -> Taken | Refused:
    key, item = _within(type_.key_type), _within(type_.item_type)
    if isinstance(key, Refused):
        return Refused(f"a map whose keys are {key.why}", key.remedy)
    if isinstance(item, Refused):
        return Refused(f"a map whose values are {item.why}", item.remedy)
    if pa.types.is_nested(type_.key_type):
        return Refused(f"a map with keys of {type_.key_type}; Hive's keys are plain values", "Store a list of structs.")
    file = pa.map_(
        type_.key_field.with_type(key.file), type_.item_field.with_type(item.file), keys_sorted=type_.keys_sorted
    )
    return Taken(f"map<{key.hive},{item.hive}>", file)


def _timestamp(type_: pa.TimestampType) -> Taken:
    return Taken("timestamp", pa.timestamp("us", "UTC" if type_.tz else None))


def is_list(type_: pa.DataType) -> bool:
    """Of any length of offset, or of a fixed number of items."""
    return pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_)


_RULES: list[tuple[Callable[[Any], bool], Callable[[Any], Taken | Refused]]] = [
    (lambda type_: type_ in _STORED_AS, lambda type_: rule(_STORED_AS[type_])),
    (lambda type_: isinstance(type_, pa.BaseExtensionType), _extension),
    (pa.types.is_dictionary, _dictionary),
    (pa.types.is_timestamp, _timestamp),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_fixed_size_binary, lambda _: Taken("binary", pa.binary())),
    (is_list, _list),
    (pa.types.is_struct, _struct),
    (pa.types.is_map, _map),
]

_CAST_HOLDS = 'Cast it to {0}, which holds all its values: pandas .astype("{0}"), Polars .cast(pl.{1}).'
#: (applies, why, remedy); the first that applies.
_REFUSALS: list[tuple[Callable[[pa.DataType], bool], str, str]] = [
    (pa.types.is_uint8, "uint8, and Hive has no unsigned integers", _CAST_HOLDS.format("int16", "Int16")),
    (pa.types.is_uint16, "uint16, and Hive has no unsigned integers", _CAST_HOLDS.format("int32", "Int32")),
    (pa.types.is_uint32, "uint32, and Hive has no unsigned integers", _CAST_HOLDS.format("int64", "Int64")),
    (
        pa.types.is_uint64,
        "uint64, and Hive has no unsigned integers",
        "Cast it to int64 if its values fit, else to decimal128(20, 0).",
    ),
    (pa.types.is_float16, "float16, which Hive and Spark can't read", _CAST_HOLDS.format("float32", "Float32")),
    (
        pa.types.is_null,
        "without a type: it holds nulls only",
        'Give it one, or drop it: pandas .astype("Int64"), Polars .cast(pl.Int64), or what it will hold.',
    ),
    (pa.types.is_duration, "a duration, and Hive has none", "Store seconds as a number: .dt.total_seconds()."),
    (
        pa.types.is_time,
        "a time of day, and Hive has none",
        "Store it as text, or as the seconds since midnight in an int32.",
    ),
    (pa.types.is_interval, "an interval of the calendar, and Hive stores none", "Store its parts as numbers."),
    (pa.types.is_union, "a union of several types", "Store one column per type."),
    (pa.types.is_run_end_encoded, "run-end encoded", "Cast it to the type of its values."),
]


def _refused(type_: pa.DataType) -> Refused:
    for applies, why, remedy in _REFUSALS:
        if applies(type_):
            return Refused(why, remedy)
    return Refused(f"{type_}, which has no place in a Hive table", "Cast it to a type that Hive has.")


def wrong_name(name: str) -> str | None:
    """Why a name can't be a column's; None when it can."""
    if not name or name != name.strip():
        return "a name is neither empty nor begins or ends with a space"
    bad = sorted({each for each in name if each in ",:;.`<>" or not each.isprintable()})
    if bad:
        return f"Hive can't have {' '.join(ascii(each) for each in bad)} in a name"
    if len(name) > 128:
        return f"it has {len(name)} characters; metastores keep 128"
    return None
