"""The pages on which people ask for machines, wait, and answer. Plain forms: they work without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from markupsafe import Markup
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.approvals import words
from hub_extensions.approvals.ask import Ask, Note
from hub_extensions.approvals.decide import Said, may_answer
from hub_extensions.approvals.desk import Answer, Desk, Told, lasts_of_form
from hub_extensions.approvals.pieces import Length, Reader
from hub_extensions.approvals.view import (
    AWAY,
    DONE,
    OFF,
    Background,
    Typed,
    ask_page,
    form_page,
    list_page,
)
from hub_extensions.approvals.words import NotPossible
from hub_extensions.audit.entry import Way
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed
from hub_extensions.page_frame.menu import Menu
from hub_extensions.page_frame.notice import Notice, Tone, notice_of
from hub_extensions.page_frame.render import render
from profiles.choice import MachineChoice, readable_run_for
from profiles.model import Catalog
from profiles.person import Person
from profiles.quantity import Duration
from profiles.refusal import Reason, Refusal
from profiles.resolve import resolve

#: The buttons of an ask's page, and what the next page says.
BUTTONS = {
    "grant": "granted",
    "refuse": "refused",
    "revise": "revised",
    "comment": "commented",
    "withdraw": "withdrawn",
    "revoke": "revoked",
}


class DeskHandler(PageHandler, BaseHandler):
    """Every request of our own is one's own: the scope that lets a person start machines lets them ask and answer.
    A server's token does not have it."""

    way = Way.PAGE

    def initialize(self, catalog: Catalog) -> None:
        self.catalog = catalog

    @property
    def gate(self) -> Any:
        return gate_of(self.settings)

    @property
    def desk(self) -> Desk:
        return Desk(self.gate, self.catalog, self.find_user, self.db, self.way)

    @property
    def me(self) -> Person:
        person: Person = self.current_user.spawner.person
        return person

    @property
    def root(self) -> str:
        return url_path_join(self.hub.base_url, "approvals")

    @property
    def reader(self) -> Reader:
        return Reader(self.me, self.now, self.catalog, self.root, self.xsrf)

    @property
    def off(self) -> bool:
        return self.gate is None or not self.catalog.policies.approvals

    def field(self, name: str) -> str:
        """What is not UTF-8 becomes a character that no name has."""
        values = self.request.body_arguments.get(name, [b""])
        return values[-1].decode("utf8", "replace")

    async def show(self, title: str, html: Markup) -> None:
        self.set_header("Cache-Control", "no-store")
        self.finish(await self.render_template("remuda_page.html", remuda=framed(title, html)))

    async def show_notice(self, title: str, notice: Notice, status: int) -> None:
        self.set_status(status)
        home = url_path_join(self.hub.base_url, "home")
        await self.show(title, render("asks_notice.html", title=title, notice=notice, home=home, root=self.root))

    def done(self, path: str, what: str) -> None:
        self.redirect(url_concat(path, {"done": what}), status=303)

    @property
    def said_done(self) -> Notice | None:
        return DONE.get(self.get_argument("done", ""))


class AsksHandler(DeskHandler):
    """All that one has asked, and all that waits for one's answer."""

    @web.authenticated
    def get(self) -> Any:
        return self._get(user_name=self.current_user.name)

    @needs_scope("servers")
    async def _get(self, user_name: str) -> None:
        if self.off:
            await self.show_notice("Approvals", OFF, 200)
            return
        try:
            mine = await self.desk.mine(user_name)
            waiting = await self.desk.waiting_for(self.me, self.now)
            answered = await self.desk.answered_for(self.me)
        except DatabaseAway:
            await self.show_notice("Approvals", AWAY, 503)
            return
        page = list_page(mine, waiting, answered, self.reader, self.said_done)
        await self.show("Approvals", render("asks.html", page=page))


class NewAskHandler(DeskHandler):
    """GET `?profile=…&option.<profile>.<name>=…`, as a locked card links to it; POST asks."""

    @web.authenticated
    def get(self) -> Any:
        return self._get(user_name=self.current_user.name)

    @web.authenticated
    def post(self) -> Any:
        return self._post(user_name=self.current_user.name)

    @needs_scope("servers")
    async def _get(self, user_name: str) -> None:
        if self.off:
            await self.show_notice("Ask for a machine", OFF, 200)
            return
        await self._form(choice_of(self.request.query_arguments), Typed())

    @needs_scope("servers")
    async def _post(self, user_name: str) -> None:
        if self.off:
            await self.show_notice("Ask for a machine", OFF, 409)
            return
        choice = choice_of(self.request.body_arguments)
        said = Said(self.me, self.now, self.field("reason"))
        try:
            outcome = await self.desk.ask(said, choice, lasts_of_form(self.field("lasts"), self.field("unit")))
        except DatabaseAway:
            self.set_status(503)
            await self._form(choice, self._typed(AWAY))
            return
        if isinstance(outcome, (NotPossible, Refusal)):
            self.set_status(status_of(outcome))
            await self._form(choice, self._typed(notice_of(outcome, Tone.WARNING)))
            return
        self.log.info("%s asks for %s", user_name, outcome[0].terms.display_name)
        self.done(self.root, "asked")

    def _typed(self, notice: Notice | None) -> Typed:
        return Typed(notice, self.field("reason"), length_typed(self))

    async def _form(self, choice: MachineChoice, typed: Typed) -> None:
        outcome = resolve(self.catalog, choice, self.me)
        if isinstance(outcome, Refusal):
            if not typed.notice:
                self.set_status(status_of(outcome))
                typed = Typed(notice_of(outcome, Tone.WARNING), typed.text, typed.length)
            outcome = None
        page = form_page(choice, outcome, self.reader, typed)
        await self.show("Ask for a machine", render("ask_form.html", page=page, root=self.root))


