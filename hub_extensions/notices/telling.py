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
            await self._post(await self._not_told_lately(events.notices_of(look, now), look), now)
        except DatabaseAway as e:
            log.warning("People are told at the next look: %s", e)
        except Exception:
            log.exception("What people are to be told about their machines could not be posted")

    async def tell_stopped(self, stop: Stop, now: datetime) -> None:
        try:
            await self._post([events.stopped(stop, now)], now)
        except Exception:
            log.exception("%s could not be told that %s was stopped", stop.lease.user, stop.lease.display_name)

    async def _not_told_lately(self, notices: Iterable[Notice], look: Look) -> list[Notice]:
        """Without reminders to those who heard of it no earlier than such a reminder comes. Only who makes room is
        told by somebody else, so nobody else is looked up."""
        told, making_room = [], {lease.id: lease for lease in look.leases if lease.leaves_at is not None}
        for notice in notices:
            lease = making_room.get(notice.stops or "")
            if lease is not None and (notice.to, notice.key) not in self._posted:
                known = await self._gate.call(self._notices.of_user, notice.to)
                if events.told_lately(lease, [each.notice for each in known]):
                    self._posted.add((notice.to, notice.key))
                    continue
            told.append(notice)
        return told

    async def _post(self, notices: Iterable[Notice], now: datetime) -> None:
        news = [notice for notice in notices if (notice.to, notice.key) not in self._posted]
        if not news:
            return
        await self._gate.call(self._notices.post_all, news, now)
        if len(self._posted) > REMEMBERED:
            self._posted.clear()
        self._posted.update((notice.to, notice.key) for notice in news)
