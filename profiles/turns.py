"""Whose turn it is, and who makes room: what is due in the line and to those who have reserved. Pure.

The hub writes down what is decided here (`hub_extensions.admission.ahead`), the what-if tool plays it
(`profiles.simulation`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from profiles.admission import Admit, Decision, Deny, lease_of
from profiles.amounts import Amounts
from profiles.borrowing import give_back
from profiles.lease import KEPT, Lease, LeaveWhy, Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import Pot, ReservedPot, drawn
from profiles.refusal import Reason
from profiles.reservations import Leave, Reservation, to_clear
from profiles.waiting import Waiting

#: What others have now and give back some time. What nobody gives back is not waited for: a permission, a budget.
WAITABLE = frozenset({Reason.OVER_QUOTA, Reason.RESERVED, Reason.OTHERS_WAIT})


class Decide(Protocol):
    """`admission.decide` by the books of this moment; as if the leases `gone` were over."""

    def __call__(self, request: Request, *, gone: Collection[str] = ()) -> Decision: ...


def can_wait(decision: Decision) -> bool:
    """Whether waiting would help."""
    return isinstance(decision, Deny) and decision.refusal.reason in WAITABLE and not never_fits(decision)


def never_fits(decision: Deny) -> bool:
    """Even if nobody else had anything."""
    return any(
        each.wanted > each.limit + each.lent
        for each in decision.standings
        if each.pot.rule == decision.rule and not each.fits
    )


def waits_for(decision: Decision) -> Pot | None:
    """The pot that has too little left; None: it waits for something that is not shared, or for nothing."""
    if isinstance(decision, Admit):
        return None
    return next((each.pot for each in decision.standings if each.pot.rule == decision.rule and not each.fits), None)


def reservation_at(reservation: Reservation, policies: Policies, book: LeaseBook, now: datetime) -> Reservation:
    """The reservation at this moment: taken up by a machine that runs already, over, or released."""
    if now >= reservation.ends_at:
        return replace(reservation, over_at=reservation.ends_at)
    reservable = policies.reservations.get(reservation.rule)
    if reservable is None or reservation.taken_at is not None or now < reservation.begins_at:
        return reservation
    pot = ReservedPot.of(reservation.rule, reservable)
    if any(lease.user == reservation.user for lease in drawn(pot.pot, reservable, book)):
        return replace(reservation, taken_at=now)
    late = now >= reservation.begins_at + timedelta(seconds=reservable.no_show.seconds)
    return replace(reservation, over_at=now) if late else reservation


def clearings(
    reservations: Sequence[Reservation], policies: Policies, book: LeaseBook, now: datetime
) -> tuple[Leave, ...]:
    """Every machine that has to make room for these reservations."""
    pots = [ReservedPot.of(rule, each) for rule, each in policies.reservations.items()]
    return tuple(leave for pot in pots for leave in to_clear(pot, reservations, book, now))


def is_news(leave: Leave, why: LeaveWhy) -> bool:
    """Whether it is to be written down: one that has to leave sooner for another reason is left as it is, and so are
    places that are kept: they end by themselves."""
    lease = leave.lease
    if lease.is_kept:
        return False
    if lease.leaves_at is None or leave.at < lease.leaves_at:
        return True
    return lease.leaves_why is why and leave.at > lease.leaves_at


@dataclass(frozen=True, slots=True)
class Step:
    """`called`: these are next, at most one, and `place` is kept for them. `passed`: they were called and did not come.
    `dropped`: what they wait for is not offered to them any more. `resized` wants another amount now, and `moved`
    waits for another pot."""

    called: tuple[Waiting, ...] = ()
    place: Lease | None = None
    passed: tuple[Waiting, ...] = ()
    dropped: tuple[Waiting, ...] = ()
    resized: tuple[tuple[Waiting, Amounts], ...] = ()
    moved: tuple[tuple[Waiting, Pot | None], ...] = ()

    @property
    def nothing(self) -> bool:
        return self == Step()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Everything that a turn is decided by. `requests`: by the place's id what it waits for, as the catalog offers it
    now; None: it does not any more."""

    waiting: Sequence[Waiting]
    requests: Mapping[str, Request | None]
    book: LeaseBook
    reservations: Sequence[Reservation]
    policies: Policies

    def wants(self, waiting: Waiting) -> Request | None:
        return self.requests.get(waiting.id, waiting.request)


