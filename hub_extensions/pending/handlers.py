"""JupyterHub's pending page, its progress stream and its "not running" page, in plain words."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from jupyterhub.apihandlers.users import SpawnProgressAPIHandler
from jupyterhub.handlers.base import UserUrlHandler
from jupyterhub.handlers.pages import SpawnPendingHandler
from jupyterhub.scopes import needs_scope
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed, last_choice, stored_choice, utc
from hub_extensions.page_frame.machine_words import MachineWords, Moment, life_words, of_plan, of_running
from hub_extensions.page_frame.menu import Menu
from hub_extensions.page_frame.notice import Notice, Tone, notice_of, notice_of_error
from hub_extensions.page_frame.render import render
from hub_extensions.pending import view
from hub_extensions.switch.board import Phase, Switch

REFRESH_S = 3  # without JavaScript
KEEPALIVE_S = 8.0  # as JupyterHub's own stream: proxies close silent connections


class FollowingHandler(PageHandler):
    """Renders JupyterHub's pending, stopping and not-running templates from our views."""

    def render_template(self, name: str, sync: bool = False, **ns: Any) -> Any:
        if name in {"spawn_pending.html", "stop_pending.html"}:
            page = self._pending(ns["user"], ns["spawner"])
            ns["remuda"] = framed(page.title, render("pending.html", page=page), REFRESH_S)
        elif name == "not_running.html":
            stopped = self._not_running(ns["user"], ns.get("server_name") or "", ns.get("exception"))
            ns["remuda"] = framed(stopped.title, render("not_running.html", page=stopped))
        return super().render_template(name, sync, **ns)

    def _pending(self, user: Any, spawner: Any) -> view.PendingPage:
        switch = self.switches.get((user.name, spawner.name))
        stopping = spawner.pending == "stop" or (switch is not None and switch.phase is Phase.STOPPING)
        machine = self._machine(spawner, switch)
        leaving = switch.leaving_name if switch else None
        since = switch.since if switch else utc(spawner.orm_spawner.started)
        return view.PendingPage(
            title=view.pending_title(machine.name if machine else None, leaving, stopping=stopping),
            stopping=stopping,
            machine=machine,
            leaving=leaving,
            since=Moment.past(since, self.now, self.timezone) if since else None,
            progress_url=url_concat(self.hub_path("api/remuda/progress", user, spawner.name), {"_xsrf": self.xsrf}),
            next_url=self._next(user, spawner.name),
            cancel_url=self.links(user, spawner.name).stop,
            xsrf=self.xsrf,
            notice=self.passed_notice,
            message=self._message(spawner, switch, stopping=stopping, since=since),
            life="" if stopping else life_words(spawner.machine),
        )

    def _message(self, spawner: Any, switch: Switch | None, *, stopping: bool, since: datetime | None) -> str:
        """What is going on at this moment, for the page without JavaScript; the stream says more."""
        if stopping:
            return view.stopping_message(switch.leaving_name if switch else None, view.elapsed(since, self.now))
        return str(getattr(spawner, "progress_message", "") or "Asking for the machine …")

    def _machine(self, spawner: Any, switch: Switch | None) -> MachineWords | None:
        if spawner.machine is not None and not (switch and switch.phase is Phase.STOPPING):
            return of_running(spawner.machine, spawner.catalog)
        choice = stored_choice(switch.wanted) if switch else last_choice(spawner)
        plan = Menu(spawner.catalog, spawner.person).plan(choice)
        return of_plan(plan, spawner.catalog) if plan else None

    def _not_running(self, user: Any, server_name: str, error: BaseException | None) -> view.NotRunningPage:
        spawner = user.spawners[server_name]
        next_url = self._validate_next_url(self.get_argument("next", "")) or self._own_request()
        ways = view.Ways(
            menu=Menu(spawner.catalog, spawner.person),
            wanted=last_choice(spawner),
            previous=spawner.last_good_choice,
            action=self.hub_path("spawn", user, server_name, next=next_url),
            xsrf=self.xsrf,
            join=self.hub_path("queue/join", user, server_name) if self._has_line(spawner) else "",
        )
        if error is not None:
            return view.failed_start(ways, notice_of_error(error))
        return view.not_running(ways, notice_of(spawner.failure, Tone.WARNING))

    def _has_line(self, spawner: Any) -> bool:
        catalog = spawner.catalog
        return gate_of(self.settings) is not None and catalog is not None and catalog.policies.queue.enabled

    def _next(self, user: Any, server_name: str) -> str:
        return self._validate_next_url(self.get_argument("next", "")) or user.server_url(server_name)

    def _own_request(self) -> str:
        return ""


