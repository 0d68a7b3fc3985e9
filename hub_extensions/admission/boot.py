"""What happens when the Hub boots: one database, one gate for spawners and pages, and the task that keeps books."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hub_extensions.admission.currencies import warn_of_currencies
from hub_extensions.admission.database import Database
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.memory import set_aside_what_stays
from hub_extensions.admission.place import admission_url
from hub_extensions.admission.store import Store
from hub_extensions.admission.task import FirstLook, keep_books
from hub_extensions.page_frame.gate import SETTING
from hub_extensions.shares_api.metrics import decided
from hub_extensions.startup import when_hub_is_up
from profiles.admission import Decision, Deny
from profiles.lease import EndReason, Request
from profiles.model import Catalog
from profiles.policy import Policies
from profiles.refusal import Reason, Refusal

#: How long a start waits for the first comparison of leases and servers after the Hub's own start.
FIRST_LOOK_S = 30.0
HUBS_DEFAULT = "sqlite:///jupyterhub.sqlite"


def register_gate(c: Any, catalog: Catalog, url: str | None = None) -> None:
    """`url` None: beside the Hub's own database, as `c.JupyterHub.db_url` has it by now. Raises `place.NoPlace`."""
    from hub_extensions.approvals.store import grants_of  # which stand on this package
    from hub_extensions.queue.task import attend
    from hub_extensions.reservations.warming import keep_nodes_warm

    hub_db = c.JupyterHub.db_url
    place = admission_url(hub_db if isinstance(hub_db, str) else HUBS_DEFAULT, url or "")
    gate = SqlGate(
        Store(Database(place), grants_of, catalog.currency),
        policies=lambda: catalog.policies,
        clock=lambda: datetime.now(UTC),
    )
    look = FirstLook()
    at_the_door = ReconciledGate(gate, look, lambda: catalog.policies)
    if when_hub_is_up(partial(keep_books, gate=gate, policies=catalog.policies, look=look)):
        c.Spawner.gate = lambda: at_the_door
        c.JupyterHub.tornado_settings.update({SETTING: gate})
        when_hub_is_up(partial(attend, gate=gate, catalog=catalog, look=look))
        when_hub_is_up(partial(keep_nodes_warm, gate=gate, catalog=catalog))
        when_hub_is_up(partial(set_aside_what_stays, look=look))
        when_hub_is_up(partial(warn_of_currencies, gate=gate, currency=catalog.currency))


class ReconciledGate:
    """No start is granted before the books have been compared with what runs: a Hub that was away may have missed
    ends and starts."""

    def __init__(self, gate: SqlGate, look: FirstLook, policies: Callable[[], Policies]) -> None:
        self._gate, self._look, self._policies = gate, look, policies

    async def admit(self, request: Request) -> Decision:
        begun = time.monotonic()
        decision = await self._admit(request)
        decided(decision, time.monotonic() - begun)
        return decision

    async def _admit(self, request: Request) -> Decision:
        try:
            await self._look.wait(FIRST_LOOK_S)
        except TimeoutError:
            policies = self._policies()
            if not policies.empty and policies.when_unavailable == "refuse":
                return Deny(NOT_YET, rule="")
            logging.getLogger(__name__).warning("Leases are not compared with what runs yet; admitting anyway")
        if not self._look.done and self._look.away is not None:
            return self._gate.while_away(request, self._look.away)
        return await self._gate.admit(request)

    async def foresee(self, request: Request) -> Decision:
        return await self._gate.foresee(request)

    async def began(self, lease_id: str, at: datetime) -> None:
        await self._gate.began(lease_id, at)

    async def ended(self, lease_id: str, at: datetime, reason: EndReason) -> bool:
        return await self._gate.ended(lease_id, at, reason)


NOT_YET = Refusal(
    Reason.ADMISSION_UNAVAILABLE,
    "The hub has just come back and does not know yet which machines run.",
    "Try again in a minute; nothing of yours was stopped.",
)
