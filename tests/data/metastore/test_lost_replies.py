"""What a caller learns when the connection breaks around a call, over a proxy that breaks it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_access.config import Settings
from data_access.errors import UnknownOutcomeError, UnreachableError
from data_access.metastore import connect
from data_access.metastore.base import HEAD, DatabaseRecord, Metastore, PartitionChange
from data_access.names import TableName
from tests.data.metastore.proxy import Proxy
from tests.data.metastore.tables import ORDERS, make_orders, orders, partition, to_head
from tools.servers import hive, postgres
from tools.servers.hive import HiveServer
from tools.servers.postgres import PostgresServer
from tools.servers.process import free_port


@pytest.fixture
def broken(request: pytest.FixtureRequest, kind: str) -> Iterator[tuple[Metastore, Proxy]]:
    """A client that goes through the proxy."""
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        upstream, url = server.port, request.getfixturevalue("postgresql_url")
    else:
        metastore_server: HiveServer = request.getfixturevalue(f"{kind}_server")
        upstream, url = metastore_server.port, metastore_server.url
    with Proxy(upstream) as proxy:
        metastore = connect(Settings(metastore=url.replace(str(upstream), str(proxy.port)), user="ann"))
        yield metastore, proxy
        metastore.close()


WIRED = pytest.mark.parametrize("kind", ["postgresql", "hive", "hive4"])
HIVES = pytest.mark.parametrize("kind", ["hive", "hive4"])
#: Bytes by which the proxy knows the call that decides.
SWAP = {"postgresql": b"COMMIT\0", "hive": b"alter_table_with", "hive4": b"alter_table_with"}


@WIRED
def test_a_swap_whose_reply_is_lost_is_of_unknown_outcome(
    broken: tuple[Metastore, Proxy], kind: str, tmp_path: Path
) -> None:
    metastore, proxy = broken
    make_orders(metastore, tmp_path)
    assert metastore.capabilities.compare_and_swap
    table = metastore.table(ORDERS)
    proxy.lose_reply_to(SWAP[kind])
    with pytest.raises(UnknownOutcomeError, match=r"sales\.orders"):
        metastore.swap(to_head(table, "1:mine:1111"))
    assert metastore.table(ORDERS).head == "1:mine:1111", "the server had done it, and the next call says so"


@WIRED
def test_a_swap_whose_request_is_lost_is_told_from_one_that_happened(
    broken: tuple[Metastore, Proxy], kind: str, tmp_path: Path
) -> None:
    metastore, proxy = broken
    make_orders(metastore, tmp_path)
    assert metastore.capabilities.compare_and_swap
    table = metastore.table(ORDERS)
    proxy.lose_request(SWAP[kind])
    with pytest.raises(UnknownOutcomeError):
        metastore.swap(to_head(table, "1:mine:1111"))
    assert metastore.table(ORDERS).head == "0:start:0000"
    metastore.swap(to_head(table, "1:mine:1111"))
    assert metastore.table(ORDERS).head == "1:mine:1111"


@HIVES
@pytest.mark.parametrize("lost", ["request", "reply"])
@pytest.mark.parametrize(
    "method",
    ["get_table_req", "add_partitions_req", "alter_partitions_with", "drop_partitions_req", "get_partition_names"],
)
def test_what_may_be_repeated_is_repeated(
    broken: tuple[Metastore, Proxy], tmp_path: Path, method: str, lost: str
) -> None:
    metastore, proxy = broken
    make_orders(metastore, tmp_path)
    a, b, c = (partition(tmp_path, name, "x") for name in "abc")
    metastore.change_partitions(ORDERS, PartitionChange(add=(a, b)))
    (proxy.lose_reply_to if lost == "reply" else proxy.lose_request)(method.encode())
    moved = partition(tmp_path, "a", "x", batch="other")
    metastore.change_partitions(ORDERS, PartitionChange(add=(c,), move=(moved,), drop=(b.values,)))
    found = {each.values[0]: each.location for each in metastore.partitions(ORDERS)}
    assert set(found) == {"a", "c"}
    assert found["a"].endswith("batch_id=other")
    assert metastore.table(ORDERS).head == "0:start:0000"
    assert proxy.lost.is_set()


@HIVES
@pytest.mark.parametrize("lost", ["request", "reply"])
def test_a_lock_whose_reply_is_lost_is_not_left_standing(
    broken: tuple[Metastore, Proxy], tmp_path: Path, lost: str
) -> None:
    metastore, proxy = broken
    (proxy.lose_reply_to if lost == "reply" else proxy.lose_request)(b"\x00\x00\x00\x04lock")
    with metastore.lock(ORDERS, "ann", 5) as lock:
        lock.check()
    assert proxy.lost.is_set()
    with metastore.lock(ORDERS, "bob", 1) as lock:
        lock.check()


@WIRED
def test_what_may_not_be_repeated_is_not(broken: tuple[Metastore, Proxy], kind: str, tmp_path: Path) -> None:
    metastore, proxy = broken
    make_orders(metastore, tmp_path)
    second = TableName("sales", "second")
    calls = {
        "create_database": lambda: metastore.create_database(DatabaseRecord("more", f"file://{tmp_path}/more.db")),
        "create_table_with": lambda: metastore.create_table(orders(tmp_path, second)),
        "drop_table_with": lambda: metastore.drop_table(second),
        "drop_database": lambda: metastore.drop_database("more"),
    }
    for method, call in calls.items():
        proxy.lose_reply_to(b"COMMIT\0" if kind == "postgresql" else method.encode())
        with pytest.raises(UnknownOutcomeError, match="whether it was done is not known"):
            call()
    assert metastore.tables("sales") == ["orders"]
    assert "more" not in metastore.databases()


@pytest.mark.parametrize("url", ["thrift://127.0.0.1:{}", "postgresql://nobody@127.0.0.1:{}/nothing"])
def test_nobody_there(url: str) -> None:
    metastore = connect(Settings(metastore=url.format(free_port())))
    with pytest.raises(UnreachableError) as caught:
        metastore.databases()
    assert metastore.place in str(caught.value)
    assert "nobody@" not in str(caught.value)


def test_a_restart_of_postgresql_is_not_noticed(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="remuda-pg-"))  # not below tmp_path: PostgreSQL is another user there
    server = postgres.start(folder)
    try:
        metastore = connect(Settings(metastore=server.url("postgres")))
        make_orders(metastore, tmp_path)
        for ending in (server.process.kill, server.process.stop):
            ending()
            with pytest.raises(UnreachableError):
                metastore.table(ORDERS)
            server.process.start()
            metastore.swap(to_head(metastore.table(ORDERS), f"1:{ending.__name__}:1"))
        assert metastore.table(ORDERS).parameters[HEAD] == "1:stop:1"
    finally:
        server.stop()
        shutil.rmtree(folder)


def test_a_restart_of_a_hive_metastore_is_not_noticed(postgres_server: PostgresServer, tmp_path: Path) -> None:
    server = hive.start("2.3.10", postgres_server, folder=tmp_path)
    try:
        metastore = connect(Settings(metastore=server.url))
        make_orders(metastore, tmp_path)
        metastore.swap(to_head(metastore.table(ORDERS), "1:before:1"))
        with metastore.lock(ORDERS, "ann", 5) as lock:
            server.process.kill()
            with pytest.raises(UnreachableError):
                metastore.table(ORDERS)
            server.process.start()
            lock.check()  # the lock is in the server's database
            metastore.swap(to_head(metastore.table(ORDERS), "2:after:1"))
        assert metastore.table(ORDERS).parameters[HEAD] == "2:after:1"
    finally:
        server.stop()
