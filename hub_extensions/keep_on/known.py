"""What this Hub knows of machines that are kept on: read from the books at every round of the culler and whenever
somebody looks, and remembered while the books are away."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import datetime
from typing import Any

from hub_extensions.keep_on.store import KeptStore

SETTING = "remuda_kept_on"


class KnownKept:
    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}
        #: Whether the books were read since this Hub's boot. Before that, nobody can say that a machine is *not* kept.
        self.known = False

    def until(self, machine: Any) -> datetime | None:
        """`machine` is a `RunningMachine` or None."""
        return self._until.get(machine.spawn_id) if machine is not None and machine.spawn_id else None

    async def look(self, gate: Any, now: datetime) -> None:
        """Raises `DatabaseAway`; what is known stays."""
        self._until = await gate.call(KeptStore(gate.store.database).kept, now)
        self.known = True

    async def keep(self, gate: Any, lease_id: str, until: datetime, now: datetime) -> None:
        await gate.call(KeptStore(gate.store.database).keep, lease_id, until, now)
        self._until[lease_id] = until

    async def take_back(self, gate: Any, lease_id: str) -> None:
        await gate.call(KeptStore(gate.store.database).take_back, lease_id)
        self._until.pop(lease_id, None)


def known_kept(settings: MutableMapping[str, Any]) -> KnownKept:
    """The Hub's one: handlers and the culler share its settings."""
    known: KnownKept = settings.setdefault(SETTING, KnownKept())
    return known
