"""PURE: whether somebody may reserve this machine for that time. The store asks in its transaction, pages before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hub_extensions.reservations import words
from hub_extensions.reservations.words import MAX_NOTE, SHORTEST, NotPossible
from profiles import admission_words
from profiles.access import allows
from profiles.borrowing import borrowing_of, may_borrow
from profiles.frozen import EMPTY
from profiles.grants import covering, expired, rules_for, upcoming
from profiles.lease import Request
from profiles.policy import Policies
from profiles.pots import ReservedPot, quota_pots, reserved_pots
from profiles.reservations import Reservation, clear_time
from profiles.slots import (
    Search,
    Span,
    beyond,
    free_slots,
    free_spans,
    in_the_way,
    open_spans,
    within,
)
from profiles.snapshot import Snapshot
from profiles.standings import Standing

#: A form is read and sent: what began so short a time ago begins now.
JUST_NOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """`request` is the machine as the catalog offers it to this person now; its `lease_id` says nothing. `begun`: one
    that lasts already, and only until when is asked."""

    id: str
    request: Request
    begins_at: datetime
    ends_at: datetime
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    note: str = ""
    begun: bool = False


def book(said: Booking, snapshot: Snapshot, policies: Policies, now: datetime) -> Reservation | NotPossible:
    """Guards in order: whether it can be reserved at all, the time itself, the person's own rights, what is free."""
    pot = pot_for(said.request, policies)
    if isinstance(pot, NotPossible):
        return pot
    just_now = not said.begun and now - JUST_NOW <= said.begins_at < now
    begins_at = now if just_now else said.begins_at
    wanted = _reservation(replace(said, begins_at=begins_at), pot, now)
    why_not = (
        _time(wanted, pot, policies.timezone, now, begun=said.begun)
        or rights(wanted, said.request, snapshot, policies, now)
        or _own(wanted, pot, snapshot, policies.timezone, now)
        or _room(wanted, pot, snapshot, policies.timezone, now)
    )
    return why_not or wanted


def pot_for(request: Request, policies: Policies) -> ReservedPot | NotPossible:
    """Of several rules about this machine, the first by which this person may reserve it."""
    pots = [
        pot
        for pot in reserved_pots(policies, request)
        if any(request.amounts.much(name) for name, _ in pot.caps.limits())
    ]
    if not pots:
        return words.not_reservable(request.display_name)
    found = next((pot for pot in pots if allows(pot.quota.who, request.person)), None)
    return words.may_not(request.display_name, pots[0].quota) if found is None else found


def proposed(
    said: Booking, snapshot: Snapshot, policies: Policies, until: datetime, now: datetime
) -> tuple[Span, ...] | NotPossible:
    """Slots of its length from its beginning on that `book` would let this person have; its own end says the length."""
    pot = pot_for(said.request, policies)
    if isinstance(pot, NotPossible):
        return pot
    since = max(said.begins_at, now)
    wanted = _reservation(replace(said, begins_at=since, ends_at=since + (said.ends_at - said.begins_at)), pot, now)
    length = wanted.ends_at - since
    if length < SHORTEST:
        return words.too_short(since, wanted.ends_at, policies.timezone)
    if length > timedelta(seconds=pot.quota.longest.seconds):
        return words.too_long(length, pot.quota)
    if too_many := _too_many(wanted, pot, snapshot, now):
        return too_many
    if never := _never(said.request, policies):
        return never
    # One's own of the same machine are kept clear of as well.
    own = tuple(
        each for each in snapshot.reservations if each.stands(now) and _same(each, wanted)
    )
    search = Search(
        pot=pot,
        reservations=[each for each in snapshot.reservations if each.stands(now)],
        book=snapshot.book,
        wanted=wanted,
        hours=said.request.hours,
        permitted=tuple(
            tuple(
                (grant.begins_at, grant.ends_at)
                for grant in snapshot.grants
                if grant.ends_at > now and covering((grant,), rule, said.request, grant.begins_at)
            )
            for rule, _ in rules_for(policies, said.request)
        ),
        timezone=policies.timezone,
        apart=tuple((each.begins_at, each.ends_at) for each in own),
    )
    last = now + timedelta(seconds=pot.quota.ahead.seconds)
    return free_slots(search, since, min(until, last), now)


def _reservation(said: Booking, pot: ReservedPot, now: datetime) -> Reservation:
    person = said.request.person
    return Reservation(
        id=said.id,
        rule=pot.pot.rule,
        user=person.name,
        groups=person.groups,
        profile=said.request.profile,
        display_name=said.request.display_name,
        amounts=said.request.amounts,
        begins_at=said.begins_at,
        ends_at=said.ends_at,
        made_at=now,
        options=said.options,
        note=said.note,
    )


