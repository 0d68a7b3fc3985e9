"""PURE: what the pages about asks are made of: one ask in a line, options, lengths of time, machines in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_extensions.approvals.ask import Ask, AskState, Terms
from hub_extensions.approvals.words import length
from hub_extensions.page_frame import words
from hub_extensions.page_frame.machine_words import Moment, option_words
from profiles.amounts import Amounts
from profiles.model import Catalog, Profile
from profiles.person import Person
from profiles.policy import Policies
from profiles.quantity import Duration


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
    state, tone = state_words(ask, reader.now, reader.policies.timezone)
    terms = ask.terms
    return Line(
        href=f"{reader.root}/{ask.id}",
        user=ask.user,
        machine=terms.display_name,
        parts=parts_of(terms, reader.catalog),
        lasts=length(terms.lasts),
        price=words.price_per_hour(terms.price_per_hour),
        cost=_cost(terms),
        state=state,
        tone=tone,
        asked_at=Moment.past(ask.asked_at, reader.now, reader.policies.timezone),
        reason=ask.reason,
    )


def state_words(ask: Ask, now: datetime, timezone: str) -> tuple[str, str]:
    """In one sentence without its full stop, and how good that is."""
    if ask.state is AskState.GRANTED and ask.ends_at is not None:
        if ask.holds(now):
            return f"{ask.answered_by} said yes, until {words.clock_in(timezone, ask.ends_at, now)}", "good"
        return f"{ask.answered_by} said yes; ended at {words.clock_in(timezone, ask.ends_at, now)}", "over"
    return {
        AskState.OPEN: ("Waiting for an answer", "waiting"),
        AskState.REFUSED: (f"{ask.answered_by} said no", "bad"),
        AskState.REVOKED: (f"{ask.revoked_by} took the yes back", "bad"),
        AskState.WITHDRAWN: ("Withdrawn", "over"),
    }.get(ask.state_at(now), ("Nobody answered in time", "over"))


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


def _amounts(amounts: Amounts) -> tuple[str, ...]:
    devices = (words.resource(name, count) for name, count in amounts.devices.items() if count)
    return (words.cores(amounts.millicores / 1000), words.memory(amounts.memory), *devices)


def _cost(terms: Terms) -> str:
    """If it runs all the time; empty for a free one."""
    most = terms.costs_at_most
    return f"{most.human} at most" if most.amount else ""
