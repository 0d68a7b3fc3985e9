"""Polars to Arrow and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import polars
import pyarrow as pa

from data_access.errors import Reason, SchemaError
from data_access.tables.stored_schema import stripped, with_categories

#: Rows that are turned into Arrow at a time.
BATCH_ROWS = 1 << 18
_LEVEL = polars.CompatLevel.oldest()  # large_string and large_list: what Parquet writers take as they are


def schema_of(schema: polars.Schema) -> pa.Schema:
    """Arrow's schema, with the categories of an Enum. Raises SchemaError(unsupported-type)."""
    for name, dtype in schema.items():
        if dtype in (polars.Object, getattr(polars, "Int128", None), getattr(polars, "UInt128", None)):
            raise SchemaError(
                Reason.UNSUPPORTED_TYPE,
                f"Column '{name}' is Polars' {dtype}, which has no place in a Hive table.",
                "Cast it: to Int64 or Decimal(38, 0) if it is a number, else to String.",
            )
    arrow = polars.DataFrame(schema=schema).to_arrow(compat_level=_LEVEL).schema
    for place, (name, dtype) in enumerate(schema.items()):
        if isinstance(dtype, polars.Enum):
            categories = pa.array(dtype.categories.to_list(), arrow.field(name).type.value_type)
            arrow = arrow.set(place, with_categories(arrow.field(name), categories).with_type(arrow.field(name).type))
    return arrow


def batches(frame: polars.DataFrame) -> Iterator[pa.RecordBatch]:
    """Slice by slice, so that texts exist twice for one slice only."""
    for part in frame.iter_slices(BATCH_ROWS):
        yield from part.to_arrow(compat_level=_LEVEL).to_batches()


def lazy_batches(frame: polars.LazyFrame) -> Iterator[pa.RecordBatch]:
    """Through Polars' streaming engine, in the query's order: no more in memory than the query itself needs."""
    for part in frame.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming"):
        yield from part.to_arrow(compat_level=_LEVEL).to_batches()


def to_polars(table: pa.Table) -> polars.DataFrame:
    """Without a copy where Polars has the same layout."""
    fields = [_readable(field) for field in stripped(table.schema)]
    readable = table.cast(pa.schema(fields))
    del table
    return cast(polars.DataFrame, polars.from_arrow(readable, rechunk=False))


def _readable(field: pa.Field) -> pa.Field:
    """Types that Polars does not read, as those of the same values that it does."""
    if isinstance(field.type, pa.BaseExtensionType):
        return field.with_type(field.type.storage_type)
    if pa.types.is_decimal(field.type):
        return field.with_type(pa.decimal128(field.type.precision, field.type.scale))
    return field
