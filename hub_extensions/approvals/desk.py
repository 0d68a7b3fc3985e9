"""What pages and REST do with asks: everything about people and machines is looked up here, on the Hub's side, and what
was sent is only a choice, a length of time and a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hub_extensions.admission.currencies import billed_otherwise
from hub_extensions.admission.spent import UsedHour
from hub_extensions.approvals import decide, words
from hub_extensions.approvals.ask import Ask, Note, Terms
from hub_extensions.approvals.decide import Changed, Said
from hub_extensions.approvals.store import Approvals
from hub_extensions.approvals.telling import approvers_of
from hub_extensions.approvals.words import NotPossible
from hub_extensions.audit.entry import Way
from hub_extensions.page_frame.hub import utc
from profiles.choice import MachineChoice
from profiles.grants import rules_for
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.policy import Policies
from profiles.quantity import BadQuantity, Duration, Money
from profiles.refusal import Refusal
from profiles.resolve import resolve

#: Far beyond any rule's `longest`, and within what time can be added to.
_LONGEST_SAID = 10**9
_UNITS = {"hours": 3600, "days": 86400}
#: Looking back at what somebody used.
LOOK_BACK = timedelta(days=30)

Answer = Ask | NotPossible | Refusal


@dataclass(frozen=True, slots=True)
class Told:
    """What came with an answer. What is left out is as the ask stands."""

    text: str = ""
    options: Mapping[str, str] | None = None
    lasts: timedelta | NotPossible | None = None


@dataclass(frozen=True)
class Desk:
    """`find_user` is JupyterHub's: a user by name, or None. `db` is its session. `way` is how the person came."""

    gate: Any
    catalog: Catalog
    find_user: Callable[[str], Any]
    db: Any
    way: Way

    @property
    def approvals(self) -> Approvals:
        return Approvals(self.gate.store.database)

    @property
    def policies(self) -> Policies:
        return self.catalog.policies

    # Asking.

    def terms(self, choice: MachineChoice, person: Person, lasts: timedelta) -> Terms | Refusal:
        outcome = resolve(self.catalog, choice, person)
        return Terms.of(outcome, lasts) if isinstance(outcome, MachinePlan) else outcome

    async def ask(
        self, said: Said, choice: MachineChoice, lasts: timedelta | NotPossible
    ) -> tuple[Ask, ...] | NotPossible | Refusal:
        terms = self.terms(choice, said.by, lasts if isinstance(lasts, timedelta) else timedelta(0))
        if isinstance(terms, Refusal):
            return terms
        if isinstance(lasts, NotPossible):
            return lasts
        rules = rules_for(self.policies, decide.request_of(said.by, terms))
        approvers = {rule: approvers_of(self.db, approval.approvers) for rule, approval in rules}
        made: tuple[Ask, ...] | NotPossible = await self.gate.call(
            self.approvals.raise_asks, said, terms, self.policies, self.way, approvers=approvers
        )
        return made

    # Answering.

    async def grant(self, ask: Ask, said: Said, told: Told) -> Answer:
        return await self._with_terms(decide.grant, ask, said, told)

    async def revise(self, ask: Ask, said: Said, told: Told) -> Answer:
        return await self._with_terms(decide.revise, ask, said, told)

    async def refuse(self, ask: Ask, said: Said, told: Told) -> Answer:
        return await self._change(ask, lambda kept: decide.refuse(kept, said, self.policies))

    async def comment(self, ask: Ask, said: Said, told: Told) -> Answer:
        return await self._change(ask, lambda kept: decide.comment(kept, said, self.policies))

    async def withdraw(self, ask: Ask, said: Said, told: Told) -> Answer:
        return await self._change(ask, lambda kept: decide.withdraw(kept, said, self.policies))

    async def revoke(self, ask: Ask, said: Said, told: Told) -> Answer:
        return await self._change(ask, lambda kept: decide.revoke(kept, said, self.policies))

    async def _with_terms(
        self, judge: Callable[[Ask, Said, Terms, Policies], Changed | NotPossible], ask: Ask, said: Said, told: Told
    ) -> Answer:
        """Whoever may not answer hears that first, and nothing about machines and people."""
        if isinstance(may_not := decide.answering(ask, said, self.policies), NotPossible):
            return may_not
        if isinstance(told.lasts, NotPossible):
            return told.lasts
        asker = self.asker(ask)
        if asker is None:
            return words.asker_gone(ask)
        options = {**ask.terms.choice.options, **(told.options or {})}
        lasts = ask.terms.lasts if told.lasts is None else told.lasts
        terms = self.terms(MachineChoice(ask.asked.profile, options), asker, lasts)
        if isinstance(terms, Refusal):
            return words.machine_gone(ask, terms)
        return await self._change(ask, lambda kept: judge(kept, said, terms, self.policies))

    async def _change(self, ask: Ask, judge: Callable[[Ask], Changed | NotPossible]) -> Ask | NotPossible:
        changed: Ask | NotPossible = await self.gate.call(
            self.approvals.change, ask.id, judge, self.way, self.policies.timezone
        )
        return changed

    # Looking.

    async def find(self, ask_id: str, by: Person) -> tuple[Ask, tuple[Note, ...]] | NotPossible:
        """What is not for this person's eyes is not there."""
        found: tuple[Ask, tuple[Note, ...]] | None = await self.gate.call(self.approvals.get, ask_id)
        if found is None or not self._may_see(found[0], by):
            return words.no_such_ask()
        return found

    def _may_see(self, ask: Ask, by: Person) -> bool:
        """Of what an earlier account of one's name asked, one sees no more than others do."""
        own = ask.user == by.name and self.asker(ask) is not None
        return own or decide.may_see(replace(ask, user=""), by, self.policies)

    async def mine(self, user: str) -> tuple[Ask, ...]:
        """Without those of an earlier account of that name."""
        return tuple(ask for ask in await self.of_user(user) if self.asker(ask) is not None)

    async def of_user(self, user: str) -> tuple[Ask, ...]:
        asks: tuple[Ask, ...] = await self.gate.call(self.approvals.of_user, user)
        return asks

    async def waiting_for(self, person: Person, now: datetime) -> tuple[Ask, ...]:
        """Open asks that this person may answer."""
        return await self._by_rules(self.approvals.waiting, person, now)

    async def answered_for(self, person: Person) -> tuple[Ask, ...]:
        return await self._by_rules(self.approvals.answered, person)

    async def _by_rules(self, look: Callable[..., tuple[Ask, ...]], person: Person, *more: Any) -> tuple[Ask, ...]:
        rules = decide.answers_for(person, self.policies)
        asks: tuple[Ask, ...] = await self.gate.call(look, rules, *more) if rules else ()
        return tuple(ask for ask in asks if ask.user != person.name)

    async def used(self, user: str, now: datetime) -> tuple[UsedHour, ...]:
        """By hour and machine, in the last 30 days."""
        hours: tuple[UsedHour, ...] = await self.gate.call(
            self.gate.store.used, since=now - LOOK_BACK, until=now, by="user", name=user
        )
        return hours

    async def used_otherwise(self, user: str, now: datetime) -> tuple[Money, ...]:
        """What of that was billed in another currency than the catalog's."""
        currency, span = self.catalog.currency, {"since": now - LOOK_BACK, "until": now}

        def look() -> tuple[Money, ...]:
            return billed_otherwise(self.gate.store.database, currency, user=user, **span)

        found: tuple[Money, ...] = await self.gate.call(look)
        return found

    def asker(self, ask: Ask) -> Person | None:
        """Who asked, as they are now. None once the account is gone, also when there is a new one of that name."""
        user = self.find_user(ask.user)
        created = utc(user.orm_user.created) if user is not None else None
        if user is None or ask.left_at is not None or (created is not None and created > ask.asked_at):
            return None
        person: Person = user.spawner.person
        return person


def lasts_of_form(number: str, unit: str) -> timedelta | NotPossible:
    """`3` and `days`."""
    number = number.strip()
    if not (number.isascii() and number.isdigit() and len(number) <= 6 and unit in _UNITS):
        return words.bad_length()
    return timedelta(seconds=min(int(number) * _UNITS[unit], _LONGEST_SAID))


def lasts_of_json(value: Any) -> timedelta | NotPossible:
    """`"3d"`, `"12h"`, or seconds."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return words.bad_length()
    try:
        seconds = Duration.parse(value).seconds
    except BadQuantity:
        return words.bad_length()
    return timedelta(seconds=min(seconds, _LONGEST_SAID))
