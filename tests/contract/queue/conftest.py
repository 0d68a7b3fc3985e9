"""As admission's own: every database that it keeps its books in."""

from tests.contract.admission.conftest import place, postgres_database, postgres_server, store

__all__ = ["place", "postgres_database", "postgres_server", "store"]
