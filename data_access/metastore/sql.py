"""The embedded catalog: databases, tables and partitions in SQLite or PostgreSQL. The only module with SQLAlchemy.

A commit is one transaction: heads of one or several tables and their partitions change together or not at all, so
there is nothing to lock and nothing to apply later.

SQLite: one file, which may lie on NFS. Write-ahead logging needs memory shared between processes, which NFS has not,
so the journal is a rollback journal (https://www.sqlite.org/wal.html, "Overview"). Writers begin with BEGIN IMMEDIATE:
they wait for each other at the start instead of failing in the middle.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Row, create_engine, delete, event, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError

from data_access.errors import (
    CorruptError,
    DataError,
    ForbiddenError,
    NotFoundError,
    Reason,
    UnknownOutcomeError,
    UnreachableError,
)
from data_access.metastore import sentences
from data_access.metastore.base import (
    HEAD,
    Capabilities,
    DatabaseRecord,
    HiveColumn,
    Lock,
    PartitionChange,
    PartitionRecord,
    Swap,
    TableRecord,
)
from data_access.metastore.place import Place
from data_access.metastore.sql_tables import DATABASES, PARTITIONS, TABLES, digest, dump, migrate
from data_access.names import TableName

T = TypeVar("T")

BUSY_S = 30  # how long a writer waits for others
PAGE = 10_000  # partitions per read: that many are seen as of one moment
AT_ONCE = 1_000  # values in one statement; SQLite takes 32,766
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
        return [_record(row) for row in rows] or self._none_in(database)

    def table(self, name: TableName) -> TableRecord:
        row = self._read(lambda c: c.execute(select(TABLES).where(*_is(name))).first())
        if row is None:
            raise self._unknown(name)
        return _record(row)

    def create_table(self, table: TableRecord) -> None:
        name = table.name
        created = (table.created or datetime.now(UTC)).isoformat()
        row = {"database": name.database, "name": name.table, "created": created, **_columns(table)}

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
            lambda c: c.execute(delete(TABLES).where(*_is(name))).rowcount,  # its partitions go with it
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
        changed = update(TABLES).where(*_is(name), TABLES.c.head == swap.expected).values(_columns(swap.table))
        if c.execute(changed).rowcount == 0:
            now = c.execute(select(TABLES.c.head).where(*_is(name))).first()
            raise _Refused(swap, None if now is None else now.head, gone=now is None)
        if swap.partitions:
            _apply(c, _id(c, name), swap.partitions)

    # Partitions

    def partitions(self, name: TableName) -> Iterator[PartitionRecord]:
        after, table_id = "", self._read(lambda c: _id(c, name))
        if table_id is None:
            raise self._unknown(name)
        while True:
            query = (
                select(PARTITIONS)
                .where(PARTITIONS.c.table_id == table_id, PARTITIONS.c.digest > after)
                .order_by(PARTITIONS.c.digest)
                .limit(PAGE)
            )
            rows = self._read(lambda c, query=query: c.execute(query).all())
            yield from map(_partition, rows)
            if len(rows) < PAGE:
                return
            after = rows[-1].digest

    def partitions_of(self, name: TableName, values: Sequence[tuple[str, ...]]) -> list[PartitionRecord]:
        wanted = {digest(each) for each in values}

        def read(c: Connection) -> list[Row[Any]] | None:
            table_id = _id(c, name)
            if table_id is None:
                return None
            return [
                row
                for some in _chunks(sorted(wanted))
                for row in c.execute(
                    select(PARTITIONS).where(PARTITIONS.c.table_id == table_id, PARTITIONS.c.digest.in_(some))
                )
            ]

        rows = self._read(read)
        if rows is None:
            raise self._unknown(name)
        return [_partition(row) for row in rows]

    def change_partitions(self, name: TableName, change: PartitionChange) -> None:
        def apply(c: Connection) -> bool:
            table_id = _id(c, name, locked=True)
            if table_id is not None:
                _apply(c, table_id, change)
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
            raise _explained(error, self.place) from error

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
                if left and getattr(error.orig, "sqlstate", None) in AGAIN:
                    time.sleep(random.uniform(0, 0.05))  # noqa: S311 - so that two don't meet again
                    continue
                raise _explained(error, self.place) from error
        raise AssertionError("the last try raises")

    def _once(self, engine: Engine, what: str, work: Callable[[Connection], T]) -> T:
        with engine.connect() as plain:
            connection = plain.execution_options(**_WRITING[engine.dialect.name])
            with connection.begin() as transaction:
                result = work(connection)
                try:
                    transaction.commit()
                except DBAPIError as error:
                    if _is_refused_commit(error):
                        raise
                    raise sentences.outcome_unknown(what, self.place, _first_line(error)) from error
            return result

    def _connected(self) -> Engine:
        """Made and migrated at first use."""
        if self._engine is not None:
            return self._engine
        with self._guard:
            if self._engine is None:
                engine = (
                    _sqlite_engine(self._where) if self._where.kind == "sqlite" else _postgresql_engine(self._where)
                )
                try:
                    self._once(engine, "the making of the catalog", lambda c: migrate(c, self.place))
                except DBAPIError as error:
                    raise _explained(error, self.place) from error
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


# Rows and records


def _is(name: TableName) -> tuple[Any, Any]:
    return TABLES.c.database == name.database, TABLES.c.name == name.table


def _id(c: Connection, name: TableName, *, locked: bool = False) -> int | None:
    query = select(TABLES.c.id).where(*_is(name))
    return c.execute(query.with_for_update() if locked else query).scalar()


def _columns(table: TableRecord) -> dict[str, str | None]:
    return {
        "location": table.location,
        "columns": dump([[each.name, each.type, each.comment] for each in table.columns]),
        "partition_keys": dump([[each.name, each.type, each.comment] for each in table.partition_keys]),
        "head": table.head,
        "parameters": dump({key: value for key, value in table.parameters.items() if key != HEAD}),
        "owner": table.owner,
        "comment": None if table.comment is None else dump(table.comment),
        "format": table.format,
    }


def _record(row: Row[Any]) -> TableRecord:
    parameters: Mapping[str, str] = json.loads(row.parameters)
    return TableRecord(
        TableName(row.database, row.name),
        row.location,
        tuple(HiveColumn(*each) for each in json.loads(row.columns)),
        tuple(HiveColumn(*each) for each in json.loads(row.partition_keys)),
        parameters if row.head is None else {**parameters, HEAD: row.head},
        row.owner,
        None if row.comment is None else json.loads(row.comment),
        datetime.fromisoformat(row.created),
        row.format,
    )


def _partition(row: Row[Any]) -> PartitionRecord:
    return PartitionRecord(tuple(json.loads(row.key_values)), row.location, json.loads(row.parameters))


def _apply(c: Connection, table_id: int | None, change: PartitionChange) -> None:
    for some in _chunks([digest(values) for values in change.drop]):
        c.execute(delete(PARTITIONS).where(PARTITIONS.c.table_id == table_id, PARTITIONS.c.digest.in_(some)))
    rows = [
        {
            "table_id": table_id,
            "digest": digest(each.values),
            "key_values": dump(list(each.values)),
            "location": each.location,
            "parameters": dump(dict(each.parameters)),
        }
        for each in (*change.add, *change.move)
    ]
    dialect = sqlite if c.dialect.name == "sqlite" else postgresql
    put = dialect.insert(PARTITIONS)
    new = {name: put.excluded[name] for name in ("key_values", "location", "parameters")}
    put = put.on_conflict_do_update(index_elements=["table_id", "digest"], set_=new)
    for some in _chunks(rows):
        c.execute(put, some)


def _chunks(items: Sequence[T]) -> Iterator[list[T]]:
    left = iter(items)
    while some := list(islice(left, AT_ONCE)):
        yield some


# Engines


#: How a connection is told that it is to write; reads are single statements and need no transaction.
_WRITING: dict[str, dict[str, Any]] = {
    "sqlite": {"remuda_write": True},
    "postgresql": {"isolation_level": "READ COMMITTED"},
}


def _sqlite_engine(place: Place) -> Engine:
    path = place.path
    assert path is not None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ForbiddenError(
            Reason.FORBIDDEN,
            f"The folder {path.parent} of the catalog cannot be made: {error.strerror}.",
            "Let the setting `metastore` name a file where you may write.",
        ) from error
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_S})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing; `begin` below does
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("remuda_write"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql_engine(place: Place) -> Engine:
    host, port = place.addresses[0]
    url = URL.create(
        "postgresql+psycopg", place.user, host=host or None, port=port or None, database=place.database,
        query=dict(place.options),
    )  # fmt: skip
    arguments = {
        "connect_timeout": 10,
        "application_name": "data_access",
        "keepalives_idle": 30,
        "tcp_user_timeout": 60_000,  # ms; a server that is gone is noticed
        "options": f"-c lock_timeout={BUSY_S}s",
    }
    arguments = {key: value for key, value in arguments.items() if key not in dict(place.options)}
    return create_engine(
        url, connect_args=arguments, pool_pre_ping=True, isolation_level="AUTOCOMMIT", pool_size=4, max_overflow=28
    )


def _forget_in_children(metastore: SqlMetastore) -> None:
    alive = weakref.ref(metastore)

    def child() -> None:
        if (each := alive()) is not None:
            each._after_fork()

    os.register_at_fork(after_in_child=child)


# Errors

_SQLITE: tuple[tuple[str, type[DataError], Reason, str, str], ...] = (
    ("locked", UnreachableError, Reason.LOCKED, "was kept busy by others for more than {busy} s",
     "Nothing was changed. Repeat it; if it stays so, see which process holds the file open."),
    ("readonly", ForbiddenError, Reason.FORBIDDEN, "may not be written by this user", "Ask its owner for leave."),
    ("unable to open", ForbiddenError, Reason.FORBIDDEN, "cannot be opened by this user",
     "Let the setting `metastore` name a file that you may write."),
    ("full", DataError, Reason.DISK_FULL, "cannot grow: the disk is full", "Nothing was changed. Make room, repeat."),
    ("not a database", CorruptError, Reason.CORRUPT, "is no catalog: another program wrote this file",
     "Let the setting `metastore` name another file, or restore this one."),
    ("malformed", CorruptError, Reason.CORRUPT, "is damaged", "Restore it from a copy of the home."),
)  # fmt: skip

_POSTGRESQL: tuple[tuple[str, type[DataError], Reason, str, str], ...] = (
    ("28", ForbiddenError, Reason.FORBIDDEN, "does not let this user in", "See user, ~/.pgpass and PGPASSWORD."),
    ("42501", ForbiddenError, Reason.FORBIDDEN, "does not let this user do that", "Ask its owner for the right."),
    ("25006", ForbiddenError, Reason.FORBIDDEN, "may only be read", "Name the server that takes writes."),
    ("3D000", DataError, Reason.BAD_CONFIGURATION, "does not exist on that server", "Create it, or correct its name."),
    ("53100", DataError, Reason.DISK_FULL, "cannot grow: the server's disk is full", "Nothing was changed."),
    ("55P03", UnreachableError, Reason.LOCKED, "kept a table locked for more than {busy} s", "Nothing was changed."),
)  # fmt: skip


def _explained(error: DBAPIError, place: str) -> DataError:
    """The driver's error in our words; only what it says in its first line is repeated, which holds no password."""
    said, state = _first_line(error), getattr(error.orig, "sqlstate", None)
    for sign, kind, reason, sentence, remedy in _POSTGRESQL if state else _SQLITE:
        if (state or "").startswith(sign) if state else sign in said:
            return kind(reason, f"The catalog {place} {sentence.format(busy=BUSY_S)} ({said}).", remedy)
    if "authentication failed" in said or "no password supplied" in said:
        return ForbiddenError(
            Reason.FORBIDDEN, f"The catalog {place} does not let this user in ({said}).", _POSTGRESQL[0][4]
        )
    if 'database "' in said and "does not exist" in said:
        return DataError(Reason.BAD_CONFIGURATION, f"The catalog {place} does not exist.", _POSTGRESQL[3][4])
    return sentences.unreachable(place, said)


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or ["no reason given"])[0].rstrip(".")


def _is_refused_commit(error: DBAPIError) -> bool:
    """True when the server itself said no to COMMIT: then the transaction is rolled back for certain."""
    said = _first_line(error)
    return not error.connection_invalidated and ("locked" in said or "full" in said or bool(_state(error)))


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
