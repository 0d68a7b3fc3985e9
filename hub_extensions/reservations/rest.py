"""The same over REST. JSON in and out; answers are in UTC."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.user import User
from pydantic import BaseModel
from tornado import web

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.approvals.handlers import choice_of
from hub_extensions.audit.entry import Way
from hub_extensions.capacity.handlers import sees_all
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.reservations import words
from hub_extensions.reservations.api import (
    ChangedReservation,
    NewReservation,
    OwnReservations,
    ReservationFacts,
    Slot,
    Slots,
)
from hub_extensions.reservations.change import Change
from hub_extensions.reservations.decide import Booking
from hub_extensions.reservations.desk import SEARCHED
from hub_extensions.reservations.handlers import DeskHandler
from hub_extensions.reservations.store import LOOK_BACK
from hub_extensions.reservations.times import lasting, moment
from hub_extensions.reservations.view import AWAY
from hub_extensions.reservations.words import NotPossible
from hub_extensions.shares_api.body import body_of
from hub_extensions.shares_api.operation import dumped
from profiles.choice import MachineChoice
from profiles.reservations import Reservation


class ApiHandler(DeskHandler, APIHandler):
    way = Way.REST

    @property
    def own_name(self) -> str:
        if not isinstance(self.current_user, User):
            raise web.HTTPError(403, "Reservations belong to people: use a person's own token.")
        return str(self.current_user.name)

    async def answer(self, work: Callable[[], Coroutine[Any, Any, BaseModel | NotPossible]], status: int = 200) -> None:
        """Write what `work` gives, or why not, with the status that belongs to it."""
        self.set_header("Cache-Control", "no-store")
        try:
            outcome = words.off() if gate_of(self.settings) is None else await work()
        except DatabaseAway:
            outcome = NotPossible(AWAY.reason, AWAY.sentence, AWAY.remedy)
        if isinstance(outcome, NotPossible):
            status = 503 if outcome.reason == AWAY.reason else outcome.status
            message = f"{outcome.sentence} {outcome.remedy}".strip()
            self.set_status(status)
            self.write({"status": status, "message": message, "reason": str(outcome.reason)})
            return
        self.set_status(status)
        self.write(dumped(outcome))

    def facts(self, kept: Reservation) -> ReservationFacts:
        return ReservationFacts.of(kept, self.now, self.own_name)


class ReservationsApiHandler(ApiHandler):
    """GET: one's own, or everybody's. POST: reserve."""

    def get(self) -> Any:
        return self._get(user_name=self.own_name)

    def post(self) -> Any:
        return self._post(user_name=self.own_name)

    @needs_scope("servers")
    async def _get(self, user_name: str) -> None:
        of = self.get_argument("of", "me")
        if of not in {"me", "everybody"}:
            raise web.HTTPError(400, "of is me or everybody.")
        if of == "everybody" and not sees_all(self):
            raise web.HTTPError(403, "Everybody's reservations are for administrators.")

        async def listed() -> OwnReservations:
            now = self.now
            ahead = now.replace(year=now.year + 2, day=1)
            everybody = of == "everybody"
            found = await (self.desk.between(now - LOOK_BACK, ahead) if everybody else self.desk.mine(now))
            return OwnReservations(reservations=[self.facts(each) for each in found])

        await self.answer(listed)

    @needs_scope("servers")
    async def _post(self, user_name: str) -> None:
        sent = body_of(self, NewReservation)
        said = self._said(sent)

        async def made() -> ReservationFacts | NotPossible:
            outcome = said if isinstance(said, NotPossible) else await self.desk.book(said, self.now)
            return outcome if isinstance(outcome, NotPossible) else self.facts(outcome)

        await self.answer(made, 201)

    def _said(self, sent: NewReservation) -> Booking | NotPossible:
        begins = moment(sent.begins_at, self.timezone)
        if isinstance(begins, NotPossible):
            return begins
        ends: datetime | NotPossible
        if (sent.ends_at is None) is (sent.lasts is None):
            return words.one_end()
        if sent.lasts is None:
            ends = moment(sent.ends_at or "", self.timezone)
        else:
            lasts = lasting(sent.lasts)
            ends = lasts if isinstance(lasts, NotPossible) else begins + lasts
        if isinstance(ends, NotPossible):
            return ends
        options = {name: str(value) for name, value in (sent.options or {}).items()}
        return self.desk.booking(MachineChoice(sent.profile or None, options), begins, ends, sent.note)


class SlotsApiHandler(ApiHandler):
    def get(self) -> Any:
        return self._get(user_name=self.own_name)

    @needs_scope("servers")
    async def _get(self, user_name: str) -> None:
        fields, now = self.fields(self.request.query_arguments), self.now

        async def found() -> Slots | NotPossible:
            begins = moment(fields["from"], self.timezone) if "from" in fields else now
            lasts = lasting(fields.get("lasts", "2h"))
            if isinstance(begins, NotPossible):
                return begins
            if isinstance(lasts, NotPossible):
                return lasts
            until = moment(fields["until"], self.timezone) if "until" in fields else max(begins, now) + SEARCHED
            if isinstance(until, NotPossible):
                return until
            said = self.desk.booking(choice_of(self.request.query_arguments), begins, begins + lasts)
            outcome = said if isinstance(said, NotPossible) else await self.desk.proposed(said, now, until)
            if isinstance(outcome, NotPossible):
                return outcome
            return Slots(slots=[Slot(begins_at=begin, ends_at=end) for begin, end in outcome])

        await self.answer(found)


class ReservationApiHandler(ApiHandler):
    """PATCH: to be otherwise. DELETE: cancelled, or ended early."""

    def patch(self, reservation_id: str) -> Any:
        return self._patch(reservation_id, user_name=self.own_name)

    def delete(self, reservation_id: str) -> Any:
        return self._delete(reservation_id, user_name=self.own_name)

    @needs_scope("servers")
    async def _patch(self, reservation_id: str, user_name: str) -> None:
        sent = body_of(self, ChangedReservation)

        async def changed() -> ReservationFacts | NotPossible:
            said = await self._said(sent, reservation_id)
            if isinstance(said, NotPossible):
                return said
            outcome = await self.desk.change(reservation_id, said, self.now, acts_for_all=self.acts_for_all)
            return outcome if isinstance(outcome, NotPossible) else self.facts(outcome)

        await self.answer(changed)

    async def _said(self, sent: ChangedReservation, reservation_id: str) -> Change | NotPossible:
        if sent.ends_at is not None and sent.lasts is not None:
            return words.one_end()
        begins = None if sent.begins_at is None else moment(sent.begins_at, self.timezone)
        ends = None if sent.ends_at is None else moment(sent.ends_at, self.timezone)
        lasts = None if sent.lasts is None else lasting(sent.lasts)
        for each in (begins, ends, lasts):
            if isinstance(each, NotPossible):
                return each
        machine = None
        if sent.profile is not None or sent.options is not None:
            profile = sent.profile or await self._profile_of(reservation_id)
            machine = MachineChoice(profile, {name: str(value) for name, value in (sent.options or {}).items()})
        return Change(
            machine=machine,
            begins_at=begins,
            ends_at=ends,
            lasts=lasts,
            note=sent.note,
            revision=sent.revision,
        )

    async def _profile_of(self, reservation_id: str) -> str | None:
        return next((each.profile for each in await self.desk.mine(self.now) if each.id == reservation_id), None)

    @needs_scope("servers")
    async def _delete(self, reservation_id: str, user_name: str) -> None:
        reason = self.fields(self.request.query_arguments).get("reason")

        async def ended() -> ReservationFacts | NotPossible:
            outcome = await self.desk.end(
                reservation_id, self.now, acts_for_all=self.acts_for_all, reason=reason or None
            )
            return outcome if isinstance(outcome, NotPossible) else self.facts(outcome)

        await self.answer(ended)
