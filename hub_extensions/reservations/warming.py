"""The task that keeps nodes warm for reservations that are about to begin. Nothing here decides."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from profiles.model import Catalog
from profiles.reservations import Reservation
from profiles.warming import to_warm

EVERY_S = 20.0


async def keep_nodes_warm(app: Any, gate: SqlGate, catalog: Catalog) -> None:
    """Until the Hub ends; at once over where nothing is to be kept warm, or the spawner knows no nodes."""
    if not any(each.warm_before for each in catalog.policies.reservations.values()):
        return
    if not hasattr(app.spawner_class, "keep_warm"):
        return
    spawner = app.spawner_class(_mock=True, config=app.config)
    while True:
        try:
            reservations = await gate.call(_standing, gate.store)
            await spawner.keep_warm(to_warm(reservations, catalog, datetime.now(UTC)))
        except DatabaseAway:
            pass  # the task that keeps the books says so in the log
        except Exception:
            app.log.exception("Nodes could not be kept warm for reservations; the next look is in %s s", EVERY_S)
        await asyncio.sleep(EVERY_S)


def _standing(store: Store) -> tuple[Reservation, ...]:
    with store.looking() as books:
        return books.reservations
