"""PURE: asks -> the pages on which people ask, wait, and answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub_extensions.admission.spent import UsedHour
from hub_extensions.approvals import decide
from hub_extensions.approvals.ask import Ask, AskState, Note, NoteKind, Terms
from hub_extensions.approvals.words import length
from hub_extensions.page_frame import words
from hub_extensions.page_frame.machine_words import CENT, Moment, option_words
from hub_extensions.page_frame.menu import Menu
from hub_extensions.page_frame.notice import Notice, Tone
from profiles.access import Access, who_may
from profiles.amounts import Amounts
from profiles.choice import MachineChoice
from profiles.grants import rules_for
from profiles.lease import Charge
from profiles.model import Catalog, Profile
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.policy import Policies
from profiles.quantity import Duration

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
class Item:
    value: str
    label: str
    selected: bool


@dataclass(frozen=True)
class Select:
    field: str
    label: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Length:
    """How long: a number and its unit, and the most there may be."""

    number: str
    unit: str
    most: str


@dataclass(frozen=True)
class Line:
    """One ask in a list. `tone` is good, bad, waiting or over."""

    href: str
    user: str
    machine: str
    parts: str
    lasts: str
    price: str
    cost: str
    state: str
    tone: str
    asked_at: Moment
    reason: str


@dataclass(frozen=True)
class ListPage:
    mine: tuple[Line, ...]
    waiting: tuple[Line, ...]
    answered: tuple[Line, ...]
    answers: bool
    """This person is asked by some rule."""
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
    earlier: str
    selects: tuple[Select, ...]
    length: Length
    text: str
    max_text: int
    action: str
    xsrf: str
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


@dataclass(frozen=True)
class Reader:
    """Who looks, at what moment, with which catalog, and where the hub's pages of asks begin."""

    person: Person
    now: datetime
    catalog: Catalog
    root: str
    xsrf: str

    @property
    def policies(self) -> Policies:
        return self.catalog.policies


def line_of(ask: Ask, reader: Reader) -> Line:
    state, tone = state_words(ask, reader.now)
    terms = ask.terms
    return Line(
        href=f"{reader.root}/{ask.id}",
        user=ask.user,
        machine=terms.display_name,
        parts=parts_of(terms, reader.catalog),
        lasts=length(terms.lasts),
        price=words.price_per_hour(terms.price_per_hour.amount, terms.price_per_hour.currency),
        cost=_cost(terms),
        state=state,
        tone=tone,
        asked_at=Moment.past(ask.asked_at, reader.now),
        reason=ask.reason,
    )


def state_words(ask: Ask, now: datetime) -> tuple[str, str]:
    """In one sentence without its full stop, and how good that is."""
    if ask.state is AskState.GRANTED and ask.ends_at is not None:
        if ask.holds(now):
            return f"{ask.answered_by} said yes, until {words.clock(ask.ends_at, now)}", "good"
        return f"{ask.answered_by} said yes; ended {words.clock(ask.ends_at, now)}", "over"
    return {
        AskState.OPEN: ("Waiting for an answer", "waiting"),
        AskState.REFUSED: (f"{ask.answered_by} said no", "bad"),
        AskState.REVOKED: (f"{ask.revoked_by} took the yes back", "bad"),
        AskState.WITHDRAWN: ("Withdrawn", "over"),
    }.get(ask.state_at(now), ("Nobody answered in time", "over"))


