"""PURE: quotas and budgets as bars with a sentence, for the pages that show how much of them is taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from hub_extensions.page_frame.machine_words import pool_name
from hub_extensions.page_frame.share_words import THAT, spent, spent_of, whose_in_a_list
from profiles.admission import Balance, Decision
from profiles.admission_words import amount, as_they_stand, number, window_words
from profiles.booking import Reservable
from profiles.caps import Scope
from profiles.model import Catalog
from profiles.pots import Pot
from profiles.standings import Standing

#: From this share on a quota's bar warns; budgets say themselves when.
NEARLY_FULL = 80
NOTHING_LEFT = "Nothing is left for another machine."


class Level(StrEnum):
    CALM = "calm"
    WARNING = "warning"
    DANGER = "danger"


@dataclass(frozen=True)
class Meter:
    """`percent` is used, `ahead` is promised beyond it: machines that start, or the rest of runs that are paid for.
    `percent` None: nobody knows of how much."""

    label: str
    figure: str
    percent: int | None
    ahead: int = 0
    said: str = ""
    level: Level = Level.CALM
    rule: str = ""


def unique(decisions: Iterable[Decision]) -> tuple[tuple[Standing, ...], tuple[Balance, ...]]:
    """Every pot that any of these machines draws from, once, in the order of the rules. Those in line come before some
    machines and not before others: what is left is what the one with the least hears."""
    standings: dict[tuple[Pot, str, bool], Standing] = {}
    balances: dict[Pot, Balance] = {}
    for decision in decisions:
        for standing in decision.standings:
            key = standing.pot, standing.resource, standing.reservable
            if key not in standings or standing.left < standings[key].left:
                standings[key] = standing
        for balance in decision.balances:
            balances.setdefault(balance.pot.pot, balance)
    return tuple(standings.values()), tuple(balances.values())


def quota_meters(standings: Iterable[Standing], catalog: Catalog, viewer: str) -> tuple[Meter, ...]:
    """What two rules say alike is said once; where one of what can be reserved says another number, it is named so."""
    policies, told = catalog.policies, set[tuple[str, str]]()
    meters: dict[tuple[str, str, str], Meter] = {}
    for each in standings:
        scope = (policies.reservations if each.reservable else policies.quotas).get(each.pot.rule)
        shown = catalog.profiles.get(each.pot.subject) if each.pot.per == "profile" else None
        meter = quota_meter(each, viewer, kinds(scope, catalog), shown.display_name if shown else "")
        known = meter.label, each.resource
        if (meter.label, meter.figure, meter.said) in meters:
            continue
        if each.reservable and known in told:
            meter = replace(meter, label=f"{meter.label}{THAT}")
        told.add(known)
        meters[meter.label, meter.figure, meter.said] = meter
    return tuple(meters.values())


def budget_meters(balances: Iterable[Balance], catalog: Catalog, viewer: str) -> tuple[Meter, ...]:
    return tuple(
        budget_meter(
            each, catalog.currency, viewer, kinds(each.pot.budget, catalog), timezone=catalog.policies.timezone
        )
        for each in balances
    )


def kinds(scope: Scope | Reservable | None, catalog: Catalog) -> str:
    """`GPU, Big memory`: the machines that a rule is about; empty for all."""
    if scope is None:
        return ""
    profiles = [catalog.profiles[name].display_name if name in catalog.profiles else "" for name in scope.profiles]
    named = [shown or name for shown, name in zip(profiles, scope.profiles, strict=True)]
    return ", ".join([*named, *(pool_name(catalog, pool) for pool in scope.pools)])


def quota_meter(standing: Standing, viewer: str, about: str = "", machine: str = "") -> Meter:
    """`You: 1 of 2 GPUs`; `about` is the machines that it is about, `machine` the name of the only one."""
    percent = _percent(Decimal(standing.used), Decimal(standing.limit))
    of = f"{number(standing.resource, standing.used)} of {amount(standing.resource, standing.limit)}"
    left = f"{number(standing.resource, standing.left)} left." if standing.left else NOTHING_LEFT
    promised = standing.limit - standing.used - standing.left
    if promised > 0:
        left += f" {number(standing.resource, promised)} kept for others, who reserved it or come first in line."
    return Meter(
        label=_label(standing.pot, viewer, about, machine),
        figure=of,
        percent=min(percent, 100),
        said=left,
        level=_quota_level(percent),
        rule=standing.pot.rule,
    )


def budget_meter(
    balance: Balance, currency: str, viewer: str, about: str = "", *, timezone: str = "UTC"
) -> Meter:
    """`You: €187.60 of €200.00 this month`; warns from the percentages that the budget says."""
    budget, limit = balance.pot.budget, balance.pot.limit
    percent = _percent(balance.used, limit)
    ahead = _percent(balance.used + balance.held, limit) - percent
    left = f"{spent(budget, balance.left, currency)} left"
    if balance.held:
        left += f", {spent(budget, balance.held, currency)} set aside for what runs"
    passed = max((at for at in budget.warn_at if percent >= at), default=0)
    warned = f"More than {passed} % is used. " if 0 < passed < 100 else "It is used up. " if passed else ""
    renews = balance.pot.end.astimezone(ZoneInfo(timezone)) if balance.pot.end else None
    renewal = f"; it begins anew on {renews.day} {renews:%B}" if renews else ""
    return Meter(
        label=_label(balance.pot.pot, viewer, about),
        figure=f"{spent_of(budget, balance.used, limit, currency)} {window_words(budget.window)}",
        percent=min(percent, 100),
        ahead=max(0, min(ahead, 100 - min(percent, 100))),
        said=f"{warned}{left}{renewal}.{as_they_stand(balance)}",
        level=Level.DANGER if percent >= 95 else Level.WARNING if passed else Level.CALM,
        rule=balance.pot.pot.rule,
    )


def _label(pot: Pot, viewer: str, about: str, machine: str = "") -> str:
    said = whose_in_a_list(pot, viewer, machine)
    return f"{said}, on {about}" if about and pot.per != "profile" else said


def _quota_level(percent: int) -> Level:
    if percent >= 100:
        return Level.DANGER
    return Level.WARNING if percent >= NEARLY_FULL else Level.CALM


def _percent(part: Decimal, whole: Decimal) -> int:
    """Rounded down, so that 100 is all of it; of nothing, anything is all."""
    if not whole:
        return 100
    return int(part * 100 / whole)
