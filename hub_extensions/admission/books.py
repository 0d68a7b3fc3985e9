"""The book of leases in memory, kept equal to the table inside each transaction, without reading all of it."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub_extensions.admission.rows import lease_of, reservation_of, waiting_of
from hub_extensions.admission.spent import Known
from hub_extensions.admission.tables import GONE, LEASES, QUEUE, RESERVATIONS, STATE
from profiles.lease import KEPT, Lease
from profiles.lease_book import LeaseBook
from profiles.reservations import Reservation
from profiles.waiting import Waiting

#: So many last endings are remembered, for books in other processes; one further behind is read anew.
REMEMBERED = 10_000
TIDY_EVERY = 1_000

# Made once: to put a statement together takes longer than to run it.
NEWS = sa.select(STATE.c.version, STATE.c.forgotten, GONE.c.lease_id, STATE.c.promised).select_from(
    STATE.outerjoin(GONE, GONE.c.version > sa.bindparam("known"))
)
COUNT = sa.update(STATE).values(version=sa.bindparam("counted"))
OFF = sa.delete(LEASES).where(LEASES.c.id == sa.bindparam("lease_id"))
TOMBSTONE = sa.insert(GONE)
PROMISED = sa.update(STATE).values(promised=STATE.c.promised + 1)
STANDING = (
    sa.select(RESERVATIONS)
    .where(RESERVATIONS.c.over_at.is_(None))
    .order_by(RESERVATIONS.c.begins_at, RESERVATIONS.c.id)
)
IN_LINE = sa.select(QUEUE).order_by(QUEUE.c.joined_at, QUEUE.c.id)
CHANGED_SINCE = sa.select(LEASES).where(LEASES.c.changed > sa.bindparam("known")).order_by(LEASES.c.changed)


class LiveBook:
    """Not safe for several threads: `Store` sees to that."""

    def __init__(self) -> None:
        self.leases = LeaseBook()
        self.version = self._written = -1
        self.reservations: tuple[Reservation, ...] = ()
        self.waiting: tuple[Waiting, ...] = ()
        self._promised = -1
        self.thought: dict[object, object] = {}
        self.spent = Known()

    def refresh(self, connection: Connection) -> LeaseBook:
        """As the transaction sees the table. What the transaction itself writes afterwards comes with the next."""
        rows = connection.execute(NEWS, {"known": self.version}).all()
        version, forgotten, _, promised = rows[0]
        if promised != self._promised:
            self.read_promises(connection)
            self._promised = promised
        if not forgotten <= self.version <= version:
            self.leases = LeaseBook(_changed_since(connection, -1))
            self.spent.clear()
        elif version > self.version:
            for _, _, lease_id, _ in rows:
                if lease_id is not None:
                    self._remove(lease_id)
            for lease in _changed_since(connection, self.version):
                self.leases.put(lease)
        self.version = self._written = version
        return self.leases

    def _remove(self, lease_id: str) -> None:
        lease = self.leases.remove(lease_id)
        if lease_id.startswith(KEPT):
            return
        if lease is None:  # it began and ended since the last look: nobody knows whose it was
            self.spent.clear()
        else:
            self.spent.ended(lease)

    def count(self, connection: Connection) -> int:
        """One more write within this transaction: the version of what it writes. Tombstones need one each."""
        self._written += 1
        connection.execute(COUNT, {"counted": self._written})
        return self._written

    def read_promises(self, connection: Connection) -> None:
        """What stands of the reservations (`ahead` writes down when one is over), and the line."""
        self.reservations = tuple(map(reservation_of, connection.execute(STANDING).mappings()))
        self.waiting = tuple(map(waiting_of, connection.execute(IN_LINE).mappings()))


def promises_changed(connection: Connection) -> None:
    """Said in every transaction that writes reservations or the line: other books read them anew."""
    connection.execute(PROMISED)


def bury(connection: Connection, lease_id: str, version: int) -> None:
    """Take the lease off the table and leave a tombstone, for books in other processes."""
    connection.execute(OFF, {"lease_id": lease_id})
    connection.execute(TOMBSTONE, {"version": version, "lease_id": lease_id})
    if version % TIDY_EVERY == 0 and version > REMEMBERED:
        oldest = version - REMEMBERED
        connection.execute(sa.delete(GONE).where(GONE.c.version <= oldest))
        connection.execute(sa.update(STATE).values(forgotten=oldest))


def _changed_since(connection: Connection, known: int) -> Iterator[Lease]:
    return map(lease_of, connection.execute(CHANGED_SINCE, {"known": known}).mappings())
