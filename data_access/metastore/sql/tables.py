"""The embedded catalog's own tables, and how they came to be: one migration per version.

Texts that come from people (names of partitions, comments) are JSON in ASCII: any encoding of the database holds them.
A partition is found by the sha256 of its values, since an index takes no text of any length.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from sqlalchemy import Column, Connection, ForeignKey, Integer, MetaData, String, Table, Text, UniqueConstraint, text

from data_access.errors import DataError, Reason

METADATA = MetaData()

VERSION = Table("remuda_catalog", METADATA, Column("version", Integer, primary_key=True))

DATABASES = Table(
    "remuda_databases",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("location", Text, nullable=False),
    Column("owner", Text),
    Column("comment", Text),
    Column("parameters", Text, nullable=False),
)

TABLES = Table(
    "remuda_tables",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("database", ForeignKey(DATABASES.c.name), nullable=False),
    Column("name", String(128), nullable=False),
    Column("location", Text, nullable=False),
    Column("columns", Text, nullable=False),
    Column("partition_keys", Text, nullable=False),
    #: The parameter HEAD, which a swap compares; `parameters` holds all others.
    Column("head", Text),
    Column("parameters", Text, nullable=False),
    Column("owner", Text),
    Column("comment", Text),
    Column("created", Text, nullable=False),
    Column("format", Text, nullable=False),
    UniqueConstraint("database", "name"),
)

PARTITIONS = Table(
    "remuda_partitions",
    METADATA,
    Column("table_id", ForeignKey(TABLES.c.id, ondelete="CASCADE"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("key_values", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("parameters", Text, nullable=False),
)


def dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def digest(values: Sequence[str]) -> str:
    return hashlib.sha256(dump(list(values)).encode()).hexdigest()


def _first(connection: Connection) -> None:
    METADATA.create_all(connection, tables=[DATABASES, TABLES, PARTITIONS])


#: From version 0 (nothing there) upwards. A step is never changed once released; a later one changes what it left.
MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first,)


def is_current(connection: Connection) -> bool:
    """Only reads: nobody waits for anybody, and a catalog that may only be read is no obstacle."""
    return version(connection) == len(MIGRATIONS)


def migrate(connection: Connection, place: str) -> None:
    """Bring the catalog to the newest version, in the caller's transaction, which must keep other writers out.

    Raises DataError(bad-configuration) for a catalog newer than this program.
    """
    if connection.dialect.name == "postgresql":  # SQLite's BEGIN IMMEDIATE keeps others out; here a lock must
        connection.execute(text("SELECT pg_advisory_xact_lock(7236578291)"))
    before = version(connection)
    if before > len(MIGRATIONS):
        raise DataError(
            Reason.BAD_CONFIGURATION,
            f"The catalog {place} has version {before}, and this program knows versions up to {len(MIGRATIONS)}.",
            "Update data_access here: a newer one has used this catalog.",
        )
    if before == len(MIGRATIONS):  # another one was quicker
        return
    VERSION.create(connection, checkfirst=True)
    for step in MIGRATIONS[before:]:
        step(connection)
    connection.execute(VERSION.delete())
    connection.execute(VERSION.insert().values(version=len(MIGRATIONS)))


def version(connection: Connection) -> int:
    """0 where there is no catalog yet."""
    if not connection.dialect.has_table(connection, VERSION.name):
        return 0
    return connection.execute(VERSION.select()).scalar() or 0