class PendingHandler(FollowingHandler, SpawnPendingHandler):
    @web.authenticated
    @needs_scope("servers")
    async def get(self, user_name: str, server_name: str = "") -> None:
        user = self.user_named(user_name)
        spawner = self.spawner_named(user, server_name)
        if self.switches.get((user.name, server_name)) and not spawner.pending:
            # Before the stop and between stop and start JupyterHub knows of nothing that is pending.
            self.finish(await self.render_template("spawn_pending.html", user=user, spawner=spawner))
            return
        await super().get(user_name, server_name)

    def get_next_url(self, user: Any = None, default: str | None = None) -> str:
        """JupyterHub carries this page's query over to a default address; ours means nothing there."""
        return self._validate_next_url(self.get_argument("next", "")) or default or super().get_next_url(user, default)


class UserServerHandler(FollowingHandler, UserUrlHandler):
    """An address of a server that is not running: follow its switch, or offer to start it and come back here."""

    def _own_request(self) -> str:
        return str(self.request.uri)


class ProgressHandler(PageHandler, SpawnProgressAPIHandler):
    """JupyterHub's progress stream, which here begins with the stop of a switch, and ends with a reason code."""

    _furthest = 0

    @needs_scope("read:servers")
    async def get(self, user_name: str, server_name: str = "") -> None:
        user = self.find_user(user_name)
        if user is None or (server_name and server_name not in user.orm_user.orm_spawners):
            raise web.HTTPError(404, "No such server")
        self.set_header("Cache-Control", "no-cache")
        await self._tell_stop(user, server_name)
        if not user.spawners[server_name].active and not user.spawners[server_name]._spawn_future:
            await self.send_event({"progress": 100, "stopped": True, "message": "Stopped."})
            return
        await super().get(user_name, server_name)

    async def _tell_stop(self, user: Any, server_name: str) -> None:
        key = (user.name, server_name)
        while (switch := self.switches.get(key)) and switch.phase is Phase.STOPPING:
            waited = view.elapsed(switch.since, self.now)
            await self._tell(view.stopping_message(switch.leaving_name, waited), waited)
            await self.switches.changed(key, switch, KEEPALIVE_S)
        stop = getattr(user.spawners[server_name], "_stop_future", None)
        began = self.now
        while stop is not None and not stop.done():
            await self._tell(view.stopping_message(None, view.elapsed(began, self.now)), view.elapsed(began, self.now))
            await asyncio.wait([stop], timeout=KEEPALIVE_S)

    async def _tell(self, message: str, waited_s: float) -> None:
        await self.send_event({"progress": min(25, 5 + int(waited_s)), "message": message, "stopping": True})

    async def send_event(self, event: dict[str, Any]) -> None:
        """In plain words, never moving backwards, and with the reason of a failure."""
        event = dict(event)
        if event.get("message") == "Server requested":  # JupyterHub's own first event
            machine = self._spawner.machine
            life = f", {said}" if (said := life_words(machine)) else ""
            event["message"] = f"{machine.display_name if machine else 'The machine'} has been asked for{life}."
        if "progress" in event:
            self._furthest = event["progress"] = max(self._furthest, event["progress"])
        if event.get("failed"):
            event |= view.progress_facts(self._failure())
        await super().send_event(event)

    @property
    def _spawner(self) -> Any:
        user = self.find_user(self.path_args[0])
        return user.spawners[self.path_args[1] if len(self.path_args) > 1 else ""]

    def _failure(self) -> Notice:
        spawner = self._spawner
        future = spawner._spawn_future
        if future is not None and future.done() and not future.cancelled() and future.exception():
            return notice_of_error(future.exception())
        return notice_of(spawner.failure) or notice_of_error(asyncio.CancelledError())
