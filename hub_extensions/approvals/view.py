"""PURE: asks -> the pages on which people ask, wait, and answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub_extensions.admission.spent import UsedHour
from hub_extensions.approvals import decide
from hub_extensions.approvals.ask import MANY, Ask, AskState, Note, NoteKind, Terms
from hub_extensions.approvals.pieces import (
    Length,
    Line,
    Reader,
    Select,
    length_of,
    line_of,
    parts_of,
    selects_of,
)
from hub_extensions.approvals.words import length
from hub_extensions.page_frame import words
from hub_extensions.page_frame.machine_words import CENT, Moment
from hub_extensions.page_frame.menu import Menu
from hub_extensions.page_frame.notice import Notice, Tone
from profiles.access import Access, who_may
from profiles.amounts import Amounts
from profiles.choice import MachineChoice
from profiles.grants import rules_for
from profiles.lease import Charge
from profiles.model import Catalog
from profiles.plan import MachinePlan
from profiles.quantity import Money

#: What a form proposes where nothing else was said.
USUAL = timedelta(days=1)
NOTE_WORDS: dict[NoteKind, str] = {
    NoteKind.ASKED: "asked",
    NoteKind.COMMENT: "wrote",
    NoteKind.REVISED: "changed it",
    NoteKind.GRANTED: "said yes",
    NoteKind.REFUSED: "said no",
    NoteKind.WITHDRAWN: "withdrew it",
    NoteKind.REVOKED: "took the yes back",
}
#: What one page asks the next to say, by `?done=<code>`: only these words, never the URL's own.
DONE: dict[str, Notice] = {
    "asked": Notice("You have asked. You see the answer here and on your home page.", "", "asked"),
    "commented": Notice("Your comment is kept, and everybody concerned can read it.", "", "commented"),
    "revised": Notice("The ask is changed, and still waits for an answer.", "", "revised"),
    "granted": Notice("You said yes. The machine can be started now.", "", "granted"),
    "refused": Notice("You said no.", "", "refused"),
    "withdrawn": Notice("You have withdrawn the ask.", "", "withdrawn"),
    "revoked": Notice(
        "You took the yes back: the machine cannot be started by it any more.",
        "If it runs already, it runs on until its time is over; an administrator can stop it.",
        "revoked",
    ),
}
OFF = Notice(
    "No machine of this hub needs anybody’s yes.", "Whatever is on offer to you, start it on the spawn page.", "off"
)
AWAY = Notice(
    "Asks cannot be read or written at the moment: the database they are kept in does not answer.",
    "Try again in a minute; if it lasts, tell your administrator.",
    "database-away",
    Tone.DANGER,
)


@dataclass(frozen=True)
class ListPage:
    mine: tuple[Line, ...]
    waiting: tuple[Line, ...]
    answered: tuple[Line, ...]
    answers: bool
    """This person is asked by some rule."""
    many: int | None = None
    """More wait than these: those who have waited longest are shown."""
    notice: Notice | None = None


@dataclass(frozen=True)
class FormPage:
    """`machine` is empty where there is nothing to ask for; `notice` says why."""

    machine: str
    parts: str
    price: str
    action: str
    xsrf: str
    profile: str
    selects: tuple[Select, ...]
    length: Length
    who: str
    text: str
    max_text: int
    can_ask: bool
    notice: Notice | None = None


@dataclass(frozen=True)
class StoryLine:
    author: str
    did: str
    at: Moment
    text: str


@dataclass(frozen=True)
class UsedLine:
    label: str
    machine_hours: str
    gpu_hours: str
    money: str


@dataclass(frozen=True)
class AskPage:
    line: Line
    asked_parts: str
    """What was asked for, where a revision has made less of it."""
    who: str
    until: Moment | None
    story: tuple[StoryLine, ...]
    used: tuple[UsedLine, ...]
    otherwise: str
    earlier: str
    selects: tuple[Select, ...]
    length: Length
    text: str
    max_text: int
    action: str
    xsrf: str
    may_comment: bool
    """False for an administrator who came from the audit and has no say in it."""
    may_answer: bool
    may_withdraw: bool
    may_revoke: bool
    notice: Notice | None = None


@dataclass(frozen=True)
class Typed:
    """What a refused form brings back, so that nothing is typed twice."""

    notice: Notice | None = None
    text: str = ""
    length: Length | None = None
    options: Mapping[str, str] | None = None


def list_page(
    mine: Iterable[Ask], waiting: Sequence[Ask], answered: Iterable[Ask], reader: Reader, notice: Notice | None
) -> ListPage:
    return ListPage(
        mine=tuple(line_of(ask, reader) for ask in mine),
        waiting=tuple(line_of(ask, reader) for ask in waiting[:MANY]),
        many=MANY if len(waiting) > MANY else None,
        answered=tuple(line_of(ask, reader) for ask in answered),
        answers=bool(decide.answers_for(reader.person, reader.policies)),
        notice=notice,
    )


def form_page(choice: MachineChoice, plan: MachinePlan | None, reader: Reader, typed: Typed) -> FormPage:
    """`plan` None: this person cannot have it, with a yes or without; the notice says why."""
    profile = reader.catalog.profiles.get(choice.profile or "")
    terms = Terms.of(plan, USUAL) if plan else None
    rules = rules_for(reader.policies, decide.request_of(reader.person, terms)) if terms else ()
    longest = min((approval.longest for _, approval in rules), default=None)
    return FormPage(
        machine=plan.display_name if plan else "",
        parts=parts_of(terms, reader.catalog) if terms else "",
        price=words.price_per_hour(plan.price_per_hour) if plan else "",
        action=f"{reader.root}/ask",
        xsrf=reader.xsrf,
        profile=choice.profile or "",
        selects=selects_of(profile, plan.options, plan.profile_id) if profile and plan else (),
        length=typed.length or length_of(USUAL, longest),
        who=_who({rule: approval.approvers for rule, approval in rules}),
        text=typed.text,
        max_text=decide.MAX_TEXT,
        can_ask=plan is not None,
        notice=typed.notice,
    )


@dataclass(frozen=True)
class Background:
    """What those who answer are told: what the person who asks could have now, has used and has asked for."""

    menu: Menu | None = None
    used: tuple[UsedHour, ...] = ()
    asks: tuple[Ask, ...] = ()
    #: Of what was used, what was billed in other currencies than the catalog's.
    otherwise: tuple[Money, ...] = ()


def ask_page(ask: Ask, story: Iterable[Note], reader: Reader, background: Background, typed: Typed) -> AskPage:
    approval = reader.policies.approvals.get(ask.rule)
    concerned = decide.may_answer(ask, reader.person, reader.policies)
    is_open = ask.state_at(reader.now) is AskState.OPEN
    others = [each for each in background.asks if each.id != ask.id]
    return AskPage(
        line=line_of(ask, reader),
        asked_parts=_asked_parts(ask, reader.catalog),
        who=_who({ask.rule: approval.approvers}) if approval else "",
        until=_until(ask, reader),
        story=tuple(_story_line(note, reader) for note in story),
        used=used_lines(background.used, ask, reader.catalog) if concerned else (),
        otherwise=_otherwise(background.otherwise) if concerned else "",
        earlier=_earlier(others, reader.now) if concerned else "",
        selects=_no_more(ask, background.menu, typed.options) if background.menu else (),
        length=typed.length or length_of(ask.terms.lasts, approval.longest if approval else None),
        text=typed.text,
        max_text=decide.MAX_TEXT,
        action=f"{reader.root}/{ask.id}",
        xsrf=reader.xsrf,
        may_comment=concerned or ask.user == reader.person.name,
        may_answer=concerned and is_open,
        may_withdraw=is_open and ask.user == reader.person.name,
        may_revoke=concerned and ask.holds(reader.now),
        notice=typed.notice,
    )


def used_lines(used: tuple[UsedHour, ...], ask: Ask, catalog: Catalog) -> tuple[UsedLine, ...]:
    """All machines, and the one that is asked for."""
    this = [hour for hour in used if hour.profile == ask.terms.profile]
    currency = catalog.currency
    return (
        _used_line("All machines", used, currency),
        _used_line(ask.terms.display_name, this, currency),
    )


def _asked_parts(ask: Ask, catalog: Catalog) -> str:
    if ask.asked == ask.terms:
        return ""
    return f"{parts_of(ask.asked, catalog)}, for {length(ask.asked.lasts)}"


def _who(rules: Mapping[str, Access]) -> str:
    """`members of leads`; of several rules, each."""
    return "; and ".join(dict.fromkeys(who_may(access) for access in rules.values()))


def _no_more(ask: Ask, menu: Menu, typed: Mapping[str, str] | None) -> tuple[Select, ...]:
    """The machine's options as far as they give no more than was asked for, each on its own."""
    asked = ask.asked.choice
    profile = menu.catalog.profiles.get(ask.asked.profile) if menu.catalog else None
    if profile is None or menu.plan(asked) is None:
        return ()

    def fits(name: str, value: str) -> bool:
        plan = menu.plan(MachineChoice(asked.profile, {**asked.options, name: value}))
        return plan is not None and decide.within(Amounts.of(plan), ask.asked.amounts)

    chosen = ask.terms.choice.options if typed is None else typed
    return tuple(
        replace(select, items=tuple(item for item in select.items if fits(name, item.value)))
        for name, select in zip(profile.options, selects_of(profile, chosen, ask.asked.profile), strict=True)
    )


