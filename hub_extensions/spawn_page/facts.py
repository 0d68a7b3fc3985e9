"""PURE: what one choice of machine is, in words: on its card, and for the page's script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hub_extensions.page_frame import words
from hub_extensions.page_frame.machine_words import Moment
from hub_extensions.queue.view import PlaceView
from hub_extensions.spawn_page.nearest import Nearest
from profiles.admission import Admit, Decision
from profiles.frozen import EMPTY
from profiles.model import Profile
from profiles.plan import MachinePlan
from profiles.quantity import Duration, Money
from profiles.refusal import Refusal

#: A card says what a working day on its machine costs.
RUN_HOURS = 8
#: A latest stop that is further away is no news yet.
NEAR = timedelta(days=7)
#: A start takes some moments, and a decision some seconds: a life that is shorter by less has not been cut.
NEARLY = timedelta(minutes=1)


@dataclass(frozen=True)
class Lock:
    sentence: str
    remedy: str
    reason: str

    @classmethod
    def of(cls, refusal: Refusal) -> Lock:
        return cls(refusal.sentence, refusal.remedy, str(refusal.reason))


@dataclass(frozen=True)
class AtLength:
    """What is otherwise where the machine is to run for so long; the fields are those of `Facts`."""

    limits: tuple[str, ...]
    run_price: str
    until: Moment | None
    cut: bool
    lock: Lock | None


@dataclass(frozen=True)
class Facts:
    """What one choice of machine is, in words."""

    cores: str
    cores_note: str
    memory: str
    memory_note: str
    accelerators: tuple[str, ...]
    price: str
    limits: tuple[str, ...]
    #: What some hours of it cost; empty for a free machine.
    run_price: str = ""
    #: What is left for this person of what the machine takes.
    shares: tuple[str, ...] = ()
    #: When it stops at the latest, if it is started now.
    until: Moment | None = None
    #: That is sooner than the machine itself would: by hours, a permission, a budget or somebody's reservation.
    cut: bool = False
    #: Why the gate would refuse it now.
    lock: Lock | None = None
    #: What else is so at this moment: room on the nodes, reserved, borrowed.
    notes: tuple[str, ...] = ()
    #: What waiting in line for it would be like; empty where that would not help.
    wait: str = ""
    #: The place that one has in line for it.
    place: PlaceView | None = None
    #: What is free instead.
    nearest: Nearest | None = None
    #: By length, as `4h`, what is otherwise where it is to run for so long.
    lengths: Mapping[str, AtLength] = field(default_factory=lambda: EMPTY)

    def at(self, length: str) -> Facts:
        """As they are where this length is chosen."""
        other = self.lengths.get(length)
        if other is None:
            return self
        as_chosen = replace(
            self, limits=other.limits, run_price=other.run_price, until=other.until, cut=other.cut, lock=other.lock
        )
        # Who can have it needs nothing instead.
        return as_chosen if as_chosen.lock or not self.lock else replace(as_chosen, wait="", nearest=None)


def foreseen(facts: Facts, plan: MachinePlan, decision: Decision, now: datetime, timezone: str) -> Facts:
    """With when it stops, and why it would be refused."""
    life = granted(plan, decision)
    until = Moment.future(now + life, now, timezone) if life is not None and life <= NEAR else None
    lock = None if isinstance(decision, Admit) else Lock.of(decision.refusal)
    return replace(facts, until=until, cut=until is not None and _is_cut(plan, life), lock=lock)


def at_length(plan: MachinePlan, decision: Decision, now: datetime, timezone: str) -> AtLength:
    """`plan` is the machine for so long (`MachinePlan.lasting`)."""
    facts, life = foreseen(facts_of(plan), plan, decision, now, timezone), granted(plan, decision)
    assert plan.run_for is not None and plan.max_lifetime is not None
    limits = [_idle(plan.idle_timeout)] if plan.idle_timeout else []
    if not _is_cut(plan, life):
        its_own = ", the longest that it may run" if plan.max_lifetime < plan.run_for else ""
        limits.append(f"{_life(plan.max_lifetime)}{its_own}")
    seconds = plan.max_lifetime.seconds
    if life is not None and _is_cut(plan, life):
        seconds = int(life.total_seconds())
    return AtLength(tuple(limits), price_of(plan.price_per_hour, seconds), facts.until, facts.cut, facts.lock)


def granted(plan: MachinePlan, decision: Decision) -> timedelta | None:
    """How long it would run; None: nobody knows an end, or it would not be let in."""
    if not isinstance(decision, Admit):
        return None
    own = timedelta(seconds=plan.max_lifetime.seconds) if plan.max_lifetime else None
    return min((each for each in (decision.longest, own) if each is not None), default=None)


def _is_cut(plan: MachinePlan, life: timedelta | None) -> bool:
    own = plan.max_lifetime
    return life is not None and (own is None or timedelta(seconds=own.seconds) - life > NEARLY)


def facts_of(plan: MachinePlan) -> Facts:
    facts = _facts(plan, words.price_per_hour(plan.price_per_hour))
    return replace(facts, run_price=_run_price(plan.price_per_hour, plan.max_lifetime))


def _run_price(per_hour: Money, longest: Duration | None) -> str:
    """`€20.00 for 8 hours`: a working day, or as long as the machine may run."""
    return price_of(per_hour, min(RUN_HOURS * 3600, longest.seconds if longest else RUN_HOURS * 3600))


def price_of(per_hour: Money, seconds: int) -> str:
    """`€20.00 for 8 hours`; empty for a free machine."""
    if not per_hour.amount:
        return ""
    return f"{Money(per_hour.amount * seconds / 3600, per_hour.currency).human} for {words.duration(seconds)}"


def facts_of_profile(profile: Profile, currency: str) -> Facts:
    """A locked profile has no plan; its card still says what it would be."""
    return _facts(profile, words.price_per_hour(Money(profile.price_per_hour, currency)))


def _facts(machine: MachinePlan | Profile, price: str) -> Facts:
    cpu, memory = machine.cpu, machine.memory
    return Facts(
        cores=words.cores(cpu.limit.cores),
        cores_note=f"{words.cores(cpu.request.cores)} guaranteed" if cpu.request < cpu.limit else "",
        memory=memory.limit.human,
        memory_note=f"{memory.request.human} guaranteed" if memory.request < memory.limit else "",
        accelerators=tuple(words.resource(name, n) for name, n in machine.extended_resources.items() if n),
        price=price,
        limits=limits_of(machine.idle_timeout, machine.max_lifetime),
    )


def limits_of(idle_timeout: Duration | None, max_lifetime: Duration | None) -> tuple[str, ...]:
    """When the machine stops by itself; 0 seconds is never."""
    said = []
    if idle_timeout and idle_timeout.seconds:
        said.append(_idle(idle_timeout))
    if max_lifetime and max_lifetime.seconds:
        said.append(_life(max_lifetime))
    return tuple(said) or ("Runs until you stop it",)


def _idle(timeout: Duration) -> str:
    return f"Stops after {words.duration(timeout.seconds)} without activity"


def _life(lifetime: Duration) -> str:
    return f"Stops {words.duration(lifetime.seconds)} after its start"
