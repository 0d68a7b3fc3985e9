"""PURE: what else is so of a machine at this moment: room on the nodes, what is reserved, what is borrowed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hub_extensions.page_frame import words
from profiles.accelerators import is_gpu
from profiles.admission import Admit, Decision
from profiles.admission_words import amount, number
from profiles.amounts import Amounts
from profiles.plan import MachinePlan
from profiles.policy import Policies


def notes_of(  # noqa: PLR0913, PLR0917 - one machine, and the world around it
    plan: MachinePlan,
    decision: Decision | None,
    room: Amounts | None,
    taken: Amounts,
    policies: Policies,
    now: datetime,
) -> tuple[str, ...]:
    """`room` is what the nodes of its pool have that are there now, None where nobody knows; `taken` is what all who
    have machines in that pool hold of it."""
    said = [] if room is None else list(_room(plan, room, taken))
    if isinstance(decision, Admit):
        said += _promised(decision, policies, now)
    return tuple(said)


def _room(plan: MachinePlan, room: Amounts, taken: Amounts) -> Iterator[str]:
    grows = plan.pool.autoscaled is not None
    resource = next((name for name, n in plan.extended_resources.items() if n and is_gpu(name)), "cores")
    there = room.much(resource)
    if there:
        free = number(resource, max(0, there - taken.much(resource)))
        of = amount("cores", there) if resource == "cores" else words.resource(resource, there)
        yield f"{free} of {of} free on the nodes there are now{'; the pool can grow' if grows else ''}"
    elif grows:
        yield "None of its nodes is up now: one is started when it is asked for, which takes some minutes"


def _promised(decision: Admit, policies: Policies, now: datetime) -> Iterator[str]:
    if decision.clear_at is not None and decision.longest is not None and now + decision.longest >= decision.clear_at:
        yield "Somebody else has reserved it from then on"
    if decision.borrows:
        rules = {each.pot.rule for each in decision.standings if each.borrows}
        notices = [b.notice for rule in rules if (b := policies.quotas[rule].borrowing) is not None]
        told = f", {words.duration(min(notices).seconds)} after you are told" if notices else ""
        yield f"Borrowed from what others leave idle: it is given back when they want it{told}"
