"""What admins allow, as models: quotas, budgets, approvals. `admission` decides by them; Helm values write them.

Who is in one pot together is said by `per`: each person, each group (its members share), each profile, or all of the
hub. `users`, `groups`, `profiles` and `pools` say whom and what a rule is about; empty is everyone and everything.
Several rules may be about the same start, and all of them must hold.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from profiles import fields as f
from profiles.access import Access
from profiles.base import Model
from profiles.booking import Borrowing, Queue, Reservable
from profiles.caps import LONGEST, Caps, Length, PositiveLength, Scope
from profiles.fields import quoted, wrong
from profiles.frozen import EMPTY, freeze
from profiles.quantity import BadQuantity, Duration

CALENDAR = ("day", "week", "month")
#: Used amounts are kept by the hour, so no window can be finer.
SHORTEST_WINDOW = Duration(3600)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        remedy = "write it as in the tz database: Europe/Berlin, UTC"
        raise wrong(f"{quoted(name)} is not a time zone", remedy) from None
    return name


def _window(value: Any) -> str:
    """`day`, `week`, `month`, or the canonical form of a sliding length such as `30d`."""
    if value in CALENDAR:
        return str(value)
    remedy = "write day, week or month for the calendar's, or a length such as 30d for a sliding one"
    try:
        length = Duration.parse(value)
    except BadQuantity:
        raise wrong(f"{quoted(value)} is not a window of time", remedy) from None
    if length < SHORTEST_WINDOW:
        raise wrong(f"a window of {length.human} is shorter than an hour", remedy)
    if length > LONGEST:
        raise wrong(f"a window of {length.human} is longer than a year", remedy)
    return str(length)


TimeZone = Annotated[
    str, AfterValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin", "UTC"]})
]
Window = Annotated[
    str,
    BeforeValidator(_window),
    WithJsonSchema({"type": "string", "examples": ["day", "week", "month", "30d"]}),
]


class CapsOverrides(Model):
    """Other amounts for some; what an override leaves out stays as it is. A named person's count before a group's,
    and of several groups the most generous."""

    users: dict[f.Text, Caps] = Field(default=EMPTY, description="By user name.")
    groups: dict[f.Text, Caps] = Field(default=EMPTY, description="By name of the group.")

    @model_validator(mode="after")
    def _frozen(self) -> CapsOverrides:
        object.__setattr__(self, "users", freeze(self.users))
        object.__setattr__(self, "groups", freeze(self.groups))
        return self


class Quota(Caps, Scope):
    """How much may be in use at the same time."""

    overrides: CapsOverrides = Field(default=CapsOverrides(), description="Other amounts for a person or a group.")
    borrowing: Borrowing | None = Field(
        default=None, description="With `per: group`: the amounts are each group's share, and it may borrow idle ones."
    )

    @model_validator(mode="after")
    def _limits_something(self) -> Quota:
        if self.borrowing is not None and self.per != "group":
            raise wrong(f"borrowing has no meaning with per: {self.per}", "write per: group, or remove it")
        if not self.says_something:
            raise wrong("it limits nothing", "give servers, cores, memory, gpus or devices")
        if self.overrides.users and self.per != "user":
            raise wrong(f"overrides.users has no meaning with per: {self.per}", "write per: user, or remove them")
        if self.overrides.groups and self.per not in {"user", "group"}:
            raise wrong(f"overrides.groups has no meaning with per: {self.per}", "remove them")
        return self


class Spend(Model):
    """How much may be used up within a window: exactly one of the three."""

    money: f.Sum | None = Field(default=None, description="In the catalog's currency.")
    machine_hours: f.Sum | None = Field(default=None, description="Hours of servers, whatever their size.")
    gpu_hours: f.Sum | None = Field(default=None, description="Hours of GPUs: two GPUs for an hour are two.")

    @property
    def amounts(self) -> int:
        return sum(value is not None for value in (self.money, self.machine_hours, self.gpu_hours))

    @property
    def unit(self) -> Literal["money", "machine_hours", "gpu_hours"]:
        if self.money is not None:
            return "money"
        return "machine_hours" if self.machine_hours is not None else "gpu_hours"

    @model_validator(mode="after")
    def _one_of_three(self) -> Spend:
        if self.amounts != 1:
            raise wrong(
                "it limits nothing" if not self.amounts else "more than one amount is given",
                "give exactly one of money, machineHours and gpuHours",
            )
        return self


class SpendOverrides(Model):
    """Other amounts for some, in the same unit as the budget's."""

    users: dict[f.Text, f.Sum] = Field(default=EMPTY, description="By user name.")
    groups: dict[f.Text, f.Sum] = Field(default=EMPTY, description="By name of the group.")

    @model_validator(mode="after")
    def _frozen(self) -> SpendOverrides:
        object.__setattr__(self, "users", freeze(self.users))
        object.__setattr__(self, "groups", freeze(self.groups))
        return self


