"""Frames of any kind as a stream of Arrow batches, and a table as the frame that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, get_args

import pyarrow as pa

from data_access.errors import DataError, Reason, SchemaError
from data_access.names import did_you_mean
from data_access.tables.fit import Fit, fit
from data_access.tables.stored_schema import CATEGORIES, stripped, with_categories, without

Kind = Literal["pandas", "polars", "arrow", "pandas-arrow"]
#: Rows per batch of what comes in one piece: enough for one row group, and slices cost nothing.
BATCH_ROWS = 1 << 20


@dataclass
class Source:
    """What is to be stored: can be read once. `rows` is None when only reading would tell."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    rows: int | None
    kind: str


def source_of(frame: object) -> Source:
    """A frame as a source: pandas, Polars (eager, or lazy and then streamed), pyarrow (Table, RecordBatch,
    RecordBatchReader, Dataset, Scanner), anything with Arrow's C stream or array (DuckDB relations, …), or an iterable
    of any of them. Raises SchemaError (see `pandas_frames`), DataError(bad-argument).
    """
    return _source_of(frame, continuing=False)


def _source_of(frame: Any, *, continuing: bool) -> Source:
    kind = type(frame).__module__.partition(".")[0]
    known = _of_pandas(frame, continuing=continuing) or _of_polars(frame) or _of_arrow(frame)
    if known is not None:
        return known
    if callable(getattr(frame, "__arrow_c_stream__", None)):
        reader = pa.RecordBatchReader.from_stream(frame)
        return Source(reader.schema, iter(reader), None, kind)
    if callable(getattr(frame, "__arrow_c_array__", None)):
        return _of_table(pa.Table.from_batches([pa.record_batch(frame)]), kind)
    if isinstance(frame, Iterable) and not continuing and not isinstance(frame, str | bytes | dict | set):
        return _of_parts(iter(frame))
    raise DataError(
        Reason.BAD_ARGUMENT,
        f"A {type(frame).__name__} is no frame.",
        "Give a pandas or Polars DataFrame, a pyarrow Table, or an iterable of them; pandas.DataFrame(…) makes one.",
    )


def _of_pandas(frame: Any, *, continuing: bool) -> Source | None:
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return None
    if isinstance(frame, pandas.Series):
        raise DataError(Reason.BAD_ARGUMENT, "A Series is no frame.", "Make it one: series.to_frame('its name').")
    if not isinstance(frame, pandas.DataFrame):
        return None
    from data_access.tables.pandas_frames import from_pandas

    return _of_table(from_pandas(frame, continuing=continuing), "pandas")


def _of_polars(frame: Any) -> Source | None:
    polars = sys.modules.get("polars")
    if polars is None:
        return None
    from data_access.tables import polars_frames

    if isinstance(frame, polars.Series):
        raise DataError(Reason.BAD_ARGUMENT, "A Series is no frame.", "Make it one: series.to_frame('its name').")
    if isinstance(frame, polars.DataFrame):
        return Source(polars_frames.schema_of(frame.schema), polars_frames.batches(frame), frame.height, "polars")
    if isinstance(frame, polars.LazyFrame):
        return Source(
            polars_frames.schema_of(frame.collect_schema()), polars_frames.lazy_batches(frame), None, "polars"
        )
    return None


def _of_arrow(frame: Any) -> Source | None:
    if isinstance(frame, pa.Table):
        return _of_table(frame, "arrow")
    if isinstance(frame, pa.RecordBatch):
        return _of_table(pa.Table.from_batches([frame]), "arrow")
    if isinstance(frame, pa.RecordBatchReader):
        return Source(frame.schema, iter(frame), None, "arrow")
    if "pyarrow.dataset" in sys.modules:
        from pyarrow import dataset

        if isinstance(frame, dataset.Dataset):
            frame = frame.scanner()
        if isinstance(frame, dataset.Scanner):
            reader = frame.to_reader()
            return Source(reader.schema, iter(reader), None, "arrow")
    return None


def _of_table(table: pa.Table, kind: str) -> Source:
    table = table.unify_dictionaries()
    schema = table.schema
    for place, field in enumerate(schema):
        if pa.types.is_dictionary(field.type) and table.column(place).num_chunks:
            noted = with_categories(field, table.column(place).chunk(0).dictionary)
            schema = schema.set(place, noted.with_type(field.type))
    return Source(schema, iter(table.to_batches(max_chunksize=BATCH_ROWS)), table.num_rows, kind)


def _of_parts(parts: Iterator[Any]) -> Source:
    """Frame after frame; the first says the schema, and the others have to fit it."""
    first = next(parts, None)
    if first is None:
        raise DataError(
            Reason.BAD_ARGUMENT, "The iterable of frames is empty, so there is no schema.", "Give at least one frame."
        )
    source = _source_of(first, continuing=True)
    schema = _without_categories(source.schema)

    def rest() -> Iterator[pa.RecordBatch]:
        for number, part in enumerate(parts, start=2):
            yield from _fitting(_source_of(part, continuing=True), schema, number)

    return Source(schema, chain(source.batches, rest()), None, source.kind)


def _without_categories(schema: pa.Schema) -> pa.Schema:
    """Parts may have other categories than the first; ordered ones are the first's and later values are checked."""
    return pa.schema(
        [
            without(field, CATEGORIES) if pa.types.is_dictionary(field.type) and not field.type.ordered else field
            for field in schema
        ],
        metadata=schema.metadata,
    )


def _fitting(part: Source, schema: pa.Schema, number: int) -> Iterator[pa.RecordBatch]:
    """The part's batches, columns in the first's order. Their values are cast where files are written (`to_file`)."""
    lacking = [name for name in schema.names if name not in part.schema.names]
    extra = [name for name in part.schema.names if name not in schema.names]
    told = [f"{said} {', '.join(names)}" for said, names in (("it lacks", lacking), ("it adds", extra)) if names]
    if told:
        raise SchemaError(
            Reason.SCHEMA_MISMATCH,
            f"Part {number} of the frames has other columns than the first: {' and '.join(told)}.",
            "Give all parts the same columns.",
        )
    for field in schema:
        brought = part.schema.field(field.name).type
        if not pa.types.is_null(field.type) and fit(field.type, brought) is not Fit.STAYS:
            raise SchemaError(
                Reason.SCHEMA_MISMATCH,
                f"Column '{field.name}' is {field.type} in the first frame and {brought} in part {number}.",
                "Cast them to one type; the wider one in the first.",
            )
    for batch in part.batches:
        yield batch.select(schema.names)


def into(table: pa.Table, kind: Kind = "pandas") -> Any:
    """The table as "pandas", "polars", "arrow", or "pandas-arrow" (ArrowDtype throughout).

    Give up your own reference (`into(read(…))`), so that a column's Arrow memory is freed as soon as it is converted.
    Raises DataError(bad-argument).
    """
    if kind not in get_args(Kind):
        raise DataError(Reason.BAD_ARGUMENT, f"into='{kind}' is not known.", did_you_mean(str(kind), get_args(Kind)))
    if kind == "arrow":
        return pa.Table.from_arrays(table.columns, schema=stripped(table.schema))
    held = [table]
    del table  # the converters free what they have converted, if nobody else holds it: we don't
    if kind == "polars":
        from data_access.tables.polars_frames import to_polars

        return to_polars(held.pop())
    from data_access.tables.pandas_frames import to_pandas

    return to_pandas(held.pop(), arrow_dtypes=kind == "pandas-arrow")
