"""PURE: the page on which a reservation is changed, and what its form says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hub_extensions.capacity.view import takes
from hub_extensions.page_frame.notice import Notice
from hub_extensions.reservations import words
from hub_extensions.reservations.change import Change
from hub_extensions.reservations.times import as_typed, moment, of_form
from hub_extensions.reservations.view import Found, Item, choice_of_value, items, state_of
from hub_extensions.reservations.words import MAX_NOTE, NotPossible
from profiles.model import Catalog
from profiles.person import Person
from profiles.reservations import Reservation


@dataclass(frozen=True)
class Fields:
    """What the form has in it. No machine: the one that it is."""

    machine: str
    day: str
    clock: str
    until_day: str
    until: str
    note: str
    revision: str

    @classmethod
    def of(cls, kept: Reservation, timezone: str) -> Fields:
        day, clock = as_typed(kept.begins_at, timezone)
        until_day, until = as_typed(kept.ends_at, timezone)
        return cls("", day, clock, until_day, until, kept.note, str(kept.revision))

    def sent(self, fields: Mapping[str, str]) -> Fields:
        """What was left out stays; cut to what a form can hold, but for the note, which is refused instead."""
        return replace(
            self,
            machine=fields.get("machine", "")[:2000],
            day=fields.get("day", self.day)[:20],
            clock=fields.get("from", self.clock)[:20],
            until_day=fields.get("until-day", self.until_day)[:20],
            until=fields.get("until", self.until)[:20],
            note=fields.get("note", self.note),
            revision=fields.get("revision", self.revision)[:10],
        )


@dataclass(frozen=True)
class ChangePage:
    root: str
    action: str
    xsrf: str
    timezone: str
    machine: str
    takes: str
    when: str
    state: str
    tone: str
    begun: bool
    machines: tuple[Item, ...]
    typed: Fields
    limits: str
    notice: Notice | None = None
    found: Found | None = None
    max_note: int = MAX_NOTE


def change_page(  # noqa: PLR0913, PLR0917 - one page's parts
    kept: Reservation, catalog: Catalog, me: Person, typed: Fields, root: str, xsrf: str, now: datetime
) -> ChangePage:
    timezone = catalog.policies.timezone
    state, tone = state_of(kept, now)
    reservable = catalog.policies.reservations.get(kept.rule)
    limits = f"{reservable.longest.human} at most, {reservable.ahead.human} ahead." if reservable else ""
    others = items(catalog, me, typed.machine)
    same = Item("", f"As it is: {kept.display_name}, {takes(kept.amounts)}", not any(each.selected for each in others))
    return ChangePage(
        root=root,
        action=f"{root}/{kept.id}/change",
        xsrf=xsrf,
        timezone=timezone,
        machine=kept.display_name,
        takes=takes(kept.amounts),
        when=words.slot(kept.begins_at, kept.ends_at, timezone),
        state=state,
        tone=tone,
        begun=kept.begins_at <= now,
        machines=(same, *others),
        typed=typed,
        limits=limits,
    )


def said(kept: Reservation, typed: Fields, fields: Mapping[str, str], timezone: str) -> Change | NotPossible:
    """What stands in the form as it was shown is not to be changed: it says no seconds, and not which of two hours of
    one name it is."""
    shown = Fields.of(kept, timezone)
    begins = ends = None
    if "begins" in fields:  # a proposal
        begins, ends = (moment(fields.get(name, ""), timezone) for name in ("begins", "ends"))
    else:
        if (typed.day, typed.clock) != (shown.day, shown.clock):
            begins = of_form(typed.day, typed.clock, timezone)
        if (typed.until_day, typed.until) != (shown.until_day, shown.until) or begins is not None:
            ends = of_form(typed.until_day, typed.until, timezone)
    if isinstance(begins, NotPossible):
        return begins
    if isinstance(ends, NotPossible):
        return ends
    return Change(
        machine=choice_of_value(typed.machine) if typed.machine else None,
        begins_at=begins,
        ends_at=ends,
        note=typed.note,
        revision=int(typed.revision) if typed.revision.isascii() and typed.revision.isdigit() else None,
    )
