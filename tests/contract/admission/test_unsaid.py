"""The database is away in the very moment in which a run begins or ends. What was said then is in the books later, with
its own times and reason, once, and before anything is decided by them or compared with them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub_extensions.admission.database import Database, DatabaseAway
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from profiles.admission import Admit, Deny
from profiles.lease import EndReason, Entry, LeaseState
from tests.contract.admission.asking import HOUR, NO_RULES, NOW, ONE_GPU, ask
from tests.contract.admission.conftest import SHARED, Place
from tests.people import wait_for

pytestmark = pytest.mark.parametrize("place", SHARED, indirect=True)

#: Only where another process holds the lock is it waited out.
PATIENCE_S = 2.0
FOUR_SECONDS = timedelta(seconds=4)
LATER = NOW + timedelta(seconds=104)


@pytest.fixture
def gate(place: Place) -> Iterator[SqlGate]:
    store = Store(Database(place.url, patience_s=PATIENCE_S))
    store.database.migrate()
    gate = SqlGate(store, lambda: ONE_GPU, lambda: NOW)
    yield gate
    gate.close()
    store.database.close()


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Another process writes, and does not come to an end with it."""
    other = Database(place.url, patience_s=60)
    with other.writing():
        yield
    other.close()


@contextmanager
def away(place: Place) -> Iterator[None]:
    """The file is gone for a while; PostgreSQL ends all connections and takes no new ones."""
    url = sa.make_url(place.url)
    if place.kind != "postgresql":
        file = Path(str(url.database))
        aside = file.rename(file.with_suffix(".aside"))
        yield
        aside.rename(file)
        return
    engine = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as admin:
        allow = f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS'
        admin.exec_driver_sql(f"{allow} false")
        others = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s"
        assert all(admin.exec_driver_sql(others, (url.database,)).scalars())
        yield
        admin.exec_driver_sql(f"{allow} true")


def is_there(store: Store) -> bool:
    """Connections of before have to be found dead once."""
    try:
        store.leases()
    except DatabaseAway:
        return False
    return True


def ledger(store: Store) -> list[tuple[str, datetime | None, datetime, EndReason]]:
    entries: tuple[Entry, ...] = store.ledger(since=NOW - HOUR, until=NOW + 24 * HOUR)
    return sorted((each.lease.id, each.lease.began_at, each.ended_at, each.reason) for each in entries)


async def started(gate: SqlGate) -> None:
    assert isinstance(await gate.admit(ask("1")), Admit)
    await gate.began("1", NOW)


@pytest.mark.parametrize("outage", [away, locked])
async def test_the_end_is_written_before_the_next_start_is_decided(
    place: Place, gate: SqlGate, outage: Callable[[Place], AbstractContextManager[None]]
) -> None:
    await started(gate)
    gate.freed.clear()
    with outage(place):
        assert not await gate.ended("1", NOW + FOUR_SECONDS, EndReason.CULLED), "the pod must not be released by this"
        assert isinstance(await gate.admit(ask("2", "bea")), Deny)
        assert not gate.freed.is_set()
    assert isinstance(await gate.admit(ask("2", "bea")), Admit), "the one GPU is free"
    assert gate.freed.is_set()
    assert ledger(gate.store) == [("1", NOW, NOW + FOUR_SECONDS, EndReason.CULLED)]
    (entry,) = gate.store.ledger(since=NOW - HOUR, until=NOW + HOUR)
    assert entry.charge.seconds == 4
    assert await gate.ended("1", NOW + FOUR_SECONDS, EndReason.CULLED), "whoever says it again hears that it is written"
    assert len(ledger(gate.store)) == 1
    assert not len(gate.unsaid)


async def test_what_began_and_ended_meanwhile_is_paid_for(place: Place, gate: SqlGate) -> None:
    assert isinstance(await gate.admit(ask("1")), Admit)
    with away(place):
        await gate.began("1", NOW)
        await gate.ended("1", NOW + FOUR_SECONDS, EndReason.ENDED)
    wait_for(lambda: is_there(gate.store))
    assert gate.store.leases()[0].state is LeaseState.HELD
    await gate.catch_up()
    assert ledger(gate.store) == [("1", NOW, NOW + FOUR_SECONDS, EndReason.ENDED)]


