"""Our own tables as scans: one snapshot each, and of its files only those that may hold what is asked."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_access.names import TableName
from data_access.query.filters import Among, Both, Comparison, Either, Filter, Null, understood
from data_access.tables import predicate
from data_access.tables.model import Anchor
from data_access.tables.plan import ReadPlan, plan
from data_access.tables.predicate import Predicate
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

    @property
    def anchor(self) -> Anchor:
        """Which commit this is."""
        return self._snapshot.commit.anchor

    def open(self, columns: list[str], filter_: pc.Expression | None) -> pa.Table | pa.RecordBatchReader:
        found = self._plan(columns, filter_)
        if found.kept.bytes <= STREAM_BYTES:
            return read(self._workspace, found)
        fields = pa.schema([self.schema.field(name) for name in columns])
        return pa.RecordBatchReader.from_batches(fields, batches(self._workspace, found))

    def _plan(self, columns: list[str], filter_: pc.Expression | None) -> ReadPlan:
        """By a tree, files and row groups are left out; by what is none (a long list, a `not in`), files."""
        tree = None if filter_ is None else understood(filter_, self.schema)
        where = filter_ if tree is None else predicate.And((predicate_from(tree, self.schema),))
        return plan(self._snapshot, columns=columns, where=where)


def predicate_from(tree: Filter, schema: pa.Schema) -> Predicate:
    """The tree in the words of `load_dataframe`'s `where`."""
    match tree:
        case Both(left, right):
            return predicate.And((predicate_from(left, schema), predicate_from(right, schema)))
        case Either(left, right):
            return predicate.Or((predicate_from(left, schema), predicate_from(right, schema)))
        case Null(name, is_null):
            return predicate.IsNull(name) if is_null else predicate.Not(predicate.IsNull(name))
        case Among(name, values):
            kind = schema.field(name).type
            return predicate.Among(name, tuple(pa.scalar(value, kind) for value in values))
        case Comparison(name, operator, value):
            same = "=" if operator == "==" else operator
            return predicate.Compare(name, same, pa.scalar(value, schema.field(name).type))
