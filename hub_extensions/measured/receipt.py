"""PURE: a session and what was measured of it -> whether a smaller machine would have done, and what that saves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from hub_extensions.measured.figures import Measured
from profiles.accelerators import count_gpus
from profiles.lease import Entry
from profiles.plan import MachinePlan
from profiles.policy import Policies
from profiles.quantity import Money

#: Memory is looked at every few seconds and may have been higher in between.
MEMORY_SPARE = 1.2
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Smaller:
    """The cheapest machine that would have been enough, and by how much it is cheaper for this session."""

    plan: MachinePlan
    saves: Money


def smaller(
    entry: Entry, measured: Measured | None, offers: Iterable[MachinePlan], policies: Policies
) -> Smaller | None:
    """`offers` are all machines that this person may start, with their options. Never said of a session of which too
    little was measured, nor of a machine for which somebody would have to be asked."""
    lease, seconds = entry.lease, entry.charge.seconds
    if measured is None or not measured.enough(seconds) or not lease.price_per_hour.amount:
        return None
    asked_for = {profile for rule in policies.approvals.values() for profile in rule.profiles} - {lease.profile}
    enough = [
        plan for plan in offers if plan.profile_id not in asked_for and _would_do(plan, entry, measured)
    ]
    if not enough:
        return None
    best = min(enough, key=lambda plan: plan.price_per_hour.amount)
    saved = ((lease.price_per_hour.amount - best.price_per_hour.amount) * seconds / 3600).quantize(CENT, ROUND_DOWN)
    return Smaller(best, Money(saved, lease.price_per_hour.currency)) if saved >= CENT else None


def _would_do(plan: MachinePlan, entry: Entry, measured: Measured) -> bool:
    lease = entry.lease
    return (
        plan.price_per_hour.currency == lease.price_per_hour.currency
        and plan.price_per_hour.amount < lease.price_per_hour.amount
        and plan.cpu.limit.millicores >= measured.sustained_millicores
        and plan.memory.limit.bytes >= measured.memory_peak * MEMORY_SPARE
        and _has_devices(plan, entry, measured)
        and (plan.max_lifetime is None or plan.max_lifetime.seconds >= entry.charge.seconds)
        and (plan.hours is None or plan.profile_id == lease.profile)
    )


def _has_devices(plan: MachinePlan, entry: Entry, measured: Measured) -> bool:
    """As many of each kind as the machine had; of GPUs none, where it is known that none was used."""
    needed = dict(entry.lease.amounts.devices)
    if measured.gpus_unused:
        needed = {name: count for name, count in needed.items() if not count_gpus({name: count})}
    return all(plan.extended_resources.get(name, 0) >= count for name, count in needed.items())
