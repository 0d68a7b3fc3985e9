"""The page on which people reserve machines. Plain forms: it works without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import Scope, needs_scope
from jupyterhub.utils import url_path_join
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.approvals.handlers import choice_of
from hub_extensions.audit.entry import Way
from hub_extensions.capacity.handlers import viewer_of
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed
from hub_extensions.page_frame.notice import Notice, Tone
from hub_extensions.page_frame.render import render
from hub_extensions.reservations import ics, view, words
from hub_extensions.reservations.decide import Booking
from hub_extensions.reservations.desk import FEED_BACK, Desk
from hub_extensions.reservations.gantt import DAYS, Reader, calendars
from hub_extensions.reservations.times import day_of, days, moment, of_form
from hub_extensions.reservations.view import AWAY, DONE, OFF, Feed, Found, ReservationsPage, Typed, choice_of_value
from hub_extensions.reservations.words import NotPossible
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.resolve import resolve


class DeskHandler(PageHandler, BaseHandler):
    """Reservations are people's own: the scope that lets a person start machines lets them reserve some. A server's
    token does not have it."""

    way = Way.PAGE

    def initialize(self, catalog: Catalog) -> None:
        self.catalog = catalog

    @property
    def me(self) -> Person:
        person: Person = self.current_user.spawner.person
        return person

    @property
    def acts_for_all(self) -> bool:
        """Whether whoever asks may start and stop everybody's machines, as administrators may: then they may cancel
        everybody's reservations, too. To be allowed to see them is not enough."""
        return self.parsed_scopes.get("servers") is Scope.ALL

    @property
    def desk(self) -> Desk:
        return Desk(gate_of(self.settings), self.catalog, self.me, self.way)

    @property
    def off(self) -> bool:
        return gate_of(self.settings) is None or not self.catalog.policies.reservations

    @property
    def root(self) -> str:
        return url_path_join(self.hub.base_url, "reservations")

    @property
    def timezone(self) -> str:
        return self.catalog.policies.timezone

    def fields(self, sent: Mapping[str, list[bytes]]) -> dict[str, str]:
        """The last value counts; what is not UTF-8 becomes a character that no name has."""
        return {name: values[-1].decode("utf8", "replace") for name, values in sent.items() if values}

    async def show(
        self,
        typed: Typed,
        notice: Notice | None = None,
        *,
        found: Found | None = None,
        feed_url: str = "",
        like: MachinePlan | None = None,
    ) -> None:
        """The page with everything; where the database is away, with what can be said without."""
        try:
            page = await self._page(typed, notice, found, feed_url, like)
        except DatabaseAway:
            self.set_status(503)
            await self.show_notice(AWAY)
            return
        await self.finish_with(render("reservations.html", page=page))

    async def show_notice(self, notice: Notice) -> None:
        home = url_path_join(self.hub.base_url, "home")
        await self.finish_with(render("reservations_notice.html", notice=notice, home=home))

    async def finish_with(self, html: Any) -> None:
        self.set_header("Cache-Control", "no-store")
        self.finish(await self.render_template("remuda_page.html", remuda=framed("Reservations", html)))

    async def _page(
        self, typed: Typed, notice: Notice | None, found: Found | None, feed_url: str, like: MachinePlan | None
    ) -> ReservationsPage:
        now, desk = self.now, self.desk
        today = now.astimezone(ZoneInfo(self.timezone)).date()
        first = day_of(self.get_argument("week", "")) or today
        spans = list(days(first, DAYS, self.timezone))
        known = await desk.between(spans[0][1] - timedelta(days=1), spans[-1][2] + timedelta(days=1))
        gate, name = gate_of(self.settings), self.current_user.name
        since = await gate.call(desk.reservations.feed_since, name)
        viewer = viewer_of(self, self.current_user)
        return ReservationsPage(
            root=self.root,
            spawn=url_path_join(self.hub.base_url, "spawn"),
            xsrf=self.xsrf,
            timezone=self.timezone,
            machines=view.items(self.catalog, self.me, typed.machine, like),
            lengths=view.lengths(self.catalog, typed.minutes),
            typed=typed,
            week=view.week(first, self.root, now, self.timezone),
            calendars=calendars(
                self.catalog, known, Reader(viewer.name, viewer.holder, self.acts_for_all), first, now
            ),
            mine=view.mine(await desk.mine(now), self.timezone, now),
            feed=Feed(words.when(since, self.timezone) if since else "", feed_url),
            found=found,
            notice=notice,
        )