class Budget(Spend, Scope):
    """How much may be used up over time. At a start the longest run it permits is held, and settled at its end."""

    window: Window = Field(
        default="month", description="The calendar's `day`, `week` or `month`, or a sliding length such as `30d`."
    )
    grace: Length = Field(
        default=Duration(900),
        description="How long machines run on once it is used up; `0s`: not at all.",
        validate_default=True,
    )
    warn_at: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        default=(80, 95, 100), description="Percentages at which people are warned."
    )
    hold_at_most: PositiveLength = Field(
        default=Duration(4 * 3600),
        description="The longest run that a start sets aside at once; longer ones go on as long as the budget lasts.",
        validate_default=True,
    )
    shortest_run: PositiveLength = Field(
        default=Duration(900), description="A start that the rest pays for less than this is refused.",
        validate_default=True,
    )
    overrides: SpendOverrides = Field(default=SpendOverrides(), description="Other amounts for a person or a group.")

    @model_validator(mode="after")
    def _sensible(self) -> Budget:
        if self.per == "profile":
            raise wrong("a budget belongs to people", "write per: user, group or hub, and name the profiles")
        if self.overrides.users and self.per != "user":
            raise wrong(f"overrides.users has no meaning with per: {self.per}", "write per: user, or remove them")
        if self.overrides.groups and self.per == "hub":
            raise wrong("overrides.groups has no meaning with per: hub", "remove them")
        return self


class Approval(Model):
    """Machines that need somebody's yes."""

    profiles: tuple[f.Id, ...] = Field(default=(), description="These machines; empty: all.")
    more_than: Caps = Field(
        default=Caps(), description="Only machines with more than this, such as `gpus: 1`; left out: every one."
    )
    approvers: Access = Field(
        default=Access(admins=True), description="Who may say yes, never for themselves; left out: administrators."
    )
    exempt: Access | None = Field(default=None, description="Who need not ask.")
    longest: PositiveLength = Field(
        default=Duration(7 * 86400), description="The longest a yes may hold.", validate_default=True
    )

    @model_validator(mode="after")
    def _about_something(self) -> Approval:
        if not self.profiles and not self.more_than.says_something:
            raise wrong("it is about every machine", "name profiles, or moreThan")
        return self


class Policies(Model):
    """Everything that admission decides by."""

    timezone: TimeZone = Field(
        default="UTC",
        description="The hub's time zone, as in the tz database: by its clock days, weeks and months begin and working "
        "hours count, and times are written in e-mails and sentences, and on pages without JavaScript.",
    )
    quotas: dict[f.Id, Quota] = Field(default=EMPTY, description="At most so much at once, by id.")
    budgets: dict[f.Id, Budget] = Field(default=EMPTY, description="At most so much over time, by id.")
    approvals: dict[f.Id, Approval] = Field(default=EMPTY, description="What needs a yes, by id.")
    reservations: dict[f.Id, Reservable] = Field(default=EMPTY, description="What can be reserved, by id.")
    queue: Queue = Field(default=Queue(), description="How people wait for what others have.")
    show_holders: Literal["everyone", "groups", "admins"] = Field(
        default="admins",
        description="Who sees by name who holds which machine: everybody, members of a common group, or administrators "
        "alone. Others read “somebody”.",
    )
    when_unavailable: Literal["refuse", "admit"] = Field(
        default="refuse",
        description="What happens to starts while the database of leases cannot be reached and there are rules.",
    )

    @model_validator(mode="after")
    def _frozen(self) -> Policies:
        for name in ("quotas", "budgets", "approvals", "reservations"):
            object.__setattr__(self, name, freeze(getattr(self, name)))
        return self

    @property
    def empty(self) -> bool:
        """Nothing can be refused by it. Working hours are the profiles' own, and still hold."""
        return not (self.quotas or self.budgets or self.approvals or self.reservations)


def groups_named(policies: Policies) -> dict[str, tuple[str, ...]]:
    """Every group that a rule names, and the rules that do: `{"ml-team": ("quotas.gpus", "approvals.large")}`."""
    found: dict[str, dict[str, None]] = {}
    for section, rules in (("quotas", policies.quotas), ("budgets", policies.budgets)):
        for rule, scope in rules.items():
            for group in (*scope.groups, *scope.overrides.groups):
                found.setdefault(group, {})[f"{section}.{rule}"] = None
    for rule, approval in policies.approvals.items():
        exempt = approval.exempt.groups if approval.exempt is not None else ()
        for group in (*approval.approvers.groups, *exempt):
            found.setdefault(group, {})[f"approvals.{rule}"] = None
    for rule, reservable in policies.reservations.items():
        for group in reservable.who.groups:
            found.setdefault(group, {})[f"reservations.{rule}"] = None
    return {group: tuple(rules) for group, rules in found.items()}
