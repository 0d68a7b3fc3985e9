"""The database is taken away and comes back. Starts get an answer in seconds, and nothing is lost or invented."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub_extensions.admission.database import PATIENCE_S, Database, DatabaseAway
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.place import admission_url
from hub_extensions.admission.store import Store
from profiles.admission import Admit, Deny
from profiles.lease import EndReason
from profiles.policy import Policies
from profiles.refusal import Reason
from tests.contract.admission.asking import HOUR, NO_RULES, NOW, ONE_GPU, ask
from tools.servers import postgres
from tools.servers.postgres import PostgresServer
from tools.servers.process import free_port

#: No start waits longer, whatever is wrong.
AT_MOST_S = 3 * PATIENCE_S


@pytest.fixture
def own_server() -> Iterator[tuple[Path, PostgresServer]]:
    """One that tests may stop; its data outlive it."""
    folder = Path(tempfile.mkdtemp(prefix="remuda-pg-"))
    server = postgres.start(folder, free_port())
    yield folder, server
    server.stop()
    shutil.rmtree(folder)


def _gate(store: Store, policies: Policies) -> SqlGate:
    return SqlGate(store, lambda: policies, lambda: NOW)


async def _refused_then_admitted(store: Store) -> None:
    """With rules it is refused, in words; without, or as the admin chose, it starts."""
    began = time.monotonic()
    answer = await _gate(store, ONE_GPU).admit(ask("away"))
    assert time.monotonic() - began < AT_MOST_S
    assert isinstance(answer, Deny)
    assert answer.refusal.reason is Reason.ADMISSION_UNAVAILABLE
    assert "does not answer" in answer.refusal.sentence
    assert "Try again" in answer.refusal.remedy
    admits = ONE_GPU.model_copy(update={"when_unavailable": "admit"})
    for policies in (NO_RULES, admits):
        longest = HOUR
        answer = await _gate(store, policies).admit(ask("away", longest=longest))
        assert answer == Admit(longest)


async def test_postgresql_stops_and_comes_back(own_server: tuple[Path, PostgresServer]) -> None:
    folder, server = own_server
    server.create_database("hub")
    store = Store(Database(admission_url(server.url("hub"))))
    gate = _gate(store, ONE_GPU)
    assert isinstance(await gate.admit(ask("1")), Admit)
    await gate.began("1", NOW)
    server.stop()
    await _refused_then_admitted(store)
    await gate.began("1", NOW)  # logged, not raised
    await gate.ended("1", NOW + HOUR, EndReason.STOPPED)
    with pytest.raises(DatabaseAway) as away:
        store.leases()
    assert "remuda" in str(away.value)
    again = postgres.start(folder, server.port)
    try:
        assert [lease.id for lease in store.leases()] == ["1"]
        assert isinstance(await gate.admit(ask("2")), Admit)
        (entry,) = store.ledger(since=NOW, until=NOW + 2 * HOUR)
        assert (entry.charge.seconds, entry.reason) == (3600, EndReason.STOPPED), "said before the start was decided"
    finally:
        again.stop()


async def test_postgresql_that_was_away_when_the_hub_booted(own_server: tuple[Path, PostgresServer]) -> None:
    folder, server = own_server
    server.create_database("hub")
    server.stop()
    store = Store(Database(admission_url(server.url("hub"))))
    await _refused_then_admitted(store)
    again = postgres.start(folder, server.port)
    try:
        assert isinstance(await _gate(store, ONE_GPU).admit(ask("1")), Admit), "and made its tables first"
    finally:
        again.stop()


async def test_somebody_never_lets_go_of_postgresqls_lock(
    postgres_database: str, postgres_server: PostgresServer
) -> None:
    store = Store(Database(admission_url(postgres_server.url(postgres_database)), patience_s=1))
    other = Database(admission_url(postgres_server.url(postgres_database)))
    store.database.migrate()
    with other.writing():
        await _refused_then_admitted(store)
        assert store.leases() == (), "who only looks does not wait"
    assert isinstance(await _gate(store, ONE_GPU).admit(ask("1")), Admit)
    store.database.close()
    other.close()


async def test_somebody_never_lets_go_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "remuda.sqlite"
    store = Store(Database(f"sqlite:///{file}", patience_s=1))
    store.database.migrate()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await _refused_then_admitted(store)
        assert store.leases() == (), "who only looks does not wait"
        other.execute("ROLLBACK")
    assert isinstance(await _gate(store, ONE_GPU).admit(ask("1")), Admit)


async def test_a_crowd_is_answered_as_quickly_as_one(tmp_path: Path) -> None:
    file = tmp_path / "remuda.sqlite"
    store = Store(Database(f"sqlite:///{file}", patience_s=1))
    store.database.migrate()
    gate = _gate(store, ONE_GPU)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        answers = await asyncio.gather(*(gate.admit(ask(f"{n}", f"u{n}")) for n in range(100)))
        assert time.monotonic() - began < AT_MOST_S
        assert all(isinstance(answer, Deny) for answer in answers)
    assert store.leases() == ()


async def test_the_files_folder_is_away(tmp_path: Path) -> None:
    folder = tmp_path / "claim"
    store = Store(Database(f"sqlite:///{folder}/remuda.sqlite"))
    await _refused_then_admitted(store)
    folder.mkdir()
    assert isinstance(await _gate(store, ONE_GPU).admit(ask("1")), Admit)


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "remuda.sqlite").write_text("not a database, " * 100)
    await _refused_then_admitted(Store(Database(f"sqlite:///{tmp_path}/remuda.sqlite")))


def test_passwords_are_not_told() -> None:
    store = Store(Database("postgresql+psycopg://remuda:s3cret@127.0.0.1:1/hub"))
    with pytest.raises(DatabaseAway) as away:
        store.leases()
    assert "s3cret" not in str(away.value)
    assert "s3cret" not in store.database.url
