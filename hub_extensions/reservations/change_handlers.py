"""The page on which a person changes a reservation of their own. A plain form: it works without JavaScript."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jupyterhub.scopes import needs_scope
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.notice import Notice
from hub_extensions.page_frame.render import render
from hub_extensions.reservations import change_view, view, words
from hub_extensions.reservations.change import Change, wanted_times
from hub_extensions.reservations.change_view import Fields, change_page
from hub_extensions.reservations.handlers import DeskHandler, checked_button, warned
from hub_extensions.reservations.view import AWAY, OFF, Found
from hub_extensions.reservations.words import NotPossible
from profiles.choice import MachineChoice
from profiles.reservations import Reservation


class ChangeHandler(DeskHandler):
    """GET: the form with what it is now. POST: change it, or look for free times of that length."""

    @web.authenticated
    def get(self, reservation_id: str) -> Any:
        return self._get(reservation_id, user_name=self.current_user.name)

    @web.authenticated
    def post(self, reservation_id: str) -> Any:
        return self._post(reservation_id, user_name=self.current_user.name)

    @needs_scope("servers")
    async def _get(self, reservation_id: str, user_name: str) -> None:
        kept = await self._kept(reservation_id)
        if kept is not None:
            await self._show(kept, Fields.of(kept, self.timezone))

    @needs_scope("servers")
    async def _post(self, reservation_id: str, user_name: str) -> None:
        kept = await self._kept(reservation_id)
        if kept is None:
            return
        fields = self.fields(self.request.body_arguments)
        checked_button(fields, "change", "find")
        typed = Fields.of(kept, self.timezone).sent(fields)
        said = change_view.said(kept, typed, fields, self.timezone)
        if fields.get("do") == "find":
            await self._show(kept, typed, found=await self._found(kept, said))
            return
        try:
            changed = said if isinstance(said, NotPossible) else await self.desk.change(kept.id, said, self.now)
        except DatabaseAway:
            changed = NotPossible(AWAY.reason, AWAY.sentence, AWAY.remedy)
        if isinstance(changed, NotPossible):
            self.set_status(503 if changed.reason == AWAY.reason else changed.status)
            found = await self._found(kept, said) if changed.reason in {words.Why.TAKEN, words.Why.IN_USE} else None
            await self._show(kept, typed, warned(changed), found if found and found.proposals else None)
            return
        self.log.info("%s changes the reservation %s", user_name, changed.id)
        done = "same" if changed.revision == kept.revision else "changed"
        self.redirect(url_concat(self.root, {"done": done}), status=303)

    async def _kept(self, reservation_id: str) -> Reservation | None:
        """One's own that stands; otherwise it is said why there is nothing to change."""
        if gate_of(self.settings) is None:
            self.set_status(404)
            await self.show_notice(OFF)
            return None
        try:
            mine = await self.desk.mine(self.now)
        except DatabaseAway:
            self.set_status(503)
            await self.show_notice(AWAY)
            return None
        kept = next((each for each in mine if each.id == reservation_id), None)
        if kept is not None and kept.stands(self.now):
            return kept
        why = words.no_such() if kept is None else words.over(kept)
        self.set_status(why.status)
        await self.show(view.typed_of({}, self.now, self.timezone), warned(why))
        return None

    async def _found(self, kept: Reservation, said: Change | NotPossible) -> Found | None:
        """Times to which it could be moved. Of one that has begun only the end is anybody's choice."""
        if isinstance(said, NotPossible):
            return view.found(said, self.timezone)
        if kept.begins_at <= self.now:
            return None
        begins, ends = wanted_times(kept, said)
        note = kept.note if said.note is None else said.note
        booking = self.desk.booking(said.machine or MachineChoice(kept.profile, kept.options), begins, ends, note)
        if isinstance(booking, NotPossible):
            return view.found(booking, self.timezone)
        try:
            outcome = await self.desk.proposed(replace(booking, id=kept.id), self.now)
        except DatabaseAway:
            outcome = NotPossible(AWAY.reason, AWAY.sentence, AWAY.remedy)
        return view.found(outcome, self.timezone)

    async def _show(
        self, kept: Reservation, typed: Fields, notice: Notice | None = None, found: Found | None = None
    ) -> None:
        page = change_page(kept, self.catalog, self.me, typed, self.root, self.xsrf, self.now)
        await self.finish_with(render("reservation_change.html", page=replace(page, notice=notice, found=found)))
