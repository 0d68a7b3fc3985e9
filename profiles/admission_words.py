"""The sentences of admission: what happened, the limit against the actual, what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from profiles.access import who_may
from profiles.choice import LENGTHS
from profiles.grants import Grant
from profiles.lease import Request
from profiles.moments import clock_in
from profiles.policy import Approval, Budget
from profiles.pots import Pot
from profiles.quantity import Cpu, Duration, Memory, Money
from profiles.refusal import Reason, Refusal

if TYPE_CHECKING:
    from profiles.admission import Balance
    from profiles.standings import Standing

ASK = "ask your administrator for more"
_CALENDAR = {"day": "today", "week": "this week", "month": "this month"}
_SHOWN = Decimal("0.01")


def over_quota(request: Request, standing: Standing) -> Refusal:
    """`ml-team may have 2 GPUs at once, and 2 are in use; Large GPU needs 1 more.`"""
    if standing.wanted > standing.limit + standing.lent:
        return _never_fits(request, standing)
    who, limit = _who_may(standing.pot, request.display_name), amount(standing.resource, standing.limit)
    if standing.lent:
        limit += f" and {number(standing.resource, standing.lent)} more that others leave idle"
    used, more = number(standing.resource, standing.used), number(standing.resource, standing.wanted)
    verb = "is" if used == "1" or standing.resource == "memory" else "are"
    name = "this one" if standing.pot.per == "profile" else request.display_name
    sentence = f"{who} {limit} at once, and {used} {verb} in use; {name} needs {more} more."
    return Refusal(Reason.OVER_QUOTA, sentence, _free_some(standing))


def _never_fits(request: Request, standing: Standing) -> Refusal:
    """`Large GPU needs 4 GPUs, and ml-team may have only 2 at once.`"""
    wanted = amount(standing.resource, standing.wanted)
    at_most = standing.limit + standing.lent
    most = f"only {number(standing.resource, at_most)} at once" if at_most else "none"
    sentence = f"{request.display_name} needs {wanted}, and {_within(standing.pot)} {most}."
    if standing.resource == "servers" or standing.pot.per == "profile":
        return Refusal(Reason.OVER_QUOTA, sentence, f"Choose another machine, or {ASK}.")
    return Refusal(Reason.OVER_QUOTA, sentence, f"{_upper(_smaller(standing))}, or {ASK}.")


def reserved_now(
    request: Request, standing: Standing, until: datetime, timezone: str, now: datetime
) -> Refusal:
    """`3 of 8 GPUs are in use, and others have reserved 4 more until 18:00 (UTC); Large GPU needs 2.`"""
    used, limit = number(standing.resource, standing.used), amount(standing.resource, standing.limit)
    theirs, wants = (number(standing.resource, n) for n in (standing.reserved, standing.wanted))
    verb = "is" if used == "1" or standing.resource == "memory" else "are"
    sentence = (
        f"{used} of {limit} {verb} in use, and others have reserved {theirs} more until "
        f"{clock_in(timezone, until, now)}; "
        f"{request.display_name} needs {wants}."
    )
    return Refusal(Reason.RESERVED, sentence, f"Wait until then, {_smaller(standing)}, or reserve a time of your own.")


def reserved_soon(
    request: Request, clear: datetime, least: timedelta, timezone: str, now: datetime
) -> Refusal:
    """`Others have reserved what Large GPU needs from 14:00 (UTC), which is in less than 15 minutes.`"""
    soon = Duration(int(least.total_seconds())).human
    sentence = (
        f"Others have reserved what {request.display_name} needs from {clock_in(timezone, clear, now)}, "
        f"which is in less than {soon}."
    )
    return Refusal(Reason.RESERVED, sentence, "Choose another machine, or reserve a time of your own.")


def others_wait(request: Request, standing: Standing) -> Refusal:
    """`1 person waits for a GPU before you; Large GPU needs 1, and 2 of 4 GPUs are in use.`"""
    people = "1 person waits" if standing.people == 1 else f"{standing.people} people wait"
    used, limit = number(standing.resource, standing.used), amount(standing.resource, standing.limit)
    verb = "is" if used == "1" or standing.resource == "memory" else "are"
    sentence = (
        f"{people} in line before you: {used} of {limit} {verb} in use, and they come first for the rest; "
        f"{request.display_name} needs {number(standing.resource, standing.wanted)}."
    )
    return Refusal(Reason.OTHERS_WAIT, sentence, f"Wait in line as well, {_smaller(standing)}, or {ASK}.")


def _who_may(pot: Pot, machine: str = "it") -> str:
    return {
        "user": "You may have",
        "group": f"{pot.subject} may have",
        "profile": f"All who use {machine} may have",
        "hub": "Everybody together may have",
    }[pot.per]


def _within(pot: Pot) -> str:
    """Within a sentence. The name of a group stays as it is."""
    who = _who_may(pot)
    return who if pot.per == "group" else who[0].lower() + who[1:]


def _upper(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _free_some(standing: Standing) -> str:
    first = {"user": "Stop one of your servers", "profile": "Wait until somebody stops one"}
    choose = "choose another machine" if standing.pot.per == "profile" else _smaller(standing)
    if standing.resource == "servers" and standing.pot.per != "profile":
        choose = ""
    steps = (first.get(standing.pot.per, "Wait until a server is stopped"), choose, f"or {ASK}")
    return f"{', '.join(step for step in steps if step)}."


def _smaller(standing: Standing) -> str:
    """The machine that would fit."""
    if standing.resource in {"cores", "memory"}:
        return f"choose a machine with {'fewer cores' if standing.resource == 'cores' else 'less memory'}"
    what = "GPUs" if standing.resource == "gpus" else standing.resource
    return f"choose a machine {'with fewer' if standing.wanted > 1 else 'without'} {what}"


def number(resource: str, value: int) -> str:
    """`2`, `2.5`, `12 GiB`: without the noun, where another amount of the same is beside it."""
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


def over_budget(
    request: Request, balance: Balance, least: timedelta, timezone: str, paid: timedelta | None = None
) -> Refusal:
    """`Your budget of €200.00 for this month has €0.40 left, and 15 minutes of GPU would cost €0.73.` `paid`: how long
    a run all of its budgets pay for."""
    budget, pot = balance.pot.budget, balance.pot.pot
    say = budget_amount(budget, request.price_per_hour.currency)
    whose = {"user": "Your budget", "group": f"{pot.subject}'s budget", "hub": "Everybody's budget"}[pot.per]
    left = balance.left.quantize(_SHOWN, rounding=ROUND_FLOOR)
    aside = f" ({say(balance.held)} of it set aside for what runs)" if say(balance.held) != say(Decimal(0)) else ""
    state = f"has {say(left)} left" if left else "has nothing left" if aside else "is used up"
    need = balance.per_hour * Decimal(least.total_seconds()) / 3600
    takes = "cost" if budget.unit == "money" else "take"
    sentence = (
        f"{whose} of {say(balance.pot.limit)} for {_period(budget.window)} {state}{aside}, and "
        f"{Duration(int(least.total_seconds())).human} of {request.display_name} would {takes} "
        f"{say(need.quantize(_SHOWN, rounding=ROUND_CEILING))}.{as_they_stand(balance)}"
    )
    remedy = ", ".join([*_shorter_run(paid), *_cheaper(budget, balance), _again(budget, balance, timezone)])
    return Refusal(Reason.OVER_BUDGET, sentence, f"{_upper(remedy)}, or {ASK}.")


def _shorter_run(paid: timedelta | None) -> Iterable[str]:
    """The longest that forms offer and that is paid for."""
    seconds = paid.total_seconds() if paid is not None else 0
    fitting = [each for each in LENGTHS if each.seconds <= seconds]
    if fitting:
        yield f"start it for {fitting[-1].human} only"


def _cheaper(budget: Budget, balance: Balance) -> Iterable[str]:
    if balance.held:
        own = balance.pot.pot.per == "user"
        yield "stop a server that you do not need" if own else "wait until a server is stopped"
    if budget.unit == "money":
        yield "choose a cheaper machine"
    elif budget.unit == "gpu_hours":
        yield "choose a machine without GPUs"


def _again(budget: Budget, balance: Balance, timezone: str) -> str:
    if balance.pot.end is not None:
        return f"wait until {_day(balance.pot.end, timezone)}, when it begins anew"
    return f"wait until what was used {length_words(budget.window)} ago no longer counts"


def budget_amount(budget: Budget, currency: str) -> Callable[[Decimal], str]:
    """Amounts of one budget in words: `€12.50`, `3.5 machine hours`, `2 GPU hours`."""

    def money(value: Decimal) -> str:
        return Money(value.quantize(_SHOWN, rounding=ROUND_HALF_UP), currency).human

    def hours(value: Decimal) -> str:
        noun = "machine hour" if budget.unit == "machine_hours" else "GPU hour"
        rounded = f"{value.quantize(_SHOWN, rounding=ROUND_HALF_UP):f}".rstrip("0").rstrip(".")
        return f"{rounded} {noun}{'' if rounded == '1' else 's'}"

    return money if budget.unit == "money" else hours


def as_they_stand(balance: Balance) -> str:
    """A sentence more, where a budget in money has amounts of another currency in it: the hub's has changed."""
    if not balance.others:
        return ""
    return f" Some of it was billed in {' and '.join(balance.others)}: such amounts count as they stand."


