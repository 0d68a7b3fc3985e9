"""Machines say what they used; people read it on a receipt."""

from __future__ import annotations

from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from tornado import web

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.capacity.handlers import sees_all
from hub_extensions.capacity.view import AWAY, NO_GATE
from hub_extensions.measured.decide import NotTaken, read
from hub_extensions.measured.inbox import inbox_of
from hub_extensions.measured.receipt import Smaller, smaller
from hub_extensions.measured.store import MeasuredStore
from hub_extensions.measured.view import MISSING, ReceiptPage, receipt_page
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed
from hub_extensions.page_frame.notice import Notice
from hub_extensions.page_frame.render import render
from hub_extensions.spawn_page.view import on_offer
from hub_extensions.usage.scope import Whose, may_see_each
from hub_extensions.usage.sums import so_far
from hub_extensions.usage.view import ENDS, paid
from profiles.lease import Entry


class MeasuredHandler(PageHandler, APIHandler):
    """POST: what a machine used so far. The scope is that of activity: a server's own token has it, for its owner."""

    @needs_scope("users:activity")
    async def post(self, user_name: str, server_name: str = "") -> None:
        gate, user = gate_of(self.settings), self.find_user(user_name)
        if gate is None or user is None or (server_name and server_name not in user.orm_user.orm_spawners):
            raise web.HTTPError(404, NO_GATE.sentence if gate is None else "No such server")
        spawner = user.spawners[server_name]
        taken = read(self.get_json_body(), spawner.machine if spawner.active else None, self.now)
        if isinstance(taken, NotTaken):
            raise web.HTTPError(taken.status, taken.sentence)
        inbox = inbox_of(self.settings)
        inbox.put(taken)
        if spawner.pending == "stop":  # its last one: nothing repeats it if this Hub ends before it writes
            await self._write_now(inbox, gate)
        self.set_status(204)
        self.finish()

    async def _write_now(self, inbox: Any, gate: Any) -> None:
        try:
            await inbox.write(gate, self.now)
        except DatabaseAway as e:
            self.log.warning("What a machine used is written later: %s", e)


class ReceiptHandler(PageHandler, BaseHandler):
    @web.authenticated
    async def get(self, lease_id: str) -> None:
        gate = gate_of(self.settings)
        if gate is None or self.current_user.spawner.catalog is None:
            self._say(404, NO_GATE)
            return
        try:
            await inbox_of(self.settings).write(gate, self.now)
            entry, measured = await gate.call(MeasuredStore(gate.store.database).receipt, lease_id)
            lease = entry.lease if entry else await gate.call(running, gate.store, lease_id)
        except DatabaseAway:
            self._say(503, AWAY)
            return
        if lease is None or not may_see_each(Whose("user", lease.user), self.current_user.name, sees_all(self)):
            self._say(404, MISSING)
            return
        charge = entry.charge if entry else so_far(lease, self.now)
        cost = paid(charge, lease.price_per_hour.currency)
        page = receipt_page(
            lease,
            charge,
            ended=entry.ended_at if entry else None,
            how=ENDS[entry.reason] if entry else "",
            measured=measured,
            smaller=self._smaller(entry, measured) if entry else None,
            cost=cost if entry else f"{cost} so far",
            now=self.now,
            timezone=self.timezone,
        )
        self._show(page.heading, page)

    @property
    def _usage(self) -> str:
        return url_path_join(self.hub.base_url, "usage")

    def _smaller(self, entry: Entry, measured: Any) -> Smaller | None:
        """Of the machines that the session's owner could take today."""
        owner = self.find_user(entry.lease.user)
        if owner is None:
            return None
        catalog = owner.spawner.catalog
        return smaller(entry, measured, on_offer(catalog, owner.spawner.person).values(), catalog.policies)

    def _say(self, status: int, notice: Notice) -> None:
        self.set_status(status)
        self._show("Receipt", None, notice)

    def _show(self, heading: str, page: ReceiptPage | None, notice: Notice | None = None) -> None:
        html = render("receipt.html", page=page, notice=notice, usage_href=self._usage)
        self.finish(self.render_template("remuda_page.html", sync=True, remuda=framed(heading, html)))


def running(store: Any, lease_id: str) -> Any:
    """Runs in the gate's thread."""
    return next((lease for lease in store.leases() if lease.id == lease_id and lease.began_at is not None), None)
