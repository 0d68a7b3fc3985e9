"""Every metastore that there is, behind the port; and the fake that other tests use, as a SQL catalog and as Hive."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from data_access.config import Settings
from data_access.metastore import connect
from data_access.metastore.base import Metastore
from tests.data.servers.workspaces import METASTORES
from tests.fakes.data.metastore import HIVE, SQL, MemoryMetastore

Connect = Callable[[], Metastore]
FAKES = {"fake-sql": SQL, "fake-hive": HIVE}


@pytest.fixture(params=[*FAKES, *METASTORES])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def another(kind: str, request: pytest.FixtureRequest) -> Iterator[Connect]:
    """One more client of the same metastore, which is empty at first."""
    made: list[Metastore] = []
    if kind in FAKES:
        fake = MemoryMetastore(FAKES[kind])
        yield lambda: fake
        return
    url = request.getfixturevalue("metastore_url")(kind)

    def make() -> Metastore:
        made.append(connect(Settings(metastore=url, user="ann")))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def metastore(another: Connect) -> Metastore:
    return another()
