"""PURE: what may be done with an ask, and what becomes of it. `store` calls these inside its transaction.

Each takes the ask as it is kept at that moment and gives what to keep instead, with one note for its story; or why
not. Who may answer is the policy's `approvers`, and never the person who asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub_extensions.approvals import words
from hub_extensions.approvals.ask import Ask, AskState, Note, NoteKind, Terms
from hub_extensions.approvals.words import NotPossible
from profiles.access import allows
from profiles.admission_words import amount
from profiles.amounts import Amounts
from profiles.grants import covering, rules_for
from profiles.lease import Request
from profiles.person import Person
from profiles.policy import Approval, Policies

MAX_TEXT = 2000
MAX_OPEN = 20
#: Less is no use: a machine has to start, too.
SHORTEST = timedelta(minutes=15)
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Changed:
    ask: Ask
    note: Note


@dataclass(frozen=True, slots=True)
class Said:
    """Who does it, when, and what they write with it."""

    by: Person
    at: datetime
    text: str = ""

    @property
    def cleaned(self) -> str:
        return cleaned(self.text)

    def note(self, kind: NoteKind, change: str = "") -> Note:
        return Note(kind, self.by.name, self.at, f"{change}\n{self.cleaned}".strip() if change else self.cleaned)


def cleaned(text: str) -> str:
    """As it is kept and shown: without control characters, changes of writing direction and halves of pairs."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def raise_asks(
    said: Said, terms: Terms, policies: Policies, known: Iterable[Ask], new_id: Callable[[], str]
) -> tuple[Changed, ...] | NotPossible:
    """One ask for each rule that no yes covers yet: each has its own people to say it. `known` are this person's asks;
    the text says what the machine is for."""
    known = tuple(ask for ask in known if ask.user == said.by.name)
    missing = _missing(said, terms, policies, known)
    if isinstance(missing, NotPossible):
        return missing
    if not said.cleaned:
        return words.no_reason()
    wrong = _wrong_text(said) or _wrong_length(terms.lasts, missing.values())
    if wrong is not None:
        return wrong
    still_open = [ask for ask in known if ask.state_at(said.at) is AskState.OPEN]
    waiting = {ask.rule: ask for ask in still_open if ask.rule in missing and _covers(ask.asked, terms)}
    new = [rule for rule in missing if rule not in waiting]
    if not new:
        return words.asked_already(next(iter(waiting.values())), said.at, policies.timezone)
    if len(still_open) + len(new) > MAX_OPEN:
        return words.too_many(len(still_open))
    return tuple(_new(new_id(), rule, said, terms) for rule in new)


def _missing(
    said: Said, terms: Terms, policies: Policies, known: Iterable[Ask]
) -> dict[str, Approval] | NotPossible:
    """The rules that this machine needs a yes by and has none."""
    request = request_of(said.by, terms)
    rules = rules_for(policies, request)
    if not rules:
        return words.not_needed(terms.display_name)
    grants = tuple(ask.grant for ask in known if ask.grant is not None)
    held = {rule: covering(grants, rule, request, said.at) for rule, _ in rules}
    missing = {rule: approval for rule, approval in rules if held[rule] is None}
    if not missing:
        first = min((grant for grant in held.values() if grant), key=lambda grant: grant.ends_at)
        return words.covered(terms.display_name, first, said.at, policies.timezone)
    return missing


def comment(ask: Ask, said: Said, policies: Policies) -> Changed | NotPossible:
    """By the person who asked and by those who may answer, also after the answer."""
    if said.by.name != ask.user and isinstance(wrong := _approver(ask, said.by, policies), NotPossible):
        return wrong
    if not said.cleaned:
        return words.no_comment()
    return _wrong_text(said) or Changed(ask, said.note(NoteKind.COMMENT))


def withdraw(ask: Ask, said: Said, policies: Policies) -> Changed | NotPossible:
    if said.by.name != ask.user:
        return words.not_yours(ask)
    if ask.state_at(said.at) is not AskState.OPEN:
        return words.closed(ask, said.at, policies.timezone)
    return Changed(replace(ask, state=AskState.WITHDRAWN, answered_at=said.at), said.note(NoteKind.WITHDRAWN))


def refuse(ask: Ask, said: Said, policies: Policies) -> Changed | NotPossible:
    approval = answering(ask, said, policies)
    if isinstance(approval, NotPossible):
        return approval
    no = replace(
        ask, state=AskState.REFUSED, answered_by=said.by.name, answered_at=said.at, answer=said.cleaned
    )
    return Changed(no, said.note(NoteKind.REFUSED))


def revise(ask: Ask, said: Said, terms: Terms, policies: Policies) -> Changed | NotPossible:
    """Less of it, or another length of time, before the answer; the ask stays open."""
    approval = answering(ask, said, policies)
    if isinstance(approval, NotPossible):
        return approval
    change = differences(ask.terms, terms)
    return _wrong_terms(ask, terms, approval) or Changed(
        replace(ask, terms=terms), said.note(NoteKind.REVISED if change else NoteKind.COMMENT, change)
    )


def grant(ask: Ask, said: Said, terms: Terms, policies: Policies) -> Changed | NotPossible:
    """`terms` are what the catalog gives the asker at this moment: a yes is to a machine that exists."""
    approval = answering(ask, said, policies)
    if isinstance(approval, NotPossible):
        return approval
    wrong = _wrong_terms(ask, terms, approval)
    if wrong is not None:
        return wrong
    yes = replace(
        ask,
        terms=terms,
        state=AskState.GRANTED,
        answered_by=said.by.name,
        answered_at=said.at,
        answer=said.cleaned,
        begins_at=said.at,
        ends_at=said.at + terms.lasts,
    )
    return Changed(yes, said.note(NoteKind.GRANTED, differences(ask.asked, terms)))


