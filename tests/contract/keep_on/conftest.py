"""Each test on the databases that admission keeps its books in."""

from __future__ import annotations

from tests.contract.admission.conftest import place, postgres_database, postgres_server, store

__all__ = ["place", "postgres_database", "postgres_server", "store"]
