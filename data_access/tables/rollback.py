"""Changes that write no data: going back, dropping partitions, comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import Any

from data_access.errors import DataError, Reason, naming
from data_access.names import TableName
from data_access.tables import snapshot
from data_access.tables.commit import commit
from data_access.tables.ids import ulid
from data_access.tables.model import Commit, Operation, Snapshot
from data_access.tables.namespaces import check_may_write
from data_access.tables.prepare import Proposal
from data_access.tables.rebase import Annotate, Change, Replace, Restore, by_partition
from data_access.tables.target import with_comments
from data_access.workspace import Workspace, current


def rollback(table: str, to: snapshot.AsOf, *, message: str = "", workspace: Workspace | None = None) -> Commit:
    """Make a table what it was at an earlier commit: a new commit with the old one's data and schema.

    rollback("sales.orders", 41)

    `to`: a commit's number, an anchor, a tag, a time; see `load_dataframe`'s `as_of`. Nothing is copied and nothing is
    lost: the commits in between stay in `history`, and rolling forward is the same call.

    Raises NotFoundError (unknown-commit, expired), DataError(bad-argument), ConflictError when somebody commits
    meanwhile, ForbiddenError.
    """
    workspace = workspace or current()
    if to is None:
        raise DataError(
            Reason.BAD_ARGUMENT, "to=None names no commit to go back to.",
            f'Give its number: rollback("{table}", 41); history("{table}") lists them.',
        )  # fmt: skip
    base = _present(workspace, table)
    name = base.commit.table
    record, _ = snapshot.head_of(workspace, name)
    target = snapshot.commit_at(workspace, record, to)
    if target.number in base.commit.expired:
        raise snapshot.expired(target)
    old = snapshot.open_commit(workspace, base.root, target)
    change = Change(Restore(target.number, old.files), target.schema)
    return _commit(workspace, base, change, "rollback", message, restores=target.number)


def drop_partitions(
    table: str,
    partitions: Sequence[Any] | Mapping[str, Any],
    *,
    message: str = "",
    workspace: Workspace | None = None,
) -> Commit:
    """Take partitions out of a table; `load_dataframe(..., as_of=…)` and `rollback` still have them.

    drop_partitions("sales.orders", ["2026-11-20"])      # as load_dataframe's `partitions`

    Raises NotFoundError(unknown-partition), DataError(bad-partition), ConflictError, ForbiddenError.
    """
    from data_access.tables.partitions import selector

    workspace = workspace or current()
    base = _present(workspace, table)
    keys = base.commit.schema.partition_by
    if not keys:
        raise DataError(
            Reason.BAD_PARTITION,
            f"{base.commit.table} has no partitions.",
            "An empty frame, stored, removes all its rows where its checks let it; drop_table removes the table.",
        )
    if partitions is None or (isinstance(partitions, Sized) and not len(partitions)):  # not: all of them
        raise DataError(
            Reason.BAD_PARTITION, f"partitions={partitions!r} names no partition of {base.commit.table}.",
            f"Name them: {{'{keys[0].name}': […]}}.",
        )  # fmt: skip
    with naming(base.commit.table):
        gone = selector(partitions, keys).of(by_partition(base))
    change = Change(Replace(dict.fromkeys(gone, ())), None)
    return _commit(workspace, base, change, "drop-partitions", message)


def comment(
    table: str, comments: Mapping[str, str], *, message: str = "", workspace: Workspace | None = None
) -> Commit:
    """Say what columns mean: `comment("sales.orders", {"amount": "in EUR, without tax"})`.

    Raises DataError(unknown-column), ConflictError, ForbiddenError, NotFoundError.
    """
    workspace = workspace or current()
    base = _present(workspace, table)
    return _commit(workspace, base, Change(Annotate(), with_comments(base.commit.schema, comments)), "comment", message)


def _present(workspace: Workspace, table: str) -> Snapshot:
    name = TableName.parse(table)
    check_may_write(workspace.user, name.database, workspace.settings)
    record, head = snapshot.head_of(workspace, name)
    return snapshot.read_snapshot(workspace, record, head)


def _commit(  # noqa: PLR0913, PLR0917
    workspace: Workspace,
    base: Snapshot,
    change: Change,
    operation: Operation,
    message: str,
    restores: int | None = None,
) -> Commit:
    proposal = Proposal(
        base.commit.table, base.root, base, change, ulid(workspace.now()), operation, "", message, restores=restores
    )
    return commit(workspace, proposal)
