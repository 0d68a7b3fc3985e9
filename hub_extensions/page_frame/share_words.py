"""PURE: what is left for a person, as the cards and the shares' pages say it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hub_extensions.page_frame import words
from profiles.admission import Balance, Decision
from profiles.admission_words import amount, number, window_words
from profiles.policy import Budget
from profiles.pots import Pot
from profiles.quantity import Money
from profiles.standings import Standing

#: What lasts longer than this is no news, and a budget begins anew before.
LONG = timedelta(days=30)
#: Where a rule of reservations differs from the quota of all.
THAT = ", that can be reserved"


def left(decision: Decision, currency: str) -> tuple[str, ...]:
    """One sentence for each amount that this machine takes: quotas first, then what can be reserved, then budgets. What
    two rules say alike is said once."""
    wanted = [each for each in decision.standings if each.wanted]
    quotas = {standing_left(each): None for each in wanted if not each.reservable}
    shared = {each.resource for each in wanted if each.pot.per == "hub" and not each.reservable}
    reservable = (
        standing_left(each, of_reserved=each.resource in shared)
        for each in wanted
        if each.reservable and standing_left(each) not in quotas
    )
    standings = dict.fromkeys((*quotas, *reservable))
    balances = (balance_left(each, currency) for each in decision.balances if each.per_hour)
    return (*standings, *balances)


def standing_left(standing: Standing, *, of_reserved: bool = False) -> str:
    """`1 of 2 GPUs left for you`, `ml-team: 3 of 8 GPUs free`. `of_reserved`: a quota of all says another number."""
    of = f"{number(standing.resource, standing.left)} of {amount(standing.resource, standing.limit)}"
    if standing.pot.per == "user":
        return f"{of} left for you"
    return f"{whose(standing.pot)}{THAT if of_reserved else ''}: {of} free"


def balance_left(balance: Balance, currency: str) -> str:
    """`€12.40 of €200.00 left this month; enough for 4 hours`."""
    budget, pot = balance.pot.budget, balance.pot.pot
    of = f"{spent_of(budget, balance.left, balance.pot.limit, currency)} left {window_words(budget.window)}"
    if budget.profiles or budget.pools:
        of += " for this kind of machine"
    lasts = balance.lasts
    enough = f"; enough for {words.duration(lasts.total_seconds())}" if lasts is not None and lasts < LONG else ""
    return f"{of}{enough}" if pot.per == "user" else f"{whose(pot)}: {of}{enough}"


def spent_of(budget: Budget, part: Decimal, whole: Decimal, currency: str) -> str:
    """`€12.40 of €200.00`, `3.5 of 20 GPU hours`."""
    return f"{spent(budget, part, currency, bare=True)} of {spent(budget, whole, currency)}"


def spent(budget: Budget, value: Decimal, currency: str, *, bare: bool = False) -> str:
    """An amount in the budget's own unit; `bare` without the noun, where another of the same follows."""
    if budget.unit == "money":
        return Money(value.quantize(Decimal("0.01")), currency).human
    figure = f"{value.quantize(Decimal('0.1')):f}".removesuffix(".0")
    if bare:
        return figure
    return words.plural(figure, "machine hour" if budget.unit == "machine_hours" else "GPU hour")


def whose(pot: Pot) -> str:
    """Whose pot it is, to whoever reads."""
    return {"user": "You", "group": pot.subject, "profile": "Everybody on this machine", "hub": "Everybody together"}[
        pot.per
    ]


def whose_in_a_list(pot: Pot, viewer: str = "", machine: str = "") -> str:
    """As `whose`, where pots of many machines and people stand side by side. `machine`: a profile's own name."""
    if pot.per == "user":
        return "You" if pot.subject == viewer else pot.subject
    everybody = f"Everybody on {machine or pot.subject}"
    return {"group": pot.subject, "profile": everybody, "hub": "Everybody together"}[pot.per]
