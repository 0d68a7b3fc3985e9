"""The tree of what a table was made from, upstream, from its commits' own records.

A snapshot's partitions may be from many commits: its inputs are those of every commit that wrote rows which are still
in it. Anchors name commits, and commits never change, so there are no circles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from data_access.errors import DataError
from data_access.names import TableName
from data_access.tables.model import Anchor, Commit, PartitionValues

if TYPE_CHECKING:
    from data_access.workspace import Workspace

#: Bounds of a tree: levels above the table, and tables in all.
DEPTH, MOST = 8, 500


@dataclass(frozen=True)
class Origin:
    """One table at one commit, and what it was made from.

    `commit` is None where it can't be read; `note` then says why, or else what is left out below.
    """

    anchor: Anchor
    commit: Commit | None
    inputs: tuple[Origin, ...] = ()
    note: str = ""

    def sentence(self) -> str:
        """`sales.orders@42, 2026-11-20 08:00 UTC by ann, 1,200 rows, code 3f2a9c1 with changes`."""
        if self.commit is None:
            return f"{self.anchor.table}@{self.anchor.number} ({self.note})"
        commit = self.commit
        parts = [
            f"{self.anchor.table}@{self.anchor.number}",
            f"{commit.at:%Y-%m-%d %H:%M} UTC by {commit.by}",
            f"{commit.rows:,} rows",
            *([told] if (told := code_told(commit)) else []),
        ]
        return ", ".join(parts) + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Lineage:
    """Prints as a tree; `anchors()` are all that is in it, the table itself first."""

    root: Origin

    def anchors(self) -> tuple[Anchor, ...]:
        return tuple(dict.fromkeys(each.anchor for each in _walk(self.root)))

    def __str__(self) -> str:
        return "\n".join(_lines(self.root, "", ""))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        top = ElementTree.Element("ul", {"class": "remuda-lineage"})
        _listed(top, self.root)
        return ElementTree.tostring(top, encoding="unicode")


def lineage(
    table: str | TableName | Anchor | Commit, *, depth: int = DEPTH, workspace: Workspace | None = None
) -> Lineage:
    """What a table (as it is now) or a commit was made from, and that from what, `depth` levels up.

    What can't be read (gone, forbidden) is in the tree with the reason. Raises NotFoundError, ForbiddenError,
    DataError(bad-argument) for the table itself.
    """
    from data_access.workspace import current

    workspace = workspace or current()
    start = anchor_of(workspace, table)
    return Lineage(_Reader(workspace).origin(start, depth, _commit(workspace, start)))


def anchor_of(workspace: Workspace, table: object) -> Anchor:
    """From an anchor, a commit, `sales.orders@42:01J…`, `sales.orders@42`, or a table's name (its present commit)."""
    from data_access.tables.snapshot import commit_at

    found = getattr(table, "anchor", table)
    if isinstance(found, Anchor):
        return found
    text = str(found)
    name, at, number = text.partition("@")
    if at and ":" in number:
        return Anchor.parse(text)
    parsed = TableName.parse(name)
    return commit_at(workspace, workspace.metastore.table(parsed), int(number) if at else None).anchor


def _commit(workspace: Workspace, anchor: Anchor) -> Commit:
    from data_access.tables.snapshot import commit_at

    return commit_at(workspace, workspace.metastore.table(anchor.table), anchor)


@dataclass
class _Reader:
    workspace: Workspace
    seen: set[Anchor] = field(default_factory=set)

    def origin(self, anchor: Anchor, depth: int, commit: Commit | None = None) -> Origin:
        if anchor in self.seen:
            return Origin(anchor, commit, note="see above")
        if len(self.seen) >= MOST:
            return Origin(anchor, None, note=f"left out: more than {MOST} tables")
        self.seen.add(anchor)
        try:
            commit = commit or _commit(self.workspace, anchor)
            made_from = inputs_of(self.workspace, commit)
        except DataError as error:
            return Origin(anchor, commit, note=error.sentence.rstrip("."))
        if made_from and depth <= 0:
            return Origin(anchor, commit, note=f"made from {len(made_from)} more")
        return Origin(anchor, commit, tuple(self.origin(each, depth - 1) for each in made_from))


def inputs_of(workspace: Workspace, commit: Commit) -> tuple[Anchor, ...]:
    """What all rows of a snapshot were made from, not only those of its last commit."""
    found: dict[Anchor, None] = {}
    for each in contributors(_chain(workspace, commit), commit.number):
        found.update(dict.fromkeys(each.inputs))
    return tuple(found)


def _chain(workspace: Workspace, commit: Commit) -> Iterator[Commit]:
    """A commit and those before it, the newest first."""
    from data_access.tables.snapshot import walk

    yield commit
    if commit.parent is not None:
        record = workspace.metastore.table(commit.table)
        yield from (each for each in walk(workspace, record) if each.number < commit.number)


def contributors(chain: Iterator[Commit], number: int) -> Iterator[Commit]:
    """The commits that wrote rows which commit `number` still has; `chain` is the newest first. Pure.

    A partition is settled by the commit that added, replaced or removed it; a rollback continues where it went back to.
    A table with partitions is followed to its first commit, since which partitions it has is not known here.
    """
    settled: set[PartitionValues] = set()
    at = number
    for commit in chain:
        if commit.number > at:
            continue
        if commit.restores is not None:
            at = commit.restores
            continue
        fresh = [delta for delta in commit.changed if delta.partition not in settled]
        settled.update(delta.partition for delta in fresh if delta.what != "appended")
        if any(delta.what != "removed" for delta in fresh):
            yield commit
        if not commit.schema.partition_by and settled:
            return


def code_told(commit: Commit) -> str:
    """`code 3f2a9c1 with changes`, `notebook report.ipynb`; "" when nothing is known."""
    parts = []
    if commit.code.git_commit:
        changes = " with changes" if commit.code.dirty_diff else ""
        parts.append(f"code {commit.code.git_commit[:7]}{changes}")
    place = commit.code.notebook or commit.code.script
    if place:
        parts.append(place.rpartition("/")[2])
    return " in ".join(parts)


def _walk(origin: Origin) -> Iterator[Origin]:
    yield origin
    for each in origin.inputs:
        yield from _walk(each)


def _lines(origin: Origin, first: str, rest: str) -> Iterator[str]:
    yield first + origin.sentence()
    for place, each in enumerate(origin.inputs):
        last = place == len(origin.inputs) - 1
        yield from _lines(each, rest + ("└── " if last else "├── "), rest + ("    " if last else "│   "))


def _listed(parent: ElementTree.Element, origin: Origin) -> None:
    item = ElementTree.SubElement(parent, "li", {"title": str(origin.anchor)})
    item.text = origin.sentence()
    if origin.inputs:
        below = ElementTree.SubElement(item, "ul")
        for each in origin.inputs:
            _listed(below, each)