def _story_line(note: Note, reader: Reader) -> StoryLine:
    return StoryLine(
        note.author, NOTE_WORDS[note.kind], Moment.past(note.at, reader.now, reader.policies.timezone), note.text
    )


def _until(ask: Ask, reader: Reader) -> Moment | None:
    if ask.ends_at is None or not ask.holds(reader.now):
        return None
    return Moment.future(ask.ends_at, reader.now, reader.policies.timezone)


def _used_line(label: str, hours: Iterable[UsedHour], currency: str) -> UsedLine:
    total = sum((hour.charge for hour in hours), start=Charge())
    return UsedLine(
        label=label,
        machine_hours=f"{total.hours:.1f}".removesuffix(".0"),
        gpu_hours=f"{total.gpu_hours:.1f}".removesuffix(".0"),
        money=Money(total.money.quantize(CENT), currency).human,
    )


def _otherwise(billed: Iterable[Money]) -> str:
    amounts = " and ".join(each.human for each in billed)
    return f"{amounts} of it, in another currency, is added as it stands." if amounts else ""


def _earlier(others: list[Ask], now: datetime) -> str:
    """`3 earlier asks: 2 times yes, 1 time no`."""
    if not others:
        return "It is the first ask of this person."
    yes = sum(ask.state in {AskState.GRANTED, AskState.REVOKED} for ask in others)
    no = sum(ask.state is AskState.REFUSED for ask in others)
    waiting = sum(ask.state_at(now) is AskState.OPEN for ask in others)
    said = [f"{yes} answered with yes", f"{no} with no", *([f"{waiting} waiting"] if waiting else [])]
    return f"{words.plural(len(others), 'other ask')} of this person: {', '.join(said)}."
