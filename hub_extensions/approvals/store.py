"""Asks in SQL. A change is one exclusive transaction: read the ask, let `decide` judge it, keep ask, note and audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql import Select

from hub_extensions.admission.database import Database
from hub_extensions.approvals import decide, telling, words
from hub_extensions.approvals.ask import ANSWER_WITHIN, MANY, Ask, AskState, Note, NoteKind, Terms
from hub_extensions.approvals.decide import Changed, Said
from hub_extensions.approvals.tables import ASKS, NOTES
from hub_extensions.approvals.words import NotPossible
from hub_extensions.audit.entry import Action, AuditEntry, Way
from hub_extensions.audit.store import write
from hub_extensions.notices import Notice, post
from profiles.frozen import EMPTY
from profiles.grants import Grant
from profiles.policy import Policies

#: Of one person's grants admission sees so many: those that hold and those that ended last, to tell when.
MOST_GRANTS = 100


def grants_of(connection: Connection, user: str) -> tuple[Grant, ...]:
    """This person's grants, for the transaction of admission's `Store`."""
    given = _of(user).where(ASKS.c.ends_at.is_not(None))
    asks = _read(connection, given.order_by(ASKS.c.ends_at.desc()).limit(MOST_GRANTS))
    return tuple(ask.grant for ask in asks if ask.grant is not None)


class Approvals:
    """Synchronous, as admission's `Store` is; the gate's worker runs it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def raise_asks(
        self, said: Said, terms: Terms, policies: Policies, way: Way, *, approvers: Mapping[str, Iterable[str]] = EMPTY
    ) -> tuple[Ask, ...] | NotPossible:
        """All of them or none. `approvers` by rule are told."""
        with self._database.writing() as connection:
            known = _read(connection, _of(said.by.name))
            outcome = decide.raise_asks(said, terms, policies, known, lambda: uuid4().hex)
            if isinstance(outcome, NotPossible):
                return outcome
            for changed in outcome:
                connection.execute(insert(ASKS).values(**_row(changed.ask)))
                _tell(connection, changed, way)
                _post(connection, telling.notices_of(changed, approvers=approvers.get(changed.ask.rule, ())))
            return tuple(changed.ask for changed in outcome)

    def change(
        self, ask_id: str, judge: Callable[[Ask], Changed | NotPossible], way: Way, timezone: str = "UTC"
    ) -> Ask | NotPossible:
        """`judge` is one of `decide`'s, with all but the ask given: it sees the ask as nobody else can change it."""
        with self._database.writing() as connection:
            ask = next(iter(_read(connection, select(ASKS).where(ASKS.c.id == ask_id))), None)
            if ask is None:
                return words.no_such_ask()
            outcome = judge(ask)
            if isinstance(outcome, NotPossible):
                return outcome
            connection.execute(update(ASKS).where(ASKS.c.id == ask_id).values(**_row(outcome.ask)))
            _tell(connection, outcome, way)
            authors = connection.execute(select(NOTES.c.author).where(NOTES.c.ask_id == ask_id).distinct())
            _post(connection, telling.notices_of(outcome, authors=[name for (name,) in authors], timezone=timezone))
            return outcome.ask

    def leave(self, user: str, said: Said, way: Way) -> None:
        """End what this person asked for and was permitted. All of it is nobody's from then on, also what is over."""
        with self._database.writing() as connection:
            for ask in _read(connection, _of(user)):
                ended = decide.leave(ask, said)
                if ended is not None:
                    connection.execute(update(ASKS).where(ASKS.c.id == ask.id).values(**_row(ended.ask)))
                    _tell(connection, ended, way)
            connection.execute(
                update(ASKS).where(ASKS.c.user_name == user, ASKS.c.left_at.is_(None)).values(left_at=said.at)
            )

    def get(self, ask_id: str) -> tuple[Ask, tuple[Note, ...]] | None:
        """The ask and its story, oldest first."""
        with self._database.reading() as connection:
            ask = next(iter(_read(connection, select(ASKS).where(ASKS.c.id == ask_id))), None)
            if ask is None:
                return None
            notes = connection.execute(select(NOTES).where(NOTES.c.ask_id == ask_id).order_by(NOTES.c.id))
            return ask, tuple(Note(NoteKind(n.kind), n.author, n.at, n.text) for n in notes)

    def of_user(self, user: str, limit: int = 50) -> tuple[Ask, ...]:
        """Newest first; nothing of an earlier account of that name."""
        return self._asks(_of(user), limit)

    def waiting(self, rules: Iterable[str], now: datetime, limit: int = MANY + 1) -> tuple[Ask, ...]:
        """Open asks by these rules; who has waited longest comes first. One more than a page shows: it tells so."""
        query = select(ASKS).where(
            ASKS.c.rule.in_(list(rules)), ASKS.c.state == str(AskState.OPEN), ASKS.c.asked_at > now - ANSWER_WITHIN
        )
        with self._database.reading() as connection:
            return _read(connection, query.order_by(ASKS.c.asked_at, ASKS.c.id).limit(limit))

    def answered(self, rules: Iterable[str], limit: int = 20) -> tuple[Ask, ...]:
        """What has been said lately by these rules, newest first."""
        said = ASKS.c.state.in_([str(s) for s in (AskState.GRANTED, AskState.REFUSED, AskState.REVOKED)])
        query = select(ASKS).where(ASKS.c.rule.in_(list(rules)), said).order_by(ASKS.c.answered_at.desc())
        with self._database.reading() as connection:
            return _read(connection, query.limit(limit))

    def _asks(self, query: Select[Any], limit: int) -> tuple[Ask, ...]:
        with self._database.reading() as connection:
            return _read(connection, query.order_by(ASKS.c.asked_at.desc(), ASKS.c.id).limit(limit))


