"""What is known of databases and tables: few calls per database, kept for a short while."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from data_access.errors import DataError
from data_access.metastore.base import DatabaseRecord, Head, TableRecord
from data_access.names import TableName
from data_access.tables import snapshot
from data_access.tables.ids import ulid_time
from data_access.tables.model import Commit
from data_access.type_words import in_words
from data_access.workspace import Workspace

KEPT_S = 30.0
#: Requests at once; the metastore's port is safe for threads.
AT_ONCE = 16

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class ColumnFacts:
    """`type` is in words; `exact_type` is Arrow's own text, or Hive's of another program's table."""

    name: str
    type: str
    comment: str = ""
    is_partition: bool = False
    exact_type: str = ""


@dataclass(frozen=True)
class TableFacts:
    """None is unknown. `rows`, `bytes`, `files`, `by` need the table's manifest: see `with_commits`."""

    name: TableName
    kind: str  # "table", "iceberg", or "foreign": made by another program
    columns: tuple[ColumnFacts, ...]
    location: str
    comment: str = ""
    owner: str = ""
    commit: int | None = None
    changed: datetime | None = None
    by: str | None = None
    message: str = ""
    rows: int | None = None
    bytes: int | None = None
    files: int | None = None
    trouble: str = ""

    @property
    def partition_by(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.is_partition)


@dataclass(frozen=True)
class DatabaseFacts:
    """`trouble` says why the tables are not known."""

    record: DatabaseRecord
    tables: tuple[TableRecord, ...]
    trouble: str = ""


def databases(workspace: Workspace, names: Sequence[str] | None = None) -> list[DatabaseFacts]:
    """Two calls each, at once. A database that may not be looked into is told as such, and hides no other."""
    found = names if names is not None else kept(workspace, "databases", workspace.metastore.databases)
    return in_parallel(lambda name: kept(workspace, f"database {name}", lambda: _database(workspace, name)), found)


def _database(workspace: Workspace, name: str) -> DatabaseFacts:
    try:
        record = workspace.metastore.database(name)
    except DataError as error:
        return DatabaseFacts(DatabaseRecord(name, ""), (), error.sentence)
    try:
        return DatabaseFacts(record, tuple(sorted(workspace.metastore.records(name), key=lambda each: each.name)))
    except DataError as error:
        return DatabaseFacts(record, (), error.sentence)


def of_record(record: TableRecord) -> TableFacts:
    """What the record alone says. Pure; the commit's time is in its id."""
    keys = tuple(_column(each.name, each.type, each.comment, is_partition=True) for each in record.partition_keys)
    columns = tuple(_column(each.name, each.type, each.comment) for each in record.columns)
    kind = "table" if record.head else "iceberg" if record.format == "iceberg" else "foreign"
    facts = TableFacts(
        record.name, kind, columns + keys, record.root, record.comment or "", record.owner or ""
    )  # fmt: skip
    if record.head is None:
        return _of_parameters(facts, record)
    try:
        head = Head.parse(record.head)
        return replace(facts, commit=head.number, changed=ulid_time(head.id))
    except ValueError:
        return replace(facts, trouble="its head parameter can't be read")


def _of_parameters(facts: TableFacts, record: TableRecord) -> TableFacts:
    """What Hive, Spark and Iceberg leave in a table's parameters, where they do."""
    given = record.parameters
    changed = _number(given.get("transient_lastDdlTime") or given.get("last_modified_time"))
    return replace(
        facts,
        changed=datetime.fromtimestamp(changed, UTC) if changed else record.created,
        rows=_number(given.get("numRows")),
        bytes=_number(given.get("totalSize")),
        files=_number(given.get("numFiles")),
    )


def _number(text: str | None) -> int | None:
    """Hive writes -1 for what it does not know."""
    return int(text) if text is not None and re.fullmatch(r"\d{1,18}", text) else None


def with_commits(workspace: Workspace, records: Sequence[TableRecord]) -> list[TableFacts]:
    """Also rows, bytes and who: one object per table of ours, at once. What can't be read is told as such."""
    return in_parallel(lambda record: _with_commit(workspace, record), records)


def _with_commit(workspace: Workspace, record: TableRecord) -> TableFacts:
    facts = of_record(record)
    if facts.commit is None:
        return facts
    try:
        return of_commit(facts, snapshot.head_commit(workspace, record))
    except DataError as error:
        return replace(facts, trouble=error.sentence)


def of_commit(facts: TableFacts, commit: Commit) -> TableFacts:
    """Pure. The manifest has the columns in the frame's case and with their Arrow types."""
    columns = tuple(_column(each.name, each.arrow, each.comment) for each in commit.schema.columns)
    keys = tuple(_column(each.name, each.arrow, each.comment, is_partition=True) for each in commit.schema.partition_by)
    return replace(
        facts,
        columns=columns + keys,
        commit=commit.number,
        changed=commit.at,
        by=commit.by,
        message=commit.message,
        rows=commit.rows,
        bytes=commit.bytes,
        files=commit.files,
    )


def _column(name: str, exact: str, comment: str | None, *, is_partition: bool = False) -> ColumnFacts:
    return ColumnFacts(name, in_words(exact), comment or "", is_partition, exact)


def in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    listed = list(items)
    if len(listed) < 2:
        return [function(item) for item in listed]
    with ThreadPoolExecutor(min(AT_ONCE, len(listed)), thread_name_prefix="browse") as pool:
        return list(pool.map(function, listed))


_lock = threading.Lock()
_memory: dict[tuple[int, str], tuple[float, Workspace, object]] = {}


def kept(workspace: Workspace, what: str, ask: Callable[[], R]) -> R:
    """The answer of the last half minute, if there is one; so that search as one types does not ask each time."""
    key, now = (id(workspace), what), time.monotonic()
    with _lock:
        known = _memory.get(key)
    if known is not None and known[1] is workspace and now - known[0] < KEPT_S:
        return known[2]  # type: ignore[return-value]
    answer = ask()
    with _lock:
        for old in [each for each, (then, _, _) in _memory.items() if now - then >= KEPT_S]:
            del _memory[old]
        _memory[key] = now, workspace, answer
    return answer


def forget() -> None:
    """The next question is asked anew. For whoever has just changed what there is."""
    with _lock:
        _memory.clear()
