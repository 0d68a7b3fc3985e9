"""Several at once: nothing is lost, locks exclude, and a dead writer does not stand in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from data_access.errors import ConflictError, Reason
from data_access.metastore.base import Head, Metastore, PartitionChange
from tests.data.metastore.tables import ORDERS, make_orders, partition, to_head
from tests.data.servers.workspaces import METASTORES

Connect = Callable[[], Metastore]
WRITERS, COMMITS = 8, 5
LOCKING = pytest.mark.parametrize("kind", ["hive", "hive4", "glue"])


def test_of_eight_writers_nothing_is_lost(another: Connect, tmp_path: Path) -> None:
    """Each commit counts one up, by compare-and-swap alone; readers never see it go down."""
    make_orders(another(), tmp_path)
    done = threading.Event()

    def write(writer: int) -> list[str]:
        metastore, mine = another(), []
        while len(mine) < COMMITS:
            table = metastore.table(ORDERS)
            head = Head.parse(table.head or "")
            fresh = str(Head(head.number + 1, f"w{writer}c{len(mine)}", "0" * 16))
            try:
                metastore.swap(to_head(table, fresh))
            except ConflictError:
                continue
            mine.append(fresh)
        return mine

    def read() -> list[int]:
        metastore, seen = another(), []
        while not done.is_set():
            seen.append(Head.parse(metastore.table(ORDERS).head or "").number)
        return seen

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(read)
        written = [head for heads in pool.map(write, range(WRITERS)) for head in heads]
        done.set()
        seen = reader.result()
    numbers = sorted(Head.parse(head).number for head in written)
    assert numbers == list(range(1, WRITERS * COMMITS + 1)), "two commits had the same number, or one vanished"
    assert Head.parse(another().table(ORDERS).head or "").number == WRITERS * COMMITS
    assert seen == sorted(seen)


def test_a_client_serves_many_threads(metastore: Metastore, tmp_path: Path) -> None:
    make_orders(metastore, tmp_path)
    ones = [partition(tmp_path, str(number), "x") for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: metastore.change_partitions(ORDERS, PartitionChange(add=(one,))), ones))
        heads = list(pool.map(lambda _: metastore.table(ORDERS).head, range(50)))
    assert set(heads) == {"0:start:0000"}
    assert {each.values for each in metastore.partitions(ORDERS)} == {each.values for each in ones}


@LOCKING
def test_a_lock_excludes(another: Connect, tmp_path: Path) -> None:
    make_orders(another(), tmp_path)
    inside, most = [0], [0]

    def enter(who: int) -> None:
        metastore = another()
        for _ in range(2):
            with metastore.lock(ORDERS, f"writer {who}", 120) as lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                lock.check()
                inside[0] -= 1

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(enter, range(5)))
    assert most == [1]


@LOCKING
def test_who_waits_too_long_is_told_who_holds_it(another: Connect, tmp_path: Path) -> None:
    first, second = another(), another()
    make_orders(first, tmp_path)
    with first.lock(ORDERS, "ann", 5):
        with pytest.raises(ConflictError) as caught, second.lock(ORDERS, "bob", 0.3):
            pass
        assert caught.value.reason is Reason.LOCKED
        assert "ann" in str(caught.value)
        assert "sales.orders" in str(caught.value)
    with second.lock(ORDERS, "bob", 5) as lock:
        lock.check()


@LOCKING
def test_a_lock_is_released_when_its_block_fails(another: Connect, tmp_path: Path) -> None:
    make_orders(another(), tmp_path)
    with pytest.raises(ZeroDivisionError), another().lock(ORDERS, "ann", 5):
        raise ZeroDivisionError
    with another().lock(ORDERS, "bob", 1) as lock:
        lock.check()


HOLDER = """
import json, sys
from data_access.config import Settings
from data_access.metastore import connect
from data_access.names import TableName
with connect(Settings(metastore=sys.argv[1], user="ann")).lock(TableName.parse(sys.argv[2]), "ann", 10):
    print("held", flush=True)
    sys.stdin.read()
"""


def _hasty(monkeypatch: pytest.MonkeyPatch, stale_s: float, heartbeat_s: float) -> None:
    """The times of locks, shorter."""
    for module in ("data_access.metastore.hive.locks", "data_access.metastore.glue.lease"):
        monkeypatch.setattr(f"{module}.STALE_S", stale_s)
        monkeypatch.setattr(f"{module}.HEARTBEAT_S", heartbeat_s)


@LOCKING
def test_the_lock_of_a_killed_process_is_taken(
    another: Connect, kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hasty(monkeypatch, 2.0, 0.5)
    make_orders(another(), tmp_path)
    url = request.getfixturevalue("metastore_url")(kind)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url, str(ORDERS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.wait()
    started = time.monotonic()
    with another().lock(ORDERS, "bob", 30) as lock:
        lock.check()
    waited = time.monotonic() - started
    assert waited < 10, f"the lock of a dead process stood for {waited:.1f} s"
    for pipe in (holder.stdin, holder.stdout):
        assert pipe is not None
        pipe.close()


@LOCKING
def test_a_living_holder_keeps_its_lock(another: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _hasty(monkeypatch, 1.5, 0.2)
    first, second = another(), another()
    make_orders(first, tmp_path)
    with first.lock(ORDERS, "ann", 5) as lock:
        with pytest.raises(ConflictError), second.lock(ORDERS, "bob", 4):
            pass
        lock.check()


@LOCKING
def test_a_holder_that_slept_learns_that_its_lock_is_gone(
    another: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hasty(monkeypatch, 0.5, 3600.0)  # no heartbeat: as a process that is stopped
    first, second = another(), another()
    make_orders(first, tmp_path)
    with first.lock(ORDERS, "ann", 5) as sleeper, second.lock(ORDERS, "bob", 20) as lock:
        lock.check()
        with pytest.raises(ConflictError) as caught:
            sleeper.check()
        assert caught.value.reason is Reason.LOCKED
        lock.check()
    with second.lock(ORDERS, "bob", 5) as lock:  # the sleeper's end has taken nobody else's lock away
        lock.check()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_without_locks_a_lock_is_nothing(another: Connect, tmp_path: Path) -> None:
    first, second = another(), another()
    make_orders(first, tmp_path)
    assert not first.capabilities.locks
    with first.lock(ORDERS, "ann", 0) as one, second.lock(ORDERS, "bob", 0) as two:
        one.check()
        two.check()


@pytest.mark.parametrize("kind", [each for each in METASTORES if each != "glue"])
def test_a_forked_child_does_not_share_connections(another: Connect, tmp_path: Path) -> None:
    metastore = another()
    make_orders(metastore, tmp_path)
    heads = []
    for _ in range(3):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            found = [metastore.table(ORDERS).head for _ in range(5)]
            os.write(writing, json.dumps(found).encode())
            os._exit(0)
        heads += [metastore.table(ORDERS).head for _ in range(5)]
        os.waitpid(pid, 0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            heads += json.loads(pipe.read())
    assert set(heads) == {"0:start:0000"}
    assert len(heads) == 30
