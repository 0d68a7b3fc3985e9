"""Whether somebody gets the reservation that they want. Pure; `profiles.slots` says what is free, as on pages."""

from __future__ import annotations

from datetime import datetime, timedelta

from profiles.access import allows
from profiles.booking import SHORTEST
from profiles.grants import Grant, covering, rules_for
from profiles.lease import Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import ReservedPot, reserved_pots
from profiles.reservations import Reservation
from profiles.simulation.books import Books
from profiles.simulation.visit import Booking
from profiles.slots import Search, Span, free_slots
from profiles.snapshot import Snapshot
from profiles.standings import standings


def reservable(request: Request, policies: Policies) -> ReservedPot | None:
    """Of several rules about this machine, the first by which this person may reserve it."""
    pots = (
        pot
        for pot in reserved_pots(policies, request)
        if any(request.amounts.much(name) for name, _ in pot.caps.limits())
    )
    return next((pot for pot in pots if allows(pot.quota.who, request.person)), None)


def reserve(booking: Booking, pot: ReservedPot, request: Request, books: Books, now: datetime) -> Reservation | None:
    """A little shorter, where no reservation may be so long; None: not at that time, or not by this person."""
    longest, name = timedelta(seconds=pot.quota.longest.seconds), request.person.name
    begins_at = max(booking.begins_at, now)
    made = Reservation(
        id=booking.id,
        rule=pot.pot.rule,
        user=name,
        groups=request.person.groups,
        profile=request.profile,
        display_name=request.display_name,
        amounts=request.amounts,
        begins_at=begins_at,
        ends_at=min(booking.ends_at, begins_at + longest),
        made_at=now,
        options=booking.choice.options,
    )
    too_short = made.ends_at - begins_at < timedelta(seconds=SHORTEST.seconds)
    too_far = made.ends_at > now + timedelta(seconds=pot.quota.ahead.seconds)
    standing = [each for each in books.reservations if each.stands(now)]
    own = [each for each in standing if (each.user, each.rule) == (name, made.rule)]
    if too_short or too_far or len(own) >= pot.quota.per_person or _never(request, books.policies, now):
        return None
    search = Search(
        pot=pot,
        reservations=standing,
        book=books.leases,
        wanted=made,
        hours=request.hours,
        permitted=_permitted(books.policies, books.grants_of(name), request, now),
        apart=tuple((each.begins_at, each.ends_at) for each in own if each.profile == made.profile),
        timezone=books.policies.timezone,
    )
    return made if free_slots(search, begins_at, made.ends_at, now, most=1) else None


def _never(request: Request, policies: Policies, now: datetime) -> bool:
    """A quota that this machine is beyond, whatever else runs."""
    return not all(each.fits for each in standings(request, policies, Snapshot(LeaseBook()), now))


def _permitted(
    policies: Policies, grants: tuple[Grant, ...], request: Request, now: datetime
) -> tuple[tuple[Span, ...], ...]:
    """By each rule that asks for a yes, the times of those that there are."""
    return tuple(
        tuple(
            (grant.begins_at, grant.ends_at)
            for grant in grants
            if grant.ends_at > now and covering((grant,), rule, request, grant.begins_at)
        )
        for rule, _ in rules_for(policies, request)
    )
