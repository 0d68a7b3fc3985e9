"""Between R's columns as bytes and Arrow tables. Called by the R package `remudadata`, which knows the other side.

Nothing raises into R: each call answers {"ok": …} or {"error": {reason, sentence, remedy}}.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import data_access
from data_access.errors import DataError, Reason, SchemaError

NA_INTEGER = -(2**31)
NA_REAL = np.uint64(0x7FF00000000007A2)  # R's missing double: a NaN whose low word is 1954
SMALLEST = -(2**63)
EXACT = 2**53  # whole numbers that a double holds exactly
CHUNK_ROWS = 100_000_000


def answered(call: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    @functools.wraps(call)
    def answer(*arguments: Any, **named: Any) -> dict[str, Any]:
        try:
            return {"ok": call(*arguments, **named)}
        except DataError as error:
            said = {"reason": str(error.reason), "sentence": error.sentence, "remedy": error.remedy}
            return {"error": said}

    return answer


@answered
def write(  # noqa: PLR0913, PLR0917 - what sf_writer takes
    columns: Sequence[Mapping[str, Any]],
    namespace: str,
    resource: str,
    partitions: Any = None,
    partition_by: list[str] | None = None,
    mode: str = "overwrite",
    message: str = "",
) -> dict[str, Any]:
    commit = data_access.store_dataframe(
        table_of(columns), namespace, resource, partitions=partitions, partition_by=partition_by, mode=mode,
        message=message,
    )  # fmt: skip
    return {
        "anchor": str(commit.anchor),
        "number": commit.number,
        "rows": float(commit.rows),
        "bytes": float(commit.bytes),
    }


@answered
def read(  # noqa: PLR0913, PLR0917 - what sf_reader takes
    namespace: str,
    resource: str,
    partitions: Any = None,
    columns: list[str] | None = None,
    where: str | None = None,
    as_of: Mapping[str, Any] | None = None,
    integer64: bool = False,
    decimal: str = "refuse",
) -> dict[str, Any]:
    table = data_access.load_dataframe(
        namespace, resource, partitions=partitions, columns=columns, where=where, as_of=_point(as_of), into="arrow"
    )
    return columns_of(table, integer64=integer64, decimal=decimal)


def _point(as_of: Mapping[str, Any] | None) -> Any:
    match (as_of or {}).get("kind", "now"):
        case "time":
            return datetime.fromtimestamp(as_of["seconds"], UTC)
        case "number":
            return int(as_of["number"])
        case "text":
            return as_of["text"]
    return None


def table_of(columns: Sequence[Mapping[str, Any]]) -> pa.Table:
    """An Arrow table from what `pack_frame` made. Times become microseconds, as tables keep them."""
    names = [column["name"] for column in columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SchemaError(
            Reason.SCHEMA_MISMATCH, f"The data frame has several columns '{twice[0]}'.", "Give each a name of its own."
        )
    return pa.table([pa.chunked_array(_chunks(column)) for column in columns], names=names)


def _chunks(column: Mapping[str, Any]) -> list[pa.Array]:
    levels = _texts(column["levels"], int(column["count"])) if "levels" in column else None
    return [
        _array(column, bytes(values), np.frombuffer(bytes(missing), bool), levels)
        for values, missing in zip(column["values"], column["missing"], strict=True)
    ]


def _texts(joined: Any, count: int) -> pa.Array:
    return pa.array([each.decode() for each in bytes(joined).split(b"\0")[:count]], pa.string())


def _array(  # noqa: PLR0911 - one for each kind
    column: Mapping[str, Any], values: bytes, missing: np.ndarray, levels: pa.Array | None
) -> pa.Array:
    def of(kind: str) -> np.ndarray:
        return np.frombuffer(values, kind)

    match column["kind"]:
        case "logical":
            return pa.array(of("<i4") != 0, mask=missing)
        case "integer":
            return pa.array(of("<i4"), mask=missing)
        case "double":
            return pa.array(of("<f8"), mask=missing)
        case "int64":
            return pa.array(of("<i8"), mask=missing)
        case "date":
            return pa.array(of("<i4"), mask=missing).cast(pa.date32())
        case "time":
            micros = np.round(np.where(missing, 0.0, of("<f8")) * 1e6)
            if not np.isfinite(micros).all() or (np.abs(micros) >= 2.0**63).any():
                raise SchemaError(
                    Reason.UNSUPPORTED_TYPE, f"Column '{column['name']}' has infinite times.", "Make them NA."
                )
            return pa.array(micros.astype("<i8"), mask=missing).cast(pa.timestamp("us", tz=column["zone"]))
        case "text" if len(levels):
            return pa.DictionaryArray.from_arrays(pa.array(of("<i4"), mask=missing), levels).cast(pa.string())
        case "text":
            return pa.nulls(len(missing), pa.string())
    indices = pa.array(of("<i4"), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, levels, ordered=bool(column["ordered"]))


def columns_of(table: pa.Table, *, integer64: bool = False, decimal: str = "refuse") -> dict[str, Any]:
    """What `unpack_frame` reads: for each column its kind and its values as bytes, missing ones as R marks them."""
    made = [
        {"name": name, **_column(name, table.column(name), integer64, decimal)} for name in table.schema.names
    ]  # fmt: skip
    return {"columns": made, "rows": table.num_rows}


def _column(  # noqa: PLR0911 - one for each kind
    name: str, values: pa.ChunkedArray, integer64: bool, decimal: str
) -> dict[str, Any]:
    kind = values.type
    if pa.types.is_dictionary(kind) and not _is_text(kind.value_type):
        values, kind = values.cast(kind.value_type), kind.value_type
    if pa.types.is_decimal(kind) and decimal != "refuse":
        values = values.cast(pa.float64() if decimal == "double" else pa.string())
        kind = values.type
    if pa.types.is_boolean(kind):
        return _integers("logical", values.cast(pa.int8()))
    if pa.types.is_integer(kind):
        return _whole_numbers(name, values, integer64)
    if pa.types.is_floating(kind):
        return _doubles("double", values.cast(pa.float64()))
    if pa.types.is_dictionary(kind):
        return _factor(name, values)
    if _is_text(kind):
        return {**_factor(name, values.cast(pa.large_string()).dictionary_encode()), "kind": "text"}
    if pa.types.is_date(kind):
        return _doubles("date", values.cast(pa.date32()).cast(pa.int32()).cast(pa.float64()))
    if pa.types.is_timestamp(kind):
        return {**_seconds("time", values, kind.unit), "zone": kind.tz or "UTC"}
    if pa.types.is_duration(kind):
        return _seconds("duration", values, kind.unit)
    remedy = (
        'Say decimal = "double", which may round, or decimal = "character".'
        if pa.types.is_decimal(kind)
        else "Name the columns that you need, without this one: columns = c(…)."
    )
    raise SchemaError(Reason.UNSUPPORTED_TYPE, f"Column '{name}' is of type {kind}, which R does not have.", remedy)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _parts(values: pa.ChunkedArray) -> list[pa.Array]:
    """Pieces that a raw vector of R's holds."""
    return [
        chunk.slice(start, CHUNK_ROWS) for chunk in values.chunks for start in range(0, max(len(chunk), 1), CHUNK_ROWS)
    ]


