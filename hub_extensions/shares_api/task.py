"""Now and then the leases are read for the metrics."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.store import Store
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.shares_api.metrics import leases_are, promises_are
from profiles.lease import Lease
from profiles.reservations import Reservation
from profiles.waiting import Waiting

#: Prometheus scrapes every 15 to 60 s.
EVERY_S = 10


async def watch_leases(app: Any) -> None:
    """Until the Hub ends."""
    gate = gate_of(app.tornado_settings)
    while gate is not None:
        try:
            leases, waiting, reservations = await gate.call(_picture, gate.store)
            leases_are(leases)
            promises_are(waiting, reservations, datetime.now(UTC))
        except DatabaseAway:
            app.log.debug("Leases cannot be read for the metrics now")
        await asyncio.sleep(EVERY_S)


def _picture(store: Store) -> tuple[tuple[Lease, ...], tuple[Waiting, ...], tuple[Reservation, ...]]:
    with store.looking() as books:
        return tuple(books.leases), books.waiting, books.reservations
