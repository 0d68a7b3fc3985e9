"""What a commit is, as values. No I/O, no clock; the codec is `manifest.py`.

A table's *root* holds

    <root>/<key>=<value>/…/batch_id=<ULID>/part-00000.parquet     data: written once, never changed
    <root>/_remuda/commits/00000042-<ULID>.json                   one manifest per commit: immutable
    <root>/_remuda/commits/00000042-<ULID>.files.arrow            its list of files, where that is long
    <root>/_remuda/tags/<name>.json                               a name for a commit
    <root>/_remuda/pins/<ULID>.json                               an anchor that somebody holds: gc keeps it
    <root>/_remuda/checks/<sha256>.json                           a set of checks: immutable, named by its content

and the metastore's `HEAD` parameter names the present commit (number, id, digest of the manifest).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from data_access.names import TableName

Operation = Literal["create", "store", "rollback", "gc", "drop-partitions", "comment", "checks"]
#: One partition's values, one per partition column, canonical text (`1`, not `01`); None is null.
PartitionValues = tuple[str | None, ...]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    `arrow` is the type a reader gets back, in Arrow's own text for simple types (`int64`, `timestamp[ns, tz=UTC]`);
    `hive` is what the metastore says. `name` keeps the frame's case.
    """

    name: str
    arrow: str
    hive: str
    comment: str | None = None


@dataclass(frozen=True)
class Schema:
    """`columns` of the files, in order; `partition_by` are in the path and not in the files.

    `ipc` is Arrow's serialised schema (base64) of columns then partition columns, with pandas' metadata: what makes
    round trips exact.
    """

    columns: tuple[Column, ...]
    partition_by: tuple[Column, ...]
    ipc: str


@dataclass(frozen=True)
class Stats:
    """Of one column in one file. `low` and `high` are JSON-able, comparable with themselves; None when unknown."""

    low: Any
    high: Any
    nulls: int


@dataclass(frozen=True)
class DataFile:
    """A Parquet file. `path` is relative to the table's root; `footer` is the length in bytes of footer and tail."""

    partition: PartitionValues
    path: str
    size: int
    rows: int
    sha256: str
    footer: int
    stats: Mapping[str, Stats] = field(default_factory=dict)

    @property
    def batch(self) -> str:
        """The folder that holds it, relative to the root: what the metastore's location points at."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True)
class Anchor:
    """One commit of one table, for ever: `sales.orders@42:01J…`."""

    table: TableName
    number: int
    id: str

    def __str__(self) -> str:
        return f"{self.table}@{self.number}:{self.id}"

    def __repr__(self) -> str:
        return f"<Anchor {self}>"

    def _repr_html_(self) -> str:
        from data_access.html import Page

        page = Page(f"{self.table}, commit {self.number}")
        page.facts({"anchor": str(self)}, ("anchor",))
        return str(page)

    @classmethod
    def parse(cls, text: str) -> Anchor:
        """Raises ValueError."""
        table, _, commit = text.partition("@")
        number, _, id_ = commit.partition(":")
        return cls(TableName.parse(table), int(number), id_)


@dataclass(frozen=True)
class Code:
    """Which code made a commit; every part may be unknown (None)."""

    git_commit: str | None = None
    git_remote: str | None = None  # without credentials
    dirty_diff: str | None = None  # sha256 of the diff, which lies beside the manifest where it is small
    notebook: str | None = None  # path
    notebook_sha256: str | None = None
    script: str | None = None


@dataclass(frozen=True)
class Environment:
    """What ran it: enough to say what differs, and to build it again."""

    python: str
    platform: str
    image: str | None
    packages: Mapping[str, str] = field(default_factory=dict)  # name → version
    data_access: str = ""


@dataclass(frozen=True)
class CheckRecord:
    """A check's result as a manifest keeps it."""

    name: str
    severity: Literal["warn", "stop"]
    passed: bool
    seen: str  # one sentence, with counts
    note: str = ""


@dataclass(frozen=True)
class PartitionDelta:
    """What a commit did to one partition."""

    partition: PartitionValues
    what: Literal["added", "replaced", "appended", "removed"]
    rows: int
    bytes: int


@dataclass(frozen=True)
class Commit:
    """A manifest without its files: what `history` shows."""

    table: TableName
    number: int
    id: str  # ULID: its time is the writer's
    parent: str | None  # id
    operation: Operation
    mode: str
    at: datetime  # UTC
    by: str
    message: str
    schema: Schema
    changed: tuple[PartitionDelta, ...]
    rows: int  # of the whole snapshot
    bytes: int
    files: int
    inputs: tuple[Anchor, ...] = ()
    code: Code = Code()
    environment: Environment | None = None
    checks: tuple[CheckRecord, ...] = ()
    #: The table's own checks from this commit on: `<root>/_remuda/checks/<check_set>.json`; None is none. Every commit
    #: has its parent's (a rollback and a rebase too), but the operation "checks", which is how they change. A store
    #: that is rebased onto a head with another set has its data checked again, with that set.
    check_set: str | None = None
    #: Of a rollback: the commit whose files this one has.
    restores: int | None = None
    #: Numbers of the commits that a gc gave up: their files may be gone. Every commit has its parent's; a gc adds.
    expired: tuple[int, ...] = ()
    #: `<id>:<digest>` of the commits before, the nearest first, 64 at most: an old one is found without a walk.
    ancestors: tuple[str, ...] = ()
    format: int = 1
    #: True: the inputs were said (`inputs(…)`, the source of a copy). False: they are what the session had loaded
    #: before, used or not. None: there are none, or the commit is from before this was recorded.
    inputs_named: bool | None = None

    @property
    def anchor(self) -> Anchor:
        return Anchor(self.table, self.number, self.id)

    def __repr__(self) -> str:
        """One line: what a cell of a notebook shows after a store."""
        from data_access.tables.log import checks_told, told

        told_of = [
            told(self),
            f"{_count(self.rows, 'row')} in {_count(self.files, 'file')}",
            checks_told(self),
            self.message,
        ]
        told_of = [each for each in told_of if each]
        named = f"{self.table}@{self.number}"
        return f"<{named}, {self.at:%Y-%m-%d %H:%M:%S} UTC by {self.by}: {'; '.join(told_of)}>"

    def _repr_html_(self) -> str:
        from data_access.html import Page
        from data_access.tables.log import checks_told, told

        page = Page(f"{self.table}, commit {self.number}")
        facts = {
            "what": told(self),
            "rows": f"{self.rows:,} in {_count(self.files, 'file')}" if self.files else f"{self.rows:,}",
            "when": f"{self.at:%Y-%m-%d %H:%M:%S} UTC by {self.by}",
            "checks": checks_told(self),
            "message": self.message,
            "anchor": str(self.anchor),
        }
        page.facts({name: value for name, value in facts.items() if value}, ("anchor",))
        return str(page)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class Snapshot:
    """A whole table at one commit."""

    commit: Commit
    root: str
    files: tuple[DataFile, ...]
