"""Holding a commit and letting it go, for anchors and for models."""

from __future__ import annotations

from data_access.errors import NotFoundError, Reason
from data_access.names import TableName
from data_access.tables import holds, places, snapshot
from data_access.tables.ids import is_ulid, ulid
from data_access.tables.model import Anchor
from data_access.workspace import Workspace


def pin(workspace: Workspace, anchor: Anchor, why: str = "", *, holder: str | None = None) -> str:
    """Keep a commit from gc; gives the pin's id. Whoever may write below the table's root may pin.

    `holder` is what keeps it, by default the user: `release` lets go of what its user holds, and of nothing else.

    Raises NotFoundError (unknown-table, unknown-commit, expired), ForbiddenError, DataError(foreign-table).
    """
    record, _ = snapshot.head_of(workspace, anchor.table)
    held = snapshot.commit_at(workspace, record, anchor).anchor
    id_ = ulid(workspace.now())
    hold = holds.Hold(held, None, holder or workspace.user, workspace.now(), why, places.pin(id_))
    holds.keep(workspace, record, hold)
    return id_


def unpin(workspace: Workspace, table: TableName, id_: str) -> None:
    """Let it go; a pin that is not there is no error. Raises NotFoundError(unknown-table), ForbiddenError."""
    if not is_ulid(id_):
        raise NotFoundError(Reason.NOT_FOUND, f"'{id_}' is no pin's id.", "pin() gives it.")
    record, _ = snapshot.head_of(workspace, table)
    workspace.storage.delete([f"{record.root}/{places.pin(id_)}"])