def revoke(ask: Ask, said: Said, policies: Policies) -> Changed | NotPossible:
    """The yes ends now; whatever runs by it goes on until its own time is over."""
    approval = _approver(ask, said.by, policies)
    if isinstance(approval, NotPossible):
        return approval
    if not ask.holds(said.at):
        return words.no_grant(ask, said.at, policies.timezone)
    over = replace(ask, state=AskState.REVOKED, revoked_by=said.by.name, revoked_at=said.at)
    return _wrong_text(said) or Changed(over, said.note(NoteKind.REVOKED))


def leave(ask: Ask, said: Said) -> Changed | None:
    """The account of who asked is removed, by whoever says it. None where nothing is left to end."""
    if ask.holds(said.at):
        over = replace(ask, state=AskState.REVOKED, revoked_by=said.by.name, revoked_at=said.at)
        return Changed(over, said.note(NoteKind.REVOKED))
    if ask.state_at(said.at) is AskState.OPEN:
        return Changed(replace(ask, state=AskState.WITHDRAWN, answered_at=said.at), said.note(NoteKind.WITHDRAWN))
    return None


def may_answer(ask: Ask, by: Person, policies: Policies) -> bool:
    return not isinstance(_approver(ask, by, policies), NotPossible)


def may_see(ask: Ask, by: Person, policies: Policies) -> bool:
    """Administrators read it in the audit anyway."""
    return ask.user == by.name or by.admin or may_answer(ask, by, policies)


def within(wanted: Amounts, most: Amounts) -> bool:
    return not _more(wanted, most)


def answers_for(person: Person, policies: Policies) -> tuple[str, ...]:
    """The rules by which this person is asked."""
    return tuple(rule for rule, approval in policies.approvals.items() if allows(approval.approvers, person))


def request_of(person: Person, terms: Terms) -> Request:
    """The start that these terms are about, as admission would see it."""
    return Request(
        lease_id="",
        person=person,
        server="",
        profile=terms.profile,
        display_name=terms.display_name,
        pool="",
        amounts=terms.amounts,
        price_per_hour=terms.price_per_hour,
    )


def differences(before: Terms, after: Terms) -> str:
    """`2 GPUs instead of 4 GPUs, 1 day instead of 7 days`; empty when nothing was changed."""
    pairs = [*_compared(before.amounts, after.amounts), (words.length(before.lasts), words.length(after.lasts))]
    return ", ".join(f"{is_} instead of {was}" for was, is_ in pairs if was != is_)


def _new(ask_id: str, rule: str, said: Said, terms: Terms) -> Changed:
    user, reason = said.by.name, said.cleaned
    ask = Ask(id=ask_id, rule=rule, user=user, reason=reason, asked=terms, terms=terms, asked_at=said.at)
    return Changed(ask, said.note(NoteKind.ASKED))


def _approver(ask: Ask, by: Person, policies: Policies) -> Approval | NotPossible:
    """The rule, if this person may answer by it."""
    if by.name == ask.user:
        return words.own_ask()
    approval = policies.approvals.get(ask.rule)
    if approval is None:
        return words.rule_gone(ask)
    return approval if allows(approval.approvers, by) else words.not_an_approver(approval)


def answering(ask: Ask, said: Said, policies: Policies) -> Approval | NotPossible:
    """The rule, if this person may answer at this moment; `desk` asks before it looks anything up for the answer."""
    approval = _approver(ask, said.by, policies)
    if isinstance(approval, NotPossible):
        return approval
    if ask.state_at(said.at) is not AskState.OPEN:
        return words.closed(ask, said.at, policies.timezone)
    return _wrong_text(said) or approval


def _wrong_terms(ask: Ask, terms: Terms, approval: Approval) -> NotPossible | None:
    if terms.profile != ask.asked.profile:
        return words.other_machine(terms.display_name, ask.asked.display_name)
    for name, asked, wanted in _more(terms.amounts, ask.asked.amounts)[:1]:
        return words.more_than_asked(amount(name, wanted), amount(name, asked))
    return _wrong_length(terms.lasts, (approval,))


def _wrong_text(said: Said) -> NotPossible | None:
    length = len(said.cleaned)
    return words.too_long_text(length, MAX_TEXT) if length > MAX_TEXT else None


def _wrong_length(lasts: timedelta, approvals: Iterable[Approval]) -> NotPossible | None:
    strictest = min(approvals, key=lambda approval: approval.longest)
    # A rule may itself allow less than what is of use; then that is the length.
    if lasts < min(SHORTEST, timedelta(seconds=strictest.longest.seconds)):
        return words.too_short(lasts)
    return words.too_long(lasts, strictest) if lasts.total_seconds() > strictest.longest.seconds else None


def _covers(asked: Terms, wanted: Terms) -> bool:
    return asked.profile == wanted.profile and within(wanted.amounts, asked.amounts)


def _more(wanted: Amounts, most: Amounts) -> list[tuple[str, int, int]]:
    """What is wanted beyond `most`: (resource, most, wanted). Devices first: they are what people ask for."""
    devices = [(name, most.devices.get(name, 0), count) for name, count in wanted.devices.items()]
    resources = [*devices, ("cores", most.millicores, wanted.millicores), ("memory", most.memory, wanted.memory)]
    return [each for each in resources if each[2] > each[1]]


def _compared(before: Amounts, after: Amounts) -> Iterable[tuple[str, str]]:
    yield amount("gpus", before.gpus), amount("gpus", after.gpus)
    yield amount("cores", before.millicores), amount("cores", after.millicores)
    yield amount("memory", before.memory), amount("memory", after.memory)
