"""What somebody holds and what they used: requests, leases, entries of the ledger. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from profiles.amounts import Amounts
from profiles.frozen import EMPTY, freeze
from profiles.hours import WorkingHours
from profiles.machine import RunningMachine
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.quantity import Money

#: Money is kept in millionths: prices have six decimals at most.
MICRO = Decimal(1_000_000)
#: Leases whose id begins so keep a place: between the end of a machine and the start of the next one of the same
#: server, or for somebody who was called from the queue. They never run, and leave no entry.
KEPT = "kept:"


class LeaseState(StrEnum):
    """HELD: granted, the server is not up yet. RUNNING: it answers, and the clock of what it costs runs."""

    HELD = "held"
    RUNNING = "running"


class LeaveWhy(StrEnum):
    """Why a machine has to make room at a certain moment."""

    RESERVED = "reserved"
    """Somebody else has reserved what it takes."""
    LENT = "lent"
    """It was borrowed from another group's share, which is wanted back."""
    KEPT = "kept"
    """No machine yet: a place that is kept until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Somebody asks for a machine. `lease_id` is the start's own id, also a label of its pod: asking again with the
    same id is the same request. `longest` is how long the machine may run at most, `hours` when; None: no limit.
    """

    lease_id: str
    person: Person
    server: str
    profile: str
    display_name: str
    pool: str
    amounts: Amounts
    price_per_hour: Money
    longest: timedelta | None = None
    hours: WorkingHours | None = None

    @classmethod
    def of(cls, lease_id: str, person: Person, server: str, plan: MachinePlan) -> Request:
        longest = plan.max_lifetime.seconds if plan.max_lifetime else 0
        return cls(
            lease_id=lease_id,
            person=person,
            server=server,
            profile=plan.profile_id,
            display_name=plan.display_name,
            pool=plan.pool_id,
            amounts=Amounts.of(plan),
            price_per_hour=plan.price_per_hour,
            longest=timedelta(seconds=longest) if longest else None,
            hours=plan.hours,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What somebody has been granted and has not given back. Times are aware UTC.

    `groups` are the person's at the start: a later change of groups moves no running machine to another pot.
    `longest` is how long it may run at most, by its profile and by the budgets at its start; None: no limit.
    Whenever it began, it stops at `closes_at`, when its profile closes or the permission for it ends, and at
    `leaves_at`, to make room for others (`leaves_why`), which may change while it runs. None: it need not.
    """

    id: str
    user: str
    groups: frozenset[str]
    server: str
    profile: str
    display_name: str
    pool: str
    amounts: Amounts
    price_per_hour: Money
    state: LeaseState
    held_at: datetime
    began_at: datetime | None = None
    longest: timedelta | None = None
    closes_at: datetime | None = None
    leaves_at: datetime | None = None
    leaves_why: LeaveWhy | None = None

    @classmethod
    def hold(
        cls,
        request: Request,
        now: datetime,
        longest: timedelta | None,
        closes_at: datetime | None = None,
        leaves_at: datetime | None = None,
    ) -> Lease:
        """`leaves_at`: somebody else has reserved it from then on."""
        return cls(
            id=request.lease_id,
            user=request.person.name,
            groups=request.person.groups,
            server=request.server,
            profile=request.profile,
            display_name=request.display_name,
            pool=request.pool,
            amounts=request.amounts,
            price_per_hour=request.price_per_hour,
            state=LeaseState.HELD,
            held_at=now,
            longest=longest,
            closes_at=closes_at,
            leaves_at=leaves_at,
            leaves_why=None if leaves_at is None else LeaveWhy.RESERVED,
        )

    @classmethod
    def found(cls, person: Person, server: str, machine: RunningMachine, now: datetime) -> Lease:
        """For a server that runs without a lease: started by an earlier version, or while the books were away."""
        devices = freeze({"nvidia.com/gpu": machine.gpus}) if machine.gpus else EMPTY
        amounts = machine.reserved or Amounts(1, int(machine.cpu_cores * 1000), machine.memory_bytes, devices)
        return cls(
            id=machine.spawn_id,
            user=person.name,
            groups=person.groups,
            server=server,
            profile=machine.profile_id,
            display_name=machine.display_name,
            pool=machine.pool_id,
            amounts=amounts,
            price_per_hour=machine.price_per_hour,
            state=LeaseState.RUNNING if machine.started_at else LeaseState.HELD,
            held_at=machine.started_at or now,
            began_at=machine.started_at,
            longest=timedelta(seconds=machine.max_lifetime_s) if machine.max_lifetime_s else None,
        )

    def request(self, lease_id: str | None = None) -> Request:
        """The same once more; with another id it is measured beside this lease instead of in its place."""
        return Request(
            lease_id=self.id if lease_id is None else lease_id,
            person=Person(self.user, self.groups),
            server=self.server,
            profile=self.profile,
            display_name=self.display_name,
            pool=self.pool,
            amounts=self.amounts,
            price_per_hour=self.price_per_hour,
            longest=self.longest,
        )

    @property
    def is_kept(self) -> bool:
        """A place that is kept for somebody, and no machine yet."""
        return self.id.startswith(KEPT)

    @property
    def ends_at(self) -> datetime | None:
        """When it is over at the latest, as far as that is known; one that has not begun is taken to begin at once."""
        over = None if self.longest is None else (self.began_at or self.held_at) + self.longest
        ends = [end for end in (self.closes_at, self.leaves_at, over) if end is not None]
        return min(ends, default=None)

    def ran(self, now: datetime) -> timedelta:
        """How long it has run; nothing before it began, never negative whatever clocks do."""
        return max(timedelta(0), now - self.began_at) if self.began_at is not None else timedelta(0)


@dataclass(frozen=True, slots=True)
class Charge:
    """Used amounts. `micros` are millionths of the currency."""

    seconds: int = 0
    gpu_seconds: int = 0
    micros: int = 0

    def __add__(self, other: Charge) -> Charge:
        return Charge(
            self.seconds + other.seconds, self.gpu_seconds + other.gpu_seconds, self.micros + other.micros
        )

    @property
    def money(self) -> Decimal:
        return Decimal(self.micros) / MICRO

    @property
    def hours(self) -> Decimal:
        return Decimal(self.seconds) / 3600

    @property
    def gpu_hours(self) -> Decimal:
        return Decimal(self.gpu_seconds) / 3600


class EndReason(StrEnum):
    """Why a lease ended."""

    STOPPED = "stopped"
    CULLED = "culled"
    OUT_OF_BUDGET = "out-of-budget"
    ENDED = "ended"
    """By itself: the process or pod ended, a node was lost."""
    GIVEN_BACK = "given-back"
    """Somebody had reserved what it took, or its group had borrowed it; it was told before."""
    TIME_OVER = "time-over"
    """Its grant, its budgets' or its working hours' time, as it was told at the start."""
    NEVER_RAN = "never-ran"
    LOST = "lost"
    """Found gone when the Hub came back; ended when it was last seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run in the ledger: written once, when it is over, and never changed."""

    lease: Lease
    ended_at: datetime
    reason: EndReason
    charge: Charge = field(default_factory=Charge)
