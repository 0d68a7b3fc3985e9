"""pandas to Arrow and back, so that what is loaded equals what was stored: dtypes, index, categories, attrs.

Arrow's own conversion does most. What it would change is noted in field metadata (`PANDAS_DTYPE`) and put right here:
object columns of texts or numbers, StringDtype kept in Python, ArrowDtype of any type, dtypes of categories; and
integers with nulls never become floats.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy
import pandas
import pyarrow as pa

from data_access.errors import Reason, SchemaError
from data_access.tables.object_columns import check_objects, first_sentence, holds_arrays, missing_as, unconvertible
from data_access.tables.stored_schema import PANDAS_DTYPE, with_categories

_MISSING = {"nan": numpy.nan, "NA": pandas.NA}
_NULLABLE = {
    pa.bool_(): pandas.BooleanDtype,
    pa.int8(): pandas.Int8Dtype,
    pa.int16(): pandas.Int16Dtype,
    pa.int32(): pandas.Int32Dtype,
    pa.int64(): pandas.Int64Dtype,
}


def from_pandas(frame: pandas.DataFrame, *, continuing: bool = False) -> pa.Table:
    """A frame as Arrow; numbers are not copied. A part of a stream may have an index that continues (0…n, n…m).

    An unnamed index 0…n-1 is left out; named indexes become columns and are an index again when loaded. Raises
    SchemaError(bad-name, schema-mismatch, unsupported-type).
    """
    _check_columns(frame)
    index = _index_columns(frame, continuing=continuing)
    check_objects(frame)
    try:
        table = pa.Table.from_pandas(frame, preserve_index=bool(index))
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise _unconvertible(frame, error) from error
    table = table.unify_dictionaries()
    fields = [_noted(field, _values(frame, field.name, index), table.column(field.name)) for field in table.schema]
    metadata = _metadata(table.schema.metadata, frame, index)
    return pa.Table.from_arrays(table.columns, schema=pa.schema(fields, metadata=metadata))


def _check_columns(frame: pandas.DataFrame) -> None:
    wrong = [name for name in frame.columns if not isinstance(name, str)]
    if frame.columns.nlevels > 1:
        raise SchemaError(
            Reason.BAD_NAME,
            f"The frame's columns have {frame.columns.nlevels} levels; a table's have one.",
            'Join them: frame.columns = ["_".join(map(str, each)) for each in frame.columns].',
        )
    if wrong:
        raise SchemaError(
            Reason.BAD_NAME,
            f"Column names have to be texts, and {', '.join(map(repr, wrong[:5]))} {'are' if wrong[1:] else 'is'} not.",
            "Make them texts: frame.columns = frame.columns.astype(str).",
        )
    if frame.columns.has_duplicates:
        twice = sorted(set(frame.columns[frame.columns.duplicated()]))
        raise SchemaError(
            Reason.BAD_NAME, f"There are several columns {', '.join(map(repr, twice))}.", "Rename or drop all but one."
        )


def _index_columns(frame: pandas.DataFrame, *, continuing: bool) -> list[str]:
    """Names of the index' levels that are stored; empty when it only counts rows."""
    index = frame.index
    names = list(index.names)
    if names == [None]:
        counts = isinstance(index, pandas.RangeIndex) and index.step == 1 and (continuing or index.start == 0)
        if counts or not len(index) or index.equals(pandas.RangeIndex(len(index))):
            return []
    if not all(isinstance(name, str) for name in names):
        raise SchemaError(
            Reason.SCHEMA_MISMATCH,
            f"The frame's index has no name ({index[:3].tolist()}{' …' if len(index) > 3 else ''}), and would be lost.",
            "If it means nothing: frame.reset_index(drop=True). If it does: frame.rename_axis('its name').",
        )
    taken = [name for name in names if name in frame.columns]
    if taken or len(set(names)) < len(names):
        raise SchemaError(
            Reason.BAD_NAME,
            f"The index is named as a column is: {', '.join(taken or names)}.",
            "Rename it with frame.rename_axis(…), or leave it out with frame.reset_index(drop=True).",
        )
    return names


def _values(frame: pandas.DataFrame, name: str, index: Sequence[str]) -> pandas.Series | pandas.Index:
    return frame.index.get_level_values(name) if name in index else frame[name]


def _noted(field: pa.Field, values: pandas.Series | pandas.Index, column: pa.ChunkedArray) -> pa.Field:
    """The field with what Arrow's metadata do not say about its dtype, and its categories."""
    if pa.types.is_dictionary(field.type) and column.num_chunks:
        field = with_categories(field, column.chunk(0).dictionary).with_type(field.type)
    hint = _hint(values, field.type)
    return field.with_metadata({**(field.metadata or {}), PANDAS_DTYPE: hint.encode()}) if hint else field


def _hint(values: pandas.Series | pandas.Index, type_: pa.DataType) -> str | None:
    dtype = values.dtype
    if isinstance(dtype, pandas.ArrowDtype):
        return "arrow"
    if isinstance(dtype, pandas.StringDtype):
        return f"string {dtype.na_value}" if dtype.storage == "python" else None
    if isinstance(dtype, pandas.CategoricalDtype):
        return f"category {dtype.categories.dtype}"
    if dtype.kind != "O" or type_ in (pa.binary(), pa.large_binary()):
        return None
    if pa.types.is_decimal(type_) or pa.types.is_date(type_) or (pa.types.is_nested(type_) and holds_arrays(values)):
        return None
    return f"object {missing_as(values)}".strip()


