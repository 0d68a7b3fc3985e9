"""Dropping a table: its record goes at once, its files with a gc once the grace is over.

Whoever wants to keep a commit writes a hold and then reads the table's record; a drop removes the record and then lists
the holds again: one of the two sees the other. A mark below the root says when it was, by the storage's own clock.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from data_access.errors import ConflictError, DataError, Reason
from data_access.metastore.base import APPLIED, Head, Lock, TableRecord
from data_access.names import TableName
from data_access.tables import apply, holds, places, snapshot
from data_access.tables.gc_rules import later
from data_access.tables.holds import Hold
from data_access.tables.model import Anchor
from data_access.tables.namespaces import check_may_write
from data_access.workspace import Workspace, current

#: So many holds are named; the others are counted.
NAMED = 5


@dataclass(frozen=True)
class Dropped:
    """`anchor` was the table's last commit; its files stay below `location`, `until` then at the least."""

    table: TableName
    anchor: Anchor
    location: str
    until: datetime

    def __str__(self) -> str:
        return (
            f"{self.table} is dropped; its last commit was {self.anchor.number}. Its files stay below {self.location} "
            f'until {self.until:%Y-%m-%d %H:%M} UTC, for loads that still run; gc("{self.table}") removes them after '
            "that."
        )

    __repr__ = __str__


def drop_table(table: str, *, workspace: Workspace | None = None) -> Dropped:
    """Remove a table with all its history, at once and for everybody; there is no way back.

        drop_table("sandbox_ann.orders")

    Who may store to the table may drop it. It is refused while a tag, an anchor or a model holds one of its commits:
    these are named, and whoever made them gives them back first. Loads that run end in peace: the files stay until the
    grace is over (the setting `gc_grace_hours`, a week), and then `gc` of the same name removes them. A later store
    makes a new table of that name, with a history of its own, which shares no file with the old one.

    Raises DataError(held), NotFoundError(unknown-table), ForbiddenError, ConflictError(locked),
    DataError(foreign-table), CorruptError (a tag or an anchor can't be read).
    """
    return drop(workspace or current(), TableName.parse(table))


def drop(workspace: Workspace, name: TableName, expected: Anchor | None = None) -> Dropped:
    """`drop_table`, of a table whose present commit is `expected`. Raises ConflictError where it is another."""
    check_may_write(workspace.user, name.database, workspace.settings)
    with workspace.metastore.lock(name, workspace.user, workspace.settings.lock_wait_s) as lock:
        record, head = snapshot.head_of(workspace, name)
        if expected is not None and head.id != expected.id:
            raise ConflictError(
                Reason.CONFLICT,
                f"{name} has a new commit ({head.number}) since commit {expected.number}, and was not dropped.",
                "Look at it first: history tells who made it.",
            )
        check_not_held(workspace, name, record.root)
        mark = f"{record.root}/{places.DROPPED}"
        workspace.storage.put(mark, _mark(workspace, name, head))
        lock.check()
        workspace.metastore.drop_table(name)
        try:
            check_not_held(workspace, name, record.root)
        except DataError:
            _take_back(workspace, record, lock, mark)
            raise
    _forget()
    until = later(workspace.now(), timedelta(hours=workspace.settings.gc_grace_hours))
    return Dropped(name, Anchor(name, head.number, head.id), record.root, until.astimezone(UTC))


def _mark(workspace: Workspace, name: TableName, head: Head) -> bytes:
    said = {
        "kind": "remuda drop", "format": 1, "table": str(name), "number": head.number, "id": head.id,
        "by": workspace.user, "at": workspace.now().astimezone(UTC).isoformat(),
    }  # fmt: skip
    return json.dumps(said, ensure_ascii=False).encode()


def check_not_held(workspace: Workspace, name: TableName, root: str) -> None:
    """Raises DataError(held)."""
    if held := holds.holds(workspace, root):
        raise _held(name, held)


def _held(name: TableName, held: Sequence[Hold]) -> DataError:
    named = [f"commit {each.anchor.number} by {each}" for each in held[:NAMED]]
    named += [f"{len(held) - NAMED} more"] * (len(held) > NAMED)
    return DataError(
        Reason.HELD,
        f"{name} is held and was not dropped: {', '.join(named)}.",
        f'untag("{name}", …) takes a tag away, release(…) gives your own anchor back; others\' and those of models are '
        "theirs to give back.",
    )


def _take_back(workspace: Workspace, record: TableRecord, lock: Lock, mark: str) -> None:
    """Somebody held a commit just before the record went: the table is as it was.

    Raises ConflictError where somebody made one of that name in between; then gc keeps what is held all the same.
    """
    parameters = {**record.parameters, APPLIED: "0"}
    try:
        workspace.metastore.create_table(replace(record, parameters=parameters, version=None))
    except DataError as error:
        raise ConflictError(
            Reason.CONFLICT,
            f"{record.name} was dropped while somebody held a commit of it, and could not be brought back: "
            f"{error.sentence}",
            f"No file was removed: they lie below {record.root}.",
        ) from error
    with suppress(DataError):  # the next writer, or gc, shows its partitions otherwise
        apply.catch_up(workspace, workspace.metastore.table(record.name), lock)
    with suppress(DataError):
        workspace.storage.delete([mark])


def _forget() -> None:
    """What `browse` and `search` keep for a short while."""
    from data_access.discover import facts

    facts.forget()
