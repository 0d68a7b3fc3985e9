"""Names for commits: `tag`, `untag`, `tags`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from data_access.arguments import text
from data_access.errors import DataError, NotFoundError, Reason
from data_access.metastore.base import TableRecord
from data_access.names import TableName, did_you_mean
from data_access.tables import holds, places, snapshot
from data_access.tables.model import Anchor
from data_access.tables.namespaces import check_may_write
from data_access.workspace import Workspace, current

if TYPE_CHECKING:
    from data_access.discover.listing import Listing

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,99}")


class Tags(Mapping[str, Anchor]):
    """A table's tags: name → anchor. Shows itself as a table."""

    def __init__(self, table: TableName, held: Sequence[holds.Hold]) -> None:
        self.table = table
        self._held = {each.name: each for each in held if each.name}

    def __getitem__(self, name: str) -> Anchor:
        return self._held[name].anchor

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def listing(self) -> Listing:
        from data_access.discover.listing import Head, Listing, Section

        heads = (Head("tag", "code"), Head("commit", "number"), Head("by"), Head("when (UTC)"), Head("note"))
        rows = tuple(
            (each.name, each.anchor.number, each.by, f"{each.at:%Y-%m-%d %H:%M}", each.note)
            for each in self._held.values()
        )
        return Listing(f"Tags of {self.table}", (Section("", heads, rows),))

    def __repr__(self) -> str:
        return repr(self.listing())

    def _repr_html_(self) -> str:
        return self.listing()._repr_html_()


def tag(  # noqa: PLR0913 - a public verb; three are keywords
    table: str,
    name: str,
    as_of: snapshot.AsOf = None,
    *,
    note: str = "",
    move: bool = False,
    workspace: Workspace | None = None,
) -> Anchor:
    """Give a commit (by default the present one) a name; gc keeps it as long as it has one.

    tag("sales.orders", "q3-report", 42)

    Raises DataError(already-there) when the name is another commit's, unless `move`; NotFoundError (unknown-table,
    unknown-commit, expired), ForbiddenError, DataError(bad-name).
    """
    workspace = workspace or current()
    if not _NAME.fullmatch(name):
        raise DataError(
            Reason.BAD_NAME,
            f"'{name}' is no name for a tag: a letter, then letters, digits, '.', '_' or '-', 100 at most.",
            f"Perhaps '{re.sub('[^A-Za-z0-9._-]+', '-', name).strip('-.0123456789')[:100] or 'v1'}'.",
        )  # fmt: skip
    of = TableName.parse(table)
    check_may_write(workspace.user, of.database, workspace.settings)
    record, _ = snapshot.head_of(workspace, of)
    anchor = snapshot.commit_at(workspace, record, as_of).anchor
    before = _stored(workspace, record, name)
    if before is not None:
        there = holds.decode(before, places.tag(name), record.root).anchor
        if there == anchor:
            return anchor
        if not move:
            raise DataError(
                Reason.ALREADY_THERE, f"The tag '{name}' of {of} is commit {there.number}'s.",
                "move=True gives it to another; the old commit may then be removed by gc.",
            )  # fmt: skip
    text(note, "note")
    hold = holds.Hold(anchor, name, workspace.user, workspace.now(), note, places.tag(name))
    holds.keep(workspace, record, hold, before)
    return anchor


def untag(table: str, name: str, *, workspace: Workspace | None = None) -> None:
    """Take a tag away; what it kept may be removed by gc. Raises NotFoundError(unknown-tag), ForbiddenError."""
    workspace = workspace or current()
    of = TableName.parse(table)
    check_may_write(workspace.user, of.database, workspace.settings)
    record, _ = snapshot.head_of(workspace, of)
    if _stored(workspace, record, name) is None:
        raise _unknown(workspace, record, name)
    workspace.storage.delete([f"{record.root}/{places.tag(name)}"])


def tags(table: str, *, workspace: Workspace | None = None) -> Tags:
    """A table's tags. Raises NotFoundError, DataError(foreign-table)."""
    workspace = workspace or current()
    record, _ = snapshot.head_of(workspace, TableName.parse(table))
    return Tags(record.name, holds.holds(workspace, record.root, (places.TAGS,)))


def tagged(workspace: Workspace, record: TableRecord, name: str) -> Anchor:
    """The commit with that tag: one request. Raises NotFoundError(unknown-tag), with near names."""
    stored = _stored(workspace, record, name)
    if stored is None:
        raise _unknown(workspace, record, name)
    return holds.decode(stored, places.tag(name), record.root).anchor


def _stored(workspace: Workspace, record: TableRecord, name: str) -> bytes | None:
    if not _NAME.fullmatch(name):
        return None
    try:
        return bytes(workspace.storage.get(f"{record.root}/{places.tag(name)}"))
    except NotFoundError:
        return None


def _unknown(workspace: Workspace, record: TableRecord, name: str) -> NotFoundError:
    there = [each.name for each in holds.holds(workspace, record.root, (places.TAGS,)) if each.name]
    return NotFoundError(Reason.UNKNOWN_TAG, f"{record.name} has no tag '{name}'.", did_you_mean(name, there))
