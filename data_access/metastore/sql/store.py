"""The embedded catalog: databases, tables and partitions in SQLite or PostgreSQL.

A commit is one transaction: heads of one or several tables and their partitions change together or not at all, so
there is nothing to lock and nothing to apply later.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from data_access.errors import (
    NotFoundError,
    UnknownOutcomeError,
)
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
from data_access.metastore.place import Place
from data_access.metastore.sql.engines import WRITING, engine_of
from data_access.metastore.sql.failures import explained, first_line, is_refused_commit, state_of
from data_access.metastore.sql.rows import change_rows, chunks, columns_of, id_of, is_, partition_of, record_of
from data_access.metastore.sql.tables import DATABASES, PARTITIONS, TABLES, digest, dump, is_current, migrate
from data_access.names import TableName

T = TypeVar("T")

PAGE = 10_000  # partitions per read: that many are seen as of one moment
#: PostgreSQL's classes of errors that another try resolves: serialization failure, deadlock.
AGAIN = {"40001", "40P01"}
TRIES = 5


class SqlMetastore:
    """See `Metastore` for what each method does and raises."""

    kind = "sql"

    def __init__(self, place: Place) -> None:
        self.place = place.url
        self._where = place
        self._guard = threading.Lock()
        self._engine: Engine | None = None
        _forget_in_children(self)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(compare_and_swap=True, several_tables=True, partitions_with_swap=True, locks=False)

    # Databases

    def databases(self) -> list[str]:
        return self._read(lambda c: list(c.execute(select(DATABASES.c.name).order_by(DATABASES.c.name)).scalars()))

    def database(self, name: str) -> DatabaseRecord:
        row = self._read(lambda c: c.execute(select(DATABASES).where(DATABASES.c.name == name)).first())
        if row is None:
            raise sentences.unknown_database(name, self.databases(), self.place)
        return DatabaseRecord(row.name, row.location, row.owner, row.comment, json.loads(row.parameters))

    def create_database(self, database: DatabaseRecord) -> None:
        row = {
            "name": database.name,
            "location": database.location,
            "owner": database.owner,
            "comment": database.comment,
            "parameters": dump(dict(database.parameters)),
        }
        try:
            self._write(f"the creation of {database.name}", lambda c: c.execute(insert(DATABASES).values(row)))
        except _Duplicate as error:
            raise sentences.database_is_there(database.name, self.place) from error

    def drop_database(self, name: str) -> None:
        def drop(c: Connection) -> int | None:
            if c.execute(select(DATABASES.c.name).where(DATABASES.c.name == name).with_for_update()).first() is None:
                return None
            held = c.execute(select(func.count()).select_from(TABLES).where(TABLES.c.database == name)).scalar_one()
            if not held:
                c.execute(delete(DATABASES).where(DATABASES.c.name == name))
            return held

        held = self._write(f"the removal of {name}", drop)
        if held is None:
            raise sentences.unknown_database(name, self.databases(), self.place)
        if held:
            raise sentences.database_not_empty(name, held, self.place)

    # Tables

    def tables(self, database: str) -> list[str]:
        query = select(TABLES.c.name).where(TABLES.c.database == database).order_by(TABLES.c.name)
        return self._read(lambda c: list(c.execute(query).scalars())) or self._none_in(database)

    def records(self, database: str) -> list[TableRecord]:
        query = select(TABLES).where(TABLES.c.database == database).order_by(TABLES.c.name)
        rows = self._read(lambda c: c.execute(query).all())
        return [record_of(row) for row in rows] or self._none_in(database)

    def table(self, name: TableName) -> TableRecord:
        row = self._read(lambda c: c.execute(select(TABLES).where(*is_(name))).first())
        if row is None:
            raise self._unknown(name)
        return record_of(row)

    def create_table(self, table: TableRecord) -> None:
        name = table.name
        created = (table.created or datetime.now(UTC)).isoformat()
        row = {"database": name.database, "name": name.table, "created": created, **columns_of(table)}

        def create(c: Connection) -> bool:
            database = select(DATABASES.c.name).where(DATABASES.c.name == name.database).with_for_update(read=True)
            if c.execute(database).first() is None:
                return False
            c.execute(insert(TABLES).values(row))
            return True

        try:
            made = self._write(f"the creation of {name}", create)
        except _Duplicate as error:
            raise sentences.table_is_there(name, self.place) from error
        if not made:
            raise sentences.unknown_database(name.database, self.databases(), self.place)

    def drop_table(self, name: TableName) -> None:
        dropped = self._write(
            f"the removal of {name}",
            lambda c: c.execute(delete(TABLES).where(*is_(name))).rowcount,  # its partitions go with it
        )
        if not dropped:
            raise self._unknown(name)

    def swap(self, swap: Swap) -> None:
        self.swap_many([swap])

    def swap_many(self, swaps: Sequence[Swap]) -> None:
        if not swaps:
            return
        ordered = sorted(swaps, key=lambda each: each.table.name)  # the same order for all: no deadlock

        def change(c: Connection) -> None:
            for each in ordered:
                self._swap_one(c, each)

        self._write(f"the commit to {' and '.join(str(each.table.name) for each in swaps)}", change)

    def _swap_one(self, c: Connection, swap: Swap) -> None:
        name = swap.table.name
        changed = update(TABLES).where(*is_(name), TABLES.c.head == swap.expected).values(columns_of(swap.table))
        if c.execute(changed).rowcount == 0:
            now = c.execute(select(TABLES.c.head).where(*is_(name))).first()
            raise _Refused(swap, None if now is None else now.head, gone=now is None)
        if swap.partitions:
            change_rows(c, id_of(c, name), swap.partitions)

    # Partitions

    def partitions(self, name: TableName) -> Iterator[PartitionRecord]:
        after, table_id = "", self._read(lambda c: id_of(c, name))
        if table_id is None:
            raise self._unknown(name)
        while True:
            query = (
                select(PARTITIONS)
                .where(PARTITIONS.c.table_id == table_id, PARTITIONS.c.digest > after)
                .order_by(PARTITIONS.c.digest)
                .limit(PAGE)
            )
            rows = self._read(partial(_all_of, query))
            yield from map(partition_of, rows)
            if len(rows) < PAGE:
                return
            after = rows[-1].digest

    def partitions_of(self, name: TableName, values: Sequence[tuple[str, ...]]) -> list[PartitionRecord]:
        wanted = {digest(each) for each in values}

        def read(c: Connection) -> list[Row[Any]] | None:
            table_id = id_of(c, name)
            if table_id is None:
                return None
            return [
                row
                for some in chunks(sorted(wanted))
                for row in c.execute(
                    select(PARTITIONS).where(PARTITIONS.c.table_id == table_id, PARTITIONS.c.digest.in_(some))
                )
            ]

        rows = self._read(read)
        if rows is None:
            raise self._unknown(name)
        return [partition_of(row) for row in rows]

    def change_partitions(self, name: TableName, change: PartitionChange) -> None:
        def apply(c: Connection) -> bool:
            table_id = id_of(c, name, locked=True)
            if table_id is not None:
                change_rows(c, table_id, change)
            return table_id is not None

        try:
            there = self._write(f"the change of partitions of {name}", apply)
        except UnknownOutcomeError:  # to do it twice is the same as once
            there = self._write(f"the change of partitions of {name}", apply)
        if not there:
            raise self._unknown(name)

    def lock(self, name: TableName, owner: str, wait_s: float) -> AbstractContextManager[Lock]:
        return nullcontext(_NoLock())

    def close(self) -> None:
        with self._guard:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    # The shell around the database

    def _none_in(self, database: str) -> list[Any]:
        self.database(database)
        return []

    def _unknown(self, name: TableName) -> NotFoundError:
        try:
            return sentences.unknown_table(name, self.tables(name.database), self.place)
        except NotFoundError as error:
            return error

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._connected().connect() as connection:
                return work(connection)
        except DBAPIError as error:
            raise explained(error, self.place) from error

    def _write(self, what: str, work: Callable[[Connection], T]) -> T:
        """In one transaction; `what` is for the message when its answer is lost."""
        for left in reversed(range(TRIES)):
            try:
                return self._once(self._connected(), what, work)
            except _Refused as refused:
                if refused.gone:
                    raise self._unknown(refused.swap.table.name) from None
                raise sentences.head_moved(refused.swap, refused.now, self.place) from None
            except IntegrityError as error:
                raise _Duplicate from error
            except DBAPIError as error:
                if left and state_of(error) in AGAIN:
                    time.sleep(random.uniform(0, 0.05))  # noqa: S311 - so that two don't meet again
                    continue
                raise explained(error, self.place) from error
        raise AssertionError("the last try raises")

    def _once(self, engine: Engine, what: str, work: Callable[[Connection], T]) -> T:
        with engine.connect() as plain:
            connection = plain.execution_options(**WRITING[engine.dialect.name])
            with connection.begin() as transaction:
                result = work(connection)
                try:
                    transaction.commit()
                except DBAPIError as error:
                    if is_refused_commit(error):
                        raise
                    raise sentences.outcome_unknown(what, self.place, first_line(error)) from error
            return result

    def _connected(self) -> Engine:
        """Made and migrated at first use."""
        if self._engine is not None:
            return self._engine
        with self._guard:
            if self._engine is None:
                engine = engine_of(self._where)
                try:
                    with engine.connect() as connection:
                        current = is_current(connection)
                    if not current:
                        self._once(engine, "the making of the catalog", lambda c: migrate(c, self.place))
                except DBAPIError as error:
                    raise explained(error, self.place) from error
                self._engine = engine
            return self._engine

    def _after_fork(self) -> None:
        """Connections belong to the parent; the child makes its own and leaves those open."""
        self._guard = threading.Lock()
        if self._engine is not None:
            self._engine.dispose(close=False)


class _Refused(Exception):
    """A swap whose expectation does not hold; rolls the transaction back."""

    def __init__(self, swap: Swap, now: str | None, *, gone: bool) -> None:
        self.swap, self.now, self.gone = swap, now, gone


class _Duplicate(Exception):
    """What was to be made is there."""


class _NoLock:
    def check(self) -> None:
        """A swap compares by itself here."""


def _all_of(query: Any, c: Connection) -> Sequence[Row[Any]]:
    return c.execute(query).all()


def _forget_in_children(metastore: SqlMetastore) -> None:
    alive = weakref.ref(metastore)

    def child() -> None:
        if (each := alive()) is not None:
            each._after_fork()

    os.register_at_fork(after_in_child=child)