def next_step(line: Line, decide: Decide, now: datetime) -> Step:
    """At most one is called in a step: the next one is decided by books that have its machine."""
    passed: list[Waiting] = []
    dropped: list[Waiting] = []
    resized: list[tuple[Waiting, Amounts]] = []
    moved: list[tuple[Waiting, Pot | None]] = []
    called: Waiting | None = None
    place: Lease | None = None
    in_vain: set[object] = set()
    for waiting in line.waiting:
        if waiting.kept_until is not None:
            if now >= waiting.kept_until or KEPT + waiting.id not in line.book:
                passed.append(waiting)
            continue
        request = line.wants(waiting)
        if request is None:
            dropped.append(waiting)
        elif called is not None:
            continue
        elif request.amounts != waiting.request.amounts:  # the catalog has changed; decided with the next look
            resized.append((waiting, request.amounts))
        elif _alike(request, waiting, line) not in in_vain:
            request, decision = decide_place(replace(request, lease_id=KEPT + waiting.id), line.book, decide)
            if isinstance(decision, Admit):
                place = _kept(request, decision, line.policies, now)
                called = replace(waiting, kept_until=place.leaves_at)
            elif (pot := waits_for(decision)) != waiting.pot:
                moved.append((waiting, pot))
            elif pot is not None and pot.per != "user":
                in_vain.add((pot, request.profile, request.amounts, request.person.groups))
    calls = () if called is None else (called,)
    return Step(calls, place, tuple(passed), tuple(dropped), tuple(resized), tuple(moved))


def _kept(request: Request, decision: Admit, policies: Policies, now: datetime) -> Lease:
    """The place of whoever is called."""
    until = now + timedelta(seconds=policies.queue.keep_for.seconds)
    until = min(until, decision.leaves_at or until)
    return replace(lease_of(request, decision, now), leaves_at=until, leaves_why=LeaveWhy.KEPT)


def _alike(request: Request, waiting: Waiting, line: Line) -> object:
    """What decides about a place where its person has nothing that could: whoever stands behind one like it that waits
    in vain does so too, and need not be decided about. None: machines or reservations of one's own matter."""
    name = request.person.name
    runs = any(lease.server == request.server for lease in line.book.of_user(name))
    if runs or waiting.pot is None or any(each.user == name for each in line.reservations):
        return None
    return waiting.pot, request.profile, request.amounts, request.person.groups


def decide_place(beside: Request, book: LeaseBook, decide: Decide) -> tuple[Request, Decision]:
    """For the place that is kept: beside the machine that runs on the same server, or, where the rules allow only one
    of both, instead of it; then the place holds what it takes beyond that machine."""
    decision = decide(beside)
    theirs = book.of_user(beside.person.name)
    runs = next((each for each in theirs if each.server == beside.server and not each.is_kept), None)
    if isinstance(decision, Admit) or runs is None:
        return beside, decision
    instead = decide(replace(beside, lease_id=runs.id))
    return replace(beside, amounts=beside.amounts.beyond(runs.amounts)), instead


def to_give_back(line: Line, decide: Decide, now: datetime) -> tuple[Leave, ...]:
    """Borrowed machines that leave, because their owners wait for them; those who do not wait any more take nothing."""
    wholes = {quota.borrowing.within for quota in line.policies.quotas.values() if quota.borrowing is not None}
    demands: list[Request] = []
    for waiting in line.waiting if wholes else ():
        request = line.wants(waiting)
        if request is None or waiting.kept_until is not None or waiting.pot is None or waiting.pot.rule not in wholes:
            continue
        request, decision = decide_place(replace(request, lease_id=KEPT + waiting.id), line.book, decide)
        if not isinstance(decision, Deny) or decision.rule not in wholes:
            continue
        lacking = {each.pot.rule for each in decision.standings if not each.fits}
        if lacking <= wholes or _would_help([*demands, request], line, decide, now):
            demands.append(request)
    return give_back(demands, line.policies, line.book, now)


def _would_help(demands: Sequence[Request], line: Line, decide: Decide, now: datetime) -> bool:
    """Another rule is in the way of the last of them as well: it may be in the way because of the very machines that
    are lent; otherwise they would be taken in vain."""
    gone = {leave.lease.id for leave in give_back(demands, line.policies, line.book, now)}
    return bool(gone) and isinstance(decide(demands[-1], gone=gone), Admit)


def spared(leaves: Iterable[Leave], why: LeaveWhy, book: LeaseBook) -> tuple[Lease, ...]:
    """Machines that were told to make room for this reason, and may stay."""
    needed = {leave.lease.id for leave in leaves}
    return tuple(lease for lease in book if lease.leaves_why is why and lease.id not in needed)