class ReservationsHandler(DeskHandler):
    """GET `?profile=…` as cards link to it, or a search; POST reserves."""

    @web.authenticated
    def get(self) -> Any:
        return self._get(user_name=self.current_user.name)

    @web.authenticated
    def post(self) -> Any:
        return self._post(user_name=self.current_user.name)

    @needs_scope("servers")
    async def _get(self, user_name: str) -> None:
        fields = self.fields(self.request.query_arguments)
        typed = view.typed_of(fields, self.now, self.timezone)
        if self.off:
            await self._off(typed, DONE.get(fields.get("done", ""), OFF))
            return
        if "find" in fields:
            await self._search(typed)
            return
        like = resolve(self.catalog, choice_of(self.request.query_arguments), self.me) if "profile" in fields else None
        done = DONE.get(fields.get("done", ""))
        await self.show(typed, done, like=like if isinstance(like, MachinePlan) else None)

    async def _off(self, typed: Typed, notice: Notice) -> None:
        """What was reserved before the last rule was removed is still there to see, and to cancel."""
        try:
            kept = gate_of(self.settings) is not None and await self.desk.mine(self.now)
        except DatabaseAway:
            kept = ()
        await (self.show(typed, notice) if kept else self.show_notice(notice))

    @needs_scope("servers")
    async def _post(self, user_name: str) -> None:
        if self.off:
            self.set_status(404)
            await self.show_notice(OFF)
            return
        fields = self.fields(self.request.body_arguments)
        checked_button(fields, "book", "find")
        typed = view.typed_of(fields, self.now, self.timezone)
        if fields.get("do") == "find":
            self.redirect(f"{self.root}?{urlencode([*view.query(typed), ('find', '1')])}#rm-free", status=303)
            return
        said = self._said(typed, fields)
        try:
            made = said if isinstance(said, NotPossible) else await self.desk.book(said, self.now)
        except DatabaseAway:
            made = NotPossible(AWAY.reason, AWAY.sentence, AWAY.remedy)
        if isinstance(made, NotPossible):
            self.set_status(503 if made.reason == AWAY.reason else made.status)
            await self._search(typed, made)
            return
        self.log.info("%s reserves %s from %s to %s", user_name, made.display_name, made.begins_at, made.ends_at)
        self.redirect(url_concat(self.root, {"done": "reserved"}), status=303)

    def _said(self, typed: Typed, fields: Mapping[str, str]) -> Booking | NotPossible:
        """A proposal says both its ends; the form a day, a time and for how long."""
        if "begins" in fields:
            begins, ends = (moment(fields.get(name, ""), self.timezone) for name in ("begins", "ends"))
        else:
            begins = of_form(typed.day, typed.clock, self.timezone)
            ends = words.no_length()
            if isinstance(begins, datetime) and (lasts := _minutes(typed.minutes)) is not None:
                ends = begins + lasts
        if isinstance(begins, NotPossible):
            return begins
        if isinstance(ends, NotPossible):
            return ends
        note = fields.get("note", typed.note)  # as long as it was sent: it is not cut, but refused
        return self.desk.booking(choice_of_value(typed.machine), begins, ends, note)

    async def _search(self, typed: Typed, refused: NotPossible | None = None) -> None:
        """Proposals, also below a refusal that another time would get past."""
        notice = None if refused is None else warned(refused)
        found = None
        if refused is None or refused.status == 409:
            said = self._said(typed, {})
            try:
                outcome = said if isinstance(said, NotPossible) else await self.desk.proposed(said, self.now)
            except DatabaseAway:
                outcome = NotPossible(AWAY.reason, AWAY.sentence, AWAY.remedy)
            if refused is None or (not isinstance(outcome, NotPossible) and outcome):
                found = view.found(outcome, self.timezone)
        await self.show(typed, notice, found=found)


