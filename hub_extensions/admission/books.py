"""The book of leases in memory, kept equal to the table inside each transaction, without reading all of it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub_extensions.admission.rows import lease_of
from hub_extensions.admission.tables import GONE, LEASES, STATE
from profiles.lease import Lease
from profiles.lease_book import LeaseBook

#: So many last endings are remembered, for books in other processes; one further behind is read anew.
REMEMBERED = 10_000
TIDY_EVERY = 1_000


class LiveBook:
    """Not safe for several threads: `Store` sees to that."""

    def __init__(self) -> None:
        self.leases = LeaseBook()
        self.version = -1

    def refresh(self, connection: Connection) -> LeaseBook:
        """As the transaction sees the table. What the transaction itself writes afterwards comes with the next."""
        version, forgotten = connection.execute(sa.select(STATE.c.version, STATE.c.forgotten)).one()
        if not forgotten <= self.version <= version:
            self.leases = LeaseBook(_leases(connection, LEASES.c.changed >= 0))
        elif version > self.version:
            gone = sa.select(GONE.c.lease_id).where(GONE.c.version > self.version)
            for lease_id in connection.execute(gone).scalars():
                self.leases.remove(lease_id)
            for lease in _leases(connection, LEASES.c.changed > self.version):
                self.leases.put(lease)
        self.version = version
        return self.leases


def next_version(connection: Connection, version: int) -> int:
    """Count one more write, once per writing transaction."""
    connection.execute(sa.update(STATE).values(version=version + 1))
    return version + 1


def bury(connection: Connection, lease_id: str, version: int) -> None:
    """Take the lease off the table and leave a tombstone, for books in other processes."""
    connection.execute(sa.delete(LEASES).where(LEASES.c.id == lease_id))
    connection.execute(sa.insert(GONE).values(version=version, lease_id=lease_id))
    if version % TIDY_EVERY == 0 and version > REMEMBERED:
        oldest = version - REMEMBERED
        connection.execute(sa.delete(GONE).where(GONE.c.version <= oldest))
        connection.execute(sa.update(STATE).values(forgotten=oldest))


def _leases(connection: Connection, which: sa.ColumnElement[bool]) -> list[Lease]:
    rows = connection.execute(sa.select(LEASES).where(which).order_by(LEASES.c.changed)).mappings()
    return [lease_of(row) for row in rows]
