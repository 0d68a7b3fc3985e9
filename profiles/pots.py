"""Which pots a machine draws from, and what is in them. A pot is one rule for one subject: `gpus` for `ml-team`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from profiles.amounts import Amounts
from profiles.booking import Reservable
from profiles.caps import About, Caps, Per, Scope
from profiles.cost import window_of
from profiles.lease import MICRO, Charge, Lease, Request
from profiles.lease_book import LeaseBook, Place
from profiles.policy import Budget, Policies, Quota
from profiles.tally import AmountsTally, Drain, DrainTally


@dataclass(frozen=True, slots=True)
class Pot:
    """`subject` is the person, group or profile that has it; empty for the hub's."""

    rule: str
    per: Per
    subject: str = ""


@dataclass(frozen=True, slots=True)
class QuotaPot:
    """A quota for one subject, overrides applied."""

    pot: Pot
    quota: Quota
    caps: Caps


@dataclass(frozen=True, slots=True)
class ReservedPot:
    """What can be reserved: one pot for everybody."""

    pot: Pot
    quota: Reservable

    @classmethod
    def of(cls, rule: str, reservable: Reservable) -> ReservedPot:
        return cls(Pot(rule, "hub"), reservable)

    @property
    def caps(self) -> Caps:
        return self.quota


@dataclass(frozen=True, slots=True)
class BudgetPot:
    """A budget for one subject, overrides applied, in the window of the moment asked for. `limit` is in money, machine
    hours or GPU hours, as `budget.unit` says. A sliding window has no end."""

    pot: Pot
    budget: Budget
    limit: Decimal
    begin: datetime
    end: datetime | None


def quota_pots(policies: Policies, request: Request) -> Iterator[QuotaPot]:
    """In the order of the rules; for a rule per group, one for each of the person's groups."""
    for rule, quota in policies.quotas.items():
        for pot in _pots(rule, quota, request):
            yield QuotaPot(pot, quota, _caps(quota, pot, request.person.groups))


def reserved_pots(policies: Policies, request: Request) -> Iterator[ReservedPot]:
    """What can be reserved, where this start takes from it."""
    for rule, reservable in policies.reservations.items():
        if _about(reservable, request.person.name, request.person.groups, request.profile, request.pool):
            yield ReservedPot.of(rule, reservable)


def shares_of(rule: str, quota: Quota, book: LeaseBook) -> Iterator[QuotaPot]:
    """A rule per group, for each group that has something out."""
    for group in book.groups():
        if _is_for(quota, group):
            pot = Pot(rule, "group", group)
            yield QuotaPot(pot, quota, _caps(quota, pot, frozenset()))


def budget_pots(policies: Policies, request: Request, now: datetime) -> Iterator[BudgetPot]:
    """As `quota_pots`."""
    for rule, budget in policies.budgets.items():
        begin, end = window_of(budget.window, now, policies.timezone)
        for pot in _pots(rule, budget, request):
            yield BudgetPot(pot, budget, _limit(budget, pot, request.person.groups), begin, end)


def _pots(rule: str, scope: Scope, request: Request) -> Iterator[Pot]:
    if not _about(scope, request.person.name, request.person.groups, request.profile, request.pool):
        return
    match scope.per:
        case "user":
            yield Pot(rule, "user", request.person.name)
        case "group":
            yield from (Pot(rule, "group", name) for name in sorted(request.person.groups) if _is_for(scope, name))
        case "profile":
            yield Pot(rule, "profile", request.profile)
        case "hub":
            yield Pot(rule, "hub")


def _is_for(scope: Scope, group: str) -> bool:
    return not scope.groups or group in scope.groups


def _about(scope: About, user: str, groups: frozenset[str], profile: str, pool: str) -> bool:
    return (
        (not scope.users or user in scope.users)
        and (not scope.groups or not groups.isdisjoint(scope.groups))
        and (not scope.profiles or profile in scope.profiles)
        and (not scope.pools or pool in scope.pools)
    )


def drawn(pot: Pot, scope: About, book: LeaseBook) -> Iterable[Lease]:
    """The leases that draw from this pot."""
    return drawing(scope, book.at((pot.per, pot.subject)).values())


def drawing(scope: About, leases: Iterable[Lease]) -> Iterable[Lease]:
    """Those of them that a rule is about."""
    return filter(_counts(scope), leases)


def _counts(scope: About) -> Callable[[Lease], bool]:
    return lambda lease: _about(scope, lease.user, lease.groups, lease.profile, lease.pool)


def in_use(pot: QuotaPot | ReservedPot, book: LeaseBook, leaving_out: Iterable[str] = ()) -> Amounts:
    """Granted at this moment, starting machines included; without the leases of these ids."""
    place = (pot.pot.per, pot.pot.subject)
    tally = book.tally(place, pot.quota, lambda: AmountsTally(_counts(pot.quota)))
    return tally.without(_there(book, place, leaving_out))


def unit_of(budget: Budget, used: Charge) -> Decimal:
    """The part of a charge that this budget counts."""
    if budget.unit == "money":
        return used.money
    return used.hours if budget.unit == "machine_hours" else used.gpu_hours


