"""Requests, leases and policies for the tests of admission: small, with only what a test is about given."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from profiles.admission import Admit, Decision, Deny, decide
from profiles.amounts import Amounts, total
from profiles.frozen import EMPTY, freeze
from profiles.grants import Grant
from profiles.hours import Hours
from profiles.lease import KEPT, Charge, Lease, LeaseState, Request
from profiles.lease_book import LeaseBook
from profiles.person import Person
from profiles.policy import Policies
from profiles.pots import Pot, ReservedPot
from profiles.quantity import Money
from profiles.reservations import Reservation
from profiles.snapshot import Snapshot
from profiles.waiting import Waiting

NOW = datetime(2026, 3, 11, 12, 0, tzinfo=UTC)  # a Wednesday
GIB = 2**30


def amounts(cores: float = 1, gib: int = 2, gpus: int = 0, **devices: int) -> Amounts:
    named = {"nvidia.com/gpu": gpus, **{f"example.com/{name}": count for name, count in devices.items()}}
    return Amounts(1, int(cores * 1000), gib * GIB, freeze({name: count for name, count in named.items() if count}))


def request(user: str = "ada", groups: str = "", **given: Any) -> Request:
    """`groups` as one text: `ml astro`. `cores`, `gib`, `gpus` and `price` are this machine's."""
    size = {name: given.pop(name) for name in ("cores", "gib", "gpus") if name in given}
    fields: dict[str, Any] = {
        "lease_id": "new",
        "server": "",
        "profile": "gpu",
        "display_name": "GPU",
        "pool": "gpu",
        "amounts": amounts(**size),
        "price_per_hour": Money(Decimal(str(given.pop("price", "2.90"))), "EUR"),
    }
    return Request(person=Person(user, frozenset(groups.split())), **{**fields, **given})


def lease(lease_id: str, user: str = "ada", groups: str = "", *, ran: timedelta | None = None, **given: Any) -> Lease:
    """Held at `NOW`, or running for as long as `ran` by then."""
    longest = given.pop("longest", None)
    held = Lease.hold(request(user, groups, lease_id=lease_id, **given), NOW - (ran or timedelta(0)), longest)
    if ran is None:
        return held
    fields = {name: getattr(held, name) for name in Lease.__dataclass_fields__}
    return Lease(**{**fields, "state": LeaseState.RUNNING, "began_at": NOW - ran})


def policies(**sections: Any) -> Policies:
    """As Helm values have them, camelCase and all."""
    return Policies.model_validate(sections, by_alias=True, by_name=False)


def hours(**given: Any) -> Hours:
    return Hours.model_validate(given, by_alias=True, by_name=False)


def snapshot(*leases: Lease, spent: dict[Pot, Charge] | None = None, **known: Any) -> Snapshot:
    """`known`: grants, reservations, waiting."""
    return Snapshot(LeaseBook(leases), EMPTY if spent is None else freeze(spent), **known)


def grant(rule: str = "big", *, begins: float = -1, ends: float = 1, **given: Any) -> Grant:
    """Hours from `NOW`."""
    fields: dict[str, Any] = {
        "id": f"{rule}-{begins}-{ends}",
        "rule": rule,
        "user": "ada",
        "profile": "gpu",
        "amounts": amounts(cores=8, gib=64, gpus=4),
        "begins_at": NOW + timedelta(hours=begins),
        "ends_at": NOW + timedelta(hours=ends),
    }
    return Grant(**{**fields, **given})


def asked(wanted: Request, rules: Policies, *leases: Lease, **known: Any) -> Decision:
    return decide(wanted, snapshot(*leases, **known), rules, NOW)


def admitted(decision: Decision) -> Admit:
    assert isinstance(decision, Admit), decision
    return decision


def refused(decision: Decision) -> Deny:
    assert isinstance(decision, Deny), decision
    return decision


# What can happen, for properties: few names, so that people, groups and rules meet.

USERS, GROUPS, PROFILES, POOLS = ("ada", "bob", "eve"), ("astro", "ml"), ("gpu", "small"), ("a", "b")
some_groups = st.sets(st.sampled_from(GROUPS)).map(" ".join)
sizes = st.fixed_dictionaries(
    {
        "cores": st.integers(0, 4),
        "gib": st.integers(1, 4),
        "gpus": st.integers(0, 2),
        "price": st.sampled_from(["0", "1", "2.90", "0.333333"]),
    }
)
places = st.fixed_dictionaries({"profile": st.sampled_from(PROFILES), "pool": st.sampled_from(POOLS)})
runs = st.one_of(st.none(), st.integers(0, 40_000).map(lambda seconds: timedelta(seconds=seconds)))
longests = st.one_of(st.none(), st.integers(60, 90_000).map(lambda seconds: timedelta(seconds=seconds)))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    given = draw(sizes) | draw(places)
    return request(draw(st.sampled_from(USERS)), draw(some_groups), longest=draw(longests), **given)


