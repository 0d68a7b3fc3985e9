"""The port to a Hive Metastore 2.3 to 4: see `Metastore` for what each method does and raises.

A read may show a new parameter with an old location (about 1 % under contention, on PostgreSQL): HEAD is to be trusted
alone. Nothing here asks the server to touch files or to compute statistics (DO_NOT_UPDATE_STATS, no deleteData).
"""

from __future__ import annotations

import getpass
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from hive_metastore import ttypes

from data_access.errors import DataError, NotFoundError, Reason, SchemaError, UnreachableError
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
from data_access.metastore.hive import probe, records
from data_access.metastore.hive.connections import REPLY_S, Connections, ReplyLostError
from data_access.metastore.hive.failures import HIVE, NOT_FOUND, THERE, explained, head_in, modified
from data_access.metastore.hive.locks import locked
from data_access.metastore.partition_names import check_lengths, partition_name
from data_access.metastore.place import Place
from data_access.names import TableName

T = TypeVar("T")

PAGE = 1_000  # partitions, or tables, per call that reads
WRITE_PAGE = 250  # partitions per call that adds or drops: a slow server still answers in time
#: Measured at 2.3.10 on PostgreSQL: 2.3 ms for each partition moved; twenty times that before it is given up.
REPLY_PER_PARTITION_S = 0.05
#: What is known without a question.
ABLE = Capabilities(
    compare_and_swap=False,
    several_tables=False,
    partitions_with_swap=False,
    locks=True,
    partition_value_length=records.LONGEST_VALUE,
    partition_name_length=records.LONGEST_NAME,
)
STATS_OFF = {"DO_NOT_UPDATE_STATS": "true"}


