"""Every metastore that there is, behind the port."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from data_access.config import Settings
from data_access.metastore import connect
from data_access.metastore.base import Metastore
from tests.data.servers.workspaces import METASTORES

Connect = Callable[[], Metastore]


@pytest.fixture(params=METASTORES)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def another(kind: str, request: pytest.FixtureRequest) -> Iterator[Connect]:
    """One more client of the same metastore, which is empty at first."""
    made: list[Metastore] = []
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
