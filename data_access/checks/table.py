"""What is around the rows of a table: read from its snapshots and history, only when a check asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

import pyarrow as pa

from data_access.checks.context import Alone, Ends, PartitionPast, Passed
from data_access.errors import DataError, NotFoundError, Reason
from data_access.names import TableName
from data_access.tables.model import Commit, DataFile, PartitionDelta, PartitionValues, Schema, Snapshot
from data_access.workspace import Workspace

#: Commits that are looked through for row counts and for the last pass: two requests of 64 manifests each.
LOOK_BACK = 129


def read_columns(
    workspace: Workspace, snapshot: Snapshot, columns: Sequence[str] | None, where: Any = None
) -> Iterator[pa.RecordBatch]:
    from data_access.tables import plan, read

    if not snapshot.files:
        return iter(())
    names = None if columns is None else list(columns)
    return read.batches(workspace, plan.plan(snapshot, partitions=None, columns=names, where=where))


def earlier(workspace: Workspace, snapshot: Snapshot | None) -> Iterator[Commit]:
    """This commit and those before it, the newest first, at most `LOOK_BACK`."""
    if snapshot is None:
        return iter(())
    from data_access.tables.snapshot import walk

    commit = snapshot.commit
    record = workspace.metastore.table(commit.table)
    return islice((each for each in walk(workspace, record) if each.number <= commit.number), LOOK_BACK)


def stored_rows(commit: Commit) -> dict[PartitionValues, int]:
    """Rows that a commit stored, by partition; empty of one that only removed, or changed no data."""
    if commit.operation not in ("create", "store"):
        return {}
    return {delta.partition: delta.rows for delta in commit.changed if delta.what != "removed"}


def last_passes(commits: Iterable[Commit], names: Iterable[str]) -> tuple[dict[str, Passed], int]:
    """For each check the newest commit that it passed in; and how many commits that have results were looked at."""
    wanted, found, looked = set(names), {}, 0
    for commit in commits:
        looked += bool(commit.checks)
        for record in commit.checks:
            if record.name in wanted and record.passed:
                found[record.name] = Passed(commit.number, commit.at, commit.by)
                wanted.discard(record.name)
        if not wanted:
            break
    return found, looked


def past_of(
    wrote: Mapping[PartitionValues, int], commits: Iterable[Commit], schema: Schema, last: int
) -> tuple[PartitionPast, ...]:
    """Each partition's row counts in earlier stores; where it has none, those of the partitions stored last.

    `commits` are the newest first.
    """
    same: dict[PartitionValues, list[int]] = {each: [] for each in wrote}
    any_: list[PartitionDelta] = []
    for commit in commits:
        if all(len(each) >= last for each in same.values()) and len(any_) >= last:
            break
        for values, rows in stored_rows(commit).items():
            if values in same and len(same[values]) < last:
                same[values].append(rows)
            any_.append(PartitionDelta(values, "added", rows, 0))
    others = [delta.rows for delta in any_ if delta.partition not in wrote][:last]
    return tuple(
        PartitionPast(_label(schema, values), rows, tuple(same[values] or others), bool(same[values]))
        for values, rows in wrote.items()
    )


def _label(schema: Schema, values: PartitionValues) -> str:
    pairs = zip(schema.partition_by, values, strict=True)
    return ", ".join(f"{key.name}={'null' if value is None else value}" for key, value in pairs)


class InWorkspace(Alone):
    """A frame of no table, in a workspace: other tables can be looked up."""

    def __init__(self, workspace: Workspace | Callable[[], Workspace]) -> None:
        self._workspace = workspace

    @property
    def workspace(self) -> Workspace:
        return self._workspace if isinstance(self._workspace, Workspace) else self._workspace()

    def lookup(self, table: TableName, columns: Sequence[str], as_of: str | None) -> Iterator[pa.RecordBatch]:
        from data_access.tables.snapshot import open_snapshot

        return read_columns(self.workspace, open_snapshot(self.workspace, table, as_of), columns)


@dataclass(frozen=True)
class Written:
    """What a store wrote: rows by partition, and the files that stay beside."""

    rows: Mapping[PartitionValues, int]
    kept: tuple[DataFile, ...]
    schema: Schema


class OfStore(InWorkspace):
    """Between writing and committing: `base` is the table as it is, `written` what is about to come."""

    def __init__(self, workspace: Workspace, base: Snapshot | None, written: Written) -> None:
        super().__init__(workspace)
        self._base, self._written = base, written

    def others(self, columns: Sequence[str], within: Ends) -> Iterator[pa.RecordBatch]:
        """Files and partitions that hold nothing `within` are not read."""
        if self._base is None:
            return iter(())
        where = [
            (name, sign, end) for name, ends in within.items() for sign, end in zip((">=", "<="), ends, strict=True)
        ]
        kept = replace(self._base, files=self._written.kept)
        try:
            return read_columns(self.workspace, kept, columns, where or None)
        except DataError as error:
            if error.reason != Reason.BAD_PREDICATE:
                raise
            return read_columns(self.workspace, kept, columns)  # the column was narrower than these values

    def before(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch] | None:
        """The partitions that the last store wrote, as they are now."""
        last = next((each for each in self._commits if stored_rows(each)), None)
        if self._base is None or last is None:
            return None
        partitions = stored_rows(last)
        files = tuple(file for file in self._base.files if file.partition in partitions)
        return read_columns(self.workspace, replace(self._base, files=files), columns)

    def past(self, last: int) -> tuple[PartitionPast, ...] | None:
        return past_of(self._written.rows, self._commits, self._written.schema, last)

    @cached_property
    def _commits(self) -> tuple[Commit, ...]:
        return tuple(earlier(self.workspace, self._base))


class OfSnapshot(InWorkspace):
    """A stored table, whole: beside it is nothing, before it the table at the store before its last one."""

    def __init__(self, workspace: Workspace, snapshot: Snapshot) -> None:
        super().__init__(workspace)
        self._snapshot = snapshot

    def before(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch] | None:
        from data_access.tables.snapshot import open_commit

        stores = [each for each in self._commits if each.changed]
        if len(stores) < 2 or stores[1].number in self._snapshot.commit.expired:
            return None
        try:
            snapshot = open_commit(self.workspace, self._snapshot.root, stores[1])
        except NotFoundError:
            return None
        return read_columns(self.workspace, snapshot, columns)

    def past(self, last: int) -> tuple[PartitionPast, ...] | None:
        stores = [each for each in self._commits if stored_rows(each)]
        if not stores:
            return None
        return past_of(stored_rows(stores[0]), stores[1:], stores[0].schema, last)

    def stored(self) -> int | None:
        """Rows of the last store: the table holds those of many."""
        last = next((each for each in self._commits if stored_rows(each)), None)
        return None if last is None else sum(stored_rows(last).values())

    @cached_property
    def _commits(self) -> tuple[Commit, ...]:
        return tuple(earlier(self.workspace, self._snapshot))
