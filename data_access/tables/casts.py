"""Between what a frame has, what a file holds, and what a reader gets. Nothing is ever changed silently.

A value that its column can't hold exactly (a timestamp with nanoseconds, an integer beyond 2^53 in a float64 column) is
an error that shows the row and the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from data_access.errors import Reason, SchemaError
from data_access.tables.model import PartitionValues, Schema
from data_access.tables.partitions import typed
from data_access.tables.stored_schema import arrow_schema, categories_of, file_schema, logical

Batch = TypeVar("Batch", pa.RecordBatch, pa.Table)


def to_file(batch: Batch, schema: Schema, *, first_row: int = 0) -> Batch:
    """A frame's data as `file_schema(schema)`; partition columns are left out.

    `schema` has seen the frame (`evolve`). `first_row` is the number of the batch's first row, for messages. Raises
    SchemaError(schema-mismatch) with an example of what a cast would lose.
    """
    known, target = logical(schema), file_schema(schema)
    missing = [field.name for field in target if field.name not in batch.schema.names]
    if missing:
        raise SchemaError(
            Reason.SCHEMA_MISMATCH,
            f"A part of the frame lacks column {', '.join(missing)}.",
            "All parts need the same.",
        )
    columns = [_to_file(batch.column(field.name), known.field(field.name), field.type, first_row) for field in target]
    return type(batch).from_arrays(columns, schema=target)


def _to_file(column: pa.Array | pa.ChunkedArray, field: pa.Field, target: pa.DataType, first_row: int) -> Any:
    if not field.nullable and column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise SchemaError(
            Reason.SCHEMA_MISMATCH,
            f"Column '{field.name}' has no nulls by its schema, but row {first_row + row} is null.",
            "Fill it, or drop that row.",
        )
    if pa.types.is_dictionary(field.type) and field.type.ordered:
        _check_categories(column, field, first_row)
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.cast(column.type.storage_type)
    meaning = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
    if pa.types.is_dictionary(meaning):
        meaning = meaning.value_type
    if pa.types.is_dictionary(column.type) and not pa.types.is_dictionary(target):
        column = column.cast(column.type.value_type)
    if not pa.types.is_dictionary(target):  # what a reader gets has to hold it too: nanoseconds end in 2262
        column = _cast(column, meaning, field, first_row)
    return _cast(column, target, field, first_row)


def _cast(column: Any, target: pa.DataType, field: pa.Field, first_row: int) -> Any:
    """Exactly, or a SchemaError that shows the first value that can't be."""
    if column.type == target:
        return column
    try:
        return column.cast(target)
    except pa.ArrowInvalid as error:
        row = _first_failure(column, target)
        value = column.slice(row, 1)
        raise SchemaError(
            Reason.SCHEMA_MISMATCH,
            f"Column '{field.name}' can't keep the value of row {first_row + row}, {_text(value)}, unchanged:"
            f" it is {column.type}, and {_limit(column.type, target, field)}.",
            _remedy(column.type, target, field),
        ) from error
    except pa.ArrowNotImplementedError as error:
        raise SchemaError(
            Reason.SCHEMA_MISMATCH,
            f"Column '{field.name}' is {column.type}, which can't be made {target}.",
            "Cast it before storing.",
        ) from error


def _first_failure(column: Any, target: pa.DataType) -> int:
    """The first row whose cast fails, by halves: the sum of what is cast is no more than the column twice."""
    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            column.slice(low, middle - low).cast(target)
        except pa.ArrowInvalid:
            high = middle
        else:
            low = middle
    return low


def _text(value: Any) -> str:
    if pa.types.is_timestamp(value.type):
        return str(pc.cast(value, pa.string())[0])  # Python's datetime has no nanoseconds
    return repr(value[0].as_py())


def _limit(source: pa.DataType, target: pa.DataType, field: pa.Field) -> str:
    if pa.types.is_timestamp(target):
        if target.unit == "us" and pa.types.is_timestamp(source) and source.unit == "ns":
            return "files keep microseconds"
        return f"the table has {target}"
    if target == pa.float64():
        return "float64 is exact for whole numbers up to 2^53 only"
    if target == pa.date32():
        return "a date has no time of day"
    return f"the table has {field.type}"


