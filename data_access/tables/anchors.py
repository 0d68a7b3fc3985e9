"""Anchors: commits that stay readable for whoever holds them."""

from __future__ import annotations

from typing import overload

from data_access.arguments import text
from data_access.errors import ConflictError, DataError, Reason
from data_access.names import TableName
from data_access.tables import holds, places, snapshot
from data_access.tables.model import Anchor
from data_access.tables.pins import pin
from data_access.workspace import Workspace, current

#: How often several heads are read until none moves in between.
TRIES = 20


@overload
def anchor(
    table: str, /, *, as_of: snapshot.AsOf = None, note: str = "", workspace: Workspace | None = None
) -> Anchor: ...


@overload
def anchor(
    table: str, second: str, /, *more: str, note: str = "", workspace: Workspace | None = None
) -> tuple[Anchor, ...]: ...


def anchor(
    *tables: str, as_of: snapshot.AsOf = None, note: str = "", workspace: Workspace | None = None
) -> Anchor | tuple[Anchor, ...]:
    """The present commit of a table, or of several, held so that gc keeps it until `release`.

    now = anchor("sales.orders")
    load_dataframe("sales", "orders", as_of=now)          # the same rows, for ever
    orders, customers = anchor("sales.orders", "crm.customers")

    Several are of one moment: the heads are read twice, and again until none has moved in between, so there was an
    instant at which all of these were the present commits. A commit to several tables (`several`) is thus seen whole.
    `as_of` anchors an older commit, of one table.

    Raises NotFoundError (unknown-table, unknown-commit, expired), ForbiddenError when pins may not be written,
    ConflictError when the tables never stood still, DataError(foreign-table).
    """
    workspace = workspace or current()
    names = [TableName.parse(each) for each in tables]
    text(note, "note")
    if not names or (as_of is not None and len(names) > 1):
        raise DataError(
            Reason.BAD_ARGUMENT, "as_of= anchors a commit of one table." if names else "anchor() names no table.",
            'Write anchor("sales.orders"), or several names without as_of.',
        )  # fmt: skip
    if as_of is not None:
        record, _ = snapshot.head_of(workspace, names[0])
        anchors = [snapshot.commit_at(workspace, record, as_of).anchor]
    else:
        anchors = _of_one_moment(workspace, names)
    for each in anchors:
        pin(workspace, each, note)
    return anchors[0] if len(anchors) == 1 else tuple(anchors)


def _of_one_moment(workspace: Workspace, names: list[TableName]) -> list[Anchor]:
    """Two reads of the same heads: between the end of the first and the start of the second all of them stood."""
    read = _heads(workspace, names)
    for _ in range(TRIES):
        before = read
        if len(names) > 1:
            read = _heads(workspace, names)
        if read == before:
            return read
    raise ConflictError(
        Reason.CONFLICT,
        f"{', '.join(map(str, names))} were committed to in each of {TRIES} tries to see them at one moment.",
        "Try again when fewer write to them, or anchor them one by one.",
    )


def _heads(workspace: Workspace, names: list[TableName]) -> list[Anchor]:
    heads = [(each, snapshot.head_of(workspace, each)[1]) for each in names]
    return [Anchor(name, head.number, head.id) for name, head in heads]


def release(held: Anchor | str, *, workspace: Workspace | None = None) -> int:
    """Give an anchor back: removes this user's pins on that commit, and says how many there were.

    What it kept may be removed by the next gc. Pins of others and of models stay. Raises NotFoundError.
    """
    workspace = workspace or current()
    if not isinstance(held, Anchor | str):
        raise DataError(
            Reason.BAD_ARGUMENT, f"{held!r} is no anchor.", "Give what anchor() returned, each of several by itself."
        )
    anchor_ = Anchor.parse(held) if isinstance(held, str) else held
    record, _ = snapshot.head_of(workspace, anchor_.table)
    pins = holds.holds(workspace, record.root, (places.PINS,))
    own = [each.path for each in pins if each.anchor == anchor_ and each.by == workspace.user]
    workspace.storage.delete([f"{record.root}/{path}" for path in own])
    return len(own)
