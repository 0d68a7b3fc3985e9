"""PURE: a running or chosen machine, in words, for every page that names one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from hub_extensions.page_frame import words
from profiles.choice import MachineChoice
from profiles.machine import RunningMachine
from profiles.model import Catalog, Overrides
from profiles.plan import MachinePlan
from profiles.quantity import Money

Field = tuple[str, str]
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Moment:
    """A point in time: `iso` for the browser, which shows its reader's own time zone, and words, by the clock of the
    hub's, for everybody else. Pages write it by the macro `moment` alone."""

    iso: str
    words: str
    relative: str

    @classmethod
    def past(cls, at: datetime, now: datetime, timezone: str) -> Moment:
        return cls(at.astimezone(UTC).isoformat(), words.clock_in(timezone, at, now), words.ago(at, now))

    @classmethod
    def future(cls, at: datetime, now: datetime, timezone: str) -> Moment:
        return cls(at.astimezone(UTC).isoformat(), words.clock_in(timezone, at, now), words.ahead(at, now))


def timezone_of(catalog: Catalog | None) -> str:
    """The hub's: that of working hours and of the windows of budgets."""
    return catalog.policies.timezone if catalog is not None else "UTC"


@dataclass(frozen=True)
class MachineWords:
    """`parts` are cores, memory and accelerators; `pool` is where it runs."""

    name: str
    parts: tuple[str, ...]
    price: str
    pool: str
    options: tuple[str, ...] = ()


def of_running(machine: RunningMachine, catalog: Catalog | None) -> MachineWords:
    gpus = (words.plural(machine.gpus, "GPU"),) if machine.gpus else ()
    return MachineWords(
        name=machine.display_name,
        parts=(words.cores(machine.cpu_cores), words.memory(machine.memory_bytes), *gpus),
        price=words.price_per_hour(machine.price_per_hour),
        pool=pool_name(catalog, machine.pool_id),
        options=option_words(catalog, machine.profile_id, machine.options),
    )


def of_plan(plan: MachinePlan, catalog: Catalog | None) -> MachineWords:
    accelerators = (words.resource(name, n) for name, n in plan.extended_resources.items() if n)
    return MachineWords(
        name=plan.display_name,
        parts=(words.cores(plan.cpu.limit.cores), plan.memory.limit.human, *accelerators),
        price=words.price_per_hour(plan.price_per_hour),
        pool=pool_name(catalog, plan.pool_id),
        options=option_words(catalog, plan.profile_id, plan.options),
    )


def life_words(machine: RunningMachine | None) -> str:
    """`for 2 hours, as you asked`; empty where its person has said nothing of it."""
    if machine is None or not machine.run_for_s:
        return ""
    asked = words.duration(machine.run_for_s)
    if machine.ends_as_asked or not machine.max_lifetime_s:
        return f"for {asked}, as you asked"
    return f"for {words.duration(machine.max_lifetime_s)} at most, not the {asked} that you asked for"


def pool_name(catalog: Catalog | None, pool_id: str) -> str:
    pool = catalog.pools.get(pool_id) if catalog else None
    return (pool.display_name if pool else "") or pool_id


def option_words(catalog: Catalog | None, profile_id: str, options: Mapping[str, str]) -> tuple[str, ...]:
    """`Image: PyTorch`, in the catalog's words; choices of cores, memory and devices are told as such already."""
    profile = catalog.profiles.get(profile_id) if catalog else None
    said = []
    for name, value in options.items():
        option = profile.options.get(name) if profile else None
        choice = option.choices.get(value) if option else None
        if option is None or choice is None:
            said.append(f"{name}: {value}")
        elif not any(_told_already(each.overrides) for each in option.choices.values()):
            said.append(f"{option.display_name or name}: {choice.display_name or value}")
    return tuple(said)


def _told_already(overrides: Overrides) -> bool:
    return bool(overrides.cpu or overrides.memory or overrides.extended_resources)


def cost_so_far(machine: RunningMachine, now: datetime) -> str:
    """What the machine has cost since it came up; empty for a free one, or before it is up."""
    if machine.started_at is None or not machine.price_per_hour.amount:
        return ""
    hours = Decimal(max(0, int((now - machine.started_at).total_seconds()))) / 3600
    price = machine.price_per_hour
    cost = (price.amount * hours).quantize(CENT, rounding=ROUND_HALF_UP)
    return Money(cost, price.currency).human if cost else f"under {Money(CENT, price.currency).human}"


def form_fields(choice: MachineChoice, *, rescue: bool = False) -> tuple[Field, ...]:
    """Hidden fields that post this choice to the spawn page or the switch page."""
    profile = (("profile", choice.profile),) if choice.profile else ()
    options = tuple((f"option.{choice.profile}.{name}", str(value)) for name, value in sorted(choice.options.items()))
    run_for = (("run_for", str(choice.run_for)),) if choice.run_for else ()
    return (*profile, *options, *run_for, *((("rescue", "1"),) if rescue or choice.rescue else ()))
