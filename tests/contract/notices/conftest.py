"""Each test on the databases that admission keeps its books in."""

from __future__ import annotations

import pytest

from hub_extensions.admission.database import Database
from tests.contract.admission.conftest import Place, place, postgres_database, postgres_server

__all__ = ["place", "postgres_database", "postgres_server"]


@pytest.fixture
def database(place: Place) -> Database:
    return place.open()
