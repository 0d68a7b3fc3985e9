"""The same over REST. JSON in and out; times are UTC, ISO 8601; lengths of time are as in the catalog: `3d`, `12h`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.user import User
from tornado import web

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.approvals.ask import Ask, Note, Terms
from hub_extensions.approvals.decide import Said
from hub_extensions.approvals.desk import Answer, Told, lasts_of_json
from hub_extensions.approvals.handlers import DeskHandler, status_of
from hub_extensions.approvals.view import AWAY, OFF
from hub_extensions.approvals.words import NotPossible, Why
from hub_extensions.audit.entry import Way
from profiles.choice import MachineChoice
from profiles.quantity import Duration
from profiles.refusal import Refusal

#: What `PATCH {"state": …}` asks for; without a state it is a revision, or a comment where nothing is changed.
STATES = {"granted": "grant", "refused": "refuse", "withdrawn": "withdraw", "revoked": "revoke"}
FIELDS = {"state", "options", "lasts", "comment"}


class AsksApiHandler(DeskHandler, APIHandler):
    """GET: one's own asks and those that wait for one's answer. POST: ask."""

    way = Way.REST

    def get(self) -> Any:
        return self._get(user_name=own_name(self))

    def post(self) -> Any:
        return self._post(user_name=own_name(self))

    @needs_scope("servers")
    async def _get(self, user_name: str) -> None:
        async def lists() -> dict[str, Any]:
            if self.off:
                return {"asks": [], "waiting": []}
            mine = await self.desk.of_user(user_name)
            waiting = await self.desk.waiting_for(self.me, self.now)
            return {
                "asks": [as_json(ask, self) for ask in mine],
                "waiting": [as_json(ask, self) for ask in waiting],
            }

        await answer(self, lists)

    @needs_scope("servers")
    async def _post(self, user_name: str) -> None:
        body = body_of(self, {"profile", "options", "lasts", "reason"})
        choice = MachineChoice(text_of(body, "profile") or None, options_of(body) or {})

        async def ask() -> Any:
            if self.off:
                return off()
            said = Said(self.me, self.now, text_of(body, "reason"))
            outcome = await self.desk.ask(said, choice, lasts_of_json(body.get("lasts")))
            if isinstance(outcome, (NotPossible, Refusal)):
                return outcome
            self.set_status(201)
            return {"asks": [as_json(each, self) for each in outcome]}

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
            return found if isinstance(found, NotPossible) else as_json(found[0], self, found[1])

        await answer(self, one)

    @needs_scope("servers")
    async def _patch(self, ask_id: str, user_name: str) -> None:
        body = body_of(self, FIELDS)
        state = text_of(body, "state")
        if state and state not in STATES:
            raise web.HTTPError(400, f"state is one of {', '.join(STATES)}.")
        changes = "options" in body or "lasts" in body
        act = STATES.get(state, "revise" if changes else "comment")
        told = Told(
            text=text_of(body, "comment"),
            options=options_of(body),
            lasts=lasts_of_json(body["lasts"]) if "lasts" in body else None,
        )

        async def changed() -> Any:
            found = await self._find(ask_id)
            if isinstance(found, NotPossible):
                return found
            outcome: Answer = await getattr(self.desk, act)(found[0], Said(self.me, self.now, told.text), told)
            return as_json(outcome, self) if isinstance(outcome, Ask) else outcome

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
    handler.write(outcome)


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


def body_of(handler: APIHandler, known: set[str]) -> Mapping[str, Any]:
    body = handler.get_json_body()
    if not isinstance(body, dict):
        raise web.HTTPError(400, "The body is not a JSON object.")
    if not known.issuperset(body):
        raise web.HTTPError(400, f"The body has fields beside these: {', '.join(sorted(known))}.")
    return body


def text_of(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise web.HTTPError(400, f"{name} is not text.")
    return value or ""


def options_of(body: Mapping[str, Any]) -> dict[str, str] | None:
    """Names and values; `resolve` says whether they are on offer."""
    options = body.get("options")
    if options is None:
        return None
    if not isinstance(options, dict) or not all(isinstance(value, (str, int)) for value in options.values()):
        raise web.HTTPError(400, "options is not an object of names and values.")
    return {name: str(value) for name, value in options.items()}


def as_json(ask: Ask, handler: DeskHandler, story: tuple[Note, ...] | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": ask.id,
        "state": str(ask.state_at(handler.now)),
        "rule": ask.rule,
        "user": ask.user,
        "reason": ask.reason,
        "asked": terms_json(ask.asked),
        "terms": terms_json(ask.terms),
        "asked_at": _time(ask.asked_at),
        "answered_by": ask.answered_by or None,
        "answered_at": _time(ask.answered_at),
        "answer": ask.answer or None,
        "begins_at": _time(ask.begins_at),
        "ends_at": _time(ask.ends_at),
        "revoked_by": ask.revoked_by or None,
        "revoked_at": _time(ask.revoked_at),
        "holds": ask.holds(handler.now),
        "url": f"{handler.root}/{ask.id}",
    }
    if story is not None:
        told["story"] = [
            {"author": note.author, "kind": str(note.kind), "at": _time(note.at), "text": note.text} for note in story
        ]
    return told


def terms_json(terms: Terms) -> dict[str, Any]:
    return {
        "profile": terms.profile,
        "display_name": terms.display_name,
        "options": dict(terms.choice.options),
        "amounts": terms.amounts.to_dict(),
        "price_per_hour": {"amount": str(terms.price_per_hour.amount), "currency": terms.price_per_hour.currency},
        "lasts": str(Duration(int(terms.lasts.total_seconds()))),
    }


def _time(at: Any) -> str | None:
    return at.isoformat() if at is not None else None
