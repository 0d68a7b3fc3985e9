"""Each test on SQLite and on PostgreSQL."""

from __future__ import annotations

from tests.contract.admission.conftest import Place, place, postgres_database, postgres_server, store

__all__ = ["Place", "place", "postgres_database", "postgres_server", "store"]
