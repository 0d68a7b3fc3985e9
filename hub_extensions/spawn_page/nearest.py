"""PURE: which machine is free now, instead of one that is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from hub_extensions.page_frame.machine_words import of_plan
from profiles.admission import Admit, Decision
from profiles.amounts import Amounts
from profiles.plan import MachinePlan

#: One machine on offer: its profile, and the values of all its options in their order.
Variant = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Nearest:
    """`query` shows it as chosen on the page of cards."""

    title: str
    query: str


def nearest_of(
    plans: Mapping[Variant, MachinePlan], decisions: Mapping[Variant, Decision]
) -> dict[Variant, Nearest]:
    """For each machine that cannot be had now the nearest one that can: by GPUs, then memory, then cores. One that
    costs more is offered only where none that costs as little can be had: nobody is led into paying more."""
    free: dict[tuple[str, Amounts], tuple[Variant, MachinePlan]] = {}
    for key, plan in plans.items():
        if isinstance(decisions.get(key), Admit):
            free.setdefault((plan.profile_id, Amounts.of(plan)), (key, plan))
    if not free:
        return {}
    return {
        key: _shown(plan, *_nearest(plan, free.values()))
        for key, plan in plans.items()
        if key in decisions and not isinstance(decisions[key], Admit)
    }


def _nearest(
    wanted: MachinePlan, free: Iterable[tuple[Variant, MachinePlan]]
) -> tuple[Variant, MachinePlan]:
    def distance(other: tuple[Variant, MachinePlan]) -> tuple[object, ...]:
        plan = other[1]
        price, most = plan.price_per_hour.amount, wanted.price_per_hour.amount
        memory = abs(plan.memory.limit.bytes - wanted.memory.limit.bytes)
        cores = abs(plan.cpu.limit.millicores - wanted.cpu.limit.millicores)
        return price > most, abs(plan.gpus - wanted.gpus), memory, cores, price

    return min(free, key=distance)


def _shown(wanted: MachinePlan, key: Variant, plan: MachinePlan) -> Nearest:
    """A smaller one of the same machine says what it has instead: `GPU, 1 NVIDIA GPU`."""
    options = [(f"option.{plan.profile_id}.{name}", value) for name, value in plan.options.items()]
    parts = ()
    if plan.profile_id == wanted.profile_id:
        parts = tuple(each for each in of_plan(plan, None).parts if each not in of_plan(wanted, None).parts)
    return Nearest(", ".join((plan.display_name, *parts)), urlencode([("choose", plan.profile_id), *options]))
