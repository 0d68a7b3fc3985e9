"""Until when machines are kept on, on every database, and what a Hub knows of it while the database is away."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from hub_extensions.keep_on.known import KnownKept
from hub_extensions.keep_on.store import KeptStore
from profiles.policy import Policies
from tests.contract.admission.asking import HOUR, NOW


def test_the_last_word_counts_and_can_be_taken_back(store: Store) -> None:
    books = KeptStore(store.database)
    books.keep("a", NOW + 3 * HOUR, NOW)
    books.keep("b", NOW + HOUR, NOW)
    books.keep("a", NOW + 2 * HOUR, NOW)
    assert books.kept(NOW) == {"a": NOW + 2 * HOUR, "b": NOW + HOUR}
    books.take_back("a")
    books.take_back("nobody's")
    assert books.kept(NOW) == {"b": NOW + HOUR}
    assert books.kept(NOW + HOUR) == {}


def test_what_is_over_is_forgotten(store: Store) -> None:
    books = KeptStore(store.database)
    books.keep("old", NOW + HOUR, NOW)
    books.keep("new", NOW + timedelta(days=3), NOW + timedelta(days=2))
    assert books.kept(NOW) == {"new": NOW + timedelta(days=3)}


def test_what_is_known_outlives_the_database(store: Store) -> None:
    gate, known = SqlGate(store, policies=Policies, clock=lambda: NOW), KnownKept()
    machine = SimpleNamespace(spawn_id="a")

    async def live() -> None:
        assert not known.known
        await known.keep(gate, "a", NOW + HOUR, NOW)
        await known.look(gate, NOW)
        assert known.known
        with pytest.raises(DatabaseAway):
            await known.look(SimpleNamespace(store=store, call=away), NOW)
        assert known.until(machine) == NOW + HOUR
        with pytest.raises(DatabaseAway):
            await known.take_back(SimpleNamespace(store=store, call=away), "a")
        assert known.until(machine) == NOW + HOUR, "what could not be written is not so"
        await known.take_back(gate, "a")
        assert known.until(machine) is None

    asyncio.run(live())
    gate.close()


async def away(*_: Any) -> None:
    raise DatabaseAway("away")
