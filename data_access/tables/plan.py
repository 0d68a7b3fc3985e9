"""Which files a read needs, and how to fetch each. Pure: from a snapshot's list of files, before any byte is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.dataset as pd
from pyarrow import fs

from data_access.arguments import whole
from data_access.errors import DataError, Reason
from data_access.tables.model import Anchor, Column, DataFile, PartitionValues, Schema, Snapshot
from data_access.tables.partitions import selector, typed
from data_access.tables.predicate import (
    Arrow,
    Predicate,
    Range,
    bound,
    columns_of,
    conjuncts,
    every,
    exactly,
    expression,
    may_match,
    must_match,
    range_of,
)
from data_access.tables.schema import arrow_schema
from data_access.tables.where import column, predicate_of

#: Larger files come as several ranges at once.
WHOLE = 16 * 1024**2
#: A footer and then ranges are one more way to S3 and back, which takes about as long as this many bytes.
WORTH = 4 * 1024**2


@dataclass(frozen=True)
class FilePlan:
    """One file. `whole`: in one request, else its footer and then the ranges of the columns."""

    file: DataFile
    whole: bool
    #: Not every row is known to be wanted.
    filtered: bool


@dataclass(frozen=True)
class Counted:
    """How much there is, and how much of it is read."""

    partitions: int = 0
    files: int = 0
    bytes: int = 0
    rows: int = 0

    @classmethod
    def of(cls, files: Iterable[DataFile]) -> Counted:
        known = list(files)
        return cls(
            len({file.partition for file in known}),
            len(known),
            sum(file.size for file in known),
            sum(file.rows for file in known),
        )


@dataclass(frozen=True)
class ReadPlan:
    """What `read` does. As text it says what was left out."""

    anchor: Anchor
    root: str
    schema: Schema
    columns: tuple[str, ...]  # of the result, in its order
    predicate: Predicate | None
    files: tuple[FilePlan, ...]
    there: Counted
    kept: Counted
    limit: int | None = None
    #: The part of `predicate` that files can't answer as a whole: for their rows.
    residual: Predicate | None = None
    #: Columns of the files that are decoded, also those that only `residual` needs.
    decoded: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{self.kept.files:,} of {self.there.files:,} files"]
        if self.schema.partition_by:
            parts.insert(0, f"{self.kept.partitions:,} of {self.there.partitions:,} partitions")
        parts.append(f"{mebibytes(self.kept.bytes)} of {mebibytes(self.there.bytes)}")
        width = len(self.schema.columns) + len(self.schema.partition_by)
        if len(self.columns) < width:
            parts.append(f"{len(self.columns)} of {width} columns")
        rows = f"; rows where {self.predicate}" if self.predicate is not None else ""
        return f"{self.anchor}: {', '.join(parts)}{rows}"


def mebibytes(size: int) -> str:
    return f"{size / 1024**2:,.1f} MiB" if size < 1024**3 else f"{size / 1024**3:,.1f} GiB"


def plan(
    snapshot: Snapshot,
    *,
    partitions: object = None,
    columns: Sequence[str] | None = None,
    where: object = None,
    limit: int | None = None,
) -> ReadPlan:
    """Raises DataError: unknown-partition, bad-partition, unknown-column, bad-predicate, bad-argument."""
    schema = snapshot.commit.schema
    arrow = arrow_schema(schema)
    wanted = _columns(columns, arrow)
    if limit is not None:
        limit = whole(0, limit, "limit", "of rows (None: all)")
    predicate = predicate_of(where, arrow)
    files = _selected(snapshot.files, partitions, schema.partition_by)
    asked, residual = _by_partition(predicate, schema.partition_by)
    if asked is not None:
        chosen = _matching(dict.fromkeys(file.partition for file in files), asked, schema.partition_by, arrow)
        files = [file for file in files if file.partition in chosen]
    plans = tuple(_pruned(files, residual, schema, arrow))
    if not any(each.filtered for each in plans):
        residual = None
    of_files = {each.name for each in schema.columns}
    used = dict.fromkeys([*wanted, *columns_of(residual)])
    decoded = tuple(name for name in used if name in of_files)
    share = len(decoded) / max(1, len(of_files))
    return ReadPlan(
        snapshot.commit.anchor,
        snapshot.root,
        schema,
        wanted,
        predicate,
        tuple(FilePlan(each.file, _whole(each.file, share), each.filtered) for each in plans),
        Counted(
            len({each.partition for each in snapshot.files}),
            snapshot.commit.files,
            snapshot.commit.bytes,
            snapshot.commit.rows,
        ),
        Counted.of(each.file for each in plans),
        limit,
        residual,
        decoded,
    )


def _columns(columns: Sequence[str] | None, arrow: pa.Schema) -> tuple[str, ...]:
    if columns is None:
        return tuple(arrow.names)
    if isinstance(columns, str):
        columns = [columns]
    found = tuple(dict.fromkeys(column(name, arrow).name for name in columns))
    if not found:
        raise DataError(Reason.BAD_ARGUMENT, "columns=[] names no column.", f"There are: {', '.join(arrow.names)}.")
    return found


def _whole(file: DataFile, share: float) -> bool:
    return file.size <= WHOLE and file.size * (1 - share) <= WORTH


def _selected(files: Sequence[DataFile], partitions: object, keys: Sequence[Column]) -> Sequence[DataFile]:
    if partitions is None:
        return files
    chosen = set(selector(partitions, keys).of(dict.fromkeys(file.partition for file in files)))
    return [file for file in files if file.partition in chosen]


def _by_partition(predicate: Predicate | None, keys: Sequence[Column]) -> tuple[Predicate | None, Predicate | None]:
    """The part that asks for partition columns alone, and the rest."""
    names = {key.name for key in keys}
    parts = conjuncts(predicate)
    return (
        every(part for part in parts if set(columns_of(part)) <= names),
        every(part for part in parts if not set(columns_of(part)) <= names),
    )


def _pruned(
    files: Sequence[DataFile], predicate: Predicate | None, schema: Schema, arrow: pa.Schema
) -> Iterable[FilePlan]:
    if predicate is None:
        return [FilePlan(file, True, False) for file in files]
    for part in conjuncts(predicate):
        if isinstance(part, Arrow):
            files = _by_arrow(files, part, schema, arrow)
    used = columns_of(predicate)
    found = []
    for file in files:
        ranges = known_of(file, schema.partition_by, arrow, used)
        if may_match(predicate, ranges):
            found.append(FilePlan(file, True, not must_match(predicate, ranges)))
    return found


def _matching(
    partitions: Iterable[PartitionValues], predicate: Predicate, keys: Sequence[Column], arrow: pa.Schema
) -> set[PartitionValues]:
    """Those that the predicate, which asks for partition columns alone, is true for: all at once, by Arrow."""
    there = list(partitions)
    columns = {}
    for place, key in enumerate(keys):
        texts = [values[place] for values in there]
        python = {text: typed((text,), (key,))[0] for text in set(texts)}
        kind = arrow.field(key.name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        columns[key.name] = pa.array([python[text] for text in texts], kind)
    table = pa.table({**columns, "#": pa.array(range(len(there)), pa.int64())})
    return {there[i] for i in table.filter(expression(predicate)).column("#").to_pylist()}


def known_of(file: DataFile, keys: Sequence[Column], arrow: pa.Schema, used: Iterable[str]) -> dict[str, Range]:
    """What the manifest says of these columns in a file."""
    found = {}
    values = dict(zip((key.name for key in keys), typed(file.partition, keys), strict=True)) if keys else {}
    for name in used:
        kind = arrow.field(name).type
        found[name] = exactly(values[name], kind) if name in values else range_of(file.stats.get(name), file.rows, kind)
    return found


def _by_arrow(files: Sequence[DataFile], part: Arrow, schema: Schema, arrow: pa.Schema) -> list[DataFile]:
    """Arrow itself simplifies its expression by what is known of a file: exact for all that it understands."""
    parquet, disk = pd.ParquetFileFormat(), fs.LocalFileSystem()
    fragments = [
        parquet.make_fragment(str(i), disk, partition_expression=_guarantee(file, part, schema, arrow))
        for i, file in enumerate(files)
    ]
    kept = pd.FileSystemDataset(fragments, arrow, parquet, disk).get_fragments(part.expression)
    return [files[int(fragment.path)] for fragment in kept]


def _guarantee(file: DataFile, part: Arrow, schema: Schema, arrow: pa.Schema) -> pd.Expression:
    """What holds for every row of a file, as far as no null and no NaN make it untrue."""
    known: pd.Expression = pd.scalar(True)
    values = dict(
        zip((key.name for key in schema.partition_by), typed(file.partition, schema.partition_by), strict=True)
    )
    for name in part.columns:
        this, kind = pd.field(name), arrow.field(name).type
        if name in values:
            value = values[name]
            known = known & (this.is_null() if value is None else this == pa.scalar(value, kind))
            continue
        stats = file.stats.get(name)
        if stats is None or stats.nulls or pa.types.is_floating(kind):
            continue
        low, high = bound(stats.low, kind), bound(stats.high, kind)
        if low is not None and high is not None:
            known = known & (this >= low) & (this <= high)
    return known