def _missing(part: pa.Array) -> np.ndarray:
    return part.is_null().to_numpy(zero_copy_only=False)


def _integers(kind: str, values: pa.ChunkedArray) -> dict[str, Any]:
    def packed(part: pa.Array) -> bytearray:
        numbers = part.fill_null(0).to_numpy(zero_copy_only=False).astype("<i4")
        return bytearray(np.where(_missing(part), np.int32(NA_INTEGER), numbers).astype("<i4").tobytes())

    return {"kind": kind, "storage": "integer", "values": [packed(part) for part in _parts(values)]}


def _doubles(kind: str, values: pa.ChunkedArray) -> dict[str, Any]:
    def packed(part: pa.Array) -> bytearray:
        numbers = np.array(part.fill_null(0.0).to_numpy(zero_copy_only=False), "<f8")
        numbers.view(np.uint64)[_missing(part)] = NA_REAL
        return bytearray(numbers.tobytes())

    return {"kind": kind, "storage": "double", "values": [packed(part) for part in _parts(values)]}


def _whole_numbers(name: str, values: pa.ChunkedArray, integer64: bool) -> dict[str, Any]:
    """`integer` for types within R's, whose smallest value marks a missing one there; else `double` or `integer64`."""
    small = values.type.bit_width < 32 or values.type == pa.int32()
    extremes = pc.min_max(values).as_py()
    low, high = extremes["min"] or 0, extremes["max"] or 0
    if small and low > NA_INTEGER:
        return _integers("integer", values)
    if integer64 and low > SMALLEST and high < -SMALLEST:
        return _integer64(values.cast(pa.int64()))
    if max(-low, high) <= EXACT:
        return _doubles("double", values.cast(pa.float64()))
    raise SchemaError(
        Reason.UNSUPPORTED_TYPE,
        f"Column '{name}' has whole numbers up to {max(-low, high)}, and R's own numbers are exact up to {EXACT} only.",
        "Say integer64 = TRUE (package bit64)."
        if not integer64
        else "Name the columns that you need, without this one: columns = c(…).",
    )


def _integer64(values: pa.ChunkedArray) -> dict[str, Any]:
    """bit64's way: eight bytes of an integer in the place of a double; the smallest one is a missing value."""

    def packed(part: pa.Array) -> bytearray:
        numbers = part.fill_null(0).to_numpy(zero_copy_only=False)
        return bytearray(np.where(_missing(part), np.int64(SMALLEST), numbers).astype("<i8").tobytes())

    return {"kind": "int64", "storage": "double", "values": [packed(part) for part in _parts(values)]}


def _seconds(kind: str, values: pa.ChunkedArray, unit: str) -> dict[str, Any]:
    per_second = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
    numbers = values.cast(pa.int64())

    def packed(part: pa.Array) -> bytearray:
        seconds = part.fill_null(0).to_numpy(zero_copy_only=False).astype("<f8") / per_second
        seconds.view(np.uint64)[_missing(part)] = NA_REAL
        return bytearray(seconds.tobytes())

    return {"kind": kind, "storage": "double", "values": [packed(part) for part in _parts(numbers)]}


def _factor(name: str, values: pa.ChunkedArray) -> dict[str, Any]:
    """Codes from 1 on, and the levels, each ended by a zero byte."""
    one = values.unify_dictionaries()
    levels = [str(each) for each in (one.chunk(0).dictionary.to_pylist() if one.num_chunks else [])]
    if any("\0" in level for level in levels):
        raise SchemaError(
            Reason.UNSUPPORTED_TYPE,
            f"Column '{name}' has text with a zero byte, which R's text cannot hold.",
            "Name the columns that you need, without this one: columns = c(…).",
        )
    first = pa.scalar(1, pa.int32())
    codes = pa.chunked_array([pc.add(chunk.indices.cast(pa.int32()), first) for chunk in one.chunks], pa.int32())
    return {
        **_integers("factor", codes),
        "levels": bytearray(b"".join(level.encode() + b"\0" for level in levels)),
        "count": len(levels),
        "ordered": bool(values.type.ordered),
    }
