"""Policies and working hours as a list in a terminal: one line for each rule, in words."""

from __future__ import annotations

from collections.abc import Iterator

from profiles.access import who_may
from profiles.admission_words import amount, budget_amount, length_words
from profiles.booking import Borrowing, Queue, Reservable
from profiles.caps import Caps, Scope
from profiles.model import Catalog
from profiles.policy import CALENDAR, Approval, Budget, Quota

_PER = {
    "user": "each person",
    "group": "each group",
    "profile": "each machine",
    "hub": "everybody together",
}


def policies_list(catalog: Catalog) -> str:
    """Empty where there are none."""
    policies, currency = catalog.policies, catalog.currency
    lines = [
        *(f"hours {name}: {each.hours.words}" for name, each in catalog.profiles.items() if each.hours is not None),
        *(f"quota {name}: {_quota(quota)}" for name, quota in policies.quotas.items()),
        *(f"budget {name}: {_budget(budget, currency)}" for name, budget in policies.budgets.items()),
        *(f"approval {name}: {_approval(approval)}" for name, approval in policies.approvals.items()),
        *(f"reservations {name}: {_reservable(each)}" for name, each in policies.reservations.items()),
    ]
    if policies.queue != Queue():
        lines.append(f"queue: {_queue(policies.queue)}")
    return "\n".join(lines)


def _quota(quota: Quota) -> str:
    several = len(quota.overrides.users) + len(quota.overrides.groups)
    return f"{_scope(quota)} at most {caps_words(quota)} at once{_lent(quota.borrowing)}{_others(several)}"


def _lent(borrowing: Borrowing | None) -> str:
    if borrowing is None:
        return ""
    most = f"{caps_words(borrowing.most)} more" if borrowing.most.says_something else "more"
    notice = f"given back {borrowing.notice.human} after it is wanted"
    return f", and {most} while others leave theirs of {borrowing.within} idle, {notice}"


def _reservable(each: Reservable) -> str:
    """`2 GPUs, on gpu; for 8 hours at most, 14 days ahead, by everyone`."""
    named = (("on", each.profiles), ("in", each.pools))
    about = "".join(f", {word} {', '.join(names)}" for word, names in named if names)
    at_most = f"; {caps_words(each.at_most)} at once" if each.at_most.says_something else ""
    length = f"for {each.longest.human} at most, {each.ahead.human} ahead, by {who_may(each.who)}"
    return f"{caps_words(each)}{about}{at_most}; {length}"


def _queue(queue: Queue) -> str:
    if not queue.enabled:
        return "nobody waits in line"
    places = "1 place" if queue.per_person == 1 else f"{queue.per_person} places"
    return f"a machine is kept for {queue.keep_for.human}, and each person has at most {places}"


def _budget(budget: Budget, currency: str) -> str:
    given = (budget.money, budget.machine_hours, budget.gpu_hours)
    limit = next(value for value in given if value is not None)
    several = len(budget.overrides.users) + len(budget.overrides.groups)
    window = f"a {budget.window}" if budget.window in CALENDAR else f"in any {length_words(budget.window)}"
    return f"{_scope(budget)} at most {budget_amount(budget, currency)(limit)} {window}{_others(several)}"


def _approval(approval: Approval) -> str:
    more = f" with more than {caps_words(approval.more_than)}" if approval.more_than.says_something else ""
    machines = ", ".join(approval.profiles) or "every machine"
    exempt = f"; not for {who_may(approval.exempt)}" if approval.exempt else ""
    return f"{machines}{more} needs a yes from {who_may(approval.approvers)}{exempt}"


def _scope(scope: Scope) -> str:
    """`each person, of astro, on gpu`."""
    limits = [
        f"{word} {', '.join(names)}"
        for word, names in zip(("named", "of", "on", "in"), _named(scope), strict=True)
        if names
    ]
    return ", ".join([_PER[scope.per], *limits]) + ("," if limits else "")


def _named(scope: Scope) -> tuple[tuple[str, ...], ...]:
    return scope.users, scope.groups, scope.profiles, scope.pools


def _others(several: int) -> str:
    return f"; {several} with other amounts" if several else ""


def caps_words(caps: Caps) -> str:
    """`2 servers, 8 cores`."""
    return ", ".join(_amounts(caps)) or "nothing"


def _amounts(caps: Caps) -> Iterator[str]:
    if caps.servers is not None:
        yield amount("servers", caps.servers)
    if caps.cores is not None:
        yield amount("cores", caps.cores.millicores)
    if caps.memory is not None:
        yield amount("memory", caps.memory.bytes)
    if caps.gpus is not None:
        yield amount("gpus", caps.gpus)
    yield from (amount(name, count) for name, count in caps.devices.items())
