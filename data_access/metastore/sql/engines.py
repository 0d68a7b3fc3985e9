"""Connections to SQLite and PostgreSQL.

SQLite: one file, which may lie on NFS. Write-ahead logging needs memory shared between processes, which NFS has not,
so the journal is a rollback journal (https://www.sqlite.org/wal.html, "Overview"). Writers begin with BEGIN IMMEDIATE:
they wait for each other at the start instead of failing in the middle.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from data_access.errors import ForbiddenError, Reason
from data_access.metastore.place import Place

BUSY_S = 30  # how long a writer waits for others

#: How a connection is told that it is to write; reads are single statements and need no transaction.
WRITING: dict[str, dict[str, Any]] = {
    "sqlite": {"remuda_write": True},
    "postgresql": {"isolation_level": "READ COMMITTED"},
}


def sqlite_engine(place: Place) -> Engine:
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


def postgresql_engine(place: Place) -> Engine:
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


def engine_of(place: Place) -> Engine:
    """Raises ForbiddenError where SQLite's folder cannot be made. Nothing is connected yet."""
    return sqlite_engine(place) if place.kind == "sqlite" else postgresql_engine(place)
