"""What somebody is told about their asks on other pages: the spawn page and home."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.approvals import decide
from hub_extensions.approvals.ask import MANY, Ask, AskState
from hub_extensions.approvals.store import Approvals
from hub_extensions.page_frame import words
from hub_extensions.page_frame.notice import Notice, Tone
from profiles.person import Person
from profiles.policy import Policies

#: An answer is news for so long.
SHOWN = timedelta(days=2)


async def notices_for(gate: Any, person: Person, policies: Policies, now: datetime) -> tuple[Notice, ...]:
    """Answers of the last two days, and how many asks wait for this person. None where nobody has to ask, and none
    while the database is away: the page itself says so."""
    if gate is None or not policies.approvals:
        return ()
    approvals = Approvals(gate.store.database)
    rules = decide.answers_for(person, policies)
    try:
        mine: tuple[Ask, ...] = await gate.call(approvals.of_user, person.name)
        waiting: tuple[Ask, ...] = await gate.call(approvals.waiting, rules, now) if rules else ()
    except DatabaseAway:
        return ()
    return (*notices_of(mine, now, policies.timezone), *_waiting(sum(ask.user != person.name for ask in waiting)))


def notices_of(asks: Iterable[Ask], now: datetime, timezone: str = "UTC") -> tuple[Notice, ...]:
    """What the person who asked has been answered lately, the latest first."""
    lately = [ask for ask in asks if (at := _spoken_at(ask)) is not None and now - SHOWN < at <= now]
    latest_first = sorted(lately, key=lambda ask: _spoken_at(ask) or now, reverse=True)
    return tuple(_notice(ask, now, timezone) for ask in latest_first)


def _notice(ask: Ask, now: datetime, timezone: str) -> Notice:
    name, answer = ask.terms.display_name, f"“{ask.answer}”" if ask.answer else ""
    if ask.state is AskState.GRANTED and ask.ends_at is not None:
        if not ask.holds(now):
            said = f"Your permission for {name} ended at {words.clock_in(timezone, ask.ends_at, now)}."
            return Notice(said, "Ask again if you still need it.", "permission-ended")
        said = f"{ask.answered_by} said yes: you may have {name} until {words.clock_in(timezone, ask.ends_at, now)}."
        return Notice(said, answer, "ask-granted")
    if ask.state is AskState.REVOKED:
        said = f"{ask.revoked_by} took back the permission for {name}."
        return Notice(said, "Look under “Approvals” for the reason.", "ask-revoked", Tone.WARNING)
    return Notice(f"{ask.answered_by} said no to {name}.", answer, "ask-refused", Tone.WARNING)


def _spoken_at(ask: Ask) -> datetime | None:
    """When somebody else said something final."""
    if ask.state is AskState.REVOKED:
        return ask.revoked_at
    return ask.answered_at if ask.state in {AskState.GRANTED, AskState.REFUSED} else None



def _waiting(count: int) -> tuple[Notice, ...]:
    if not count:
        return ()
    number = f"More than {MANY}" if count > MANY else count
    said = "One ask waits for your answer." if count == 1 else f"{number} asks wait for your answer."
    return (Notice(said, "Look under “Approvals”.", "asks-wait"),)