def list_page(
    mine: Iterable[Ask], waiting: Iterable[Ask], answered: Iterable[Ask], reader: Reader, notice: Notice | None
) -> ListPage:
    return ListPage(
        mine=tuple(line_of(ask, reader) for ask in mine),
        waiting=tuple(line_of(ask, reader) for ask in waiting),
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
        price=words.price_per_hour(plan.price_per_hour.amount, plan.price_per_hour.currency) if plan else "",
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


def ask_page(ask: Ask, story: Iterable[Note], reader: Reader, background: Background, typed: Typed) -> AskPage:
    approval = reader.policies.approvals.get(ask.rule)
    concerned = decide.may_answer(ask, reader.person, reader.policies)
    is_open = ask.state_at(reader.now) is AskState.OPEN
    others = [each for each in background.asks if each.id != ask.id]
    return AskPage(
        line=line_of(ask, reader),
        asked_parts=_asked_parts(ask, reader.catalog),
        who=_who({ask.rule: approval.approvers}) if approval else "",
        until=Moment.future(ask.ends_at, reader.now) if ask.ends_at and ask.holds(reader.now) else None,
        story=tuple(_story_line(note, reader.now) for note in story),
        used=used_lines(background.used, ask, reader.catalog) if concerned else (),
        earlier=_earlier(others, reader.now) if concerned else "",
        selects=_no_more(ask, background.menu, typed.options) if background.menu else (),
        length=typed.length or length_of(ask.terms.lasts, approval.longest if approval else None),
        text=typed.text,
        max_text=decide.MAX_TEXT,
        action=f"{reader.root}/{ask.id}",
        xsrf=reader.xsrf,
        may_answer=concerned and is_open,
        may_withdraw=is_open and ask.user == reader.person.name,
        may_revoke=concerned and ask.holds(reader.now),
        notice=typed.notice,
    )


def selects_of(profile: Profile, chosen: Mapping[str, str], profile_id: str) -> tuple[Select, ...]:
    return tuple(
        Select(
            f"option.{profile_id}.{name}",
            option.display_name or name,
            tuple(
                Item(value, choice.display_name or value, value == chosen.get(name, option.default))
                for value, choice in option.choices.items()
            ),
        )
        for name, option in profile.options.items()
    )


def length_of(lasts: timedelta, longest: Duration | None) -> Length:
    """Whole days in days, all else in hours."""
    seconds = int(lasts.total_seconds())
    if longest is not None:
        seconds = min(seconds, longest.seconds)
    days = seconds % 86400 == 0
    number = seconds // 86400 if days else -(-seconds // 3600)
    return Length(str(max(1, number)), "days" if days else "hours", longest.human if longest else "")


def parts_of(terms: Terms, catalog: Catalog | None) -> str:
    """`4 cores · 16 GiB · 2 NVIDIA GPUs · Image: PyTorch`."""
    return " · ".join((*_amounts(terms.amounts), *option_words(catalog, terms.profile, terms.choice.options)))


def used_lines(used: tuple[UsedHour, ...], ask: Ask, catalog: Catalog) -> tuple[UsedLine, ...]:
    """All machines, and the one that is asked for."""
    this = [hour for hour in used if hour.profile == ask.terms.profile]
    currency = catalog.currency
    return (
        _used_line("All machines", used, currency),
        _used_line(ask.terms.display_name, this, currency),
    )


def _amounts(amounts: Amounts) -> tuple[str, ...]:
    devices = (words.resource(name, count) for name, count in amounts.devices.items() if count)
    return (words.cores(amounts.millicores / 1000), words.memory(amounts.memory), *devices)


def _asked_parts(ask: Ask, catalog: Catalog) -> str:
    if ask.asked == ask.terms:
        return ""
    return f"{parts_of(ask.asked, catalog)}, for {length(ask.asked.lasts)}"


def _cost(terms: Terms) -> str:
    """If it runs all the time; empty for a free one."""
    most = terms.costs_at_most
    return f"{words.money(most.amount, most.currency)} at most" if most.amount else ""


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


def _story_line(note: Note, now: datetime) -> StoryLine:
    return StoryLine(note.author, NOTE_WORDS[note.kind], Moment.past(note.at, now), note.text)


def _used_line(label: str, hours: Iterable[UsedHour], currency: str) -> UsedLine:
    total = sum((hour.charge for hour in hours), start=Charge())
    return UsedLine(
        label=label,
        machine_hours=f"{total.hours:.1f}".removesuffix(".0"),
        gpu_hours=f"{total.gpu_hours:.1f}".removesuffix(".0"),
        money=words.money(total.money.quantize(CENT), currency),
    )


def _earlier(others: list[Ask], now: datetime) -> str:
    """`3 earlier asks: 2 times yes, 1 time no`."""
    if not others:
        return "It is the first ask of this person."
    yes = sum(ask.state in {AskState.GRANTED, AskState.REVOKED} for ask in others)
    no = sum(ask.state is AskState.REFUSED for ask in others)
    waiting = sum(ask.state_at(now) is AskState.OPEN for ask in others)
    said = [f"{yes} answered with yes", f"{no} with no", *([f"{waiting} waiting"] if waiting else [])]
    return f"{words.plural(len(others), 'other ask')} of this person: {', '.join(said)}."
