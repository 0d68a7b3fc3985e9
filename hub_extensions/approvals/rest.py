"""The same over REST. JSON in and out; times are UTC, ISO 8601; lengths of time are as in the catalog: `3d`, `12h`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.user import User
from tornado import web

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.approvals.api import AskChange, AskFacts, Asks, AsksMade, NewAsk
from hub_extensions.approvals.ask import Ask, Note
from hub_extensions.approvals.decide import Said
from hub_extensions.approvals.desk import Answer, Told, lasts_of_json
from hub_extensions.approvals.handlers import DeskHandler, status_of
from hub_extensions.approvals.view import AWAY, OFF
from hub_extensions.approvals.words import NotPossible, Why
from hub_extensions.audit.entry import Way
from hub_extensions.shares_api.body import body_of
from hub_extensions.shares_api.operation import dumped
from profiles.choice import MachineChoice
from profiles.refusal import Refusal

#: What `PATCH {"state": …}` asks for; without a state it is a revision, or a comment where nothing is changed.
STATES = {"granted": "grant", "refused": "refuse", "withdrawn": "withdraw", "revoked": "revoke"}


class AsksApiHandler(DeskHandler, APIHandler):
    """GET: one's own asks and those that wait for one's answer. POST: ask."""

    way = Way.REST

    def get(self) -> Any:
        return self._get(user_name=own_name(self))

    def post(self) -> Any:
        return self._post(user_name=own_name(self))

    @needs_scope("servers")
    async def _get(self, user_name: str) -> None:
        async def lists() -> Asks:
            if self.off:
                return Asks(asks=[], waiting=[])
            mine = await self.desk.mine(user_name)
            waiting = await self.desk.waiting_for(self.me, self.now)
            return Asks(asks=[facts(ask, self) for ask in mine], waiting=[facts(ask, self) for ask in waiting])

        await answer(self, lists)

    @needs_scope("servers")
    async def _post(self, user_name: str) -> None:
        sent = body_of(self, NewAsk)
        choice = MachineChoice(sent.profile or None, options_of(sent.options) or {})

        async def ask() -> Any:
            if self.off:
                return off()
            said = Said(self.me, self.now, sent.reason)
            outcome = await self.desk.ask(said, choice, lasts_of_json(sent.lasts))
            if isinstance(outcome, (NotPossible, Refusal)):
                return outcome
            self.set_status(201)
            return AsksMade(asks=[facts(each, self) for each in outcome])

        await answer(self, ask)


class AskApiHandler(DeskHandler, APIHandler):
    """GET: the ask and its story. PATCH: answer, withdraw, revise, comment, revoke."""

    way = Way.REST

    def get(self, ask_id: str) -> Any:
        return self._get(ask_id, user_name=own_name(self))

    def patch(self, ask_id: str) -> Any:
        return self._patch(ask_id, user_name=own_name(self))

    @needs_scope("servers")
    async def _get(self, ask_id: str, user_name: str) -> None:
        async def one() -> Any:
            found = await self._find(ask_id)
            return found if isinstance(found, NotPossible) else facts(found[0], self, found[1])

        await answer(self, one)

    @needs_scope("servers")
    async def _patch(self, ask_id: str, user_name: str) -> None:
        sent = body_of(self, AskChange)
        changes = sent.model_fields_set & {"options", "lasts"}
        act = STATES.get(sent.state or "", "revise" if changes else "comment")
        lasts = lasts_of_json(sent.lasts) if "lasts" in changes else None
        told = Told(sent.comment, options_of(sent.options), lasts)

        async def changed() -> Any:
            found = await self._find(ask_id)
            if isinstance(found, NotPossible):
                return found
            outcome: Answer = await getattr(self.desk, act)(found[0], Said(self.me, self.now, told.text), told)
            return facts(outcome, self) if isinstance(outcome, Ask) else outcome

        await answer(self, changed)

    async def _find(self, ask_id: str) -> tuple[Ask, tuple[Note, ...]] | NotPossible:
        return off() if self.gate is None else await self.desk.find(ask_id, self.me)


async def answer(handler: DeskHandler, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Write what `work` gives, or why not, with the status that belongs to it."""
    handler.set_header("Cache-Control", "no-store")
    try:
        outcome = await work()
    except DatabaseAway:
        refuse(handler, 503, str(AWAY.reason), AWAY.sentence, AWAY.remedy)
        return
    if isinstance(outcome, (NotPossible, Refusal)):
        refuse(handler, status_of(outcome), str(outcome.reason), outcome.sentence, outcome.remedy)
        return
    handler.write(dumped(outcome))


def refuse(handler: DeskHandler, status: int, reason: str, sentence: str, remedy: str) -> None:
    handler.set_status(status)
    handler.write({"status": status, "message": f"{sentence} {remedy}".strip(), "reason": reason})


def own_name(handler: DeskHandler) -> str:
    """Asks are people's own: a service's token belongs to none."""
    if not isinstance(handler.current_user, User):
        raise web.HTTPError(403, "Asks belong to people: use a person's own token.")
    return str(handler.current_user.name)


def off() -> NotPossible:
    return NotPossible(Why.NOT_NEEDED, OFF.sentence, OFF.remedy)


def options_of(options: Mapping[str, str | int] | None) -> dict[str, str] | None:
    """Names and values; `resolve` says whether they are on offer."""
    return None if options is None else {name: str(value) for name, value in options.items()}


def facts(ask: Ask, handler: DeskHandler, story: tuple[Note, ...] | None = None) -> AskFacts:
    return AskFacts.of(ask, handler.now, handler.root, story)
