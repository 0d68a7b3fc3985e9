"""The same suite on every database that admission keeps its books in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub_extensions.admission.database import Database
from hub_extensions.admission.place import admission_url
from hub_extensions.admission.store import Store
from tests.data.servers.databases import postgres_database, postgres_server

__all__ = ["postgres_database", "postgres_server"]

SHARED = ("sqlite-file", "postgresql")


@dataclass(frozen=True)
class Place:
    """An empty database. `open` is what a Hub's process does when it starts."""

    kind: str
    url: str
    open: Callable[[], Database]

    def store(self) -> Store:
        return Store(self.open())


@pytest.fixture(params=["sqlite-file", "sqlite-memory", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    opened: list[Database] = []

    def open_() -> Database:
        # In memory nobody else can join: the "other process" is another Store on the same Database.
        if not opened or request.param != "sqlite-memory":
            opened.append(Database(url))
        return opened[-1]

    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = admission_url(server.url(request.getfixturevalue("postgres_database")))
    else:
        url = admission_url("sqlite://" if request.param == "sqlite-memory" else f"sqlite:///{tmp_path}/hub.sqlite")
    yield Place(request.param, url, open_)
    for database in opened:
        database.close()


@pytest.fixture
def store(place: Place) -> Store:
    return place.store()
