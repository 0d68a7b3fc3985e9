"""`/hub/api/remuda/notices`: one's own notices for programs."""

from __future__ import annotations

from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.user import User
from tornado import web

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.notices.api import MOST, USUAL, NoticeFacts, NoticesChange, OwnNotices
from hub_extensions.notices.store import Notices
from hub_extensions.notices.view import AWAY, OFF
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler
from hub_extensions.shares_api.body import body_of
from hub_extensions.shares_api.operation import dumped


class NoticesApiHandler(PageHandler, APIHandler):
    def get(self) -> Any:
        return self._get(user_name=self._own_name())

    def post(self) -> Any:
        return self._post(user_name=self._own_name())

    @needs_scope("servers")
    async def _get(self, user_name: str) -> None:
        limit = self.get_argument("limit", str(USUAL))
        if not (limit.isascii() and limit.isdigit() and len(limit) < 10 and 1 <= int(limit) <= MOST):
            raise web.HTTPError(400, f"limit is a number from 1 to {MOST}.")
        await self._answer(user_name, int(limit), unread=self.get_argument("unread", "0") == "1")

    @needs_scope("servers")
    async def _post(self, user_name: str) -> None:
        sent = body_of(self, NoticesChange)
        if sent.read is not None:
            await self._call(self._notices.read, user_name, sent.read, self.now)
        if sent.by_mail is not None:
            await self._call(self._notices.set_by_mail, user_name, sent.by_mail)
        await self._answer(user_name, USUAL)

    async def _answer(self, user_name: str, limit: int, *, unread: bool = False) -> None:
        kept = await self._call(self._notices.of_user, user_name, limit, unread=unread)
        answer = OwnNotices(
            unread=await self._call(self._notices.unread, user_name),
            by_mail=await self._call(self._notices.by_mail, user_name),
            notices=[NoticeFacts.of(each, self.hub.base_url) for each in kept],
        )
        self.set_header("Cache-Control", "no-store")
        self.write(dumped(answer))

    @property
    def _notices(self) -> Notices:
        gate = gate_of(self.settings)
        if gate is None:
            raise web.HTTPError(404, OFF.sentence)
        return Notices(gate.store.database)

    async def _call(self, function: Any, *args: Any, **more: Any) -> Any:
        try:
            return await gate_of(self.settings).call(function, *args, **more)
        except DatabaseAway as e:
            raise web.HTTPError(503, f"{AWAY.sentence} {AWAY.remedy}") from e

    def _own_name(self) -> str:
        if not isinstance(self.current_user, User):
            raise web.HTTPError(403, "Notices belong to people: use a person's own token.")
        return str(self.current_user.name)
