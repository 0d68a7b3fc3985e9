"""Alembic's entry: the connection and its transaction are the caller's, `Database.migrate`."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]
# A table of its own beside JupyterHub's `alembic_version`: the two know nothing of each other.
context.configure(connection=connection, version_table="remuda_version")
with context.begin_transaction():
    context.run_migrations()
