"""Now and then the leases are read for the metrics."""

from __future__ import annotations

import asyncio
from typing import Any

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.shares_api.metrics import leases_are

#: Prometheus scrapes every 15 to 60 s.
EVERY_S = 10


async def watch_leases(app: Any) -> None:
    """Until the Hub ends."""
    gate = gate_of(app.tornado_settings)
    while gate is not None:
        try:
            leases_are(await gate.call(gate.store.leases))
        except DatabaseAway:
            app.log.debug("Leases cannot be read for the metrics now")
        await asyncio.sleep(EVERY_S)
