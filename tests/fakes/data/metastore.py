"""A metastore in memory whose abilities can be switched: as a Hive Metastore's, Glue's, or a SQL catalog's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from data_access.errors import ConflictError, Reason
from data_access.metastore import sentences
from data_access.metastore.base import (
    HEAD,
    Capabilities,
    DatabaseRecord,
    Lock,
    PartitionChange,
    PartitionRecord,
    Swap,
    TableRecord,
)
from data_access.names import TableName

HIVE = Capabilities(compare_and_swap=True, several_tables=False, partitions_with_swap=False, locks=True)
OLD_HIVE = Capabilities(compare_and_swap=False, several_tables=False, partitions_with_swap=False, locks=True)
GLUE = Capabilities(compare_and_swap=True, several_tables=False, partitions_with_swap=False, locks=False)
SQL = Capabilities(compare_and_swap=True, several_tables=True, partitions_with_swap=True, locks=False)


class MemoryMetastore:
    """See `data_access.metastore.base.Metastore`. `versions`: records carry a token that a swap compares, as Glue's.

    `between` is called inside whatever is not atomic on such a server.
    """

    kind = "memory"
    place = "memory://"

    def __init__(
        self,
        capabilities: Capabilities = SQL,
        *,
        versions: bool = False,
        between: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.capabilities = capabilities
        self._versions = versions
        self.between = between
        self._guard = threading.RLock()
        self._freed = threading.Condition(self._guard)
        self._databases: dict[str, DatabaseRecord] = {}
        self._tables: dict[TableName, TableRecord] = {}
        self._partitions: dict[TableName, dict[tuple[str, ...], PartitionRecord]] = {}
        self._locks: dict[TableName, MemoryLock] = {}

    # Databases and tables

    def databases(self) -> list[str]:
        with self._guard:
            return sorted(self._databases)

    def database(self, name: str) -> DatabaseRecord:
        with self._guard:
            if name not in self._databases:
                raise sentences.unknown_database(name, self._databases, self.place)
            return self._databases[name]

    def create_database(self, database: DatabaseRecord) -> None:
        with self._guard:
            if database.name in self._databases:
                raise sentences.database_is_there(database.name, self.place)
            self._databases[database.name] = database

    def drop_database(self, name: str) -> None:
        with self._guard:
            if held := len(self.tables(name)):
                raise sentences.database_not_empty(name, held, self.place)
            del self._databases[name]

    def tables(self, database: str) -> list[str]:
        return [each.name.table for each in self.records(database)]

    def records(self, database: str) -> list[TableRecord]:
        with self._guard:
            self.database(database)
            return [self._tables[name] for name in sorted(self._tables) if name.database == database]

    def table(self, name: TableName) -> TableRecord:
        with self._guard:
            if name not in self._tables:
                raise sentences.unknown_table(name, self.tables(name.database), self.place)
            return self._tables[name]

    def create_table(self, table: TableRecord) -> None:
        with self._guard:
            self.database(table.name.database)
            if table.name in self._tables:
                raise sentences.table_is_there(table.name, self.place)
            created = table.created or datetime.now(UTC)
            self._tables[table.name] = replace(table, created=created, version="1" if self._versions else None)
            self._partitions[table.name] = {}

    def drop_table(self, name: TableName) -> None:
        with self._guard:
            self.table(name)
            del self._tables[name], self._partitions[name]

    # Commits

    def swap(self, swap: Swap) -> None:
        if not self.capabilities.partitions_with_swap:
            sentences.partitions_apart(swap.table.name, swap.partitions)
        if self.capabilities.compare_and_swap:
            with self._guard:
                self._compare(swap)
                self._write(swap)
        else:  # the lock is all that keeps others out between these two
            self._compare(swap)
            self.between("swap")
            with self._guard:
                self._write(swap)

    def swap_many(self, swaps: Sequence[Swap]) -> None:
        if not self.capabilities.several_tables:
            raise sentences.one_table_at_a_time(self.place)
        with self._guard:
            for each in swaps:
                self._compare(each)
            for each in swaps:
                self._write(each)

    def _compare(self, swap: Swap) -> None:
        now = self.table(swap.table.name)
        if now.parameters.get(HEAD) != swap.expected or (self._versions and now.version != swap.table.version):
            raise sentences.head_moved(swap, now.head, self.place)

    def _write(self, swap: Swap) -> None:
        name = swap.table.name
        version = str(int(self._tables[name].version or 0) + 1) if self._versions else None
        self._tables[name] = replace(swap.table, version=version)
        if swap.partitions:
            self._change(name, swap.partitions)

    # Partitions

    def partitions(self, name: TableName) -> Iterator[PartitionRecord]:
        with self._guard:
            self.table(name)
            return iter(list(self._partitions[name].values()))

    def partitions_of(self, name: TableName, values: Sequence[tuple[str, ...]]) -> list[PartitionRecord]:
        with self._guard:
            self.table(name)
            return [self._partitions[name][each] for each in dict.fromkeys(values) if each in self._partitions[name]]

    def change_partitions(self, name: TableName, change: PartitionChange) -> None:
        """Three calls, as on a Hive Metastore: others see the table in between, and a crash may leave it there."""
        self.table(name)
        if self.capabilities.partitions_with_swap:
            with self._guard:
                self._change(name, change)
            return
        apart = (PartitionChange(add=change.add), PartitionChange(move=change.move), PartitionChange(drop=change.drop))
        for part in apart:
            if part:
                with self._guard:
                    self._change(name, part)
                self.between("partitions")

    def _change(self, name: TableName, change: PartitionChange) -> None:
        there = self._partitions[name]
        for each in (*change.add, *change.move):
            there[each.values] = each
        for values in change.drop:
            there.pop(values, None)

    # Locks

    @contextmanager
    def lock(self, name: TableName, owner: str, wait_s: float) -> Iterator[Lock]:
        if not self.capabilities.locks:
            yield _NoLock()
            return
        until = time.monotonic() + wait_s
        with self._freed:
            while (held := self.try_lock(name, owner)) is None:
                if not self._freed.wait(until - time.monotonic()):
                    raise self.locked(name, wait_s)
        try:
            yield held
        finally:
            self.unlock(held)

    def try_lock(self, name: TableName, owner: str) -> MemoryLock | None:
        with self._guard:
            if name in self._locks:
                return None
            self._locks[name] = MemoryLock(self, name, owner)
            return self._locks[name]

    def unlock(self, lock: MemoryLock) -> None:
        with self._freed:
            if self._locks.get(lock.name) is lock:
                del self._locks[lock.name]
                self._freed.notify_all()

    def holder(self, name: TableName) -> str | None:
        with self._guard:
            return self._locks[name].owner if name in self._locks else None

    def expire_lock(self, name: TableName) -> None:
        """As a server does with a holder whose heartbeat stopped."""
        with self._freed:
            self._locks.pop(name, None)
            self._freed.notify_all()

    def locked(self, name: TableName, wait_s: float) -> ConflictError:
        return ConflictError(
            Reason.LOCKED, f"{name} has been locked by {self.holder(name)} for more than {wait_s:g} s.", "Try again."
        )

    def holds(self, lock: MemoryLock) -> bool:
        with self._guard:
            return self._locks.get(lock.name) is lock

    def close(self) -> None:
        """Nothing is open."""


class MemoryLock:
    def __init__(self, metastore: MemoryMetastore, name: TableName, owner: str) -> None:
        self._metastore, self.name, self.owner = metastore, name, owner

    def check(self) -> None:
        if not self._metastore.holds(self):
            raise ConflictError(Reason.LOCKED, f"The lock on {self.name} was lost.", "Try again.")


class _NoLock:
    def check(self) -> None:
        """Nothing keeps others out, so nothing is lost."""