def _time(
    wanted: Reservation, pot: ReservedPot, timezone: str, now: datetime, *, begun: bool
) -> NotPossible | None:
    length, quota = wanted.ends_at - wanted.begins_at, pot.quota
    if length < SHORTEST:
        return words.too_short(wanted.begins_at, wanted.ends_at, timezone)
    if wanted.begins_at < now and not begun:
        return words.past(wanted.begins_at, timezone)
    if length > timedelta(seconds=quota.longest.seconds):
        return words.too_long(length, quota)
    last = now + timedelta(seconds=quota.ahead.seconds)
    if wanted.ends_at > last:
        return words.too_far(wanted.ends_at, quota, timezone, now)
    return words.too_long_text(len(wanted.note)) if len(wanted.note) > MAX_NOTE else None


def rights(
    wanted: Reservation, request: Request, snapshot: Snapshot, policies: Policies, now: datetime
) -> NotPossible | None:
    """Whoever may not have the machine at that time need not keep it from others. Starts are judged as ever."""
    if never := _never(request, policies):
        return never
    since = max(wanted.begins_at, now)
    for rule, approval in rules_for(policies, request):
        grant = covering(snapshot.grants, rule, request, since)
        if grant is None:
            over, ahead = (find(snapshot.grants, rule, request, since) for find in (expired, upcoming))
            if ahead is None and over is not None and over.ends_at > now:  # it holds today
                return words.permission_ends(request.display_name, over.ends_at, policies.timezone)
            return NotPossible.of(
                admission_words.needs_approval(request, approval, over, ahead, policies.timezone, now)
            )
        if grant.ends_at < wanted.ends_at:
            return words.permission_ends(request.display_name, grant.ends_at, policies.timezone)
    if request.hours is not None:
        opened = open_spans(request.hours, since, wanted.ends_at, policies.timezone)
        if not within(since, wanted.ends_at, opened):
            return words.closed(request.display_name, request.hours, policies.timezone)
    return None


def _never(request: Request, policies: Policies) -> NotPossible | None:
    """A quota that this machine is beyond, whatever else runs."""
    for standing in _alone(request, policies):
        if not standing.fits:
            return NotPossible.of(admission_words.over_quota(request, standing))
    return None


def _alone(request: Request, policies: Policies) -> Iterator[Standing]:
    pots = tuple(quota_pots(policies, request))
    for pot in pots:
        rule = borrowing_of(pot, pots)
        for name, limit in pot.caps.limits():
            yield Standing(pot.pot, name, 0, request.amounts.much(name), limit, lent=may_borrow(rule, name))


def _own(
    wanted: Reservation, pot: ReservedPot, snapshot: Snapshot, timezone: str, now: datetime
) -> NotPossible | None:
    for each in snapshot.reservations:
        apart = wanted.ends_at <= each.begins_at or each.ends_at <= wanted.begins_at
        if each.stands(now) and _same(each, wanted) and not apart:
            return words.overlaps_own(each, timezone)
    return _too_many(wanted, pot, snapshot, now)


def _too_many(wanted: Reservation, pot: ReservedPot, snapshot: Snapshot, now: datetime) -> NotPossible | None:
    theirs = [each for each in snapshot.reservations if each.stands(now) and each.user == wanted.user]
    there = sum(each.rule == wanted.rule for each in theirs)
    return words.too_many(there, pot.quota) if there >= pot.quota.per_person else None


def _same(one: Reservation, other: Reservation) -> bool:
    return (one.user, one.rule, one.profile) == (other.user, other.rule, other.profile)


def _room(
    wanted: Reservation, pot: ReservedPot, snapshot: Snapshot, timezone: str, now: datetime
) -> NotPossible | None:
    standing = [each for each in snapshot.reservations if each.stands(now)]
    if found := beyond(pot, standing, wanted, now):
        level, name, limit = found
        last = max((each.ends_at for each in standing), default=wanted.ends_at)
        later = free_spans(pot, standing, wanted.amounts, level.begins_at, last + SHORTEST)
        until, there = later[0][0] if later else last, level.amounts.much(name) - wanted.amounts.much(name)
        clear = clear_time(pot.quota)
        return words.taken(wanted, name, limit, there, until, clear=clear, timezone=timezone)
    if leases := in_the_way(pot, standing, wanted, snapshot.book, now):
        notice = timedelta(seconds=pot.quota.notice.seconds)
        if wanted.begins_at < now:
            return words.cannot_go_on(wanted.display_name, notice)
        ends = [lease.ends_at for lease in leases if lease.ends_at is not None]
        free = min([now + notice, *ends] if len(leases) == 1 else [now + notice]) + clear_time(pot.quota)
        return words.in_use(wanted.display_name, notice, free, timezone)
    return None


def end(
    reservation: Reservation | None, by: str, *, acts_for_all: bool, now: datetime, reason: str | None = None
) -> Reservation | NotPossible:
    """Cancelled before it begins, ended while it lasts: its holder may, and administrators. An empty `reason` is one
    that was asked for."""
    if reservation is None or (reservation.user != by and not acts_for_all):
        return words.no_such()
    if reason == "" and reservation.user != by:
        return words.no_reason(reservation.user)
    if len(reason or "") > MAX_NOTE:
        return words.too_long_text(len(reason or ""), "reason")
    if not reservation.stands(now):
        return words.over(reservation)
    return replace(reservation, over_at=now, over_by=by)
