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
#: What is said of an input that nobody named, and what to do about it.
LOADED = "loaded in the session before"
NAME_THEM = f"What is marked “{LOADED}” may not have been used: name what a store is made from with inputs(…)."


@dataclass(frozen=True)
class Origin:
    """One table at one commit, and what it was made from.

    `commit` is None where it can't be read; `note` then says why, or else what is left out below. `loaded`: nobody said
    that it was used; the session had loaded it before.
    """

    anchor: Anchor
    commit: Commit | None
    inputs: tuple[Origin, ...] = ()
    note: str = ""
    loaded: bool = False

    def sentence(self) -> str:
        """`sales.orders@42, 2026-11-20 08:00 UTC by ann, 1,200 rows, code 3f2a9c1 with changes`."""
        notes = [*([LOADED] if self.loaded else []), *([self.note] if self.note else [])]
        told = f" ({'; '.join(notes)})" if notes else ""
        if self.commit is None:
            return f"{self.anchor.table}@{self.anchor.number}{told}"
        commit = self.commit
        parts = [
            f"{self.anchor.table}@{self.anchor.number}",
            f"{commit.at:%Y-%m-%d %H:%M} UTC by {commit.by}",
            f"{commit.rows:,} rows",
            *([code] if (code := code_told(commit)) else []),
        ]
        return ", ".join(parts) + told


@dataclass(frozen=True)
class Lineage:
    """Prints as a tree; `anchors()` are all that is in it, the table itself first."""

    root: Origin

    def anchors(self) -> tuple[Anchor, ...]:
        return tuple(dict.fromkeys(each.anchor for each in _walk(self.root)))

    def _foot(self) -> str:
        return NAME_THEM if any(each.loaded for each in _walk(self.root)) else ""

    def __str__(self) -> str:
        foot = self._foot()
        return "\n".join([*_lines(self.root, "", ""), *([foot] if foot else [])])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        top = ElementTree.Element("ul", {"class": "remuda-lineage"})
        _listed(top, self.root)
        shown = ElementTree.tostring(top, encoding="unicode")
        if foot := self._foot():
            below = ElementTree.Element("p")
            below.text = foot
            shown += ElementTree.tostring(below, encoding="unicode")
        return shown


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

    def origin(self, anchor: Anchor, depth: int, commit: Commit | None = None, *, loaded: bool = False) -> Origin:
        if anchor in self.seen:
            return Origin(anchor, commit, note="see above", loaded=loaded)
        if len(self.seen) >= MOST:
            return Origin(anchor, None, note=f"left out: more than {MOST} tables", loaded=loaded)
        self.seen.add(anchor)
        try:
            commit = commit or _commit(self.workspace, anchor)
            made_from = _made_from(self.workspace, commit)
        except DataError as error:
            return Origin(anchor, commit, note=error.sentence.rstrip("."), loaded=loaded)
        if made_from and depth <= 0:
            return Origin(anchor, commit, note=f"made from {len(made_from)} more", loaded=loaded)
        below = tuple(self.origin(each, depth - 1, loaded=not named) for each, named in made_from.items())
        return Origin(anchor, commit, below, loaded=loaded)


def inputs_of(workspace: Workspace, commit: Commit) -> tuple[Anchor, ...]:
    """What all rows of a snapshot were made from, not only those of its last commit."""
    return tuple(_made_from(workspace, commit))


def _made_from(workspace: Workspace, commit: Commit) -> dict[Anchor, bool]:
    """The inputs; False where each commit that has it recorded only that its session had loaded it."""
    found: dict[Anchor, bool] = {}
    for each in contributors(_chain(workspace, commit), commit.number):
        found.update({anchor: found.get(anchor, False) or each.inputs_named is not False for anchor in each.inputs})
    return found


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
