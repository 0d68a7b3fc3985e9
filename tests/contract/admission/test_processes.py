"""Two hubs on one database during a rolling restart, and people who are quicker than others."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from hub_extensions.admission import books
from hub_extensions.admission.database import Database
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from profiles.admission import Admit, Deny
from profiles.lease import EndReason
from tests.contract.admission.asking import HOUR, NO_RULES, NOW, ONE_GPU, ask
from tests.contract.admission.conftest import SHARED, Place

ROOT = Path(__file__).resolve().parents[3]
PEOPLE = 200


def test_each_sees_what_the_other_did(place: Place) -> None:
    old, new = place.store(), place.store()
    assert isinstance(old.admit(ask("1"), ONE_GPU, NOW), Admit)
    assert isinstance(new.admit(ask("2", "bob"), ONE_GPU, NOW), Deny)
    new.began("1", NOW, NOW)
    assert old.leases() == new.leases()
    entry = new.ended("1", NOW + HOUR, EndReason.STOPPED, NOW)
    assert old.ended("1", NOW + HOUR, EndReason.STOPPED, NOW) is None
    assert old.leases() == ()
    assert old.ledger(since=NOW, until=NOW + 9 * HOUR) == (entry,)
    assert isinstance(old.admit(ask("3"), ONE_GPU, NOW), Admit)
    assert isinstance(new.admit(ask("3"), ONE_GPU, NOW), Admit), "asked again at the other hub"
    assert isinstance(new.admit(ask("4"), ONE_GPU, NOW), Deny)


def test_a_book_older_than_the_tombstones_is_read_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "REMEMBERED", 4)
    monkeypatch.setattr(books, "TIDY_EVERY", 1)
    behind, ahead = place.store(), place.store()
    behind.admit(ask("first"), NO_RULES, NOW)
    for number in range(9):
        ahead.admit(ask(f"{number}"), NO_RULES, NOW)
    ahead.ended("first", NOW, EndReason.STOPPED, NOW)
    for number in range(8):
        ahead.ended(f"{number}", NOW, EndReason.STOPPED, NOW)
    assert [lease.id for lease in behind.leases()] == ["8"]


def test_two_hundred_threads_race_for_the_last_gpu(place: Place) -> None:
    stores = [place.store(), place.store()]
    line = threading.Barrier(PEOPLE)

    def person(number: int) -> bool:
        line.wait()
        return isinstance(stores[number % 2].admit(ask(f"{number}", f"u{number}"), ONE_GPU, NOW), Admit)

    with ThreadPoolExecutor(PEOPLE) as people:
        outcomes = list(people.map(person, range(PEOPLE)))
    assert outcomes.count(True) == 1
    assert [lease.id for lease in stores[0].leases()] == [str(outcomes.index(True))]


async def test_two_hundred_at_one_gate(place: Place) -> None:
    gate = SqlGate(place.store(), lambda: ONE_GPU, lambda: NOW)
    answers = await asyncio.gather(*(gate.admit(ask(f"{n}", f"u{n}")) for n in range(PEOPLE)))
    assert [type(answer) for answer in answers].count(Admit) == 1
    gate.close()


async def test_reports_and_starts_side_by_side(place: Place) -> None:
    gate = SqlGate(place.store(), lambda: NO_RULES, lambda: NOW)
    starts = [gate.admit(ask(f"{n}")) for n in range(20)]
    reports = [gate.call(gate.store.used, since=NOW, until=NOW + HOUR, by="user") for _ in range(20)]
    ledger = [gate.call(gate.store.ledger, since=NOW, until=NOW + HOUR) for _ in range(20)]
    answers = await asyncio.gather(*starts, *reports, *ledger)
    assert all(isinstance(answer, Admit) for answer in answers[:20])
    assert all(answer == () for answer in answers[20:])
    gate.close()


@pytest.mark.parametrize("place", SHARED, indirect=True)
def test_two_processes_race_for_the_last_gpu(place: Place) -> None:
    """Each of them boots, migrates the empty database, and starts a hundred."""
    racer = [sys.executable, "-m", "tests.contract.admission.racer", place.url]
    hubs = [
        subprocess.Popen([*racer, name, str(PEOPLE // 2)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in ("old", "new")
    ]
    for hub in hubs:
        assert hub.stdout is not None
        assert hub.stdout.readline() == b"ready\n"
    for hub in hubs:
        assert hub.stdin is not None
        hub.stdin.write(b"go\n")
        hub.stdin.flush()
    winners = b"".join(hub.communicate(timeout=60)[0] for hub in hubs).split()
    assert all(hub.returncode == 0 for hub in hubs)
    assert len(winners) == 1
    assert [lease.id for lease in place.store().leases()] == [winners[0].decode()]


@pytest.mark.parametrize("place", SHARED, indirect=True)
def test_hubs_that_boot_at_once_make_the_tables_once(place: Place) -> None:
    databases = [Database(place.url) for _ in range(8)]
    line = threading.Barrier(len(databases))

    def boot(database: Database) -> None:
        line.wait()
        database.migrate()

    with ThreadPoolExecutor(len(databases)) as hubs:
        list(hubs.map(boot, databases))
    databases[0].migrate()
    store = Store(databases[1])
    assert isinstance(store.admit(ask("1"), ONE_GPU, NOW + timedelta(days=1)), Admit)
    for database in databases:
        database.close()
