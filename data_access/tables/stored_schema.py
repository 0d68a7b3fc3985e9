"""A table's schema as it is kept: Arrow's own serialised form, so that round trips are exact. Pure.

Field metadata that begin with `remuda.` are ours: the categories of a categorical, in their order, and the exact pandas
dtype where Arrow's type and pandas' metadata don't say it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache

import pyarrow as pa

from data_access.tables.hive_types import Taken, rule
from data_access.tables.model import Column, Schema

#: A categorical's categories: an Arrow IPC stream of one batch with one column.
CATEGORIES = b"remuda.categories"
#: The exact pandas dtype of a column: "arrow", "object", "string[python]", …; see pandas_frames.py.
PANDAS_DTYPE = b"remuda.pandas"
#: More than this would weigh on every manifest; such a categorical comes back with the categories that its data have.
CATEGORIES_LIMIT = 64 * 1024


def stored(
    columns: Sequence[pa.Field],
    partition_by: Sequence[pa.Field],
    metadata: Mapping[bytes, bytes] | None,
    comments: Mapping[str, str | None],
) -> Schema:
    """From fields that were checked before (`schema.table_schema`, `evolution.evolve`)."""
    arrow = pa.schema([*columns, *partition_by], metadata=dict(metadata) if metadata else None)
    return Schema(
        tuple(_column(field, comments) for field in columns),
        tuple(_column(field, comments) for field in partition_by),
        base64.b64encode(arrow.serialize()).decode(),
    )


def _column(field: pa.Field, comments: Mapping[str, str | None]) -> Column:
    taken = rule(field.type)
    if not isinstance(taken, Taken):
        raise TypeError(f"column {field.name}: {taken.why}")  # checked before; a mistake of ours
    return Column(field.name, str(field.type), taken.hive, comments.get(field.name))


@lru_cache(maxsize=256)
def _decoded(ipc: str) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(ipc)))


def logical(schema: Schema) -> pa.Schema:
    """Columns then partition columns, with all metadata, ours too."""
    return _decoded(schema.ipc)


@lru_cache(maxsize=256)
def arrow_schema(schema: Schema) -> pa.Schema:
    """What a reader gets: columns, then partition columns, with pandas' metadata."""
    known = logical(schema)
    fields = [without(field, CATEGORIES) for field in known]
    return pa.schema(fields, metadata=known.metadata)


@lru_cache(maxsize=256)
def file_schema(schema: Schema) -> pa.Schema:
    """What the files hold: physical types, without partition columns and without metadata; every column may be null."""
    known = logical(schema)
    return pa.schema([pa.field(column.name, file_type(known.field(column.name).type)) for column in schema.columns])


def file_type(type_: pa.DataType) -> pa.DataType:
    """What a column of this type is in a file.

    A categorical of texts is handed to Parquet as an Arrow dictionary: the same bytes of values as plain text for other
    readers, but neither we nor Parquet look every value up again.
    """
    taken = rule(type_)
    if not isinstance(taken, Taken):
        raise TypeError(taken.why)
    if pa.types.is_dictionary(type_) and taken.hive == "string":
        return pa.dictionary(pa.int32(), pa.string())
    return taken.file


def without(field: pa.Field, key: bytes) -> pa.Field:
    """The field without one of its metadata."""
    if not field.metadata or key not in field.metadata:
        return field
    return field.with_metadata({name: value for name, value in field.metadata.items() if name != key} or None)


def stripped(schema: pa.Schema) -> pa.Schema:
    """Without the metadata that are ours."""
    for key in (CATEGORIES, PANDAS_DTYPE):
        schema = pa.schema([without(field, key) for field in schema], metadata=schema.metadata)
    return schema


def with_categories(field: pa.Field, categories: pa.Array) -> pa.Field:
    """A field that knows its categories, and has an index type that can count them."""
    bits = next(bits for bits in (8, 16, 32, 64) if len(categories) < 2 ** (bits - 1))
    index = field.type.index_type if field.type.index_type.bit_width >= bits else getattr(pa, f"int{bits}")()
    field = field.with_type(pa.dictionary(index, field.type.value_type, field.type.ordered))
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([categories], names=["categories"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    packed = sink.getvalue().to_pybytes()
    if len(packed) > CATEGORIES_LIMIT:
        return without(field, CATEGORIES).with_type(counting(field.type))
    return field.with_metadata({**(field.metadata or {}), CATEGORIES: packed})


def categories_of(field: pa.Field) -> pa.Array | None:
    """In order; None where they are not known (a stream), or too many to keep."""
    packed = (field.metadata or {}).get(CATEGORIES)
    return _unpacked(packed) if packed else None


@lru_cache(maxsize=256)
def _unpacked(packed: bytes) -> pa.Array:
    with pa.ipc.open_stream(pa.py_buffer(packed)) as reader:
        return reader.read_next_batch().column(0)


def counting(type_: pa.DataType) -> pa.DataType:
    """The type with dictionaries that can count at least 2^31 categories, at any depth."""
    if pa.types.is_dictionary(type_):
        index = type_.index_type if type_.index_type.bit_width >= 32 else pa.int32()
        return pa.dictionary(index, type_.value_type, type_.ordered)
    if isinstance(type_, pa.BaseExtensionType) or not pa.types.is_nested(type_):
        return type_
    parts = [type_.field(place) for place in range(type_.num_fields)]
    return rebuilt(type_, [part.with_type(counting(part.type)) for part in parts])


def rebuilt(type_: pa.DataType, parts: Sequence[pa.Field]) -> pa.DataType:
    """A struct, map or list of these fields instead of its own."""
    if pa.types.is_struct(type_):
        return pa.struct(parts)
    if pa.types.is_map(type_):
        return pa.map_(type_.key_field, type_.item_field, keys_sorted=type_.keys_sorted)
    if pa.types.is_fixed_size_list(type_):
        return pa.list_(parts[0], type_.list_size)
    return (pa.large_list if pa.types.is_large_list(type_) else pa.list_)(parts[0])