class HiveMetastore:
    """One server, or several that share a database: the first address that answers is used."""

    kind = "hive"

    def __init__(self, place: Place, user: str | None = None) -> None:
        self.place = place.url
        who = user or os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
        self._connections = Connections(place.addresses, place.url, who)
        self._guard = threading.Lock()
        self._compares: bool | None = None

    @property
    def capabilities(self) -> Capabilities:
        with self._guard:
            if self._compares is None:
                self._compares = probe.compares(self._connections, self.databases())
        return replace(ABLE, compare_and_swap=self._compares)

    # Databases

    def databases(self) -> list[str]:
        return sorted(self._ask("list databases", "get_all_databases"))

    def database(self, name: str) -> DatabaseRecord:
        try:
            return records.from_database(self._ask(f"show the database '{name}'", "get_database", name))
        except _MissingError as error:
            raise self._no_database(name) from error

    def create_database(self, database: DatabaseRecord) -> None:
        try:
            self._do(f"create the database '{database.name}'", "create_database", records.to_database(database))
        except _ThereError as error:
            raise sentences.database_is_there(database.name, self.place) from error

    def drop_database(self, name: str) -> None:
        self.database(name)  # 2.3.10 stumbles over one that there is not
        try:
            self._do(f"drop the database '{name}'", "drop_database", name, False, False)
        except _MissingError as error:
            raise self._no_database(name) from error
        except _ImpossibleError as error:
            raise sentences.database_not_empty(name, len(self.tables(name)) or None, self.place) from error

    # Tables

    def tables(self, database: str) -> list[str]:
        names = sorted(self._ask(f"list the tables of '{database}'", "get_all_tables", database))
        return names or self._none_in(database)

    def records(self, database: str) -> list[TableRecord]:
        found: list[TableRecord] = []
        for names in _pages(self.tables(database)):
            request = ttypes.GetTablesRequest(dbName=database, tblNames=names)
            answer = self._ask(f"list the tables of '{database}'", "get_table_objects_by_name_req", request)
            found += [records.from_table(table) for table in answer.tables]
        return sorted(found, key=lambda record: record.name)

    def table(self, name: TableName) -> TableRecord:
        request = ttypes.GetTableRequest(dbName=name.database, tblName=name.table)
        try:
            return records.from_table(self._ask(f"show '{name}'", "get_table_req", request).table)
        except _MissingError as error:
            raise self._no_table(name) from error

    def create_table(self, table: TableRecord) -> None:
        name, context = table.name, ttypes.EnvironmentContext(STATS_OFF)
        try:
            self._do(f"create '{name}'", "create_table_with_environment_context", records.to_table(table), context)
        except _ThereError as error:
            raise sentences.table_is_there(name, self.place) from error
        except (_MissingError, _InvalidError) as error:
            self.database(name.database)  # says so when that is what is wrong
            raise error.ours from error

    def drop_table(self, name: TableName) -> None:
        context = ttypes.EnvironmentContext({})
        try:
            self._do(f"drop '{name}'", "drop_table_with_environment_context", name.database, name.table, False, context)
        except _MissingError as error:
            raise self._no_table(name) from error

    def swap(self, swap: Swap) -> None:
        name = swap.table.name
        sentences.partitions_apart(name, swap.partitions)
        if not self.capabilities.compare_and_swap and (now := self.table(name).head) != swap.expected:
            raise sentences.head_moved(swap, now, self.place)  # the caller holds the lock
        try:
            self._alter(swap)
        except SchemaError:
            # After a widening was rolled back: Hive goes on saying the wider type, which reads the narrower files too.
            columns = records.kept_wide(self.table(name).columns, swap.table.columns)
            if columns == swap.table.columns:
                raise
            self._alter(replace(swap, table=replace(swap.table, columns=columns)))

    def swap_many(self, swaps: Sequence[Swap]) -> None:
        raise sentences.one_table_at_a_time(self.place)

    # Partitions

    def partitions(self, name: TableName) -> Iterator[PartitionRecord]:
        names = self._of_table(name, "get_partition_names", -1)
        if not names:
            self.table(name)  # some servers know no partitions of a table that there is not
        for page in _pages(names):
            yield from self._by_names(name, page)

    def partitions_of(self, name: TableName, values: Sequence[tuple[str, ...]]) -> list[PartitionRecord]:
        return self._there(self.table(name), values)

    def change_partitions(self, name: TableName, change: PartitionChange) -> None:
        table = self.table(name)
        wanted = {each.values: each for each in (*change.add, *change.move)}
        there = {each.values: each for each in self._there(table, list(wanted))}
        for page in _pages([values for values in change.drop if values not in wanted], WRITE_PAGE):
            self._drop(table, page)
        for some in _pages([each for values, each in wanted.items() if values not in there], WRITE_PAGE):
            self._add(table, some)
        moved = [each for values, each in wanted.items() if values in there and there[values] != each]
        if moved:
            self._move(table, moved)

    def lock(self, name: TableName, owner: str, wait_s: float) -> AbstractContextManager[Lock]:
        return locked(self._connections, name, owner, wait_s, self.place)

    def close(self) -> None:
        self._connections.close()

    # Partitions, in calls

    def _there(self, table: TableRecord, values: Sequence[tuple[str, ...]]) -> list[PartitionRecord]:
        asked = set(values)
        names = [partition_name(table.partition_keys, each) for each in values]
        found = [each for page in _pages(names) for each in self._by_names(table.name, page)]
        return [each for each in found if each.values in asked]

    def _by_names(self, name: TableName, names: list[str]) -> list[PartitionRecord]:
        return [records.from_partition(each) for each in self._of_table(name, "get_partitions_by_names", names)]

    def _of_table(self, name: TableName, method: str, argument: object) -> Any:
        try:
            return self._ask(f"list partitions of '{name}'", method, name.database, name.table, argument)
        except _MissingError as error:
            raise self._no_table(name) from error
        except UnreachableError:
            self.table(name)  # 2.3.10 stumbles over a table that there is not
            raise

    def _add(self, table: TableRecord, some: list[PartitionRecord]) -> None:
        """Those that came in between stay as they are there, and are moved."""
        name, parts = table.name, [records.to_partition(table.name, table.columns, each) for each in some]
        check_lengths(ABLE, name, table.partition_keys, some)
        request = ttypes.AddPartitionsRequest(name.database, name.table, parts, ifNotExists=True, needResult=False)
        self._changed(name, len(parts), "add", "add_partitions_req", request)

    def _move(self, table: TableRecord, moved: list[PartitionRecord]) -> None:
        """All in one call, which the server does as one transaction."""
        name, parts = table.name, [records.to_partition(table.name, table.columns, each) for each in moved]
        context = ttypes.EnvironmentContext(STATS_OFF)
        method = "alter_partitions_with_environment_context"
        self._changed(name, len(parts), "move", method, name.database, name.table, parts, context)

    def _drop(self, table: TableRecord, page: list[tuple[str, ...]]) -> None:
        name, names = table.name, [partition_name(table.partition_keys, values) for values in page]
        request = ttypes.DropPartitionsRequest(
            name.database, name.table, ttypes.RequestPartsSpec(names=names),
            deleteData=False, ifExists=True, needResult=False,
        )  # fmt: skip
        self._changed(name, len(names), "drop", "drop_partitions_req", request)

    def _changed(self, name: TableName, count: int, verb: str, method: str, *arguments: object) -> None:
        reply_s = REPLY_S + count * REPLY_PER_PARTITION_S
        try:
            self._ask(f"{verb} {count} partitions of '{name}'", method, *arguments, reply_s=reply_s)
        except _ThereError as error:  # of a repeated call, whose first reply was lost
            if verb != "add":
                raise error.ours from error
        except _MissingError as error:
            self.table(name)
            raise error.ours from error

    # Calls

    def _ask(self, doing: str, method: str, *arguments: object, reply_s: float = REPLY_S) -> Any:
        """What may be repeated. Raises our errors, or what `_sorted` says."""
        try:
            return self._connections.call(method, *arguments, reply_s=reply_s)
        except HIVE as error:
            raise _sorted(error, doing, self.place) from error

    def _do(self, doing: str, method: str, *arguments: object) -> None:
        """What may not: a lost reply is an UnknownOutcomeError."""
        try:
            self._connections.call(method, *arguments, repeatable=False)
        except ReplyLostError as error:
            raise sentences.outcome_unknown(f"the call to {doing}", self.place, error) from error
        except HIVE as error:
            raise _sorted(error, doing, self.place) from error

    def _alter(self, swap: Swap) -> None:
        name = swap.table.name
        table, expecting = records.to_table(swap.table), probe.expecting(HEAD, swap.expected)
        try:
            self._connections.call(
                "alter_table_with_environment_context", name.database, name.table, table, expecting, repeatable=False
            )
        except ReplyLostError as error:
            raise sentences.outcome_unknown(f"the commit to '{name}'", self.place, error) from error
        except HIVE as error:
            if not modified(error):
                self.table(name)  # says so when there is none
                raise explained(error, f"commit to '{name}'", self.place) from error
            now = head_in(error)
            if now != swap.table.head:  # else the server had done it in an earlier try of its own
                raise sentences.head_moved(swap, now, self.place) from error

    def _none_in(self, database: str) -> list[Any]:
        self.database(database)
        return []

    def _no_database(self, name: str) -> NotFoundError:
        return sentences.unknown_database(name, self.databases(), self.place)

    def _no_table(self, name: TableName) -> NotFoundError:
        try:
            return sentences.unknown_table(name, self.tables(name.database), self.place)
        except NotFoundError as error:
            return error


class _ServerError(DataError):
    """The server's answer by kind, for a method to say what it means there; `ours` is what it is by itself."""

    def __init__(self, ours: DataError) -> None:
        super().__init__(ours.reason, ours.sentence, ours.remedy)
        self.ours = ours


class _MissingError(_ServerError):
    pass


class _ThereError(_ServerError):
    pass


class _InvalidError(_ServerError):
    pass


class _ImpossibleError(_ServerError):
    pass


def _sorted(error: Exception, doing: str, place: str) -> Exception:
    ours = explained(error, doing, place)
    if isinstance(error, NOT_FOUND):
        return _MissingError(NotFoundError(Reason.NOT_FOUND, ours.sentence, "See what is there."))
    if isinstance(error, THERE):
        return _ThereError(DataError(Reason.ALREADY_THERE, ours.sentence, "See what is there."))
    if isinstance(error, ttypes.InvalidObjectException):
        return _InvalidError(ours)
    if isinstance(error, ttypes.InvalidOperationException):
        return _ImpossibleError(ours)
    return ours


def _pages(items: Sequence[T], most: int = PAGE) -> Iterator[list[T]]:
    left = iter(items)
    while page := list(islice(left, most)):
        yield page
