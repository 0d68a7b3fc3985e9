"""What happened to a table: `history`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, overload

from data_access.arguments import whole
from data_access.errors import DataError
from data_access.metastore.base import TableRecord
from data_access.names import TableName
from data_access.tables import apply, snapshot
from data_access.tables.model import Commit
from data_access.workspace import Workspace, current

if TYPE_CHECKING:
    import pandas

    from data_access.discover.listing import Listing


class History(Sequence[Commit]):
    """Commits of one table, the newest first. Shows itself as a table; each is a `Commit`."""

    def __init__(self, table: TableName, commits: Sequence[Commit], expired: frozenset[int], *, more: bool) -> None:
        self.table, self._commits, self._expired, self._more = table, tuple(commits), expired, more

    @overload
    def __getitem__(self, index: int) -> Commit: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Commit]: ...
    def __getitem__(self, index: int | slice) -> Commit | Sequence[Commit]:
        return self._commits[index]

    def __len__(self) -> int:
        return len(self._commits)

    def is_readable(self, commit: Commit) -> bool:
        """False once gc gave it up."""
        return commit.number not in self._expired

    def listing(self) -> Listing:
        from data_access.discover.listing import Head, Listing, Section

        heads = (
            Head("commit", "number"), Head("when (UTC)"), Head("by"), Head("what"), Head("rows", "number"),
            Head("size", "size"), Head("checks"), Head("from"), Head("message"),
        )  # fmt: skip
        note = "There are older ones: history(table, limit=None) shows all." if self._more else ""
        return Listing(f"History of {self.table}", (Section("", heads, tuple(map(self._row, self)), note),))

    def _row(self, commit: Commit) -> tuple[object, ...]:
        return (
            commit.number, f"{commit.at:%Y-%m-%d %H:%M:%S}", commit.by, self._what(commit), commit.rows, commit.bytes,
            checks_told(commit), made_from_told(commit), commit.message,
        )  # fmt: skip

    def _what(self, commit: Commit) -> str:
        return told(commit) + ("" if self.is_readable(commit) else " (gone)")

    def to_frame(self) -> pandas.DataFrame:
        return self.listing().to_frame()

    def __repr__(self) -> str:
        return repr(self.listing())

    def _repr_html_(self) -> str:
        return self.listing()._repr_html_()


def history(table: str, *, limit: int | None = 100, workspace: Workspace | None = None) -> History:
    """Who changed a table, when and how; the newest first. It stays whole after gc, which removes data only.

    Raises NotFoundError(unknown-table), DataError(foreign-table, bad-argument), CorruptError.
    """
    workspace = workspace or current()
    if limit is not None:
        limit = whole(0, limit, "limit", "of commits (None: all)")
    record, _ = snapshot.head_of(workspace, TableName.parse(table))
    with suppress(DataError):  # a reader may not be allowed to finish what a crashed writer left
        record = _caught_up(workspace, record)
    walked: Iterator[Commit] = snapshot.walk(workspace, record)
    commits = list(walked if limit is None else islice(walked, limit))
    expired = frozenset(commits[0].expired) if commits else frozenset()
    return History(record.name, commits, expired, more=bool(commits) and commits[-1].parent is not None)


def _caught_up(workspace: Workspace, record: TableRecord) -> TableRecord:
    if apply.is_applied(record):
        return record
    with workspace.metastore.lock(record.name, workspace.user, 0) as lock:
        return apply.catch_up(workspace, workspace.metastore.table(record.name), lock)


def told(commit: Commit) -> str:
    """What a commit did, in a few words. Pure."""
    count = len(commit.changed)
    some = f"{count:,} partition{'s' if count != 1 else ''}"
    if commit.operation in _TOLD:
        return _TOLD[commit.operation].format(some=some, restores=commit.restores)
    created = "created" if commit.operation == "create" else ""
    kinds = sorted({each.what for each in commit.changed})
    if not kinds:
        return created or "stored no rows"
    if not commit.schema.partition_by:
        return created or _TOLD_OF_ALL[kinds[0]]
    return f"{created or '/'.join(kinds)} {some}"


_TOLD = {
    "rollback": "rolled back to {restores}", "gc": "gave up old commits", "drop-partitions": "dropped {some}",
    "comment": "changed comments", "checks": "changed checks",
}  # fmt: skip
_TOLD_OF_ALL = {"appended": "appended", "removed": "removed all rows", "added": "stored", "replaced": "stored"}


def made_from_told(commit: Commit) -> str:
    """The inputs; marked where they are only what the session had loaded before."""
    inputs = ", ".join(f"{each.table}@{each.number}" for each in commit.inputs)
    return f"{inputs} (loaded before)" if commit.inputs and commit.inputs_named is False else inputs


def checks_told(commit: Commit) -> str:
    failed = [each.name for each in commit.checks if not each.passed]
    if failed:
        return f"{', '.join(failed)} failed"
    return f"{len(commit.checks)} passed" if commit.checks else ""