def _of(user: str) -> Select[Any]:
    """What this account has asked; an earlier one of that name is somebody else."""
    return select(ASKS).where(ASKS.c.user_name == user, ASKS.c.left_at.is_(None))


def _read(connection: Connection, query: Select[Any]) -> tuple[Ask, ...]:
    return tuple(_ask(row) for row in connection.execute(query))


def _post(connection: Connection, notices: Iterable[Notice]) -> None:
    for notice in notices:
        post(connection, notice)


def _tell(connection: Connection, changed: Changed, way: Way) -> None:
    """The note of the ask's story, and the same in the audit."""
    ask, note = changed.ask, changed.note
    connection.execute(
        insert(NOTES).values(ask_id=ask.id, kind=str(note.kind), author=note.author, at=note.at, text=note.text)
    )
    details = {
        "ask": ask.id,
        "rule": ask.rule,
        "machine": ask.terms.display_name,
        "profile": ask.terms.profile,
        "options": dict(ask.terms.choice.options),
        "lasts": words.length(ask.terms.lasts),
        "text": note.text,
    }
    if ask.ends_at is not None:
        details["until"] = (ask.revoked_at or ask.ends_at).isoformat()
    write(
        connection,
        AuditEntry(
            at=note.at,
            actor=note.author,
            action=Action(f"ask-{note.kind}"),
            subject=ask.user,
            way=way,
            details=details,
        ),
    )


def _row(ask: Ask) -> dict[str, Any]:
    return {
        "id": ask.id,
        "rule": ask.rule,
        "user_name": ask.user,
        "reason": ask.reason,
        "asked": ask.asked.to_dict(),
        "terms": ask.terms.to_dict(),
        "asked_at": ask.asked_at,
        "state": str(ask.state),
        "answered_by": ask.answered_by,
        "answered_at": ask.answered_at,
        "answer": ask.answer,
        "begins_at": ask.begins_at,
        "ends_at": ask.ends_at,
        "revoked_by": ask.revoked_by,
        "revoked_at": ask.revoked_at,
        "left_at": ask.left_at,
    }


def _ask(row: Row[Any]) -> Ask:
    kept = row._mapping
    return Ask(
        id=kept["id"],
        rule=kept["rule"],
        user=kept["user_name"],
        reason=kept["reason"],
        asked=Terms.from_dict(kept["asked"]),
        terms=Terms.from_dict(kept["terms"]),
        asked_at=kept["asked_at"],
        state=AskState(kept["state"]),
        answered_by=kept["answered_by"],
        answered_at=kept["answered_at"],
        answer=kept["answer"],
        begins_at=kept["begins_at"],
        ends_at=kept["ends_at"],
        revoked_by=kept["revoked_by"],
        revoked_at=kept["revoked_at"],
        left_at=kept["left_at"],
    )
