"""The port to a metastore: what a commit needs of it, whichever it is. No SDK is imported here.

Everything that a compare-and-swap protects is in *one* table parameter, `HEAD`: servers hand out a new parameter with
an old location now and then (about 1 % of contended reads on a real Hive Metastore), and two parameters are two rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from data_access.names import TableName

#: The committed state: see `Head`. Present from the table's creation on, or a swap would not be checked.
HEAD = "remuda.head"
#: The number of the last commit whose partitions the metastore itself shows to Hive, Spark and Trino.
APPLIED = "remuda.applied"
#: The table's own root, since `location` moves with each commit of a table without partitions.
ROOT = "remuda.root"


@dataclass(frozen=True)
class Head:
    """Which commit is the table's present one. As a parameter: `<number>:<id>:<16 hex>`.

    `digest` is the start of the manifest's sha256.
    """

    number: int
    id: str
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.id}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Raises ValueError."""
        number, id_, digest = text.split(":")
        return cls(int(number), id_, digest)


@dataclass(frozen=True)
class HiveColumn:
    """A column as a metastore has it: lower-case name, Hive type, comment."""

    name: str
    type: str
    comment: str | None = None


@dataclass(frozen=True)
class TableRecord:
    """A table as a metastore has it. `version` is the server's own token for a swap, where it has one (Glue)."""

    name: TableName
    location: str
    columns: tuple[HiveColumn, ...]
    partition_keys: tuple[HiveColumn, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    owner: str | None = None
    comment: str | None = None
    created: datetime | None = None
    #: "parquet" (the default), "iceberg", or the input format's class of a table that others made.
    format: str = "parquet"
    version: str | None = None

    @property
    def head(self) -> str | None:
        """The value of `HEAD`; None of a table that is not ours."""
        return self.parameters.get(HEAD)

    @property
    def root(self) -> str:
        return self.parameters.get(ROOT, self.location)


@dataclass(frozen=True)
class PartitionRecord:
    """One partition. `values` are Hive's strings, one per partition key; `__HIVE_DEFAULT_PARTITION__` for null."""

    values: tuple[str, ...]
    location: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DatabaseRecord:
    name: str
    location: str
    owner: str | None = None
    comment: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Capabilities:
    """What this server can do, probed at connect where it can't be known."""

    #: `swap` compares on the server. Without it the lock alone keeps writers apart, and `swap` reads again inside it.
    compare_and_swap: bool
    #: `swap_many` is one transaction.
    several_tables: bool
    #: Partitions change in the same transaction as the head: `swap(partitions=…)`; nothing is ever left to apply.
    partitions_with_swap: bool
    #: A lock that the server keeps, with heartbeat and expiry.
    locks: bool
    #: Most characters of one partition value, and of the whole name `key=value/…` as Hive escapes it; None: no limit.
    partition_value_length: int | None = None
    partition_name_length: int | None = None


@dataclass(frozen=True)
class PartitionChange:
    """From what the metastore shows to what the snapshot says; any part may be empty."""

    add: tuple[PartitionRecord, ...] = ()
    move: tuple[PartitionRecord, ...] = ()
    drop: tuple[tuple[str, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.add or self.move or self.drop)


@dataclass(frozen=True)
class Swap:
    """Replace a table's record, if its `HEAD` still is `expected`."""

    expected: str
    table: TableRecord
    partitions: PartitionChange = PartitionChange()


class Metastore(Protocol):
    """All names are lower case. Every method raises UnreachableError, ForbiddenError; what else, it says.

    Safe for threads: several may call at once.
    """

    kind: str  # "hive", "glue", "sql"
    place: str  # for messages: thrift://…, sqlite:///…; without credentials

    @property
    def capabilities(self) -> Capabilities: ...

    def databases(self) -> list[str]: ...

    def database(self, name: str) -> DatabaseRecord:
        """Raises NotFoundError(unknown-database)."""
        ...

    def create_database(self, database: DatabaseRecord) -> None:
        """Raises DataError(already-there)."""
        ...

    def drop_database(self, name: str) -> None:
        """An empty one; no file is touched. Raises NotFoundError, DataError(bad-argument) when it holds tables."""
        ...

    def tables(self, database: str) -> list[str]:
        """Raises NotFoundError(unknown-database)."""
        ...

    def records(self, database: str) -> list[TableRecord]:
        """All tables of a database in few calls, without their partitions. Raises NotFoundError(unknown-database)."""
        ...

    def table(self, name: TableName) -> TableRecord:
        """Raises NotFoundError(unknown-database, unknown-table), with near names."""
        ...

    def create_table(self, table: TableRecord) -> None:
        """External, never purged; no storage is listed. Raises DataError(already-there), NotFoundError."""
        ...

    def drop_table(self, name: TableName) -> None:
        """The record alone; no file is touched. Raises NotFoundError."""
        ...

    def swap(self, swap: Swap) -> None:
        """The commit point. `swap.partitions` must be empty unless `capabilities.partitions_with_swap`.

        Raises ConflictError when the head has moved (nothing changed), UnknownOutcomeError when the answer was lost
        (the caller reads again before anything else), NotFoundError.
        """
        ...

    def swap_many(self, swaps: Sequence[Swap]) -> None:
        """All or none. Raises what `swap` raises; DataError(not-supported) unless `capabilities.several_tables`."""
        ...

    def partitions(self, name: TableName) -> Iterator[PartitionRecord]:
        """All, fetched in pages; order as the server gives it."""
        ...

    def partitions_of(self, name: TableName, values: Sequence[tuple[str, ...]]) -> list[PartitionRecord]:
        """Those of these values that there are, in few calls."""
        ...

    def change_partitions(self, name: TableName, change: PartitionChange) -> None:
        """Idempotent: adding what is there moves it, dropping what is gone is nothing. No file is touched.

        Locations that move, move in one call where the server has one.
        """
        ...

    def lock(self, name: TableName, owner: str, wait_s: float) -> AbstractContextManager[Lock]:
        """Exclusive among those who ask for it, kept alive by a heartbeat, released or expired soon after a crash.

        Raises ConflictError(locked) after `wait_s`, naming the holder. Without `capabilities.locks` it is a no-op; it
        may be one for a table that is not there yet, since of two who create it the server lets one.
        """
        ...

    def close(self) -> None: ...


class Lock(Protocol):
    def check(self) -> None:
        """Raises ConflictError(locked) when the lock was lost meanwhile. Called just before a commit point."""
        ...
