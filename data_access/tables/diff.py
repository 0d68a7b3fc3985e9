"""What differs between two commits of a table: columns, partitions, and, where asked, rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from data_access.errors import DataError, Reason
from data_access.names import TableName
from data_access.tables import snapshot
from data_access.tables.model import Anchor, Commit, DataFile, PartitionValues, Schema, Snapshot
from data_access.tables.rebase import by_partition, folder
from data_access.workspace import Workspace, current

if TYPE_CHECKING:
    import pyarrow as pa

    from data_access.discover.listing import Listing, Section


@dataclass(frozen=True)
class PartitionDiff:
    """One partition that differs. Rows and bytes are (before, after)."""

    partition: PartitionValues
    what: str  # "added", "removed", "changed"
    rows: tuple[int, int]
    bytes: tuple[int, int]


@dataclass(frozen=True)
class ColumnDiff:
    """One column that differs; types are Hive's, None where it is not there."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class RowDiff:
    """Rows that differ, as Arrow. `changed` has the rows as they are after; without keys it is None."""

    added: pa.Table
    removed: pa.Table
    changed: pa.Table | None


@dataclass(frozen=True, repr=False)
class Diff:
    """From `a` to `b`. Shows itself as a table."""

    a: Commit
    b: Commit
    columns: tuple[ColumnDiff, ...]
    partitions: tuple[PartitionDiff, ...]
    rows: RowDiff | None = None

    def __bool__(self) -> bool:
        return bool(self.columns or self.partitions)

    def listing(self) -> Listing:
        from data_access.discover import words
        from data_access.discover.listing import Listing

        facts = {
            "rows": f"{self.a.rows:,} → {self.b.rows:,}",
            "size": f"{words.size(self.a.bytes)} → {words.size(self.b.bytes)}",
        }
        if self.rows is not None:
            changed = "" if self.rows.changed is None else f", {self.rows.changed.num_rows:,} changed"
            facts["rows that differ"] = (
                f"{self.rows.added.num_rows:,} added, {self.rows.removed.num_rows:,} removed{changed}"
            )
        sections = (self._columns(), self._partitions()) if self.columns else (self._partitions(),)
        title = f"{self.a.table}, from commit {self.a.number} to {self.b.number}"
        return Listing(title, sections, facts, "" if self else "They hold the same.")

    def _columns(self) -> Section:
        from data_access.discover.listing import Head, Section
        from data_access.type_words import in_words

        rows = tuple(
            (each.name, *(None if type_ is None else in_words(type_) for type_ in (each.before, each.after)))
            for each in self.columns
        )
        return Section("Columns", (Head("column", "code"), Head("before", "code"), Head("after", "code")), rows)

    def _partitions(self) -> Section:
        from data_access.discover.listing import Head, Section

        keys = [each.name for each in self.b.schema.partition_by]
        heads = (
            *(Head(key, "code") for key in keys), Head("what"), Head("rows before", "number"), Head("rows", "number"),
            Head("size before", "size"), Head("size", "size"),
        )  # fmt: skip
        rows = tuple((*each.partition, each.what, *each.rows, *each.bytes) for each in self.partitions)
        return Section("Partitions" if keys else "Data", heads, rows)

    def __repr__(self) -> str:
        return repr(self.listing())

    def _repr_html_(self) -> str:
        return self.listing()._repr_html_()


def diff(
    a: Commit | Anchor | str,
    b: Commit | Anchor | str | None = None,
    *,
    rows: bool = False,
    keys: str | Sequence[str] | None = None,
    workspace: Workspace | None = None,
) -> Diff:
    """What changed from one commit of a table to another (by default the present one).

        diff("sales.orders@41")                          # since commit 41
        diff(commits[1], commits[0], rows=True, keys="order_id")

    Commits are `Commit`s, anchors, or text: `sales.orders@41`, `sales.orders@tag`. Partitions count as changed when
    their files are others; `rows=True` loads those partitions and compares their rows. With `keys` (columns that name
    a row) rows of the same key are *changed*; without, they are one removed and one added.

    Raises NotFoundError (unknown-table, unknown-commit, expired), DataError(bad-argument, unknown-column).
    """
    workspace = workspace or current()
    first = _opened(workspace, a)
    second = snapshot.open_snapshot(workspace, first.commit.table) if b is None else _opened(workspace, b)
    if first.commit.table != second.commit.table:
        raise DataError(
            Reason.BAD_ARGUMENT,
            f"{first.commit.anchor} and {second.commit.anchor} are of two tables.",
            "diff compares commits of one.",
        )
    found = _partitions(first, second)
    by_row = _rows(workspace, first, second, [each.partition for each in found], keys) if rows or keys else None
    columns = _columns(first.commit.schema, second.commit.schema)
    return Diff(first.commit, second.commit, columns, found, by_row)


def _opened(workspace: Workspace, which: Commit | Anchor | str) -> Snapshot:
    if isinstance(which, str):
        table, at, commit = which.partition("@")
        if not at:
            raise DataError(
                Reason.BAD_ARGUMENT, f"'{which}' names no commit.", "Write sales.orders@41, or sales.orders@tag."
            )
        whole = ":" in commit or commit.isdigit()
        return snapshot.open_snapshot(workspace, TableName.parse(table), which if whole else commit)
    if not isinstance(which, Commit | Anchor):
        raise DataError(
            Reason.BAD_ARGUMENT, f"{which!r} names no commit of a table.", "Write sales.orders@41, or sales.orders@tag."
        )
    anchor = which.anchor if isinstance(which, Commit) else which
    return snapshot.open_snapshot(workspace, anchor.table, anchor)


def _columns(before: Schema, after: Schema) -> tuple[ColumnDiff, ...]:
    was = {each.name: each.hive for each in (*before.columns, *before.partition_by)}
    now = {each.name: each.hive for each in (*after.columns, *after.partition_by)}
    return tuple(
        ColumnDiff(name, was.get(name), now.get(name))
        for name in dict.fromkeys((*was, *now))
        if was.get(name) != now.get(name)
    )


def _partitions(before: Snapshot, after: Snapshot) -> tuple[PartitionDiff, ...]:
    was, now = by_partition(before), by_partition(after)

    def compared(values: PartitionValues) -> PartitionDiff:
        old, new = was.get(values, []), now.get(values, [])
        what = "added" if not old else "removed" if not new else "changed"
        total = partial(_total, old, new)
        return PartitionDiff(values, what, total("rows"), total("size"))

    differing = (each for each in dict.fromkeys((*was, *now)) if folder(was.get(each, ())) != folder(now.get(each, ())))
    return tuple(compared(each) for each in differing)


def _total(old: Sequence[DataFile], new: Sequence[DataFile], what: str) -> tuple[int, int]:
    return sum(getattr(each, what) for each in old), sum(getattr(each, what) for each in new)


def _rows(
    workspace: Workspace,
    first: Snapshot,
    second: Snapshot,
    differing: Sequence[PartitionValues],
    keys: str | Sequence[str] | None,
) -> RowDiff:
    from data_access.tables.row_diff import compare

    before, after = (_loaded(workspace, each, set(differing)) for each in (first, second))
    named = [keys] if isinstance(keys, str) else list(keys or ())
    return RowDiff(*compare(before, after, named))


def _loaded(workspace: Workspace, whole: Snapshot, partitions: set[PartitionValues]) -> Any:
    from dataclasses import replace

    from data_access.tables.plan import plan
    from data_access.tables.read import read

    some = replace(whole, files=tuple(file for file in whole.files if file.partition in partitions))
    return read(workspace, plan(some, partitions=None, columns=None, where=None))
