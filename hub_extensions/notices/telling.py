"""The shell around `events`: what a look gives reason to tell is posted, and nothing else waits or fails for it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.expiry import Stop
from hub_extensions.notices import events
from hub_extensions.notices.events import Look
from hub_extensions.notices.notice import Notice
from hub_extensions.notices.store import Notices

log = logging.getLogger(__name__)
#: So many are remembered at most, then looked up anew.
REMEMBERED = 10_000


class Teller:
    """Remembers what it has posted, so that a look every 15 s that finds the same writes nothing."""

    def __init__(self, gate: Any) -> None:
        self._gate = gate
        self._notices = Notices(gate.store.database)
        self._posted: set[tuple[str, str]] = set()

    async def tell(self, look: Look, now: datetime) -> None:
        try:
            await self._post(events.notices_of(look, now), now)
        except DatabaseAway as e:
            log.warning("People are told at the next look: %s", e)
        except Exception:
            log.exception("What people are to be told about their machines could not be posted")

    async def tell_stopped(self, stop: Stop, now: datetime) -> None:
        try:
            await self._post([events.stopped(stop, now)], now)
        except Exception:
            log.exception("%s could not be told that %s was stopped", stop.lease.user, stop.lease.display_name)

    async def _post(self, notices: Iterable[Notice], now: datetime) -> None:
        news = [notice for notice in notices if (notice.to, notice.key) not in self._posted]
        if not news:
            return
        await self._gate.call(self._notices.post_all, news, now)
        if len(self._posted) > REMEMBERED:
            self._posted.clear()
        self._posted.update((notice.to, notice.key) for notice in news)
