"""The one place that talks to SQL's engines: transactions, waiting times, migrations, and what goes wrong with them.

A writing transaction is exclusive from its first statement: everybody else's waits, in this process and in others, so
that what is read in it stays true until it commits. Waiting ends after seconds, never hangs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import exc
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import StaticPool

from hub_extensions.admission.place import in_memory, spoken

MIGRATIONS = Path(__file__).with_name("migrations")
#: A start that waits longer for its turn than this is told so.
PATIENCE_S = 5.0
CONNECT_S = 3
#: `remuda` on a telephone's keys; everybody who writes takes this lock of PostgreSQL.
LOCK = 736832
#: Everything here is PostgreSQL's, in one round trip; the lock goes with the transaction.
POSTGRESQL_WRITE = (
    f"SET LOCAL statement_timeout = {int(PATIENCE_S * 1000)}; "
    f"SET LOCAL idle_in_transaction_session_timeout = {int(PATIENCE_S * 2000)}; "
    f"SELECT pg_advisory_xact_lock({LOCK})"
)
POSTGRESQL_READ = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; "
    f"SET LOCAL statement_timeout = {int(PATIENCE_S * 1000)}"
)
#: Not ours to mend: no connection, no answer in time, a full or read-only disk, a file that is no database.
AWAY = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError, exc.PendingRollbackError)


class DatabaseAway(Exception):
    """Leases can neither be read nor written at present. What was being written may or may not have been."""


class Database:
    """SQLAlchemy Core on one engine. Who comes first makes the tables, also when the database was away at boot."""

    def __init__(self, url: str) -> None:
        self.url = spoken(url)
        self._engine = _engine(url)
        # SQLite's own waiting is polling and fair to nobody: threads of one process queue here instead.
        self._turn = threading.RLock()
        self._alone = in_memory(url)
        self._queued = self._engine.dialect.name == "sqlite"
        self._current = False

    def migrate(self) -> None:
        """Bring the tables up to date. Two hubs that boot at once do so one after the other. Raises `DatabaseAway`."""
        with self._transaction("write") as connection:
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        self._current = True

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One exclusive transaction. Raises `DatabaseAway`."""
        if not self._current:
            self.migrate()
        with self._transaction("write") as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One moment's state, whatever others write meanwhile. Raises `DatabaseAway`."""
        if not self._current:
            self.migrate()
        with self._transaction("read") as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _transaction(self, what: str) -> Iterator[Connection]:
        queue = self._alone or (self._queued and what == "write")
        if queue and not self._turn.acquire(timeout=PATIENCE_S):
            raise DatabaseAway(f"{self.url}: no turn in {PATIENCE_S:g} s, others are writing")
        try:
            with self._engine.connect().execution_options(remuda=what) as connection, connection.begin():
                yield connection
        except AWAY as e:
            raise DatabaseAway(f"{self.url}: {_first_line(e)}") from e
        except exc.DatabaseError as e:
            # sqlite3 calls a damaged file by the name of all its errors.
            if type(e) is exc.DatabaseError:
                raise DatabaseAway(f"{self.url}: {_first_line(e)}") from e
            raise
        finally:
            if queue:
                self._turn.release()


def _first_line(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    return str(original).strip().partition("\n")[0] or type(original).__name__


def _engine(url: str) -> Engine:
    if sa.make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url)
    engine = sa.create_engine(
        url,
        pool_pre_ping=True,  # a server that restarted is noticed before a start depends on it
        pool_size=4,
        pool_timeout=PATIENCE_S,
        connect_args={
            "connect_timeout": CONNECT_S,
            "application_name": "remuda",
            "keepalives_idle": 10,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": int(PATIENCE_S * 1000),
        },
    )
    sa.event.listen(engine, "begin", _begin_postgresql)
    return engine


def _sqlite(url: str) -> Engine:
    memory = {"poolclass": StaticPool} if in_memory(url) else {"pool_timeout": PATIENCE_S}
    engine = sa.create_engine(url, connect_args={"timeout": PATIENCE_S, "check_same_thread": False}, **memory)
    sa.event.listen(engine, "connect", _connected_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _connected_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours to say, not the driver's
    # Readers and the writer do not wait for each other. Where the file system cannot do it, SQLite keeps its old way.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # the ledger survives a power cut


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("remuda") == "write"
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    writes = connection.get_execution_options().get("remuda") == "write"
    connection.exec_driver_sql(
        POSTGRESQL_WRITE if writes else POSTGRESQL_READ, execution_options={"no_parameters": True}
    )
