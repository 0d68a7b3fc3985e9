"""Each test on SQLite in a file, and on PostgreSQL where it is installed, in a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from hub_extensions.admission.database import Database
from tools.servers import postgres

_numbers = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.PostgresServer]:
    if not postgres.fetched():
        pytest.skip("PostgreSQL is not installed")
    server = postgres.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/remuda.sqlite"
    server = request.getfixturevalue("server")
    name = f"approvals{next(_numbers)}"
    server.create_database(name)
    return str(server.url(name)).replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()
