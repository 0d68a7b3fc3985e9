"""Waiting in line, as plain forms: they work without JavaScript."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.approvals.handlers import choice_of
from hub_extensions.audit.entry import Action, Way
from hub_extensions.audit.record import record
from hub_extensions.notices.store import Notices
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed
from hub_extensions.page_frame.notice import Notice, Tone
from hub_extensions.page_frame.render import render
from hub_extensions.page_frame.server import ServerState
from hub_extensions.queue.desk import LineDesk
from hub_extensions.queue.told import removed
from hub_extensions.queue.view import AWAY_NOTICE, DONE, OFF_NOTICE, PlaceView, QueuePage, warned
from hub_extensions.queue.words import NotPossible
from profiles.refusal import Reason, Refusal
from profiles.waiting import Waiting


class LineHandler(PageHandler, BaseHandler):
    """GET: one's own places. What lets a person start machines lets them wait for some."""

    @property
    def desk(self) -> LineDesk:
        return LineDesk(self)

    @property
    def root(self) -> str:
        return url_path_join(self.hub.base_url, "queue")

    @web.authenticated
    def get(self) -> Any:
        return self._get(user_name=self.current_user.name)

    @needs_scope("servers")
    async def _get(self, user_name: str) -> None:
        await self.show(OFF_NOTICE if self.desk.off else DONE.get(self.get_argument("done", "")))

    async def show(self, notice: Notice | None) -> None:
        user = self.current_user
        places: tuple[PlaceView, ...] = ()
        try:
            places = await self.desk.places(user)
        except DatabaseAway:
            self.set_status(503)
            notice = AWAY_NOTICE
        if notice is DONE["joined"] and not any(each.until is None for each in places):
            notice = None  # the page was loaded again, and by now there is nobody in line
        page = QueuePage(
            places=places,
            xsrf=self.xsrf,
            leave=f"{self.root}/leave",
            choose=self.hub_path("spawn", user),
            notice=notice,
            starting=self._starting(user),
        )
        self.set_header("Cache-Control", "no-store")
        remuda = framed("Waiting in line", render("queue.html", page=page), page.refresh_s)
        self.finish(await self.render_template("remuda_page.html", remuda=remuda))

    def _starting(self, user: Any) -> dict[str, str]:
        names = ["", *(name for name in user.orm_user.orm_spawners if name)]
        return {
            name: self.links(user, name).follow
            for name in names
            if self.state_of(user, user.spawners[name]) is ServerState.STARTING
        }

    def field(self, name: str) -> str:
        """What is not UTF-8 becomes a character that no name has."""
        return self.request.body_arguments.get(name, [b""])[-1].decode("utf8", "replace")

    async def refused(self, why: NotPossible | Refusal) -> None:
        if isinstance(why, NotPossible):
            self.set_status(why.status)
            await self.show(warned(why))
            return
        self.set_status(403 if why.reason is Reason.FORBIDDEN_PROFILE else 400)
        await self.show(Notice(why.sentence, why.remedy, str(why.reason), Tone.WARNING))


class JoinHandler(LineHandler):
    """POST `wait` (start it for me) or `tell`, each with the machine's id, and that machine's options as the cards
    name them."""

    @web.authenticated
    def get(self, user_name: str = "", server_name: str = "") -> Any:
        self.redirect(self.root)

    @web.authenticated
    def post(self, user_name: str, server_name: str = "") -> Any:
        return self._post(user_name=user_name, server_name=server_name)

    @needs_scope("servers")
    async def _post(self, user_name: str, server_name: str) -> None:
        user = self.user_named(user_name)
        if server_name and server_name not in user.orm_user.orm_spawners:
            await self._check_named_server_request(user, server_name, server_name)
        profile = self.field("wait") or self.field("tell") or self.field("profile")
        choice = choice_of(self.request.body_arguments, profile)
        outcome = await self.desk.join(user.spawner, choice, itself=not self.field("tell"), server=server_name)
        if not isinstance(outcome, Waiting):
            await self.refused(outcome)
            return
        if server_name:
            user.get_or_create_spawner(server_name, server_name)
        self.log.info("%s waits in line for %s", user_name, outcome.request.display_name)
        own = user.name == self.current_user.name
        self.redirect(
            url_concat(self.root, {"done": "joined"}) if own else self.hub_path("spawn", user, server_name), status=303
        )


class LeaveHandler(LineHandler):
    """POST `leave`, the place's id; `?next=` leads back."""

    @web.authenticated
    def get(self) -> Any:
        self.redirect(self.root)

    @web.authenticated
    async def post(self) -> None:
        place = self.field("leave")
        try:
            owner = await owner_of(self, place)
        except DatabaseAway:
            self.set_status(503)
            await self.show(AWAY_NOTICE)
            return
        await self._post(place, user_name=owner or self.current_user.name)

    @needs_scope("servers")
    async def _post(self, place: str, user_name: str) -> None:
        outcome = await self.desk.leave(place, user_name)
        if isinstance(outcome, NotPossible):
            await self.refused(outcome)
            return
        await left(self, outcome, Way.PAGE)
        back = self._validate_next_url(self.get_argument("next", ""))
        self.redirect(back or url_concat(self.root, {"done": "left"}), status=303)


async def owner_of(handler: Any, place: str) -> str:
    """Raises `DatabaseAway`."""
    line = await LineDesk(handler).line()
    return next((each.request.person.name for each in line if each.id == place), "")


async def left(handler: Any, waiting: Waiting, way: Way) -> None:
    """Who takes somebody else out of the line is noted, and that person is told."""
    name, actor = waiting.request.person.name, handler.current_user.name
    handler.log.info("%s left the line for %s", name, waiting.request.display_name)
    if name == actor:
        return
    gate, now = gate_of(handler.settings), handler.now
    details = {"server": waiting.request.server, "machine": waiting.request.display_name}
    await record(gate, actor, Action.PLACE_REMOVED, name, details, now, way)
    try:
        await gate.call(Notices(gate.store.database).post_all, [removed(waiting, actor, now)], now)
    except DatabaseAway:
        handler.log.warning("%s could not be told that they were taken out of the line", name)