def _metadata(metadata: dict[bytes, bytes], frame: pandas.DataFrame, index: Sequence[str]) -> dict[bytes, bytes]:
    pandas_part = json.loads(metadata[b"pandas"])
    pandas_part["index_columns"] = list(index)
    name = frame.columns.name
    pandas_part["columns_name"] = name if isinstance(name, str) else None
    return {**metadata, b"pandas": json.dumps(pandas_part).encode()}


def _unconvertible(frame: pandas.DataFrame, error: Exception) -> SchemaError:
    for name in frame.columns:
        dtype = frame[name].dtype
        if isinstance(dtype, pandas.SparseDtype):
            return SchemaError(
                Reason.UNSUPPORTED_TYPE,
                f"Column '{name}' is sparse.",
                f'Make it dense: frame["{name}"].sparse.to_dense().',
            )
        if dtype.kind == "c":
            return SchemaError(
                Reason.UNSUPPORTED_TYPE,
                f"Column '{name}' is {dtype}, and Hive has no complex numbers.",
                "Store .real and .imag as two columns.",
            )
        if dtype.kind == "O" and (found := unconvertible(frame[name])) is not None:
            return found
    return SchemaError(
        Reason.UNSUPPORTED_TYPE,
        f"A column can't be converted: {first_sentence(error)}.",
        "Convert it to one type, or to text.",
    )


def to_pandas(table: pa.Table, *, arrow_dtypes: bool = False) -> pandas.DataFrame:
    """A frame with the dtypes that were stored. Takes the table's memory where nobody else holds it."""
    metadata = json.loads((table.schema.metadata or {}).get(b"pandas", b"{}"))
    dtypes = {each.get("field_name"): each.get("numpy_type") for each in metadata.get("columns", ())}
    names, rows, schema = list(table.column_names), table.num_rows, table.schema
    index = [name for name in metadata.get("index_columns", ()) if isinstance(name, str) and name in names]
    own: dict[str, Any] = {}
    for name in names:
        column = table.column(name)
        made = None if arrow_dtypes else _special(column, _hint_of(schema.field(name)), dtypes.get(name))
        if made is not None:
            own[name] = made
    rest = table.select([name for name in names if name not in own]).unify_dictionaries()
    del table, column
    rest = rest.replace_schema_metadata(_of(metadata, rest.column_names))
    mapper = pandas.ArrowDtype if arrow_dtypes else None
    frame = rest.to_pandas(
        split_blocks=True, self_destruct=True, types_mapper=mapper, ignore_metadata=arrow_dtypes or not metadata
    )
    del rest
    if own:
        columns = {name: own.pop(name) if name in own else frame[name] for name in names}
        frame = pandas.DataFrame(columns, index=pandas.RangeIndex(rows), copy=False)
    frame = _finished(frame, schema, metadata, arrow_dtypes=arrow_dtypes)
    return frame.set_index(index) if index else frame


def _hint_of(field: pa.Field) -> str:
    return (field.metadata or {}).get(PANDAS_DTYPE, b"").decode()


def _special(column: pa.ChunkedArray, hint: str, numpy_type: str | None) -> Any:
    """The column's values where Arrow's own conversion would give another dtype; None where it would not."""
    if hint == "arrow":
        return pandas.ArrowDtype(column.type).__from_arrow__(column)
    if hint.startswith("string "):
        missing = numpy.nan if hint.endswith("nan") else pandas.NA
        return pandas.StringDtype("python", na_value=missing).__from_arrow__(column)
    if hint.startswith("object"):
        return pandas.Series(_objects(column, _MISSING.get(hint.removeprefix("object "))), dtype=object)
    return _of_type(column, numpy_type)


def _of_type(column: pa.ChunkedArray, numpy_type: str | None) -> Any:
    """What pandas itself has no dtype for, and whole numbers with nulls."""
    if isinstance(column.type, pa.UuidType):
        return pandas.Series(_objects(column, None), dtype=object)
    if isinstance(column.type, pa.BaseExtensionType):
        return column.cast(column.type.storage_type).to_pandas()
    nullable = _NULLABLE.get(column.type)
    if nullable is not None and column.null_count and _is_numpy(numpy_type):
        return nullable().__from_arrow__(column)
    return None


def _objects(column: pa.ChunkedArray, missing: Any) -> numpy.ndarray:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        values = column.to_numpy(zero_copy_only=False)
    else:
        values = numpy.empty(len(column), dtype=object)
        values[:] = column.to_pylist()
    if missing is not None and column.null_count:
        values[column.is_null().to_numpy()] = missing
    return values


def _is_numpy(numpy_type: str | None) -> bool:
    """Whether a column was of a numpy dtype, or not of pandas at all: those have no place for a null."""
    return numpy_type is None or numpy_type in ("bool", "int8", "int16", "int32", "int64", "float32", "float64")


def _of(metadata: dict[str, Any], names: Sequence[str]) -> dict[bytes, bytes] | None:
    """pandas' metadata for some of its columns; the index is set afterwards."""
    if not metadata:
        return None
    columns = [each for each in metadata.get("columns", ()) if each.get("field_name") in names]
    return {b"pandas": json.dumps({**metadata, "columns": columns, "index_columns": []}).encode()}


def _finished(
    frame: pandas.DataFrame, schema: pa.Schema, metadata: dict[str, Any], *, arrow_dtypes: bool
) -> pandas.DataFrame:
    for field in schema:
        kind, _, dtype = _hint_of(field).partition(" ")
        if kind == "category" and not arrow_dtypes and str(frame[field.name].cat.categories.dtype) != dtype:
            categories = frame[field.name].cat.categories.astype(dtype)
            frame[field.name] = frame[field.name].cat.rename_categories(categories)
    if metadata.get("columns_name") is not None:
        frame.columns.name = metadata["columns_name"]
    frame.attrs = dict(metadata.get("attributes") or {})
    return frame
