"""Whether a start may begin: (request, snapshot, policies, now) -> Admit or Deny. Pure.

The gate asks inside its transaction, pages ask before the click, the what-if tool asks about last month: all three get
the same answer, because it is the same function. `hub_extensions.admission` acts on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from profiles import admission_words as words
from profiles.frozen import EMPTY
from profiles.grants import Grant, covering, expired, machines_granted, machines_out, rules_for, upcoming
from profiles.hours import opening
from profiles.lease import Charge, Lease, Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import (
    BudgetPot,
    Pot,
    QuotaPot,
    budget_pots,
    held,
    in_use,
    per_hour,
    quota_pots,
    running_up,
    unit_of,
)
from profiles.refusal import Refusal

Resource = Literal["servers", "cores", "memory", "gpus"] | str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is granted, used up and approved at one moment. `spent` is the ledger's part of each budget's window; a pot
    that is not in it has spent nothing. `grants` are those of the person who asks."""

    book: LeaseBook
    spent: Mapping[Pot, Charge] = field(default_factory=lambda: EMPTY)
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """One amount of one quota: used by others and oneself, wanted now, and the most there may be.

    Cores in thousandths, memory in bytes, all else counted. `resource` is servers, cores, memory, gpus or a device.
    """

    pot: Pot
    resource: Resource
    used: int
    wanted: int
    limit: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def fits(self) -> bool:
        """A machine that wants none of it is not kept out where somebody else is over the limit."""
        return self.wanted == 0 or self.used + self.wanted <= self.limit


@dataclass(frozen=True, slots=True)
class Balance:
    """One budget: used up, set aside for what runs, and its limit, in the budget's own unit. `ends_in` is how long its
    window goes on; a sliding one has no end."""

    pot: BudgetPot
    used: Decimal
    held: Decimal
    per_hour: Decimal
    ends_in: timedelta | None = None

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
    """`longest` is how long it may run at most from now, by profile, hours, budgets and grants; None: no limit. `grant`
    is the one that ends first, where several were needed."""

    longest: timedelta | None
    standings: tuple[Standing, ...] = ()
    balances: tuple[Balance, ...] = ()
    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """`rule` is the id of the quota, budget or approval that refused; outside its hours, that of the profile."""

    refusal: Refusal
    rule: str
    standings: tuple[Standing, ...] = ()
    balances: tuple[Balance, ...] = ()


Decision = Admit | Deny


def decide(request: Request, snapshot: Snapshot, policies: Policies, now: datetime) -> Decision:
    """Guards in order: what needs a yes, what is open, what is paid for, what is free. All rules must hold; the first
    that does not is told. A request whose lease is out already is measured without it: asking twice is harmless.
    """
    standings = tuple(_standings(request, snapshot, policies))
    balances = tuple(_balances(request, snapshot, policies, now))
    longest, used_grant = request.longest, None
    for rule, approval in rules_for(policies, request):
        grant = covering(snapshot.grants, rule, request, now)
        if grant is None:
            over, ahead = (find(snapshot.grants, rule, request, now) for find in (expired, upcoming))
            refusal = words.needs_approval(request, approval, over, ahead, policies.timezone)
            return Deny(refusal, rule, standings, balances)
        granted = machines_granted(snapshot.grants, rule, request, now)
        if machines_out(snapshot.book.of_user(request.person.name), approval, request) >= granted:
            return Deny(words.permission_in_use(request, approval, granted), rule, standings, balances)
        longest = _shorter(longest, grant.ends_at - now)
        used_grant = grant if used_grant is None or grant.ends_at < used_grant.ends_at else used_grant
    if request.hours is not None:
        hours = opening(request.hours, now, policies.timezone)
        if not hours.is_open:
            refusal = words.outside_hours(request, hours.until, policies.timezone)
            return Deny(refusal, request.profile, standings, balances)
        longest = _shorter(longest, None if hours.until is None else hours.until - now)
    for balance in balances:
        # By the profile alone, not by grants and hours: with one rule more, less must be admitted, never more.
        least = _shorter(timedelta(seconds=balance.pot.budget.shortest_run.seconds), request.longest)
        permits = balance.permits
        if least is not None and permits is not None and permits < least:
            refusal = words.over_budget(request, balance, least, policies.timezone)
            return Deny(refusal, balance.pot.pot.rule, standings, balances)
        longest = _shorter(longest, permits)
    for standing in standings:
        if not standing.fits:
            return Deny(words.over_quota(request, standing), standing.pot.rule, standings, balances)
    return Admit(longest, standings, balances, used_grant)


def lease_of(request: Request, decision: Admit, now: datetime) -> Lease:
    """What an admitted request is given."""
    return Lease.hold(request, now, decision.longest)


def _shorter(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    return other if one is None else one if other is None else min(one, other)


def _standings(request: Request, snapshot: Snapshot, policies: Policies) -> Iterator[Standing]:
    for pot in quota_pots(policies, request):
        yield from _of_pot(pot, request, snapshot.book)


def _of_pot(pot: QuotaPot, request: Request, book: LeaseBook) -> Iterator[Standing]:
    used, wanted, caps = in_use(pot, book, leaving_out=request.lease_id), request.amounts, pot.caps
    if caps.servers is not None:
        yield Standing(pot.pot, "servers", used.servers, wanted.servers, caps.servers)
    if caps.cores is not None:
        yield Standing(pot.pot, "cores", used.millicores, wanted.millicores, caps.cores.millicores)
    if caps.memory is not None:
        yield Standing(pot.pot, "memory", used.memory, wanted.memory, caps.memory.bytes)
    if caps.gpus is not None:
        yield Standing(pot.pot, "gpus", used.gpus, wanted.gpus, caps.gpus)
    for name, most in caps.devices.items():
        yield Standing(pot.pot, name, used.devices.get(name, 0), wanted.devices.get(name, 0), most)


def _balances(request: Request, snapshot: Snapshot, policies: Policies, now: datetime) -> Iterator[Balance]:
    for pot in budget_pots(policies, request, now):
        spent = unit_of(pot.budget, snapshot.spent.get(pot.pot, Charge()))
        used = spent + running_up(pot, snapshot.book, now, leaving_out=request.lease_id)
        ahead = held(pot, snapshot.book, now, leaving_out=request.lease_id)
        ends_in = None if pot.end is None else pot.end - now
        yield Balance(pot, used, ahead, per_hour(pot.budget, request), ends_in)
