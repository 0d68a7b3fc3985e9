"""The page of one's notices. Plain forms: it works without JavaScript."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.notices.store import LARGEST_ID, Notices
from hub_extensions.notices.view import AWAY, DONE, OFF, NoticesPage, home_notices, view_of
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed
from hub_extensions.page_frame.notice import Notice
from hub_extensions.page_frame.render import render

#: Whether this Hub sends mail, among its tornado settings.
MAILS = "remuda_notices_by_mail"
SHOWN = 100


class NoticesHandler(PageHandler, BaseHandler):
    """One's own: what lets a person start machines lets them read what they are told. A server's token does not."""

    @property
    def gate(self) -> Any:
        return gate_of(self.settings)

    @property
    def notices(self) -> Notices:
        return Notices(self.gate.store.database)

    @property
    def root(self) -> str:
        return url_path_join(self.hub.base_url, "notices")

    @web.authenticated
    def get(self) -> Any:
        return self._get(user_name=self.current_user.name)

    @needs_scope("servers")
    async def _get(self, user_name: str) -> None:
        await self.show(user_name, DONE.get(self.get_argument("done", "")))

    async def show(self, user_name: str, notice: Notice | None) -> None:
        page = await self._page(user_name, notice)
        self.set_header("Cache-Control", "no-store")
        remuda = framed("Notices", render("notices.html", page=page))
        self.finish(await self.render_template("remuda_page.html", remuda=remuda))

    async def _page(self, user_name: str, notice: Notice | None) -> NoticesPage:
        if self.gate is None:
            return NoticesPage((), 0, self.xsrf, self.root, OFF)
        try:
            kept = await self.gate.call(self.notices.of_user, user_name, SHOWN)
            unread = await self.gate.call(self.notices.unread, user_name)
            mails = self.settings.get(MAILS, False)
            by_mail = await self.gate.call(self.notices.by_mail, user_name) if mails else None
        except DatabaseAway:
            self.set_status(503)
            return NoticesPage((), 0, self.xsrf, self.root, AWAY)
        views = tuple(view_of(each, self.hub.base_url, self.now, self.timezone) for each in kept)
        return NoticesPage(views, unread, self.xsrf, self.root, notice, by_mail, cut=len(kept) == SHOWN)

    async def change(self, user_name: str, function: Any, *args: Any) -> bool:
        """False: it could not be kept, and the page has said so."""
        if self.gate is not None:
            try:
                await self.gate.call(function, user_name, *args)
            except DatabaseAway:
                self.set_status(503)
                await self.show(user_name, AWAY)
                return False
        return True

    def field(self, name: str) -> str:
        return self.request.body_arguments.get(name, [b""])[-1].decode("utf8", "replace")


class ReadHandler(NoticesHandler):
    """`id` of one notice; none: all of them. `back`: to home instead of the list."""

    @web.authenticated
    def get(self) -> Any:
        self.redirect(self.root)

    @web.authenticated
    def post(self) -> Any:
        return self._post(user_name=self.current_user.name)

    @needs_scope("servers")
    async def _post(self, user_name: str) -> None:
        ids: Any = "all"
        if "id" in self.request.body_arguments:
            one = self.field("id")
            ids = [int(one)] if one.isascii() and one.isdigit() and len(one) <= len(str(LARGEST_ID)) else []
        if self.gate is None or await self.change(user_name, self.notices.read, ids, self.now):
            home = url_path_join(self.hub.base_url, "home")
            self.redirect(home if self.field("back") == "home" else self.root, status=303)


class MailHandler(ReadHandler):
    """Whether notices come by mail."""

    @needs_scope("servers")
    async def _post(self, user_name: str) -> None:
        by_mail = self.field("by-mail") == "yes"
        if self.gate is None or await self.change(user_name, self.notices.set_by_mail, by_mail):
            self.redirect(url_concat(self.root, {"done": "mail" if by_mail else "no-mail"}), status=303)


async def for_home(handler: Any, user_name: str) -> Any:
    """What home shows; nothing while the database is away, which home says otherwise."""
    gate, hub = gate_of(handler.settings), handler.hub.base_url
    if gate is None:
        return home_notices((), hub, handler.now, handler.timezone)
    try:
        unread = await gate.call(Notices(gate.store.database).of_user, user_name, SHOWN, unread=True)
    except DatabaseAway:
        unread = ()
    return home_notices(unread, hub, handler.now, handler.timezone)
