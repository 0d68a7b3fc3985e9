"""The home page, the Stop button, and the same facts as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.pages import HomeHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.user import User
from jupyterhub.utils import url_path_join
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.longer import latest
from hub_extensions.approvals.notices import notices_for
from hub_extensions.keep_on.known import known_kept
from hub_extensions.keep_on.longer import LongerForm, as_offered_now, longer_form
from hub_extensions.keep_on.view import KeepForm, keep_form
from hub_extensions.machine_home.view import HomePage, machine_facts, server_view
from hub_extensions.notices.handlers import for_home
from hub_extensions.notices.view import NOTHING
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed
from hub_extensions.page_frame.notice import Notice, Tone, notice_of
from hub_extensions.page_frame.render import render
from hub_extensions.page_frame.server import ServerNow, ServerState
from hub_extensions.queue.desk import LineDesk
from hub_extensions.queue.view import PlaceView
from profiles.frozen import EMPTY
from profiles.lease import Lease
from profiles.refusal import Refusal

#: Seconds a Stop may take before its page is shown: most stops are over by then, and need no second page.
STOP_PATIENCE_S = 1.0


class HomePageHandler(PageHandler, HomeHandler):
    #: What has been answered to this person, and who waits for them.
    _news: tuple[Notice, ...] = ()
    _told = NOTHING
    _waiting: tuple[PlaceView, ...] = ()
    #: What is out, by its start's id; empty where nothing of it may be kept on.
    _leases: Mapping[str, Lease] = EMPTY

    #: Until when machines with an end may run instead, by their starts' ids.
    _latest: Mapping[str, datetime | None] = EMPTY

    @web.authenticated
    async def get(self) -> None:
        spawner = self.current_user.spawner
        if spawner.catalog is not None:
            policies = spawner.catalog.policies
            self._news = await notices_for(gate_of(self.settings), spawner.person, policies, self.now)
        await self._look_what_is_kept()
        self._told = (await for_home(self, self.current_user.name)).beside(self._running())
        with suppress(DatabaseAway):
            self._waiting = await LineDesk(self).places(self.current_user)
        await super().get()

    def _running(self) -> set[str]:
        """The starts of this person's machines, which are their leases."""
        machines = [spawner.machine for spawner in self.current_user.spawners.values() if spawner.active]
        return {machine.spawn_id for machine in machines if machine is not None}

    async def _look_what_is_kept(self) -> None:
        """Only for who has a machine that may be kept on, or stops by itself. While the books are away nothing can be
        chosen."""
        gate, user = gate_of(self.settings), self.current_user
        running = [each for each in user.spawners.values() if each.ready and each.machine is not None]
        ending = [each for each in running if each.machine.max_lifetime_s]
        if gate is None or not (ending or any(each.machine.keep_alive_at_most_s for each in running)):
            return
        try:
            await known_kept(self.settings).look(gate, self.now)
            self._leases = {lease.id: lease for lease in await gate.call(gate.store.leases)}
            self._latest = {each.machine.spawn_id: await self._last_moment(gate, each) for each in ending}
        except DatabaseAway as e:
            self.log.warning("What may be kept on is not known at present: %s", e)

    def _keep_form(self, user: Any, server: ServerNow) -> KeepForm | None:
        machine, catalog = server.machine, user.spawner.catalog
        lease = self._leases.get(machine.spawn_id) if machine is not None else None
        if lease is None or catalog is None or server.state is not ServerState.RUNNING:
            return None
        action = self.hub_path("keep-on", user, server.name)
        return keep_form(machine, lease, server.kept_until, catalog.policies.timezone, action, self.now)

    async def _last_moment(self, gate: Any, spawner: Any) -> datetime | None:
        machine, catalog = spawner.machine, spawner.catalog
        if catalog is None:
            return None
        wanted = as_offered_now(catalog, spawner.person, machine, spawner.name or "")
        if isinstance(wanted, Refusal):
            return None
        last: datetime | None = await gate.call(latest, gate.store, wanted, catalog.policies, self.now)
        return last

    def _longer_form(self, user: Any, server: ServerNow) -> LongerForm | None:
        machine, catalog = server.machine, user.spawner.catalog
        if machine is None or catalog is None or server.state is not ServerState.RUNNING:
            return None
        lease, last = self._leases.get(machine.spawn_id), self._latest.get(machine.spawn_id)
        action = self.hub_path("run-until", user, server.name)
        return longer_form(lease, last, catalog.policies.timezone, action, self.now)

    def render_template(self, name: str, sync: bool = False, **ns: Any) -> Any:
        if name == "home.html":
            page = self._home(ns["user"], ns["named_server_limit_per_user"])
            ns["remuda"] = framed("Home", render("home.html", page=page), page.refresh_s)
        return super().render_template(name, sync, **ns)

    def _home(self, user: Any, named_limit: int) -> HomePage:
        def view(server_name: str) -> Any:
            server = self.server_now(user, server_name)
            shown = server_view(server, user.spawner.catalog, self.now)
            return replace(shown, keep=self._keep_form(user, server), longer=self._longer_form(user, server))

        def named(server_name: str) -> Any:
            why = self._why_not_running(user, user.spawners[server_name])
            return replace(view(server_name), why=why.sentence if why else "")

        names = sorted(name for name in user.orm_user.orm_spawners if name) if self.allow_named_servers else []
        return HomePage(
            greeting="Your machine",
            server=view(""),
            xsrf=self.xsrf,
            notice=self.passed_notice or self._why_not_running(user, user.spawner),
            news=self._news,
            told=self._told,
            named=tuple(named(name) for name in names),
            named_allowed=self.allow_named_servers,
            named_limit=named_limit,
            waiting=self._waiting,
            leave_line=url_path_join(self.hub.base_url, "queue", "leave"),
        )

    def _why_not_running(self, user: Any, spawner: Any) -> Notice | None:
        """Until the next start: what ended the last one, or kept it from starting."""
        stopped = self.state_of(user, spawner) is ServerState.STOPPED
        return notice_of(spawner.failure, Tone.WARNING) if stopped else None


