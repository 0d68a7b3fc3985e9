"""What keeps a commit from gc: tags, which have a name, and pins, which somebody holds an anchor by.

A hold is an object below the table's root. It is written first, and then the head is read: if gc gave the commit up
before, the hold is taken back; if gc does so later, it lists the holds again after that and leaves this one alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data_access.errors import CorruptError, DataError, NotFoundError, Reason
from data_access.metastore.base import TableRecord
from data_access.names import TableName
from data_access.storage.base import Storage
from data_access.tables import places, snapshot
from data_access.tables.model import Anchor, Commit
from data_access.workspace import Workspace

_KIND = "remuda hold"


@dataclass(frozen=True)
class Hold:
    """Who keeps which commit, and why. `name` is a tag's; a pin has None."""

    anchor: Anchor
    name: str | None
    by: str
    at: datetime
    note: str
    path: str  # relative to the root

    def __str__(self) -> str:
        what = f"tag '{self.name}'" if self.name else f"anchor of {self.by}, {self.at:%Y-%m-%d}"
        return f"{what} ({self.note})" if self.note else what


def encode(hold: Hold) -> bytes:
    return json.dumps(
        {
            "kind": _KIND, "format": 1, "table": str(hold.anchor.table), "number": hold.anchor.number,
            "id": hold.anchor.id, "name": hold.name, "by": hold.by, "at": hold.at.astimezone(UTC).isoformat(),
            "note": hold.note,
        },
        ensure_ascii=False,
    ).encode()  # fmt: skip


def decode(data: bytes | memoryview, path: str, place: str) -> Hold:
    """Raises CorruptError: what can't be read may hold anything, so gc stops there.

    Others may write pins with members of their own: table, number and id are what counts.
    """
    try:
        stored: Mapping[str, Any] = json.loads(bytes(data))
        anchor = Anchor(TableName.parse(stored["table"]), int(stored["number"]), str(stored["id"]))
        at = datetime.fromisoformat(stored.get("at") or "1970-01-01T00:00:00+00:00")
        return Hold(anchor, stored.get("name"), stored.get("by", ""), at, stored.get("note", ""), path)
    except (ValueError, KeyError, TypeError, AttributeError, DataError) as error:
        raise CorruptError(
            Reason.CORRUPT,
            f"{place}/{path} is no tag or anchor of this module.",
            "gc removes nothing while it is there, since it may hold any commit: remove or restore that object.",
        ) from error


def holds(workspace: Workspace, root: str, under: tuple[str, ...] = (places.TAGS, places.PINS)) -> list[Hold]:
    """All tags and pins of a table. Lists. Raises CorruptError."""
    found = []
    for path, data in _objects(workspace.storage, root, under):
        found.append(decode(data, path, root))
    return found


def _objects(storage: Storage, root: str, under: tuple[str, ...]) -> Iterator[tuple[str, memoryview]]:
    urls = sorted(each.url for prefix in under for each in storage.list(f"{root}/{prefix}"))
    try:
        yield from zip((url.removeprefix(f"{root}/") for url in urls), storage.get_many(urls), strict=True)
    except NotFoundError:  # one was taken back between the two calls
        for url in urls:
            try:
                yield url.removeprefix(f"{root}/"), storage.get(url)
            except NotFoundError:
                continue


def is_held(workspace: Workspace, root: str, commit: Commit) -> bool:
    return any(each.anchor == commit.anchor for each in holds(workspace, root))


def keep(workspace: Workspace, record: TableRecord, hold: Hold, before: bytes | None = None) -> None:
    """Write a hold, and be sure that it holds. Raises NotFoundError(expired); then it is as it was `before`."""
    url = f"{record.root}/{hold.path}"
    workspace.storage.put(url, encode(hold))
    try:
        now = workspace.metastore.table(record.name)
        head = snapshot.head_commit(workspace, now)
        if hold.anchor.number in head.expired:
            raise snapshot.expired(snapshot.commit_at(workspace, now, hold.anchor))
    except DataError:
        if before is None:
            workspace.storage.delete([url])
        else:
            workspace.storage.put(url, before)
        raise
