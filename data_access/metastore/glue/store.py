"""The port to AWS Glue: see `Metastore` for what each method does and raises.

A swap reads the table, compares HEAD, and replaces the table at the version it read (`VersionId` of UpdateTable): what
comes in between makes Glue refuse it. Partitions change in batches of at most 100, one call each; so, other than on a
Hive Metastore, readers of Glue may see some of a commit's partitions before the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any, TypeVar

from data_access.errors import DataError, NotFoundError, Reason, UnknownOutcomeError
from data_access.metastore import sentences
from data_access.metastore.base import (
    Capabilities,
    DatabaseRecord,
    Lock,
    PartitionChange,
    PartitionRecord,
    Swap,
    TableRecord,
)
from data_access.metastore.glue import records
from data_access.metastore.glue.calls import MISSING, OUTDATED, THERE, Calls, GlueError
from data_access.metastore.glue.lease import NothingToLock, leased
from data_access.metastore.place import Place
from data_access.names import TableName

T = TypeVar("T")

#: Entries per call: https://docs.aws.amazon.com/glue/latest/webapi/WebAPI_Welcome.html
GET, CREATE, UPDATE, DELETE = 1000, 100, 100, 25
TRIES = 20  # of a replacement that meets other changes of the same table


class GlueMetastore:
    kind = "glue"

    def __init__(self, place: Place) -> None:
        self.place = place.url
        self._calls = Calls(place.region, place.url)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(compare_and_swap=True, several_tables=False, partitions_with_swap=False, locks=True)

    # Databases

    def databases(self) -> list[str]:
        return sorted(each["Name"] for page in self._calls.pages("get_databases") for each in page["DatabaseList"])

    def database(self, name: str) -> DatabaseRecord:
        try:
            return records.from_database(self._calls.call("get_database", Name=name)["Database"])
        except GlueError as error:
            raise sentences.unknown_database(name, self.databases(), self.place) from error

    def create_database(self, database: DatabaseRecord) -> None:
        try:
            self._calls.call("create_database", DatabaseInput=records.to_database(database))
        except GlueError as error:
            raise sentences.database_is_there(database.name, self.place) from error

    def drop_database(self, name: str) -> None:
        """Glue would drop its tables too: a table that is made between our look and the call goes with it."""
        if held := self.tables(name):
            raise sentences.database_not_empty(name, len(held), self.place)
        self._calls.call("delete_database", Name=name)

    # Tables

    def tables(self, database: str) -> list[str]:
        return [record.name.table for record in self.records(database)]

    def records(self, database: str) -> list[TableRecord]:
        try:
            pages = list(self._calls.pages("get_tables", DatabaseName=database))
        except GlueError as error:
            raise sentences.unknown_database(database, self.databases(), self.place) from error
        found = [records.from_table(each) for page in pages for each in page["TableList"]]
        if not found:
            self.database(database)
        return sorted(found, key=lambda record: record.name)

    def table(self, name: TableName) -> TableRecord:
        return records.from_table(self._table(name))

    def create_table(self, table: TableRecord) -> None:
        name = table.name
        try:
            self._calls.call("create_table", DatabaseName=name.database, TableInput=records.to_table(table))
        except GlueError as error:
            if error.code == THERE:
                raise sentences.table_is_there(name, self.place) from error
            raise sentences.unknown_database(name.database, self.databases(), self.place) from error

    def drop_table(self, name: TableName) -> None:
        try:
            self._calls.call("delete_table", DatabaseName=name.database, Name=name.table)
        except GlueError as error:
            raise self._no_table(name) from error

    def swap(self, swap: Swap) -> None:
        name = swap.table.name
        sentences.partitions_apart(name, swap.partitions)

        def replacement(table: dict[str, Any]) -> dict[str, Any] | None:
            head = records.from_table(table).head
            if head == swap.table.head != swap.expected:
                return None  # a try whose answer was lost had done it
            if head != swap.expected:
                raise sentences.head_moved(swap, head, self.place)
            return records.to_table(swap.table, records.lease_of(table))

        self._replace(name, replacement)

    def swap_many(self, swaps: Sequence[Swap]) -> None:
        raise sentences.one_table_at_a_time(self.place)

    # Partitions

    def partitions(self, name: TableName) -> Iterator[PartitionRecord]:
        self._table(name)
        at = {"DatabaseName": name.database, "TableName": name.table, "ExcludeColumnSchema": True}
        for page in self._calls.pages("get_partitions", **at):
            yield from map(records.from_partition, page["Partitions"])

    def partitions_of(self, name: TableName, values: Sequence[tuple[str, ...]]) -> list[PartitionRecord]:
        self._table(name)
        found: list[PartitionRecord] = []
        for some in _pages(list(dict.fromkeys(values)), GET):
            left = [{"Values": list(each)} for each in some]
            while left:
                answer = self._calls.call(
                    "batch_get_partition", DatabaseName=name.database, TableName=name.table, PartitionsToGet=left
                )
                found += map(records.from_partition, answer.get("Partitions", []))
                left = answer.get("UnprocessedKeys") or []
        return found

    def change_partitions(self, name: TableName, change: PartitionChange) -> None:
        columns = records.from_table(self._table(name)).columns
        wanted = {each.values: records.to_partition(columns, each) for each in (*change.add, *change.move)}
        gone = [values for values in dict.fromkeys(change.drop) if values not in wanted]
        self._batches("batch_delete_partition", name, DELETE, "PartitionsToDelete", [{"Values": list(v)} for v in gone])
        new = [wanted[each.values] for each in change.add]
        old = [wanted[each.values] for each in change.move]
        # Which of them are there is told by the errors: what was to be added and is there moves, and the other way.
        there = self._create(name, new)
        missing = self._update(name, [*old, *(wanted[values] for values in there)])
        if still := self._create(name, [wanted[values] for values in missing]):
            self._update(name, [wanted[values] for values in still])

    def lock(self, name: TableName, owner: str, wait_s: float) -> AbstractContextManager[Lock]:
        def exchange(change: Callable[[str | None], str | None]) -> str | None:
            stands: list[str | None] = [None]

            def replacement(table: dict[str, Any]) -> dict[str, Any] | None:
                now = records.lease_of(table)
                stands[0] = change(now)
                return None if stands[0] == now else records.to_input(table, stands[0])

            self._replace(name, replacement)
            return stands[0]

        try:
            self._table(name)
        except NotFoundError:
            return nullcontext(NothingToLock())
        return leased(name, owner, wait_s, exchange)

    def close(self) -> None:
        self._calls.close()

    # Calls

    def _table(self, name: TableName) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._calls.call("get_table", DatabaseName=name.database, Name=name.table)["Table"]
        except GlueError as error:
            raise self._no_table(name) from error
        return found

    def _replace(self, name: TableName, replacement: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        """Read, ask what to write (None: nothing), write it at the version read; again when that is outdated."""
        for _ in range(TRIES):
            table = self._table(name)
            wanted = replacement(table)
            if wanted is None:
                return
            at = {"VersionId": table["VersionId"]} if "VersionId" in table else {}
            try:
                self._calls.call("update_table", DatabaseName=name.database, TableInput=wanted, SkipArchive=True, **at)
            except GlueError as error:
                if error.code in OUTDATED:
                    continue
                raise self._no_table(name) from error
            return
        raise DataError(
            Reason.CONFLICT, f"'{name}' in {self.place} changed {TRIES} times in between.", "Repeat it a little later."
        )

    def _create(self, name: TableName, entries: list[dict[str, Any]]) -> list[tuple[str, ...]]:
        """The values that are there already."""
        return self._batches("batch_create_partition", name, CREATE, "PartitionInputList", entries)

    def _update(self, name: TableName, entries: list[dict[str, Any]]) -> list[tuple[str, ...]]:
        """The values that are not there."""
        changes = [{"PartitionValueList": each["Values"], "PartitionInput": each} for each in entries]
        return self._batches("batch_update_partition", name, UPDATE, "Entries", changes)

    def _batches(
        self, method: str, name: TableName, most: int, argument: str, entries: list[dict[str, Any]]
    ) -> list[tuple[str, ...]]:
        """The values that Glue said are there, or are not. All of these calls may be repeated."""
        other: list[tuple[str, ...]] = []
        for some in _pages(entries, most):
            at = {"DatabaseName": name.database, "TableName": name.table, argument: some}
            try:
                answer = self._calls.call(method, **at)
            except UnknownOutcomeError:
                answer = self._calls.call(method, **at)
            except GlueError as error:
                raise self._no_table(name) from error
            for each in answer.get("Errors") or []:
                values = tuple(each.get("PartitionValues") or each.get("PartitionValueList") or ())
                detail = each.get("ErrorDetail") or {}
                if detail.get("ErrorCode") not in (MISSING, THERE):
                    raise DataError(
                        Reason.BAD_PARTITION,
                        f"{self.place} refused {method} of {values} of '{name}': {detail.get('ErrorMessage')}.",
                        "Correct the values; what was changed before stays, and repeating it is safe.",
                    )
                other.append(values)
        return other

    def _no_table(self, name: TableName) -> NotFoundError:
        try:
            return sentences.unknown_table(name, self.tables(name.database), self.place)
        except NotFoundError as error:
            return error


def _pages(items: Sequence[T], most: int) -> Iterator[list[T]]:
    left = iter(items)
    while page := list(islice(left, most)):
        yield page
