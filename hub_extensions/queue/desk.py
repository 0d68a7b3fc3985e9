"""The line as pages, cards and the REST API use it: one reading, the same sentences."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.queue.forecast import Forecast, forecast_of
from hub_extensions.queue.store import Line, Picture
from hub_extensions.queue.view import PlaceView, own, place_view
from hub_extensions.queue.words import AWAY, NO_LINE, NotPossible
from profiles.admission import Decision
from profiles.choice import MachineChoice
from profiles.frozen import EMPTY
from profiles.lease import KEPT, Request
from profiles.plan import MachinePlan
from profiles.refusal import Refusal
from profiles.resolve import resolve
from profiles.turns import can_wait, waits_for
from profiles.waiting import Waiting

K = TypeVar("K")


@dataclass(frozen=True)
class OnCards(Generic[K]):
    """By variant: what waiting for it would be like, and the place that one has."""

    waits: Mapping[K, str] = field(default_factory=lambda: EMPTY)
    places: Mapping[K, PlaceView] = field(default_factory=lambda: EMPTY)
    picture: Picture | None = None


class LineDesk:
    """Of one request. `handler` is a `PageHandler`."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self._gate = gate_of(handler.settings)

    @property
    def off(self) -> bool:
        return self._gate is None

    @property
    def _line(self) -> Line:
        return Line(self._gate.store)

    @property
    def _forecast(self) -> Forecast:
        return forecast_of(self._handler.settings)

    async def join(
        self, spawner: Any, choice: MachineChoice, *, itself: bool, server: str
    ) -> Waiting | NotPossible | Refusal:
        """Wait for this machine, for this server, which need not be there yet: `spawner` is any of the same person."""
        if self.off or spawner.catalog is None:
            return NO_LINE
        plan = resolve(spawner.catalog, choice, spawner.person)
        if isinstance(plan, Refusal):
            return plan
        now, place = self._handler.now, uuid.uuid4().hex
        request = Request.of(KEPT + place, spawner.person, server, plan)
        wanted = Waiting(
            id=place,
            request=request,
            options=plan.options,
            joined_at=now,
            starts_itself=itself,
            run_for=plan.run_for,
        )
        try:
            outcome: Waiting | NotPossible = await self._gate.call(
                self._line.join, wanted, spawner.catalog.policies, now
            )
        except DatabaseAway:
            return AWAY
        self._gate.freed.set()  # what is lent may be wanted back for it
        return outcome

    async def leave(self, place: str, user: str | None) -> Waiting | NotPossible:
        if self.off:
            return NO_LINE
        try:
            outcome: Waiting | NotPossible = await self._gate.call(self._line.leave, place, user)
        except DatabaseAway:
            return AWAY
        self._gate.freed.set()
        return outcome

    async def line(self) -> tuple[Waiting, ...]:
        """Raises `DatabaseAway`."""
        return () if self.off else await self._gate.call(self._line.line)

    async def places(self, user: Any) -> tuple[PlaceView, ...]:
        """All that one waits for. Raises `DatabaseAway`."""
        if self.off or user.spawner.catalog is None:
            return ()
        if not own(await self.line(), user.name):
            return ()
        picture: Picture = await self._gate.call(self._line.picture)
        return await self.views(user, own(picture.line, user.name), picture)

    async def views(self, user: Any, waiting: Iterable[Waiting], picture: Picture) -> tuple[PlaceView, ...]:
        now, policies = self._handler.now, user.spawner.catalog.policies
        await self._forecast.look(self._gate, now)
        # With thousands of machines it takes a tenth of a second, for which nobody else waits.
        said = [
            (each, await asyncio.to_thread(self._forecast.place, each, picture, policies, now)) for each in waiting
        ]
        return tuple(
            place_view(each, sentence, now, policies.timezone, self._start_of(user, each.request.server))
            for each, sentence in said
        )

    async def on_cards(
        self, user: Any, spawner: Any, plans: Mapping[K, MachinePlan], decisions: Mapping[K, Decision]
    ) -> OnCards[K]:
        """Nothing while the books are away: the cards say that otherwise."""
        try:
            picture: Picture = await self._gate.call(self._line.picture)
            mine = [
                each
                for each in own(picture.line, spawner.person.name)
                if each.request.server == (spawner.name or "")
            ]
            views = await self.views(user, mine, picture) if mine else ()
            waitable = {key: each for key, each in decisions.items() if can_wait(each)}
            if waitable:
                await self._forecast.look(self._gate, self._handler.now)
        except DatabaseAway:
            return OnCards()
        places = {}
        for waiting, view in zip(mine, views, strict=True):
            for key, plan in plans.items():
                if (plan.profile_id, dict(plan.options)) == (waiting.request.profile, dict(waiting.options)):
                    places[key] = view
        policies, now = spawner.catalog.policies, self._handler.now
        if not policies.queue.enabled:
            return OnCards(EMPTY, places, picture)
        waits = {}
        for key, decision in waitable.items():
            if key in plans and key not in places:
                request = Request.of("would-be", spawner.person, spawner.name or "", plans[key])
                asked = request, waits_for(decision), picture, policies, now
                waits[key] = await asyncio.to_thread(self._forecast.would_be, *asked)
        return OnCards(waits, places, picture)

    def _start_of(self, user: Any, server: str) -> str:
        known = server in user.orm_user.orm_spawners or not server
        running = known and user.spawners[server].ready
        return str(self._handler.hub_path("switch" if running else "spawn", user, server))
