"""`/hub/capacity`: who uses what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import Scope, needs_scope
from jupyterhub.utils import maybe_future, url_path_join
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.capacity.asking import LOOK_BACK, TOLD, asking
from hub_extensions.capacity.view import AWAY, NO_GATE, CapacityPage, Known, ShowHolders, Viewer, pools_of
from hub_extensions.measured.figures import ENOUGH_MS
from hub_extensions.measured.store import MeasuredStore
from hub_extensions.notices.store import Notices
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed
from hub_extensions.page_frame.meters import budget_meters, quota_meters, unique
from hub_extensions.page_frame.notice import Notice
from hub_extensions.page_frame.render import render
from hub_extensions.spawn_page.view import on_offer
from profiles.amounts import Amounts
from profiles.borrowing import all_borrowed
from profiles.frozen import EMPTY
from profiles.lease import Lease
from profiles.lease_book import BY_AGE
from profiles.policy import Policies

#: Of an ask that is refused, where it is not 409.
STATUS = {"text-too-long": 400, "too-many-asks": 429}


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
        await self.show(TOLD if self.get_argument("done", "") == "asked" else None)

    async def show(self, notice: Notice | None, typed: Mapping[str, str] = EMPTY) -> None:
        page = await self._page(self.current_user)
        page = replace(page, notice=page.notice or notice, xsrf=self.xsrf, action=f"{self._path}/ask", typed=typed)
        remuda = framed("Who uses what", render("capacity.html", page=page))
        self.set_header("Cache-Control", "no-store")
        self.finish(await self.render_template("remuda_page.html", remuda=remuda))

    @property
    def _path(self) -> str:
        return url_path_join(self.hub.base_url, "capacity")

    async def _page(self, user: Any) -> CapacityPage:
        gate, spawner, now = gate_of(self.settings), user.spawner, self.now
        if gate is None or spawner.catalog is None:
            return CapacityPage((), notice=NO_GATE)
        policies = spawner.catalog.policies
        try:
            leases, known = await gate.call(_known, gate.store, policies)
        except DatabaseAway:
            return CapacityPage((), notice=AWAY)
        decisions = await self.foreseen(spawner, on_offer(spawner.catalog, spawner.person))
        standings, balances = unique(decisions.values())
        viewer = viewer_of(self, user)
        return CapacityPage(
            pools=pools_of(leases, spawner.catalog, viewer, now, await room_of(spawner), known),
            calendar=url_path_join(self.hub.base_url, "reservations") if policies.reservations else "",
            timezone=policies.timezone,
            quotas=quota_meters(standings, spawner.catalog, user.name),
            budgets=budget_meters(balances, spawner.catalog, user.name),
            private=not viewer.sees_all and viewer.shown is not ShowHolders.EVERYONE,
        )


class AskForItHandler(CapacityHandler):
    """Somebody else's machine is asked for; its holder reads it, and decides. A server's own token may not."""

    @web.authenticated
    def get(self) -> Any:
        self.redirect(self._path)

    @web.authenticated
    def post(self) -> Any:
        return self._post(user_name=self.current_user.name)

    @needs_scope("servers")
    async def _post(self, user_name: str) -> None:
        lease_id, message, now = self._field("lease"), self._field("message"), self.now
        gate = gate_of(self.settings)
        if gate is None:
            await self._refused(NO_GATE, 409, lease_id, message)
            return
        try:
            leases = await gate.call(gate.store.leases)
            lease = next((lease for lease in leases if lease.id == lease_id), None)
            judge = partial(_judged, lease, user_name, message, now)
            outcome = await gate.call(Notices(gate.store.database).tell_if, user_name, now - LOOK_BACK, judge)
        except DatabaseAway:
            await self._refused(AWAY, 503, lease_id, message)
            return
        if isinstance(outcome, Notice):
            await self._refused(outcome, STATUS.get(outcome.reason, 409), lease_id, message)
            return
        self.log.info("%s asks %s for %s", user_name, outcome.to, outcome.key)
        self.redirect(url_concat(self._path, {"done": "asked"}), status=303)

    async def _refused(self, notice: Notice, status: int, lease_id: str, message: str) -> None:
        self.set_status(status)
        await self.show(notice, {lease_id: message})

    def _field(self, name: str) -> str:
        """What is not UTF-8 becomes a character that no name has."""
        return self.request.body_arguments.get(name, [b""])[-1].decode("utf8", "replace")


def _judged(lease: Lease | None, sender: str, message: str, now: datetime, sent: tuple[Any, ...]) -> Any:
    return asking(lease, sender, message, sent, now)


def _known(store: Any, policies: Policies) -> tuple[tuple[Lease, ...], Known]:
    """Who holds what, and what else is known of it, in the gate's thread."""
    with store.looking() as books:
        leases = tuple(sorted(books.leases, key=BY_AGE))
        borrowed = frozenset(all_borrowed(policies, books.leases))
        reservations = books.reservations
    with_gpus = [lease.id for lease in leases if lease.amounts.gpus and lease.began_at is not None]
    measured = MeasuredStore(store.database).of(with_gpus) if with_gpus else {}
    unused = frozenset(name for name, each in measured.items() if each.gpus_unused and each.covered_ms >= ENOUGH_MS)
    return leases, Known(reservations, borrowed, unused, policies.timezone)