class AskHandler(DeskHandler):
    """One ask: its story, and what those concerned can do about it."""

    @web.authenticated
    def get(self, ask_id: str) -> Any:
        return self._get(ask_id, user_name=self.current_user.name)

    @web.authenticated
    def post(self, ask_id: str) -> Any:
        return self._post(ask_id, user_name=self.current_user.name)

    @needs_scope("servers")
    async def _get(self, ask_id: str, user_name: str) -> None:
        await self._guarded(ask_id, None)

    @needs_scope("servers")
    async def _post(self, ask_id: str, user_name: str) -> None:
        await self._guarded(ask_id, self.field("do"))

    async def _guarded(self, ask_id: str, button: str | None) -> None:
        if self.gate is None:
            await self.show_notice("Approvals", OFF, 404)
            return
        try:
            found = await self.desk.find(ask_id, self.me)
            if isinstance(found, NotPossible):
                await self.show_notice("Approvals", _warned(found), found.status)
            elif button is None:
                await self._page(*found, Typed(self.said_done))
            else:
                await self._answer(*found, button)
        except DatabaseAway:
            await self.show_notice("Approvals", AWAY, 503)

    async def _answer(self, ask: Ask, story: tuple[Note, ...], button: str) -> None:
        if button not in BUTTONS:
            raise web.HTTPError(400, "The form names no answer. Go back, load the page again and repeat what you did.")
        options = dict(choice_of(self.request.body_arguments, ask.asked.profile).options)
        length = length_typed(self)
        lasts = lasts_of_form(length.number, length.unit) if length else None
        told = Told(self.field("text"), options or None, lasts)
        outcome: Answer = await getattr(self.desk, button)(ask, Said(self.me, self.now, told.text), told)
        if isinstance(outcome, (NotPossible, Refusal)):
            self.set_status(status_of(outcome))
            now = await self.desk.find(ask.id, self.me)  # perhaps somebody was faster: then this is their answer
            ask, story = (ask, story) if isinstance(now, NotPossible) else now
            await self._page(ask, story, Typed(notice_of(outcome, Tone.WARNING), told.text, length, options or None))
            return
        self.log.info("%s: %s of %s", self.current_user.name, button, ask.id)
        self.done(f"{self.root}/{ask.id}", BUTTONS[button])

    async def _page(self, ask: Ask, story: tuple[Note, ...], typed: Typed) -> None:
        background = Background()
        if may_answer(ask, self.me, self.catalog.policies):
            asker = self.desk.asker(ask)
            background = Background(
                menu=Menu(self.catalog, asker) if asker else None,
                used=await self.desk.used(ask.user, self.now),
                otherwise=await self.desk.used_otherwise(ask.user, self.now),
                asks=await self.desk.of_user(ask.user),
            )
            if asker is None and typed.notice is None:
                typed = Typed(_warned(words.asker_gone(ask)), typed.text, typed.length)
        page = ask_page(ask, story, self.reader, background, typed)
        title = f"{ask.terms.display_name} for {ask.user}"
        await self.show(title, render("ask.html", page=page, title=title, root=self.root))


def choice_of(fields: Mapping[str, list[bytes]], profile: str | None = None) -> MachineChoice:
    """As text, not judged: `resolve` says what is wrong with it. The last value counts."""
    texts = {name: values[-1].decode("utf8", "replace") for name, values in fields.items() if values}
    profile = profile or texts.get("profile", "")
    prefix = f"option.{profile}."
    options = {name[len(prefix) :]: text for name, text in texts.items() if name.startswith(prefix)}
    run_for = readable_run_for(texts.get("run_for"), otherwise=Duration(0))
    return MachineChoice(profile or None, options, run_for=run_for)


def length_typed(handler: DeskHandler) -> Length | None:
    """As it was typed, cut to what a form can hold; None where the form has no such fields."""
    if "lasts" not in handler.request.body_arguments:
        return None
    return Length(handler.field("lasts")[:20], handler.field("unit")[:20], "")


def status_of(outcome: NotPossible | Refusal) -> int:
    if isinstance(outcome, NotPossible):
        return outcome.status
    return 403 if outcome.reason is Reason.FORBIDDEN_PROFILE else 400


def _warned(why: NotPossible) -> Notice:
    return Notice(why.sentence, why.remedy, str(why.reason), Tone.WARNING)
