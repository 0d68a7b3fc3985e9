"""POST /hub/keep-on[/user[/server]] and /hub/run-until[…]: plain forms on the home page, which work without
JavaScript."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.longer import GONE, NotLonger, lengthen
from hub_extensions.capacity.view import AWAY, NO_GATE
from hub_extensions.keep_on.decide import NotKept, judge, latest, moment_of
from hub_extensions.keep_on.known import known_kept
from hub_extensions.keep_on.longer import as_it_runs, as_offered_now
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler
from profiles.refusal import Refusal


class KeepOnHandler(PageHandler, BaseHandler):
    @web.authenticated
    def post(self, user_name: str | None = None, server_name: str = "") -> Any:
        return self._post(user_name=user_name or self.current_user.name, server_name=server_name)

    @needs_scope("delete:servers")  # whoever may stop it may say when it stops
    async def _post(self, user_name: str, server_name: str) -> None:
        gate, user = gate_of(self.settings), self.user_named(user_name)
        spawner = self.spawner_named(user, server_name)
        if gate is None:
            raise web.HTTPError(404, NO_GATE.sentence)
        try:
            notice = await self._keep(gate, spawner)
        except DatabaseAway as e:
            raise web.HTTPError(503, f"{AWAY.sentence} {AWAY.remedy}") from e
        home, own = self.links(user, server_name).home, user.name == self.current_user.name
        self.redirect(url_concat(home, {"notice": notice} if own else {}))

    async def _keep(self, gate: Any, spawner: Any) -> str:
        """The code of what the next page says."""
        machine, kept = (spawner.machine if spawner.ready else None), known_kept(self.settings)
        if machine is not None and self.get_body_argument("take-back", ""):
            await kept.take_back(gate, machine.spawn_id)
            return "kept-no-longer"
        leases = await gate.call(gate.store.leases) if machine is not None else ()
        lease = next((lease for lease in leases if lease.id == machine.spawn_id), None)
        text, last = self.get_body_argument("until", ""), latest(machine, lease, self.now)
        zone = spawner.catalog.policies.timezone if spawner.catalog is not None else "UTC"
        until = judge(text, machine, last, self.now, zone)
        if isinstance(until, NotKept):
            raise web.HTTPError(until.status, until.sentence)
        await kept.keep(gate, machine.spawn_id, until, self.now)
        return "kept-on"


class LongerHandler(PageHandler, BaseHandler):
    """POST `until`: a machine that was started for some hours runs on until then."""

    @web.authenticated
    def post(self, user_name: str | None = None, server_name: str = "") -> Any:
        return self._post(user_name=user_name or self.current_user.name, server_name=server_name)

    @needs_scope("servers")  # it costs as a start does
    async def _post(self, user_name: str, server_name: str) -> None:
        gate, user = gate_of(self.settings), self.user_named(user_name)
        spawner = self.spawner_named(user, server_name)
        if gate is None or spawner.catalog is None:
            raise web.HTTPError(404, NO_GATE.sentence)
        try:
            refused = await self._lengthen(gate, spawner)
        except DatabaseAway as e:
            raise web.HTTPError(503, f"{AWAY.sentence} {AWAY.remedy}") from e
        if refused is not None:
            raise web.HTTPError(409, f"{refused.sentence} {refused.remedy}".strip())
        home, own = self.links(user, server_name).home, user.name == self.current_user.name
        self.redirect(url_concat(home, {"notice": "runs-longer"} if own else {}))

    async def _lengthen(self, gate: Any, spawner: Any) -> NotLonger | Refusal | None:
        machine, until = (spawner.machine if spawner.ready else None), moment_of(self.get_body_argument("until", ""))
        if until is None:
            raise web.HTTPError(400, "Choose a time from the list.")
        if machine is None:
            return GONE
        wanted = as_offered_now(spawner.catalog, spawner.person, machine, spawner.name or "")
        if isinstance(wanted, Refusal):
            return wanted
        policies = spawner.catalog.policies
        outcome = await gate.call(lengthen, gate.store, wanted, until, policies, self.now)
        if isinstance(outcome, NotLonger):
            return outcome
        if spawner.machine is not None and spawner.machine.spawn_id == outcome.id:
            spawner.machine = as_it_runs(spawner.machine, outcome)
            spawner.orm_spawner.state = spawner.get_state()
            self.db.commit()
        self.log.info("%s runs until %s", spawner._log_name, until)
        return None