def _remedy(source: pa.DataType, target: pa.DataType, field: pa.Field) -> str:
    if pa.types.is_timestamp(source) and pa.types.is_timestamp(target):
        if source.unit == "ns":
            return f'Round it: frame["{field.name}"].dt.floor("us"), or keep the nanoseconds as an int64 column.'
        return "Store it in a column of another name; this one has a unit with that range or precision."
    if target == pa.float64():
        return "Store it in a column of another name, as int64."
    return "Correct it, or store it in a column of another name."


def _check_categories(column: Any, field: pa.Field, first_row: int) -> None:
    known: Any = categories_of(field)
    values = column
    if pa.types.is_dictionary(column.type):
        values = column.cast(column.type.value_type)
    strange = pc.and_(pc.invert(pc.is_in(values, value_set=known.cast(values.type))), pc.is_valid(values))
    row = pc.index(strange, True).as_py()
    if row >= 0:
        raise SchemaError(
            Reason.SCHEMA_MISMATCH,
            f"Column '{field.name}' is an ordered categorical, and row {first_row + row}, {values[row].as_py()!r}, is"
            f" none of its categories: {', '.join(map(repr, known.to_pylist()[:12]))}.",
            "Correct it, or store a categorical whose order says where it belongs.",
        )


def from_file(
    table: pa.Table,
    schema: Schema,
    columns: Sequence[str] | None = None,
    *,
    partition: PartitionValues | None = None,
) -> pa.Table:
    """What a file holds, perhaps one of an older schema, as `arrow_schema(schema)`: these columns, in this order.

    A column that the file does not have yet is null. Partition columns come from `partition`, the file's values;
    without it they are taken from `table` where they are there, and left out otherwise.
    """
    wanted = arrow_schema(schema)
    keys = {column.name: place for place, column in enumerate(schema.partition_by)}
    constants = dict(zip(keys, typed(partition, schema.partition_by), strict=True)) if partition is not None else {}
    fields, arrays = [], []
    for name in wanted.names if columns is None else columns:
        field = wanted.field(name)
        full = logical(schema).field(name)
        if name in constants:
            column = constant(full, constants[name], table.num_rows)
        elif name in table.schema.names:
            column = _from_file(table.column(name), full)
        elif name in keys:
            continue
        else:
            column = _nulls(full, table.num_rows)
        fields.append(field)
        arrays.append(column)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=wanted.metadata))


def constant(field: pa.Field, value: object, rows: int) -> pa.ChunkedArray:
    """A partition column: one value in all rows."""
    type_ = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    one = _from_file(pa.chunked_array([pa.array([value], type_)]), field)
    if value is None:
        return _nulls(field, rows)
    if pa.types.is_dictionary(one.type):
        return one.take(pa.repeat(pa.scalar(0, pa.int32()), rows))
    return pa.chunked_array([pa.repeat(one[0], rows)])


def _nulls(field: pa.Field, rows: int) -> pa.ChunkedArray:
    """A column of nulls; a categorical has its categories all the same."""
    known = categories_of(field)
    if known is None:
        return pa.chunked_array([pa.nulls(rows, field.type)])
    indices = pa.nulls(rows, field.type.index_type)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, known, ordered=field.type.ordered)])


def _from_file(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    if pa.types.is_dictionary(field.type):
        return _categorical(column, field)
    if column.type == field.type:
        return column
    if isinstance(field.type, pa.BaseExtensionType):
        stored = column.cast(field.type.storage_type)
        chunks = [pa.ExtensionArray.from_storage(field.type, chunk) for chunk in stored.chunks]
        return pa.chunked_array(chunks, field.type)
    return column.cast(field.type)


def _categorical(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """A dictionary whose categories are the table's, in their order; then those that only the data have."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    known = categories_of(field)
    chunks = encoded.chunks or [pa.array([], encoded.type.value_type).dictionary_encode()]
    return pa.chunked_array([_coded(chunk, field.type, known) for chunk in chunks], field.type)


def _coded(chunk: pa.DictionaryArray, type_: pa.DictionaryType, known: pa.Array | None) -> pa.DictionaryArray:
    indices, values = chunk.indices, chunk.dictionary
    categories = values.cast(type_.value_type)
    if known is not None:
        place = pc.index_in(values, value_set=known.cast(values.type))
        strange = values.filter(pc.is_null(place))
        categories = known
        if len(strange):
            categories = pa.concat_arrays([known, strange.cast(known.type)])
            place = pc.index_in(values, value_set=categories.cast(values.type))
        indices = place.take(indices)
    return pa.DictionaryArray.from_arrays(indices.cast(type_.index_type), categories, ordered=type_.ordered)
