"""Nodes that are asked for before a reservation begins, so that nobody waits for one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from profiles.choice import MachineChoice
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.refusal import Refusal
from profiles.reservations import Reservation
from profiles.resolve import resolve


def to_warm(reservations: Iterable[Reservation], catalog: Catalog, now: datetime) -> Mapping[str, MachinePlan]:
    """By the reservation's id the machine that a node is kept warm for: from `warmBefore` before the reservation until
    somebody comes or it is released. Only where an autoscaler adds nodes, and the machine is still offered."""
    found: dict[str, MachinePlan] = {}
    for each in reservations:
        reservable = catalog.policies.reservations.get(each.rule)
        if reservable is None or not each.stands(now) or each.taken_at is not None:
            continue
        before = timedelta(seconds=reservable.warm_before.seconds)
        if not before or now < each.begins_at - before:
            continue
        plan = resolve(catalog, MachineChoice(each.profile, each.options), Person(each.user, each.groups))
        if not isinstance(plan, Refusal) and plan.pool.autoscaled is not None:
            found[each.id] = plan
    return found
