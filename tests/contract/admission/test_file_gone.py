"""SQLite's file is deleted, moved or replaced under a running Hub: it is noticed, and no orphan is written to."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub_extensions.admission.database import Database, DatabaseAway
from hub_extensions.admission.store import Store
from profiles.admission import Admit
from tests.contract.admission.asking import NO_RULES, NOW, ask


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "remuda.sqlite"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    store = Store(Database(f"sqlite:///{file}"))
    assert isinstance(store.admit(ask("1"), NO_RULES, NOW), Admit)
    yield store
    store.database.close()


def held(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as other:
        return [lease_id for (lease_id,) in other.execute("SELECT id FROM remuda_leases ORDER BY id")]


def move(file: Path, to: Path) -> None:
    """With what SQLite keeps beside it."""
    for beside in ("", "-wal", "-shm"):
        if (part := file.with_name(file.name + beside)).exists():
            part.rename(to.with_name(to.name + beside))


def test_a_file_that_was_moved_is_missed_and_found_again(store: Store, file: Path) -> None:
    aside = file.with_name("aside.sqlite")
    move(file, aside)
    for _ in range(2):
        with pytest.raises(DatabaseAway, match="deleted or moved while the Hub ran"):
            store.admit(ask("2"), NO_RULES, NOW)
        with pytest.raises(DatabaseAway):
            store.leases()
    assert not file.exists(), "and no empty one is begun"
    move(aside, file)
    assert isinstance(store.admit(ask("3"), NO_RULES, NOW), Admit)
    assert [lease.id for lease in store.leases()] == held(file) == ["1", "3"]


def test_a_file_that_was_replaced_is_not_mixed_up_with_the_first(store: Store, file: Path) -> None:
    backup = file.with_name("backup.sqlite")
    with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(backup)) as other:
        one.backup(other)
    assert isinstance(store.admit(ask("2"), NO_RULES, NOW), Admit)
    aside = file.with_name("aside.sqlite")
    move(file, aside)
    shutil.copy(backup, file)
    with pytest.raises(DatabaseAway, match="restart the Hub to go on with that one"):
        store.admit(ask("3"), NO_RULES, NOW)
    assert (held(file), held(aside)) == (["1"], ["1", "2"])
    restarted = Store(Database(f"sqlite:///{file}"))
    assert isinstance(restarted.admit(ask("4"), NO_RULES, NOW), Admit)
    assert held(file) == ["1", "4"]
    restarted.database.close()


def test_what_was_begun_before_is_taken_back(store: Store, file: Path) -> None:
    aside = file.with_name("aside.sqlite")
    with pytest.raises(DatabaseAway), store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE remuda_leases SET id = 'other'")
        move(file, aside)
    assert held(aside) == ["1"]