@st.composite
def leases(draw: st.DrawFn) -> tuple[Lease, ...]:
    out = []
    for number in range(draw(st.integers(0, 6))):
        given = draw(sizes) | draw(places) | {"longest": draw(longests), "ran": draw(runs)}
        out.append(lease(f"l{number}", draw(st.sampled_from(USERS)), draw(some_groups), **given))
    return tuple(out)


counts = st.one_of(st.none(), st.integers(0, 6))


@st.composite
def caps(draw: st.DrawFn, *, at_least_one: bool = False) -> dict[str, Any]:
    """As Helm values have them."""
    given = {"servers": draw(counts), "cores": draw(counts), "gpus": draw(counts)}
    memory = draw(counts)
    given |= {"memory": None if memory is None else f"{memory}Gi"}
    written = {name: value for name, value in given.items() if value is not None}
    return written or ({"servers": draw(st.integers(0, 6))} if at_least_one else {})


@st.composite
def scopes(draw: st.DrawFn, per: tuple[str, ...] = ("user", "group", "profile", "hub")) -> dict[str, Any]:
    filters = {"users": USERS, "groups": GROUPS, "profiles": PROFILES, "pools": POOLS}
    chosen = {name: sorted(draw(st.sets(st.sampled_from(names), max_size=1))) for name, names in filters.items()}
    return {"per": draw(st.sampled_from(per)), **chosen}


@st.composite
def quotas(draw: st.DrawFn) -> dict[str, Any]:
    quota = draw(scopes()) | draw(caps(at_least_one=True))
    overrides: dict[str, Any] = {}
    if quota["per"] == "user":
        overrides["users"] = draw(st.dictionaries(st.sampled_from(USERS), caps(), max_size=2))
    if quota["per"] in {"user", "group"}:
        overrides["groups"] = draw(st.dictionaries(st.sampled_from(GROUPS), caps(), max_size=2))
    return quota | ({"overrides": overrides} if overrides else {})


@st.composite
def budgets(draw: st.DrawFn) -> dict[str, Any]:
    unit = draw(st.sampled_from(["money", "machineHours", "gpuHours"]))
    window = draw(st.sampled_from(["day", "week", "month", "30h"]))
    given = {unit: draw(st.integers(0, 60)), "window": window, "holdAtMost": draw(st.sampled_from(["30m", "4h", "1d"]))}
    return draw(scopes(("user", "group", "hub"))) | given


# Promises


def reservation(user: str = "ada", begins: float = 1, ends: float = 2, gpus: int = 1, **given: Any) -> Reservation:
    """Hours from `NOW`, of the pot `gpus`."""
    fields: dict[str, Any] = {
        "id": f"{user}-{begins}-{ends}-{gpus}",
        "rule": "gpus",
        "groups": frozenset(),
        "profile": "gpu",
        "display_name": "GPU",
        "amounts": amounts(gpus=gpus),
        "made_at": NOW,
    }
    times = {"begins_at": NOW + timedelta(hours=begins), "ends_at": NOW + timedelta(hours=ends)}
    return Reservation(user=user, **{**fields, **times, **given})


def waiting(place: str, user: str = "ada", groups: str = "", *, pot: Pot | None = None, **given: Any) -> Waiting:
    """In line for the server `""`, unless another one is given."""
    own = {name: given.pop(name) for name in ("kept_until", "starts_itself") if name in given}
    wanted = request(user, groups, lease_id=KEPT + place, **{"gpus": 1, **given})
    return Waiting(id=place, request=wanted, joined_at=NOW, pot=pot, **own)


def reserved_most(
    pot: ReservedPot, reservations: Iterable[Reservation], begins_at: datetime, ends_at: datetime
) -> dict[str, int]:
    """The most that is reserved at any moment of the slot, for each amount that the pot limits."""
    there = [
        each
        for each in reservations
        if each.rule == pot.pot.rule and each.over_at is None and each.begins_at < ends_at and begins_at < each.ends_at
    ]
    moments = {begins_at, *(each.begins_at for each in there if each.begins_at > begins_at)}
    sums = [total(each.amounts for each in there if each.begins_at <= at < each.ends_at) for at in moments]
    return {name: max(each.much(name) for each in sums) for name, _ in pot.caps.limits()}
