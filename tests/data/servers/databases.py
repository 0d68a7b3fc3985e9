"""PostgreSQL and Hive Metastores for tests: one server per session, empty for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tools.servers import hive, postgres
from tools.servers.hive import HiveServer
from tools.servers.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = postgres.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[str]:
    """Name of an empty database; `postgres_server.url(name)` is its URL."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    postgres_server.create_database(name)
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def postgresql_url(postgres_server: PostgresServer, postgres_database: str) -> str:
    return postgres_server.url(postgres_database)


@pytest.fixture(scope="session")
def hive_session(postgres_server: PostgresServer) -> Iterator[HiveServer]:
    server = hive.start("2.3.10", postgres_server)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def hive4_session(postgres_server: PostgresServer) -> Iterator[HiveServer]:
    server = hive.start("4.0.1", postgres_server)
    yield server
    server.stop()


@pytest.fixture
def hive_server(hive_session: HiveServer) -> HiveServer:
    """A Hive Metastore 2.3.10, empty."""
    hive_session.clear()
    return hive_session


@pytest.fixture
def hive4_server(hive4_session: HiveServer) -> HiveServer:
    """A Hive Metastore 4.0.1, empty."""
    hive4_session.clear()
    return hive4_session


@pytest.fixture
def hive_url(hive_server: HiveServer) -> str:
    return hive_server.url


@pytest.fixture
def hive4_url(hive4_server: HiveServer) -> str:
    return hive4_server.url
