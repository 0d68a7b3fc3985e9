"""Until when which machine is kept on, in SQL. Synchronous, as admission's `Store` is; the gate's worker runs it."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from hub_extensions.admission.database import Database
from hub_extensions.keep_on.tables import KEPT_ALIVE

#: What is over by a day is about no machine that runs.
FORGET = timedelta(days=1)


class KeptStore:
    """Raises `DatabaseAway`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, lease_id: str, until: datetime, now: datetime) -> None:
        """Instead of what was said before."""
        with self._database.writing() as connection:
            old = sa.or_(KEPT_ALIVE.c.lease_id == lease_id, KEPT_ALIVE.c.until < now - FORGET)
            connection.execute(sa.delete(KEPT_ALIVE).where(old))
            connection.execute(sa.insert(KEPT_ALIVE).values(lease_id=lease_id, until=until, said_at=now))

    def take_back(self, lease_id: str) -> None:
        with self._database.writing() as connection:
            connection.execute(sa.delete(KEPT_ALIVE).where(KEPT_ALIVE.c.lease_id == lease_id))

    def kept(self, now: datetime) -> dict[str, datetime]:
        """By lease; what is over is left out."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(KEPT_ALIVE).where(KEPT_ALIVE.c.until > now))
            return {row.lease_id: row.until for row in rows}
