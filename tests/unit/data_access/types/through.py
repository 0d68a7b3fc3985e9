"""A frame through a real Parquet file and back, by the same functions as a table's."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data_access.tables.frames import into, source_of
from data_access.tables.model import Schema
from data_access.tables.schema import file_schema, from_file, table_schema, to_file


def written(frame: Any, schema: Schema) -> bytes:
    """A Parquet file of the frame's data."""
    file = io.BytesIO()
    with pq.ParquetWriter(file, file_schema(schema)) as writer:
        for batch in source_of(frame).batches:
            writer.write_batch(to_file(batch, schema))
    return file.getvalue()


def read(data: bytes, schema: Schema, kind: str = "arrow", **how: Any) -> Any:
    return into(from_file(pq.read_table(io.BytesIO(data)), schema, **how), kind)


def schema_of(frame: Any, partition_by: Sequence[str] = (), comments: Mapping[str, str] | None = None) -> Schema:
    return table_schema(source_of(frame).schema, partition_by, comments or {})


def through_file(frame: Any, kind: str) -> Any:
    """What a reader gets of what a writer gave."""
    schema = schema_of(frame)
    return read(written(frame, schema), schema, kind)


def column(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    """An array of any type, extensions and dictionaries too."""
    if isinstance(type_, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(type_, pa.array(values, type_.storage_type))
    if pa.types.is_dictionary(type_):
        return pa.array(values, type_.value_type).dictionary_encode().cast(type_)
    return pa.array(values, type_)
