"""The sentences of admission: what happened, the limit against the actual, what to do next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from profiles.access import who_may
from profiles.grants import Grant
from profiles.lease import Request
from profiles.policy import Approval, Budget
from profiles.pots import Pot
from profiles.quantity import Cpu, Memory, Money
from profiles.refusal import Reason, Refusal

if TYPE_CHECKING:
    from profiles.admission import Balance, Standing


def over_quota(request: Request, standing: Standing) -> Refusal:
    """`ml-team has 2 of its 2 GPUs in use; this machine needs 1 more.`"""
    limit, used = amount(standing.resource, standing.limit), number(standing.resource, standing.used)
    wanted = number(standing.resource, standing.wanted)
    has = f"{_who(standing.pot)} {used} of {_whose(standing.pot)} {limit} in use"
    if standing.wanted > standing.limit:
        sentence = (
            f"{request.display_name} needs {amount(standing.resource, standing.wanted)}, and "
            f"{_may(standing.pot)} {limit} at once."
        )
        return Refusal(Reason.OVER_QUOTA, sentence, "Choose a smaller machine, or ask your administrator for more.")
    sentence = f"{has}, and {request.display_name} needs {wanted}."
    return Refusal(Reason.OVER_QUOTA, sentence, _free_some(standing.pot))


def _free_some(pot: Pot) -> str:
    if pot.per == "user":
        return "Stop one of your servers, choose a smaller machine, or ask your administrator for more."
    return "Wait until one is stopped, choose another machine, or ask your administrator for more."


def _who(pot: Pot) -> str:
    return {"user": "You have", "group": f"{pot.subject} has", "profile": "This machine has", "hub": "Everybody has"}[
        pot.per
    ]


def _whose(pot: Pot) -> str:
    return {"user": "your", "group": "its", "profile": "its", "hub": "the"}[pot.per]


def _may(pot: Pot) -> str:
    return {
        "user": "you may have",
        "group": f"{pot.subject} may have",
        "profile": "this machine may take",
        "hub": "all together may have",
    }[pot.per]


def number(resource: str, value: int) -> str:
    """`2`, `2.5`, `12 GiB`: without the noun, where another amount of the same follows."""
    if resource == "cores":
        return f"{Cpu(value).cores:g}"
    return Memory(value).human if resource == "memory" else str(value)


def amount(resource: str, value: int) -> str:
    """`3 servers`, `8 cores`, `64 GiB of memory`, `1 GPU`, `2 × nvidia.com/mig-1g.5gb`."""
    if resource == "cores":
        return Cpu(value).human
    if resource == "memory":
        return f"{Memory(value).human} of memory"
    if resource in {"servers", "gpus"}:
        noun = "server" if resource == "servers" else "GPU"
        return f"{value} {noun}{'' if value == 1 else 's'}"
    return f"{value} × {resource}"


def over_budget(request: Request, balance: Balance) -> Refusal:
    """`Your budget of 200.00 EUR per month has 0.40 EUR left; GPU costs 2.90 EUR per hour.`"""
    budget, pot = balance.pot.budget, balance.pot.pot
    unit = budget_amount(budget, request.price_per_hour.currency)
    whose = {"user": "Your budget", "group": f"The budget of {pot.subject}", "hub": "The budget of all"}.get(pot.per)
    ahead = f", {unit(balance.held)} of it set aside for what runs" if balance.held else ""
    used = f"{unit(balance.used + balance.held)} of {unit(balance.pot.limit)} {window_words(budget.window)}"
    sentence = f"{whose} is used up: {used}{ahead}; {request.display_name} takes {unit(balance.per_hour)} per hour."
    if balance.left:
        sentence = sentence.replace("is used up", f"has {unit(balance.left)} left")
    again = f"It begins anew on {_day(balance.pot.end)}" if balance.pot.end else "It is freed day by day"
    return Refusal(
        Reason.OVER_BUDGET, sentence, f"{again}; choose a cheaper machine, or ask your administrator for more."
    )


def budget_amount(budget: Budget, currency: str) -> Callable[[Decimal], str]:
    """Amounts of one budget in words: `12.50 EUR`, `3.5 machine hours`, `2 GPU hours`."""

    def money(value: Decimal) -> str:
        return str(Money(value.quantize(Decimal("0.01")), currency))

    def hours(value: Decimal) -> str:
        noun = "machine hour" if budget.unit == "machine_hours" else "GPU hour"
        rounded = f"{value.quantize(Decimal('0.1')):f}".removesuffix(".0")
        return f"{rounded} {noun}{'' if rounded == '1' else 's'}"

    return money if budget.unit == "money" else hours


def window_words(window: str) -> str:
    """`this month`, `in the last 30d`."""
    return {"day": "today", "week": "this week", "month": "this month"}.get(window, f"in the last {window}")


def needs_approval(request: Request, approval: Approval, over: Grant | None) -> Refusal:
    who = who_may(approval.approvers)
    if over is not None:
        sentence = f"Your permission for {request.display_name} ended on {_moment(over.ends_at)}."
        return Refusal(Reason.GRANT_EXPIRED, sentence, f"Ask {who} again: “Ask for it” on its card.")
    sentence = f"{request.display_name} needs a yes from {who}."
    return Refusal(Reason.NEEDS_APPROVAL, sentence, "Press “Ask for it” on its card and say what it is for.")


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B}"


def _moment(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%B} at {utc:%H:%M} UTC"
