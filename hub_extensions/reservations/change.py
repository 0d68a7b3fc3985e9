"""PURE: a reservation that is to be otherwise: judged as if it were booked anew and the old one were not there. The
store asks in its transaction; refused, it stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub_extensions.reservations import words
from hub_extensions.reservations.decide import Booking, book
from hub_extensions.reservations.words import MAX_NOTE, SHORTEST, NotPossible, Why
from profiles.choice import MachineChoice
from profiles.lease import Request
from profiles.plan import MachinePlan
from profiles.policy import Policies
from profiles.reservations import Reservation
from profiles.snapshot import Snapshot

#: The machine as the catalog offers it to its person now.
Ask = Callable[[MachineChoice], tuple[Request, MachinePlan] | NotPossible]


@dataclass(frozen=True, slots=True)
class Around:
    """What all is judged by. `acts_for_all`: an administrator, who is told whose it is."""

    ask: Ask
    snapshot: Snapshot
    policies: Policies
    acts_for_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be otherwise; None: it stays. A beginning alone moves it: it lasts as long as before. `revision`: only
    if nobody has changed it since that one."""

    machine: MachineChoice | None = None
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    lasts: timedelta | None = None
    note: str | None = None
    revision: int | None = None


def change(
    old: Reservation | None, said: Change, by: str, around: Around, now: datetime
) -> Reservation | NotPossible:
    """The same one where nothing is to be otherwise."""
    if old is None or (old.user != by and not around.acts_for_all):
        return words.no_such()
    timezone = around.policies.timezone
    why_not = _untouchable(old, said, by, timezone, now)
    outcome = why_not or _changed(old, said, around, now)
    if isinstance(outcome, NotPossible):
        return outcome if why_not else replace(outcome, remedy=f"{outcome.remedy} {words.stays(old, timezone)}".strip())
    kept = replace(
        outcome, made_at=old.made_at, taken_at=old.taken_at, revision=old.revision, changed_at=old.changed_at
    )
    return old if kept == old else replace(kept, revision=old.revision + 1, changed_at=now)


def wanted_times(old: Reservation, said: Change) -> tuple[datetime, datetime]:
    begins_at = said.begins_at or old.begins_at
    if said.ends_at is not None:
        return begins_at, said.ends_at
    lasts = old.ends_at - old.begins_at if said.lasts is None else said.lasts
    return begins_at, begins_at + lasts


def _untouchable(old: Reservation, said: Change, by: str, timezone: str, now: datetime) -> NotPossible | None:
    if old.user != by:
        return words.not_yours(old.user)
    if not old.stands(now):
        return words.over(old)
    return None if said.revision in {None, old.revision} else words.changed_meanwhile(old, timezone)


def _changed(old: Reservation, said: Change, around: Around, now: datetime) -> Reservation | NotPossible:
    begins_at, ends_at = wanted_times(old, said)
    wanted = replace(
        old, begins_at=begins_at, ends_at=ends_at, note=old.note if said.note is None else said.note
    )
    asked = None if said.machine is None else around.ask(said.machine)
    if isinstance(asked, NotPossible):
        return asked
    if asked is not None and _is_the_same(old, asked[0]):
        wanted, asked = replace(wanted, options=asked[1].options), None
    if old.begins_at <= now and (begins_at != old.begins_at or asked is not None):
        return words.begun(old, around.policies.timezone)
    if old.begins_at <= now and ends_at <= now:
        return words.ends_in_the_past(ends_at, around.policies.timezone)
    less = old.begins_at <= begins_at and ends_at <= old.ends_at
    if asked is None and less and (begins_at == old.begins_at or begins_at >= now):
        return _less(wanted, around.policies.timezone)
    asked = asked or around.ask(MachineChoice(old.profile, wanted.options))
    return asked if isinstance(asked, NotPossible) else _anew(wanted, asked, around, now, begun=old.begins_at <= now)


def _less(wanted: Reservation, timezone: str) -> Reservation | NotPossible:
    """Whoever only gives time back needs no rule's leave for it: not for the machine, nor for what is left."""
    if wanted.ends_at - wanted.begins_at < SHORTEST:
        return words.too_short(wanted.begins_at, wanted.ends_at, timezone)
    return words.too_long_text(len(wanted.note)) if len(wanted.note) > MAX_NOTE else wanted


def _anew(
    wanted: Reservation, asked: tuple[Request, MachinePlan], around: Around, now: datetime, *, begun: bool
) -> Reservation | NotPossible:
    request, plan = asked
    others = tuple(each for each in around.snapshot.reservations if each.id != wanted.id)
    booking = Booking(
        id=wanted.id,
        request=request,
        begins_at=wanted.begins_at,
        ends_at=wanted.ends_at,
        options=plan.options,
        note=wanted.note,
        begun=begun,
    )
    made = book(booking, replace(around.snapshot, reservations=others), around.policies, now)
    if begun and isinstance(made, NotPossible) and made.reason in {Why.TAKEN, Why.TOO_LONG, Why.TOO_FAR}:
        return replace(made, remedy="Choose an earlier end.")
    return made


def _is_the_same(old: Reservation, request: Request) -> bool:
    """With whatever software: that takes nothing from others."""
    return (old.profile, old.amounts) == (request.profile, request.amounts)