class StopHandler(PageHandler, BaseHandler):
    """Stop a running machine, or cancel a start; a plain form posts here, so that it works without JavaScript."""

    @web.authenticated
    def post(self, user_name: str | None = None, server_name: str = "") -> Any:
        return self._post(user_name=user_name or self.current_user.name, server_name=server_name)

    @needs_scope("delete:servers")
    async def _post(self, user_name: str, server_name: str) -> None:
        user = self.user_named(user_name)
        spawner = self.spawner_named(user, server_name)
        if self.switches.get((user.name, server_name)) and not spawner._spawn_pending:
            self.follow(user, server_name, "already-switching")
            return
        notice = await self._stop(user, spawner)
        home = self.links(user, server_name).home
        own = user.name == self.current_user.name
        self.redirect(url_concat(home, {"notice": notice} if own and notice else {}))

    async def _stop(self, user: Any, spawner: Any) -> str:
        """The code of the notice for the next page; empty while the stop goes on, which the page shows itself."""
        if spawner.pending == "spawn":
            start = spawner._spawn_future
            if start is not None and not start.done():
                start.cancel()
                await asyncio.wait([start], timeout=STOP_PATIENCE_S)
        if spawner.pending:
            return ""
        if not spawner.active and await spawner.poll() is not None:
            return "stopped"
        stop = asyncio.ensure_future(self.stop_single_user(user, spawner.name))
        done, _ = await asyncio.wait([stop], timeout=STOP_PATIENCE_S)
        if not done:
            return ""
        if stop.exception() is not None:
            self.log.error("Stopping %s failed: %s", spawner._log_name, stop.exception())
            return "stop-failed"
        return "" if spawner.active else "stopped"


class MachineFactsHandler(PageHandler, APIHandler):
    """GET: the machine behind a server. A server's own token may ask about that server."""

    def get(self, user_name: str | None = None, server_name: str = "") -> Any:
        if user_name is None:
            if not isinstance(self.current_user, User):
                raise web.HTTPError(403, "Name a user: this token belongs to none.")
            user_name = self.current_user.name
        return self._get(user_name=user_name, server_name=server_name)

    @needs_scope("read:servers", "access:servers")
    async def _get(self, user_name: str, server_name: str) -> None:
        user = self.find_user(user_name)
        if user is None or (server_name and server_name not in user.orm_user.orm_spawners):
            raise web.HTTPError(404, "No such server")
        server = self.server_now(user, server_name)
        self.write(machine_facts(server, user.spawners[server_name].catalog, self.now))