class EndHandler(DeskHandler):
    """Cancelled, or ended early; whoever does that to somebody else says why."""

    @web.authenticated
    def get(self, reservation_id: str) -> Any:
        self.redirect(self.root)

    @web.authenticated
    def post(self, reservation_id: str) -> Any:
        return self._post(reservation_id, user_name=self.current_user.name)

    @needs_scope("servers")
    async def _post(self, reservation_id: str, user_name: str) -> None:
        typed = view.typed_of({}, self.now, self.timezone)
        if gate_of(self.settings) is None:
            raise web.HTTPError(404, OFF.sentence)
        try:
            reason = self.fields(self.request.body_arguments).get("reason", "")
            ended = await self.desk.end(reservation_id, self.now, acts_for_all=self.acts_for_all, reason=reason)
        except DatabaseAway:
            self.set_status(503)
            await self.show_notice(AWAY)
            return
        if isinstance(ended, NotPossible):
            self.set_status(ended.status)
            await self.show(typed, warned(ended))
            return
        self.log.info("%s ends the reservation %s of %s", user_name, ended.id, ended.user)
        done = "ended" if ended.user == user_name else "cancelled"
        self.redirect(url_concat(self.root, {"done": done}), status=303)


class NewFeedHandler(DeskHandler):
    """An address for one's calendar: made, made anew, removed. It is shown once."""

    @web.authenticated
    def get(self) -> Any:
        self.redirect(self.root)

    @web.authenticated
    def post(self) -> Any:
        return self._post(user_name=self.current_user.name)

    @needs_scope("servers")
    async def _post(self, user_name: str) -> None:
        gate, fields = gate_of(self.settings), self.fields(self.request.body_arguments)
        if gate is None:
            raise web.HTTPError(404, OFF.sentence)
        checked_button(fields, "new", "remove")
        try:
            if fields.get("do") == "remove":
                await gate.call(self.desk.reservations.no_feed, user_name)
                self.redirect(url_concat(self.root, {"done": "feed-removed"}), status=303)
                return
            secret = await gate.call(self.desk.reservations.new_feed, user_name, self.now)
        except DatabaseAway:
            self.set_status(503)
            await self.show_notice(AWAY)
            return
        here = f"{self.request.protocol}://{self.request.host}"
        url = f"{here}{url_path_join(self.root, 'feed.ics')}?{urlencode({'token': secret})}"
        await self.show(view.typed_of({}, self.now, self.timezone), feed_url=url)


class FeedHandler(DeskHandler):
    """One's own reservations as iCalendar. Calendars do not log in: whoever has the address may read it. JupyterHub
    leaves values of `token` out of its log."""

    async def get(self) -> None:
        secret = self.fields(self.request.query_arguments).get("token", "")
        gate, now = gate_of(self.settings), self.now
        if gate is None or not secret:
            raise web.HTTPError(404)
        desk = Desk(gate, self.catalog, Person(""), self.way)
        try:
            user = await gate.call(desk.reservations.feed_of, secret)
            if user is None or self.find_user(user) is None:
                raise web.HTTPError(404)
            theirs = await gate.call(desk.reservations.of_user, user, now - FEED_BACK)
        except DatabaseAway as e:
            raise web.HTTPError(503) from e
        here = f"{self.request.protocol}://{self.request.host}"
        self.set_header("Content-Type", "text/calendar; charset=utf-8")
        self.set_header("Content-Disposition", 'inline; filename="reservations.ics"')
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("Referrer-Policy", "no-referrer")
        self.finish(ics.calendar(theirs, self.request.host_name, f"{here}{self.root}", now))


def checked_button(fields: Mapping[str, str], *known: str) -> None:
    """A form may name none: then it is sent by Enter, or has one button."""
    if fields.get("do", "") not in {"", *known}:
        said = "The form names nothing that this page can do. Go back, load the page again and repeat what you did."
        raise web.HTTPError(400, said)


def _minutes(text: str) -> timedelta | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        return None
    return timedelta(minutes=int(text))


def warned(why: NotPossible) -> Notice:
    return Notice(why.sentence, why.remedy, str(why.reason), Tone.WARNING)
