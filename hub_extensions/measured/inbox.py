"""Reports between the request and the database: written together every so often, so that a thousand machines that
report each minute are three transactions in that minute, not a thousand."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.measured.decide import Taken
from hub_extensions.measured.figures import Measured
from hub_extensions.measured.store import MeasuredStore
from hub_extensions.page_frame.gate import gate_of

SETTING = "remuda_measured_inbox"
EVERY_S = 20.0
#: Reports that are kept while the database is away; what is beyond is told again by the machine in a minute.
MOST = 20_000


class Inbox:
    def __init__(self) -> None:
        self._reports: dict[tuple[str, str], Measured] = {}

    def put(self, taken: Taken) -> None:
        key = taken.lease_id, taken.run
        if key in self._reports:
            self._reports[key] = self._reports[key].later(taken.measured)
        elif len(self._reports) < MOST:
            self._reports[key] = taken.measured

    async def write(self, gate: Any, now: datetime) -> None:
        """When this fails, all of it stays for the next time. Raises `DatabaseAway`."""
        reports, self._reports = self._reports, {}
        try:
            await gate.call(MeasuredStore(gate.store.database).write, reports, now)
        except BaseException:
            for (lease_id, run), measured in reports.items():
                self.put(Taken(lease_id, run, measured))
            raise


def inbox_of(settings: MutableMapping[str, Any]) -> Inbox:
    """The Hub's one."""
    inbox: Inbox = settings.setdefault(SETTING, Inbox())
    return inbox


async def write_for_ever(app: Any) -> None:
    """Until the Hub ends; nothing where no books are kept."""
    settings = app.tornado_application.settings
    gate, inbox, away = gate_of(settings), inbox_of(settings), False
    while gate is not None:
        await asyncio.sleep(EVERY_S)
        try:
            await inbox.write(gate, datetime.now(UTC))
            away = False
        except DatabaseAway as e:
            if not away:
                app.log.warning("What machines used cannot be written down at present, and is kept: %s", e)
            away = True
        except Exception:
            app.log.exception("What machines used could not be written down; the next try is in %g s", EVERY_S)