def per_hour(budget: Budget, request: Request | Lease) -> Decimal:
    """What an hour of this machine takes from the budget."""
    if budget.unit == "money":
        return request.price_per_hour.amount
    return Decimal(1 if budget.unit == "machine_hours" else request.amounts.gpus)


def running_up(pot: BudgetPot, book: LeaseBook, now: datetime, leaving_out: Iterable[str] = ()) -> Decimal:
    """What running and starting machines have used in the window so far, not yet in the ledger. To the microsecond,
    where the ledger counts whole seconds: never less than what it will be."""
    return draining(pot, book, now, leaving_out)[0]


def held(pot: BudgetPot, book: LeaseBook, now: datetime, leaving_out: Iterable[str] = ()) -> Decimal:
    """What is set aside beyond that, for the rest of the runs that starts were promised."""
    return draining(pot, book, now, leaving_out)[1]


def draining(
    pot: BudgetPot, book: LeaseBook, now: datetime, leaving_out: Iterable[str] = ()
) -> tuple[Decimal, Decimal]:
    """`running_up` and `held` at once."""
    drain = _drain(pot, book, now, leaving_out)
    used = _amount(pot.budget, drain.used)
    return used.quantize(1 / MICRO) if pot.budget.unit == "money" else used, _amount(pot.budget, drain.held)


def _drain(pot: BudgetPot, book: LeaseBook, now: datetime, leaving_out: Iterable[str]) -> Drain:
    place, make = (pot.pot.per, pot.pot.subject), partial(_drain_tally, pot.budget)
    drain = book.tally(place, pot.budget, make).at(now, pot.begin)
    for own in _there(book, place, leaving_out):
        alone = make()
        alone.put(own)
        drain -= alone.at(now, pot.begin)
    return drain


def _there(book: LeaseBook, place: Place, ids: Iterable[str]) -> list[Lease]:
    leases = book.at(place)
    return [leases[each] for each in ids if each in leases]


def own_leases(request: Request, book: LeaseBook) -> tuple[str, ...]:
    """What this start is *instead of*: its own lease, where it asks again, and a place that is kept for its server."""
    kept = (
        lease.id
        for lease in book.of_user(request.person.name)
        if lease.server == request.server and lease.is_kept and lease.id != request.lease_id
    )
    return (request.lease_id, *kept)


def _drain_tally(budget: Budget) -> DrainTally:
    return DrainTally(_counts(budget), partial(_rate, budget), lambda lease: set_aside(budget, lease.longest))


def _rate(budget: Budget, lease: Lease) -> int:
    """What an hour takes, in whole numbers: millionths of the currency, servers or GPUs."""
    rate = per_hour(budget, lease)
    return int(rate * MICRO if budget.unit == "money" else rate)


def _amount(budget: Budget, rate_times_microseconds: int) -> Decimal:
    """In the budget's own unit."""
    per_microsecond = Decimal(rate_times_microseconds) / 3_600_000_000
    return per_microsecond / MICRO if budget.unit == "money" else per_microsecond


def set_aside(budget: Budget, longest: timedelta | None) -> timedelta:
    """How long a run is held in advance."""
    most = timedelta(seconds=budget.hold_at_most.seconds)
    return most if longest is None else min(most, longest)


def _caps(quota: Quota, pot: Pot, groups: frozenset[str]) -> Caps:
    """The quota's own amounts, those of the groups over them, those of the person over both; amount by amount."""
    if pot.per not in {"user", "group"}:
        return quota
    named = {pot.subject} if pot.per == "group" else groups
    theirs = [_over(quota, caps) for name, caps in quota.overrides.groups.items() if name in named]
    caps = _most_generous(theirs) if theirs else quota
    own = quota.overrides.users.get(pot.subject) if pot.per == "user" else None
    return caps if own is None else _over(caps, own)


def _over(quota: Caps, override: Caps) -> Caps:
    given = {name: getattr(override, name) for name in ("servers", "cores", "memory", "gpus")}
    devices = {**quota.devices, **override.devices}
    own = {name: getattr(quota, name) for name in given}
    return Caps.model_construct(
        **{**own, **{name: value for name, value in given.items() if value is not None}}, devices=devices
    )


def _most_generous(many: list[Caps]) -> Caps:
    """Amount by amount: the most that any of them allows, and what one of them does not limit is not limited."""
    if len(many) == 1:
        return many[0]
    best: dict[str, Any] = {}
    for name in ("servers", "cores", "memory", "gpus"):
        given = [getattr(each, name) for each in many]
        best[name] = None if None in given else max(given)
    limited = frozenset(many[0].devices).intersection(*(each.devices for each in many))
    devices = {name: max(each.devices[name] for each in many) for name in sorted(limited)}
    return Caps.model_construct(**best, devices=devices)


def _limit(budget: Budget, pot: Pot, groups: frozenset[str]) -> Decimal:
    own = budget.money if budget.money is not None else budget.machine_hours
    limit = own if own is not None else budget.gpu_hours
    assert limit is not None, "one of the three is given: Spend checks it"
    if pot.per == "user" and pot.subject in budget.overrides.users:
        return budget.overrides.users[pot.subject]
    named = [pot.subject] if pot.per == "group" else sorted(groups) if pot.per == "user" else []
    theirs = [budget.overrides.groups[name] for name in named if name in budget.overrides.groups]
    return max(theirs) if theirs else limit
