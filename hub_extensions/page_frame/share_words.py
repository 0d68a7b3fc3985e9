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


def left(decision: Decision, currency: str) -> tuple[str, ...]:
    """One sentence for each amount that this machine takes: quotas first, then budgets."""
    standings = (standing_left(each) for each in decision.standings if each.wanted)
    balances = (balance_left(each, currency) for each in decision.balances if each.per_hour)
    return (*standings, *balances)


def standing_left(standing: Standing) -> str:
    """`1 of 2 GPUs left for you`, `ml-team: 3 of 8 GPUs free`."""
    of = f"{number(standing.resource, standing.left)} of {amount(standing.resource, standing.limit)}"
    return f"{of} left for you" if standing.pot.per == "user" else f"{whose(standing.pot)}: {of} free"


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


def whose_in_a_list(pot: Pot, viewer: str = "") -> str:
    """As `whose`, where pots of many machines and people stand side by side."""
    if pot.per == "user":
        return "You" if pot.subject == viewer else pot.subject
    return {"group": pot.subject, "profile": f"Everybody on {pot.subject}", "hub": "Everybody together"}[pot.per]
