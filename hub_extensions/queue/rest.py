"""The same over REST."""

from __future__ import annotations

from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import Scope, needs_scope
from jupyterhub.user import User
from tornado import web

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.approvals.rest import options_of
from hub_extensions.audit.entry import Way
from hub_extensions.page_frame.hub import PageHandler
from hub_extensions.queue.api import NewPlace, PlaceFacts, Places
from hub_extensions.queue.desk import LineDesk
from hub_extensions.queue.handlers import left, owner_of
from hub_extensions.queue.words import AWAY, NO_LINE, NO_PLACE, NotPossible
from hub_extensions.shares_api.body import body_of
from hub_extensions.shares_api.operation import dumped
from profiles.choice import MachineChoice, readable_run_for
from profiles.quantity import Duration
from profiles.refusal import Reason, Refusal
from profiles.waiting import Waiting


class LineApiHandler(PageHandler, APIHandler):
    @property
    def desk(self) -> LineDesk:
        return LineDesk(self)

    def own_name(self) -> str:
        if not isinstance(self.current_user, User):
            raise web.HTTPError(403, "Places in line belong to people: use a person's own token.")
        return str(self.current_user.name)

    def refuse(self, why: NotPossible | Refusal) -> None:
        forbidden = isinstance(why, Refusal) and why.reason is Reason.FORBIDDEN_PROFILE
        status = why.status if isinstance(why, NotPossible) else 403 if forbidden else 400
        self.set_status(status)
        self.write({"status": status, "message": why.message, "reason": str(why.reason)})


class QueueApiHandler(LineApiHandler):
    """GET: one's own, or everybody's. POST: join."""

    def get(self) -> Any:
        return self._all() if self.get_argument("all", "0") == "1" else self._get(user_name=self.own_name())

    def post(self) -> Any:
        return self._post(user_name=self.own_name())

    @needs_scope("servers")
    async def _get(self, user_name: str) -> None:
        if self.desk.off:
            self.refuse(NO_LINE)
            return
        user = self.user_named(user_name)
        try:
            line, said = await self._seen(user)
        except DatabaseAway:
            self.refuse(AWAY)
            return
        mine = [each for each in line if each.request.person.name == user_name]
        self._answer(Places(places=[PlaceFacts.of(each, line, said.get(each.id)) for each in mine]))

    async def _all(self) -> None:
        if any(self.parsed_scopes.get(scope) is not Scope.ALL for scope in ("list:users", "servers")):
            raise web.HTTPError(403, "Everybody's places are for administrators.")
        try:
            line = await self.desk.line()
        except DatabaseAway:
            self.refuse(AWAY)
            return
        self._answer(Places(places=[PlaceFacts.of(each, line) for each in line]))

    @needs_scope("servers")
    async def _post(self, user_name: str) -> None:
        sent = body_of(self, NewPlace)
        user = self.user_named(user_name)
        if sent.server and sent.server not in user.orm_user.orm_spawners:
            raise web.HTTPError(404, f"{user.name} has no server of that name.")
        run_for = readable_run_for(sent.run_for, otherwise=Duration(0))
        choice = MachineChoice(sent.profile or None, options_of(sent.options) or {}, run_for=run_for)
        outcome = await self.desk.join(user.spawner, choice, itself=sent.starts_itself, server=sent.server)
        if not isinstance(outcome, Waiting):
            self.refuse(outcome)
            return
        self.set_status(201)
        try:
            line, said = await self._seen(user)
        except DatabaseAway:
            line, said = (outcome,), {}
        self._answer(PlaceFacts.of(outcome, line, said.get(outcome.id)))

    async def _seen(self, user: Any) -> tuple[tuple[Waiting, ...], dict[str, str]]:
        """The line, and what is said of each of this person's places in it."""
        return await self.desk.line(), {each.id: each.sentence for each in await self.desk.places(user)}

    def _answer(self, answer: Any) -> None:
        self.set_header("Cache-Control", "no-store")
        self.write(dumped(answer))


class PlaceApiHandler(LineApiHandler):
    """DELETE: leave. Others' places are administrators' to remove."""

    async def delete(self, place: str) -> None:
        if self.current_user is None:
            raise web.HTTPError(403, "Log in, or send a token.")
        try:
            owner = await owner_of(self, place)
        except DatabaseAway:
            self.refuse(AWAY)
            return
        if not owner:
            self.refuse(NO_PLACE)
            return
        await self._delete(place, user_name=owner)

    @needs_scope("servers")
    async def _delete(self, place: str, user_name: str) -> None:
        outcome = await self.desk.leave(place, user_name)
        if isinstance(outcome, NotPossible):
            self.refuse(outcome)
            return
        await left(self, outcome, Way.REST)
        self.set_status(204)
