"""Our own tables as scans: one snapshot each, opened once, and of its files only those that may hold what is asked."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import and_
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pd
from pyarrow import fs

from data_access.names import TableName
from data_access.provenance import note_read
from data_access.query.filters import Among, Both, Comparison, Either, Filter, Null, understood
from data_access.tables import predicate
from data_access.tables.model import DataFile, Schema, Snapshot
from data_access.tables.partitions import typed
from data_access.tables.plan import plan
from data_access.tables.predicate import Predicate, bound
from data_access.tables.read import batches, read
from data_access.tables.schema import arrow_schema
from data_access.tables.snapshot import open_snapshot
from data_access.workspace import Workspace

#: Tables whose files are larger together come in batches, so that a query may be over more than fits into memory.
STREAM_BYTES = 256 * 1024**2


class Lake:
    """One table at one commit."""

    def __init__(self, workspace: Workspace, name: TableName, as_of: Any = None) -> None:
        self._workspace = workspace
        self._snapshot = open_snapshot(workspace, name, as_of)
        self.schema = arrow_schema(self._snapshot.commit.schema).remove_metadata()

    def open(self, columns: list[str], filter_: pc.Expression | None) -> pa.Table | pa.RecordBatchReader:
        note_read(self._snapshot.commit.anchor)
        found = self._plan(columns, filter_)
        if sum(each.file.size for each in found.files) <= STREAM_BYTES:
            return read(self._workspace, found)
        fields = pa.schema([self.schema.field(name) for name in columns])
        return pa.RecordBatchReader.from_batches(fields, batches(self._workspace, found))

    def _plan(self, columns: list[str], filter_: pc.Expression | None) -> Any:
        """The plan prunes by a tree; what is none (a long list, a `not in`), Arrow prunes by."""
        tree = None if filter_ is None else understood(filter_, self.schema)
        if tree is not None:
            return plan(self._snapshot, partitions=None, columns=columns, where=_predicate(tree, self.schema))
        files = surviving(self._snapshot, self.schema, filter_)
        return plan(replace(self._snapshot, files=files), partitions=None, columns=columns, where=None)


def _predicate(tree: Filter, schema: pa.Schema) -> Predicate:
    """The tree in the words of `load_dataframe`'s `where`."""
    match tree:
        case Both(left, right):
            return predicate.And((_predicate(left, schema), _predicate(right, schema)))
        case Either(left, right):
            return predicate.Or((_predicate(left, schema), _predicate(right, schema)))
        case Null(name, is_null):
            return predicate.IsNull(name) if is_null else predicate.Not(predicate.IsNull(name))
        case Among(name, values):
            kind = schema.field(name).type
            return predicate.Among(name, tuple(pa.scalar(value, kind) for value in values))
        case Comparison(name, operator, value):
            same = "=" if operator == "==" else operator
            return predicate.Compare(name, same, pa.scalar(value, schema.field(name).type))


def surviving(snapshot: Snapshot, schema: pa.Schema, filter_: pc.Expression | None) -> tuple[DataFile, ...]:
    """The files that may hold a row that passes, by their partition and the range of each column. Pure.

    Arrow decides: it simplifies the filter by what is known of a file, which is exact for any filter it understands.
    """
    if filter_ is None or not snapshot.files:
        return snapshot.files
    parquet, disk, asked = pd.ParquetFileFormat(), fs.LocalFileSystem(), str(filter_)
    fragments = [
        parquet.make_fragment(str(i), disk, partition_expression=known(file, snapshot.commit.schema, schema, asked))
        for i, file in enumerate(snapshot.files)
    ]
    kept = pd.FileSystemDataset(fragments, schema, parquet, disk).get_fragments(filter_)
    return tuple(snapshot.files[int(fragment.path)] for fragment in kept)


def known(file: DataFile, table: Schema, schema: pa.Schema, asked: str) -> pc.Expression:
    """What holds for every row of a file that `asked` could let pass.

    Ranges say nothing of nulls, so they stay out where the filter asks for null, nor of NaN, which differs from all.
    """
    parts: list[pc.Expression] = []
    for column, value in zip(table.partition_by, typed(file.partition, table.partition_by), strict=True):
        kind, field = schema.field(column.name).type, pc.field(column.name)
        if not pa.types.is_dictionary(kind):
            parts.append(field.is_null() if value is None else field == pa.scalar(value, kind))
    for name, stats in file.stats.items():
        if name not in asked or name not in schema.names or (stats.nulls and "is_null" in asked):
            continue
        kind = schema.field(name).type
        if pa.types.is_dictionary(kind) or (pa.types.is_floating(kind) and ("!=" in asked or "invert" in asked)):
            continue
        low, high = bound(stats.low, kind), bound(stats.high, kind)
        if low is not None and high is not None:
            parts.append((pc.field(name) >= low) & (pc.field(name) <= high))
    return reduce(and_, parts) if parts else pc.scalar(True)
