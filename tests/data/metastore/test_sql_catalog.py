"""The embedded catalog: how it comes to be, what stands in its way, and how others behave beside it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text

from data_access.config import Settings
from data_access.errors import CorruptError, DataError, ForbiddenError, Reason, UnreachableError
from data_access.metastore import connect
from data_access.metastore.base import DatabaseRecord, Metastore
from data_access.metastore.sql import engines, tables
from tests.data.metastore.tables import ORDERS, make_orders, to_head
from tools.servers.postgres import PostgresServer

CATALOGS = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


def at(path: Path) -> Metastore:
    return connect(Settings(metastore=f"sqlite://{path}"))


@CATALOGS
def test_eight_that_come_first_at_once_make_one_catalog(another: Callable[[], Metastore], tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def come(number: int) -> list[str]:
        metastore = another()
        together.wait()
        metastore.create_database(DatabaseRecord(f"d{number}", f"file://{tmp_path}/{number}"))
        return metastore.databases()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come, range(8)))
    assert another().databases() == [f"d{number}" for number in range(8)]


@CATALOGS
def test_a_catalog_grows_by_migrations_and_keeps_what_it_holds(
    metastore: Metastore, another: Callable[[], Metastore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_orders(metastore, tmp_path)

    def second(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE remuda_databases ADD COLUMN region TEXT DEFAULT 'here'"))

    def third(connection: Connection) -> None:
        raise RuntimeError("does not work out")

    steps = (*tables.MIGRATIONS, second, third)
    monkeypatch.setattr(tables, "MIGRATIONS", steps)
    with pytest.raises(RuntimeError):
        another().databases()
    monkeypatch.setattr(tables, "MIGRATIONS", steps[:2])
    for _ in range(2):
        assert another().table(ORDERS).head == "0:start:0000"
    monkeypatch.undo()
    with pytest.raises(DataError, match="version 2, and this program knows versions up to 1") as caught:
        another().databases()
    assert caught.value.reason is Reason.BAD_CONFIGURATION
    assert metastore.table(ORDERS).head == "0:start:0000", "who had it open goes on"


def test_a_file_in_a_folder_that_there_is_not_is_made(tmp_path: Path) -> None:
    metastore = at(tmp_path / "a" / "b" / "catalog.sqlite")
    assert metastore.databases() == []
    assert (tmp_path / "a" / "b" / "catalog.sqlite").exists()


def test_the_journal_needs_no_shared_memory(tmp_path: Path) -> None:
    """Homes may lie on NFS, where SQLite's write-ahead log does not work."""
    make_orders(at(tmp_path / "c.sqlite"), tmp_path)
    with sqlite3.connect(tmp_path / "c.sqlite") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    assert sorted(path.name for path in tmp_path.glob("c.sqlite*")) == ["c.sqlite"]


def test_a_file_of_another_program_is_said_to_be_that(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database at all " * 100)
    with pytest.raises(CorruptError, match="another program wrote this file"):
        at(tmp_path / "notes.txt").databases()
    assert (tmp_path / "notes.txt").read_text().startswith("not a database")


def test_a_folder_where_nothing_may_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ForbiddenError, match="cannot be made"):
        at(tmp_path / "file" / "catalog.sqlite").databases()


def test_a_catalog_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    make_orders(at(tmp_path / "c.sqlite"), tmp_path)
    metastore = at(tmp_path / "c.sqlite")
    metastore.databases()
    with metastore._connected().connect() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("PRAGMA query_only=ON")  # as a file system that is mounted read-only
    assert metastore.table(ORDERS).head == "0:start:0000"
    with pytest.raises(ForbiddenError):
        metastore.swap(to_head(metastore.table(ORDERS), "1:a:b"))


def test_one_that_is_kept_busy_is_waited_for_and_then_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_S", 0.2)
    metastore = at(tmp_path / "c.sqlite")
    make_orders(metastore, tmp_path)
    other = sqlite3.connect(tmp_path / "c.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnreachableError) as caught:
        metastore.swap(to_head(metastore.table(ORDERS), "1:a:b"))
    assert caught.value.reason is Reason.LOCKED
    other.execute("ROLLBACK")
    other.close()
    metastore.swap(to_head(metastore.table(ORDERS), "1:a:b"))


def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    metastore = at(tmp_path / "c.sqlite")
    make_orders(metastore, tmp_path)
    with metastore._connected().connect() as connection:  # type: ignore[attr-defined]
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(DataError) as caught:
        for number in range(100):
            metastore.create_database(DatabaseRecord(f"d{number}", "x" * 4000))
    assert caught.value.reason is Reason.DISK_FULL
    assert metastore.table(ORDERS).head == "0:start:0000"


def test_what_postgresql_forbids(postgres_server: PostgresServer, postgres_database: str, tmp_path: Path) -> None:
    make_orders(connect(Settings(metastore=postgres_server.url(postgres_database))), tmp_path)
    role = f"reader_{postgres_database}"
    postgres_server.sql(f'CREATE ROLE "{role}" LOGIN')
    url = postgres_server.url(postgres_database).replace("remuda@", f"{role}@")
    with pytest.raises(ForbiddenError) as caught:
        connect(Settings(metastore=url)).table(ORDERS)
    assert caught.value.reason is Reason.FORBIDDEN
    for table in ("remuda_catalog", "remuda_tables", "remuda_databases", "remuda_partitions"):
        postgres_server.sql(f'GRANT SELECT ON {table} TO "{role}"', postgres_database)
    reader = connect(Settings(metastore=url))
    assert reader.table(ORDERS).head == "0:start:0000"
    with pytest.raises(ForbiddenError):
        reader.swap(to_head(reader.table(ORDERS), "1:a:b"))
    reader.close()
    postgres_server.sql(f'DROP OWNED BY "{role}"', postgres_database)
    postgres_server.sql(f'DROP ROLE "{role}"')


def test_a_database_that_there_is_not(postgres_server: PostgresServer) -> None:
    with pytest.raises(DataError, match="does not exist") as caught:
        connect(Settings(metastore=postgres_server.url("nothing_of_that_name"))).databases()
    assert caught.value.reason is Reason.BAD_CONFIGURATION
    with pytest.raises(ForbiddenError):
        connect(Settings(metastore=f"postgresql://nobody_at_all@127.0.0.1:{postgres_server.port}/postgres")).databases()


def test_it_is_plain_sql(postgres_server: PostgresServer, postgres_database: str, tmp_path: Path) -> None:
    """Whoever must look into it by hand finds names and heads."""
    url = postgres_server.url(postgres_database)
    make_orders(connect(Settings(metastore=url)), tmp_path)
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT database, name, head FROM remuda_tables")).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("sales", "orders", "0:start:0000")]
