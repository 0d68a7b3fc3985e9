"""The one place that talks to SQL's engines: transactions, waiting times, migrations, and what goes wrong with them.

A writing transaction is exclusive from its first statement: everybody else's waits, in this process and in others, so
that what is read in it stays true until it commits. Waiting ends after seconds, never hangs.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import exc
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import StaticPool

from hub_extensions.admission.place import in_memory, spoken

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")
#: A start that waits longer for its turn than this is told so.
PATIENCE_S = 5.0
CONNECT_S = 3
GONE = (
    "the file was deleted or moved while the Hub ran; nothing is granted or billed until it is put back, or the Hub is "
    "restarted with a backup of it (without one it begins with an empty ledger)"
)
REPLACED = (
    "another file was put in its place while the Hub ran; restart the Hub to go on with that one, or put the first one "
    "back"
)
#: `remuda` on a telephone's keys; everybody who writes takes this lock of PostgreSQL.
LOCK = 736832
#: Alembic's `context` is one for all threads.
ALEMBIC = threading.Lock()
#: Not ours to mend: no connection, no answer in time, a full or read-only disk, a file that is no database.
AWAY = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError, exc.PendingRollbackError)


class DatabaseAway(Exception):
    """Leases can neither be read nor written at present. What was being written may or may not have been."""


class Database:
    """SQLAlchemy Core on one engine. Who comes first makes the tables, also when the database was away at boot."""

    def __init__(self, url: str, patience_s: float = PATIENCE_S) -> None:
        self.url = spoken(url)
        self.patience_s = patience_s
        self._engine = _engine(url, patience_s)
        # SQLite's own waiting is polling and fair to nobody: threads of one process queue here instead.
        self._turn = threading.RLock()
        self._alone = in_memory(url)
        self._queued = self._engine.dialect.name == "sqlite"
        self._current = False
        self._file = _file_of(url)
        self._known: os.stat_result | None = None
        self._told = ""

    def migrate(self) -> None:
        """Bring the tables up to date. Two hubs that boot at once do so one after the other. Raises `DatabaseAway`."""
        with self._transaction("write") as connection:
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            with ALEMBIC:
                command.upgrade(config, "head")
            self._remember()
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
        if queue and not self._turn.acquire(timeout=self.patience_s):
            raise DatabaseAway(f"{self.url}: no turn in {self.patience_s:g} s, others are writing")
        try:
            self._look()
            with self._begun(what) as connection, connection.get_transaction():  # which commits
                yield connection
                self._look()
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

    def _remember(self) -> None:
        """Which file it is, once it has tables. Not only its name: who restores a backup puts another file there."""
        if self._file is not None and self._known is None:
            self._known = self._file.stat()

    def _look(self) -> None:
        """A file that was deleted or replaced is still there for whoever has it open: what is written to it then is
        lost. Nothing is, and no new file is begun in its place. A few microseconds."""
        wrong = self._wrong()
        if wrong and wrong != self._told:
            log.error("%s: %s", self.url, wrong)
        self._told = wrong
        if wrong:
            raise DatabaseAway(f"{self.url}: {wrong}")

    def _wrong(self) -> str:
        if self._file is None or self._known is None:
            return ""
        try:
            now = self._file.stat()
        except FileNotFoundError:
            return GONE
        except OSError as e:
            return str(e.strerror)
        return "" if os.path.samestat(now, self._known) else REPLACED

    def _begun(self, what: str) -> Connection:
        """A connection in a transaction. One that a server's restart has cut is noticed here, before anything is done
        in it, and the next one is new."""
        for last in (False, True):
            connection = self._engine.connect().execution_options(remuda=what)
            try:
                connection.begin()
            except exc.DBAPIError as e:
                connection.close()
                if last or not e.connection_invalidated:
                    raise
            else:
                return connection
        raise AssertionError("the last try raises")


@contextmanager
def together(connection: Connection) -> Iterator[None]:
    """What is only written, and nothing of it looked at: on PostgreSQL it is one round trip. Raises `DatabaseAway`."""
    raw: Any = connection.connection.driver_connection
    if not hasattr(raw, "pipeline"):
        yield
        return
    try:
        with raw.pipeline():
            yield
    except raw.OperationalError as e:  # past SQLAlchemy, which has no word for this
        raise DatabaseAway(f"{spoken(str(connection.engine.url))}: {_first_line(e)}") from e


def plainly(error: DatabaseAway) -> str:
    """What went wrong, for those who are not logged in: PostgreSQL's sentences name hosts and accounts."""
    original = getattr(error.__cause__, "orig", None)
    if isinstance(original, sqlite3.Error):
        return _first_line(original)
    if original is not None or error.__cause__ is not None:
        return type(original or error.__cause__).__name__
    return str(error).rpartition(": ")[2]


def _file_of(url: str) -> Path | None:
    """None where it is no file, or one that only SQLite's own URIs name."""
    place = sa.make_url(url)
    if place.get_backend_name() != "sqlite" or in_memory(url) or str(place.database).startswith("file:"):
        return None
    return Path(str(place.database)).absolute()


def _first_line(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    return str(original).strip().partition("\n")[0] or type(original).__name__


def _engine(url: str, patience_s: float) -> Engine:
    return (_sqlite if sa.make_url(url).get_backend_name() == "sqlite" else _postgresql)(url, patience_s)


def _writes(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("remuda") == "write")


def _sqlite(url: str, patience_s: float) -> Engine:
    memory = {"poolclass": StaticPool} if in_memory(url) else {"pool_timeout": patience_s}
    engine = sa.create_engine(url, connect_args={"timeout": patience_s, "check_same_thread": False}, **memory)

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours to say, not the driver's
        # Readers and the writer do not wait for each other. The file keeps the mode: where another Hub that boots just
        # now is in the way (SQLite does not wait here), or the file system cannot do it, this connection goes without.
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # the ledger survives a power cut

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _writes(connection) else "BEGIN")

    return engine


def _postgresql(url: str, patience_s: float) -> Engine:
    milliseconds = int(patience_s * 1000)
    engine = sa.create_engine(
        url,
        pool_size=4,
        pool_timeout=patience_s,
        connect_args={
            "connect_timeout": CONNECT_S,
            "application_name": "remuda",
            "autocommit": True,  # BEGIN goes with what a transaction says first, below, not in a round trip of its own
            "keepalives_idle": 10,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": milliseconds,
        },
    )
    # One round trip each. The lock goes with the transaction, and that of a Hub that froze in one is ended.
    # Queries of a millisecond are not worth compiling, which takes twenty.
    patience = f"SET LOCAL statement_timeout = {milliseconds}; SET LOCAL jit = off"
    reading = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {patience}"
    writing = (
        f"BEGIN; {patience}; SET LOCAL idle_in_transaction_session_timeout = {2 * milliseconds}; "
        f"SELECT pg_advisory_xact_lock({LOCK})"
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        sql = writing if _writes(connection) else reading
        connection.exec_driver_sql(sql, execution_options={"no_parameters": True})

    return engine
