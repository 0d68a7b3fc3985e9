"""What was measured, on every database: reports merge, sums are those of the rows, nothing is lost while it is away."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from hub_extensions.measured.decide import Taken
from hub_extensions.measured.figures import Efficiency, Measured, together
from hub_extensions.measured.inbox import Inbox
from hub_extensions.measured.store import MOST_RUNS, MeasuredStore
from profiles.admission import Admit, lease_of
from profiles.lease import EndReason, LeaseState
from profiles.policy import Policies
from tests.contract.admission.asking import HOUR, NOW, ask
from tests.contract.admission.conftest import Place

GIB = 2**30
SPAN = {"since": NOW - timedelta(days=9), "until": NOW + timedelta(days=9)}


def measured(number: int = 1, **given: int) -> Measured:
    grown = {"covered_ms": 60_000 * number, "cpu_ms": 7000 * number, "memory_peak": number * GIB}
    return Measured(**{**grown, "has_millicores": 4000, "has_memory": 16 * GIB, **given})


def running(store: Store, lease_id: str, user: str, *groups: str) -> None:
    held = lease_of(ask(lease_id, user, groups=groups), Admit(None), NOW)
    store.adopt(replace(held, state=LeaseState.RUNNING, began_at=NOW), NOW)


def ended(store: Store, lease_id: str, user: str, *groups: str) -> None:
    running(store, lease_id, user, *groups)
    store.ended(lease_id, NOW + HOUR, EndReason.STOPPED, NOW + HOUR)


def test_reports_merge_and_repeat_harmlessly(store: Store) -> None:
    books = MeasuredStore(store.database)
    running(store, "a", "ada")
    running(store, "b", "bea")
    for number in (2, 1, 3, 3, 2):
        books.write({("a", "r1"): measured(number), ("b", "r1"): measured(1)}, NOW)
    books.write({}, NOW)
    assert books.of(["a", "b", "c"]) == {"a": measured(3), "b": measured(1)}


def test_processes_of_one_machine_add_up(store: Store) -> None:
    books = MeasuredStore(store.database)
    running(store, "a", "ada")
    running(store, "b", "bea")
    books.write({("a", "r1"): measured(3)}, NOW)
    books.write({("a", "r2"): measured(1), ("a", "r1"): measured(2)}, NOW)
    assert books.of(["a"])["a"] == together([measured(3), measured(1)])


def test_whoever_makes_up_processes_is_heard_no_longer(store: Store) -> None:
    books = MeasuredStore(store.database)
    running(store, "a", "ada")
    running(store, "b", "bea")
    for number in range(MOST_RUNS + 5):
        books.write({("a", f"r{number}"): measured(1)}, NOW)
    assert books.of(["a"])["a"].covered_ms == MOST_RUNS * 60_000


def test_a_receipt_is_entry_and_figures(store: Store) -> None:
    books = MeasuredStore(store.database)
    ended(store, "a", "ada")
    books.write({("a", "r1"): measured(2)}, NOW)
    entry, found = books.receipt("a")
    assert entry is not None
    assert (entry.lease.user, found) == ("ada", measured(2))
    assert books.receipt("nobody's") == (None, None)


def test_sums_are_those_of_the_rows(store: Store) -> None:
    """Bytes times milliseconds are beyond 64 bits."""
    books, dice = MeasuredStore(store.database), random.Random(3)
    by_user: dict[str, Efficiency] = {}
    by_group: dict[str, Efficiency] = {}
    for number in range(25):
        user, groups = dice.choice(["ada", "bea"]), tuple(dice.sample(["ml", "bio"], dice.randint(0, 2)))
        (running if number % 3 else ended)(store, f"l{number}", user, *groups)
        if number % 5 == 0:
            continue  # not measured
        gpus = dice.randint(0, 2)
        runs = [
            measured(
                dice.randint(1, 100_000),
                memory_peak=dice.randint(1, 512) * GIB,
                has_memory=512 * GIB,
                gpus=gpus,
                has_gpus=gpus,
                gpu_covered_ms=dice.randint(1, 10**9) * min(1, gpus),
                gpu_busy_ms=dice.randint(1, 10**8) * min(1, gpus),
            )
            for _ in range(dice.randint(1, 3))
        ]
        books.write({(f"l{number}", f"r{place}"): run for place, run in enumerate(runs)}, NOW)
        one = sum(map(Efficiency.of, runs), start=Efficiency())
        by_user[user] = by_user.get(user, Efficiency()) + one
        for group in groups:
            by_group[group] = by_group.get(group, Efficiency()) + one
    for found, expected in ((books.by_user(**SPAN), by_user), (books.by_group(**SPAN), by_group)):
        assert found.keys() == expected.keys()
        for name, each in expected.items():
            got = found[name]
            assert (got.cores, got.memory, got.gpus) == pytest.approx((each.cores, each.memory, each.gpus))
    assert list(books.by_user(**SPAN, name="ada")) == ["ada"]
    assert books.by_user(since=NOW + HOUR, until=NOW + 2 * HOUR) == {}


def test_of_what_the_books_do_not_know_nothing_is_kept(store: Store) -> None:
    books = MeasuredStore(store.database)
    books.write({("adopted-later", "r1"): measured(1)}, NOW)
    assert books.of(["adopted-later"]) == {}
    running(store, "adopted-later", "ada")
    books.write({("adopted-later", "r1"): measured(2)}, NOW)
    assert books.of(["adopted-later"]) == {"adopted-later": measured(2)}


def test_reports_wait_while_the_database_is_away(place: Place) -> None:
    store = place.store()
    gate, inbox = SqlGate(store, policies=Policies, clock=lambda: NOW), Inbox()
    books = MeasuredStore(store.database)
    running(store, "a", "ada")

    async def away() -> None:
        inbox.put(Taken("a", "r1", measured(2)))
        gone = SqlGate(Store(Away()), policies=Policies, clock=lambda: NOW)  # type: ignore[arg-type]
        with pytest.raises(DatabaseAway):
            await inbox.write(gone, NOW)
        gone.close()
        inbox.put(Taken("a", "r1", measured(1)))
        await inbox.write(gate, NOW)
        assert books.of(["a"]) == {"a": measured(2)}
        await inbox.write(gate, NOW)

    asyncio.run(away())
    gate.close()


class Away:
    """A database that does not answer."""

    url, patience_s = "away", 1.0

    def writing(self) -> None:
        raise DatabaseAway("away")
