"""A start asks the gate before anything is made for it, and the gate hears when it began and when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime
from typing import Any

from traitlets import Any as AnyTrait
from traitlets import HasTraits, validate

from profiles.admission import Deny
from profiles.lease import EndReason, Request
from profiles.plan import MachinePlan
from profiles.ports import Gate
from profiles.refusal import Refusal
from spawner.refused import RefusedStart

#: What is told to the gate after a server's end; nobody else waits for it.
_telling: set[asyncio.Task[None]] = set()


class GateMixin(HasTraits):
    """Behind CatalogMixin. Without a gate everybody may start."""

    gate = AnyTrait(
        None,
        allow_none=True,
        help="""
        Who may start now: a `profiles.ports.Gate`, or a callable that returns one (traitlets copies configured
        objects, but not functions). None: no quotas, budgets or approvals, and no ledger.
        """,
    ).tag(config=True)

    #: The server is confirmed gone: when, and why. Until then a lease stays; a timeout is no confirmation.
    _over: tuple[datetime, EndReason] | None = None
    #: Why it is being stopped, said by whoever stops it; else it was its person.
    told_reason: EndReason | None = None

    @validate("gate")
    def _gate_called(self, proposal: Any) -> Gate | None:
        value = proposal["value"]
        return value() if callable(value) else value

    async def pass_gate(self, plan: MachinePlan) -> None:
        """Raises `RefusedStart`; returns with a hold in the books, and a lifetime no longer than granted."""
        self._over = self.told_reason = None
        if self.gate is None:
            return
        decision = await self.gate.admit(self._request(self.spawn_id, plan))
        if isinstance(decision, Deny):
            self.failure = decision.refusal
            raise RefusedStart(decision.refusal)
        if self.machine is not None:
            if decision.lifetime is not None:
                self.machine = replace(self.machine, max_lifetime_s=int(decision.lifetime.total_seconds()))
            self.machine = replace(self.machine, leaves_at=decision.leaves_at)

    async def gate_foresees(self, plan: MachinePlan) -> Refusal | None:
        """What the gate would say to this machine *instead of* the one that runs now."""
        if self.gate is None:
            return None
        decision = await self.gate.foresee(self._request(self.spawn_id or "foreseen", plan))
        return decision.refusal if isinstance(decision, Deny) else None

    async def tell_gate_it_began(self, at: datetime) -> None:
        if self.gate is not None and self.spawn_id:
            await self.gate.began(self.spawn_id, at)

    def note_reason(self, reason: EndReason) -> None:
        """Said before a stop."""
        self.told_reason = reason

    def note_end(self, at: datetime, reason: EndReason) -> None:
        """It is confirmed gone; the first to know is right about when."""
        if self._over is None:
            self._over = at, self.told_reason or reason

    def clear_state(self) -> None:
        super().clear_state()
        over, self._over = self._over, None
        if self.gate is not None and self.spawn_id and over is not None:
            _tell(self.gate.ended(self.spawn_id, *over))

    def _request(self, lease_id: str, plan: MachinePlan) -> Request:
        return Request.of(lease_id, self.person, self.name or "", plan)


def _tell(telling: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(telling)
    _telling.add(task)
    task.add_done_callback(_telling.discard)