def window_words(window: str) -> str:
    """`this month`, `in the last 30 days`."""
    return _CALENDAR.get(window) or f"in the last {length_words(window)}"


def _period(window: str) -> str:
    return _CALENDAR.get(window) or f"any {length_words(window)}"


def length_words(window: str) -> str:
    """`30 days`, `36 hours`, `90 minutes`: one unit, and never one of it."""
    length = Duration.parse(window)
    for noun, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if length.seconds % size == 0 and length.seconds > size:
            return f"{length.seconds // size} {noun}"
    return length.human


def needs_approval(  # noqa: PLR0913, PLR0917 (what there was, what there will be, and how times are written)
    request: Request, approval: Approval, over: Grant | None, ahead: Grant | None, timezone: str, now: datetime
) -> Refusal:
    """`over` has ended, `ahead` has not begun; either would fit."""
    who = who_may(approval.approvers)
    if ahead is not None:
        sentence = f"Your permission for {request.display_name} begins at {clock_in(timezone, ahead.begins_at, now)}."
        return Refusal(Reason.NEEDS_APPROVAL, sentence, f"Wait until then, or ask {who} for an earlier time.")
    if over is not None:
        sentence = f"Your permission for {request.display_name} ended at {clock_in(timezone, over.ends_at, now)}."
        return Refusal(Reason.GRANT_EXPIRED, sentence, f"Ask {who} again: “Ask for it” on its card.")
    sentence = f"{request.display_name} needs a yes from {who}."
    return Refusal(Reason.NEEDS_APPROVAL, sentence, "Press “Ask for it” on its card and say what it is for.")


def permission_in_use(request: Request, approval: Approval, machines: int) -> Refusal:
    """A yes is for one machine at a time; two of them are for two."""
    many = "one machine" if machines == 1 else f"{machines} machines"
    sentence = f"Your permission for {request.display_name} is for {many} at a time, and in use."
    remedy = f"Stop that server first, or ask {who_may(approval.approvers)} for one more: “Ask for it” on its card."
    return Refusal(Reason.NEEDS_APPROVAL, sentence, remedy)


def outside_hours(request: Request, opens_at: datetime | None, timezone: str, now: datetime) -> Refusal:
    """`Large GPU is open Monday to Friday from 08:00 to 20:00 and opens next at 08:00 on Mon 23 Nov (…)`"""
    assert request.hours is not None, "what has no hours is never closed"
    again = f" ({timezone})" if opens_at is None else f"; it opens next at {clock_in(timezone, opens_at, now)}"
    sentence = f"{request.display_name} is closed now: it is open {request.hours.words}{again}."
    return Refusal(Reason.OUTSIDE_HOURS, sentence, "Come back then, or choose another machine.")


def _day(moment: datetime, timezone: str) -> str:
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{local.day} {local:%B}"
