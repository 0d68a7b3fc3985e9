"""`/hub/capacity`: who uses what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import Scope
from jupyterhub.utils import maybe_future
from tornado import web

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.capacity.view import AWAY, NO_GATE, CapacityPage, ShowHolders, Viewer, pools_of
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed
from hub_extensions.page_frame.meters import budget_meters, quota_meters, unique
from hub_extensions.page_frame.render import render
from hub_extensions.spawn_page.view import on_offer
from profiles.amounts import Amounts


def sees_all(handler: Any) -> bool:
    """Whether whoever asks may list all users: an administrator, or a service with the scope."""
    return handler.parsed_scopes.get("list:users") is Scope.ALL


def viewer_of(handler: Any, user: Any) -> Viewer:
    person, catalog = user.spawner.person, user.spawner.catalog
    shown = ShowHolders(catalog.policies.show_holders) if catalog else ShowHolders.ADMINS
    return Viewer(person.name, person.groups, sees_all(handler), shown)


async def room_of(spawner: Any) -> Mapping[str, Amounts] | None:
    """What each pool's nodes have in all, where this kind of spawner knows."""
    ask = getattr(spawner, "pool_capacity", None)
    return None if ask is None else await maybe_future(ask())


class CapacityHandler(PageHandler, BaseHandler):
    @web.authenticated
    async def get(self) -> None:
        page = await self._page(self.current_user)
        remuda = framed("Who uses what", render("capacity.html", page=page))
        self.finish(await self.render_template("remuda_page.html", remuda=remuda))

    async def _page(self, user: Any) -> CapacityPage:
        gate, spawner, now = gate_of(self.settings), user.spawner, self.now
        if gate is None or spawner.catalog is None:
            return CapacityPage((), notice=NO_GATE)
        try:
            leases = await gate.call(gate.store.leases)
        except DatabaseAway:
            return CapacityPage((), notice=AWAY)
        decisions = await self.foreseen(spawner, on_offer(spawner.catalog, spawner.person))
        standings, balances = unique(decisions.values())
        viewer = viewer_of(self, user)
        return CapacityPage(
            pools=pools_of(leases, spawner.catalog, viewer, now, await room_of(spawner)),
            quotas=quota_meters(standings, spawner.catalog, user.name),
            budgets=budget_meters(balances, spawner.catalog, user.name),
            private=not viewer.sees_all and viewer.shown is not ShowHolders.EVERYONE,
        )