async def test_the_first_that_was_said_counts_and_what_is_only_found_does_not(place: Place, gate: SqlGate) -> None:
    await started(gate)
    with away(place):
        await gate.ended("1", NOW + FOUR_SECONDS, EndReason.STOPPED)
        await gate.ended("1", LATER, EndReason.ENDED)
        assert len(gate.unsaid) == 1
    # As the comparison with what runs does.
    assert await gate.call(gate.store.ended, "1", LATER, EndReason.LOST, LATER) is None
    assert ledger(gate.store) == [("1", NOW, NOW + FOUR_SECONDS, EndReason.STOPPED)]


async def test_the_place_that_was_to_be_kept_is(place: Place, gate: SqlGate) -> None:
    await started(gate)
    gate.keep_place("1", ask("next"))
    with away(place):
        await gate.ended("1", NOW + FOUR_SECONDS, EndReason.STOPPED)
    assert isinstance(await gate.admit(ask("2", "bea")), Deny)
    assert isinstance(await gate.admit(ask("next")), Admit)


async def test_a_hub_that_dies_leaves_it_to_the_comparison(place: Place, gate: SqlGate) -> None:
    await started(gate)
    with away(place):
        await gate.ended("1", NOW + FOUR_SECONDS, EndReason.STOPPED)
    assert [lease.id for lease in place.store().leases()] == ["1"]
    assert ledger(place.store()) == []


async def test_what_can_never_be_written_is_told_to_who_said_it_and_stands_in_nobodys_way(
    place: Place, gate: SqlGate
) -> None:
    await started(gate)
    nobodys_clock = (NOW + FOUR_SECONDS).replace(tzinfo=None)
    with away(place):
        assert not await gate.ended("1", nobodys_clock, EndReason.STOPPED)
    assert isinstance(await gate.admit(ask("2", "bea")), Deny), "an answer"
    with pytest.raises(TypeError):
        await gate.ended("1", nobodys_clock, EndReason.STOPPED)
    assert await gate.ended("1", NOW + FOUR_SECONDS, EndReason.STOPPED)
    assert ledger(gate.store) == [("1", NOW, NOW + FOUR_SECONDS, EndReason.STOPPED)]


@pytest.mark.parametrize("seed", range(3))
async def test_histories(place: Place, seed: int) -> None:
    """Runs come and go while the database does; in the end the books are what was said."""
    chance, store = random.Random(seed), Store(Database(place.url))
    store.database.migrate()
    gate, now = SqlGate(store, lambda: NO_RULES, lambda: NOW), NOW
    admitted: set[str] = set()
    began: dict[str, datetime] = {}
    ended: dict[str, tuple[datetime, EndReason]] = {}
    said: list[str] = []
    for outage in range(10):
        gone = outage % 2 == 1
        there = ExitStack()
        if gone:
            there.enter_context(away(place))
        for _ in range(8):
            now += timedelta(seconds=chance.randrange(1, 90))
            match chance.choice(["admit", "began", "began", "ended", "ended", "look"]):
                case "admit":
                    lease_id = f"{len(said)}"
                    said.append(lease_id)
                    await gate.admit(ask(lease_id))
                    admitted |= set() if gone else {lease.id for lease in store.leases()}
                case "began" if said:
                    lease_id = chance.choice(said)
                    await gate.began(lease_id, now)
                    if lease_id not in ended:
                        began.setdefault(lease_id, now)
                case "ended" if said:
                    lease_id, reason = chance.choice(said), chance.choice([EndReason.STOPPED, EndReason.CULLED])
                    assert not (await gate.ended(lease_id, now, reason) and gone)
                    ended.setdefault(lease_id, (now, reason))
                case "look":
                    with suppress(DatabaseAway):
                        await gate.call(gate.store.leases)
        there.close()
        wait_for(lambda: is_there(store))
    await gate.catch_up()
    assert {lease.id for lease in store.leases()} == admitted - ended.keys()
    assert ledger(store) == sorted(
        (each, began.get(each), ended[each][0], ended[each][1] if each in began else EndReason.NEVER_RAN)
        for each in admitted & ended.keys()
    )
    gate.close()
    store.database.close()
