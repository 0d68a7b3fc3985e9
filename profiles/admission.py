"""Whether a start may begin: (request, snapshot, policies, now) -> Admit or Deny. Pure.

The gate asks inside its transaction, pages ask before the click, the what-if tool asks about last month: all three get
the same answer, because it is the same function. `hub_extensions.admission` acts on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from profiles import admission_words as words
from profiles.grants import Grant, covering, expired, machines_granted, machines_out, rules_for, upcoming
from profiles.hours import opening
from profiles.lease import Charge, Lease, Request
from profiles.policy import Policies
from profiles.pots import (
    BudgetPot,
    budget_pots,
    draining,
    own_leases,
    per_hour,
    reserved_pots,
    unit_of,
)
from profiles.refusal import Refusal
from profiles.reservations import clear_from, clear_time
from profiles.snapshot import Snapshot
from profiles.standings import Standing, has_reserved
from profiles.standings import standings as standings_of

#: What is reserved sooner than this is not started for.
SHORTEST_BEFORE_RESERVATION = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Balance:
    """One budget: used up, set aside for what runs, and its limit, in the budget's own unit. `ends_in` is how long its
    window goes on; a sliding one has no end."""

    pot: BudgetPot
    used: Decimal
    held: Decimal
    per_hour: Decimal
    ends_in: timedelta | None = None
    #: Other currencies than the catalog's in which some of it was billed; their amounts count as they stand.
    others: tuple[str, ...] = ()

    @property
    def left(self) -> Decimal:
        return max(Decimal(0), self.pot.limit - self.used - self.held)

    @property
    def lasts(self) -> timedelta | None:
        """How long the machine asked for can run on what is left; None: it takes nothing from this budget."""
        return self._pays_for(self.left)

    @property
    def permits(self) -> timedelta | None:
        """How long it may run: where the window ends before that, what the next one pays for comes on top."""
        lasts, whole = self.lasts, self._pays_for(self.pot.limit)
        if lasts is None or whole is None or self.ends_in is None or lasts < self.ends_in:
            return lasts
        return self.ends_in + whole

    def _pays_for(self, amount: Decimal) -> timedelta | None:
        if not self.per_hour:
            return None
        return timedelta(seconds=int(min(amount / self.per_hour * 3600, Decimal(10**10))))


@dataclass(frozen=True, slots=True)
class Admit:
    """`longest` is how long it may run at most from now, by profile, hours, budgets, grants and others' reservations;
    None: no limit. Whenever it begins, it stops at `closes_at`, by hours and grants, and at `clear_at`, when others
    have reserved what it takes; `otherwise` is how long it may run where they give that up. `grant` is the one that
    ends first, where several were needed."""

    longest: timedelta | None
    standings: tuple[Standing, ...] = ()
    balances: tuple[Balance, ...] = ()
    grant: Grant | None = None
    closes_at: datetime | None = None
    clear_at: datetime | None = None
    otherwise: timedelta | None = None

    @property
    def lifetime(self) -> timedelta | None:
        """How long it may run, whatever others have reserved: that may change."""
        return self.longest if self.clear_at is None else self.otherwise

    @property
    def leaves_at(self) -> datetime | None:
        """The sooner of the two."""
        return _sooner(self.closes_at, self.clear_at)

    @property
    def borrows(self) -> bool:
        """It takes what another group leaves idle, and gives it back when that is wanted."""
        return any(standing.borrows for standing in self.standings)


@dataclass(frozen=True, slots=True)
class Deny:
    """`rule` is the id of the quota, budget or approval that refused; outside its hours, that of the profile."""

    refusal: Refusal
    rule: str
    standings: tuple[Standing, ...] = ()
    balances: tuple[Balance, ...] = ()


Decision = Admit | Deny


def pays_for(balances: Iterable[Balance]) -> timedelta | None:
    """How long a run all of these budgets pay for; None: they take nothing of it."""
    return min((each.permits for each in balances if each.permits is not None), default=None)


def decide(request: Request, snapshot: Snapshot, policies: Policies, now: datetime) -> Decision:
    """Guards in order: what needs a yes, what is open, what is paid for, what is free. All rules must hold; the first
    that does not is told. A request whose lease is out already is measured without it: asking twice is harmless.
    """
    standings = tuple(standings_of(request, policies, snapshot, now))
    balances = tuple(_balances(request, snapshot, policies, now))
    longest, used_grant = request.longest, None
    closes_at: datetime | None = None
    for rule, approval in rules_for(policies, request):
        grant = covering(snapshot.grants, rule, request, now)
        if grant is None:
            over, ahead = (find(snapshot.grants, rule, request, now) for find in (expired, upcoming))
            refusal = words.needs_approval(request, approval, over, ahead, policies.timezone, now)
            return Deny(refusal, rule, standings, balances)
        granted = machines_granted(snapshot.grants, rule, request, now)
        if machines_out(snapshot.book.of_user(request.person.name), approval, request) >= granted:
            return Deny(words.permission_in_use(request, approval, granted), rule, standings, balances)
        closes_at = _sooner(closes_at, grant.ends_at)
        used_grant = grant if used_grant is None or grant.ends_at < used_grant.ends_at else used_grant
    if request.hours is not None:
        hours = opening(request.hours, now, policies.timezone)
        if not hours.is_open:
            refusal = words.outside_hours(request, hours.until, policies.timezone, now)
            return Deny(refusal, request.profile, standings, balances)
        closes_at = _sooner(closes_at, hours.until)
    for balance in balances:
        # By the profile alone, not by grants and hours: with one rule more, less must be admitted, never more.
        least = _shorter(timedelta(seconds=balance.pot.budget.shortest_run.seconds), request.longest)
        permits = balance.permits
        if least is not None and permits is not None and permits < least:
            refusal = words.over_budget(request, balance, least, policies.timezone, pays_for(balances))
            return Deny(refusal, balance.pot.pot.rule, standings, balances)
        longest = _shorter(longest, permits)
    refused = _no_room(request, standings, snapshot, policies, now)
    clear = None if refused else _clear_from(request, snapshot, policies, now)
    if clear is not None and not has_reserved(request, policies, snapshot, now):
        # By the profile alone, as with budgets.
        least = _shorter(SHORTEST_BEFORE_RESERVATION, request.longest) or SHORTEST_BEFORE_RESERVATION
        if clear[0] - now < least:
            refused = words.reserved_soon(request, clear[0], least, policies.timezone, now), clear[1]
    if refused is not None:
        return Deny(*refused, standings, balances)
    clear_at = None if clear is None else clear[0]
    lifetime = _shorter(longest, None if closes_at is None else closes_at - now)
    longest = _shorter(lifetime, None if clear_at is None else clear_at - now)
    otherwise = None if clear_at is None else lifetime
    return Admit(longest, standings, balances, used_grant, closes_at, clear_at, otherwise)


def _no_room(
    request: Request, standings: Iterable[Standing], snapshot: Snapshot, policies: Policies, now: datetime
) -> tuple[Refusal, str] | None:
    """The first pot that has too little left, and why."""
    standing = next((each for each in standings if not each.fits), None)
    if standing is None:
        return None
    if standing.used + standing.reserved + standing.wanted <= standing.limit + standing.lent:
        return words.others_wait(request, standing), standing.pot.rule
    if standing.reserved and standing.used + standing.wanted <= standing.limit:
        theirs = [
            each.ends_at
            for each in snapshot.reservations
            if each.user != request.person.name and each.rule == standing.pot.rule and each.stands(now)
            if each.holds(now, clear_time(policies.reservations[each.rule]))
        ]
        return words.reserved_now(request, standing, min(theirs), policies.timezone, now), standing.pot.rule
    return words.over_quota(request, standing), standing.pot.rule


def _clear_from(
    request: Request, snapshot: Snapshot, policies: Policies, now: datetime
) -> tuple[datetime, str] | None:
    """When what it takes is kept clear for others, and by which rule; the soonest."""
    if not snapshot.reservations:
        return None
    found = (
        (clear, pot.pot.rule)
        for pot in reserved_pots(policies, request)
        if (clear := clear_from(pot, snapshot.reservations, snapshot.book, request, now)) is not None
    )
    return min(found, default=None)


def lease_of(request: Request, decision: Admit, now: datetime) -> Lease:
    """What an admitted request is given."""
    return Lease.hold(request, now, decision.lifetime, decision.closes_at, decision.clear_at)


def _sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    return other if one is None else one if other is None else min(one, other)


def _shorter(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    return other if one is None else one if other is None else min(one, other)


def _balances(request: Request, snapshot: Snapshot, policies: Policies, now: datetime) -> Iterator[Balance]:
    instead = own_leases(request, snapshot.book)
    for pot in budget_pots(policies, request, now):
        spent = unit_of(pot.budget, snapshot.spent.get(pot.pot, Charge()))
        used, ahead = draining(pot, snapshot.book, now, leaving_out=instead)
        ends_in = None if pot.end is None else pot.end - now
        others = snapshot.others.get(pot.pot, ())
        yield Balance(pot, spent + used, ahead, per_hour(pot.budget, request), ends_in, others)
