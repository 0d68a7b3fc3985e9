"""Which pots a machine draws from, what is in them, and how large they are for whom."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.amounts import Amounts
from profiles.caps import Caps
from profiles.lease import Charge, Lease, Request
from profiles.lease_book import LeaseBook
from profiles.pots import (
    BudgetPot,
    Pot,
    QuotaPot,
    budget_pots,
    drawn,
    held,
    in_use,
    per_hour,
    quota_pots,
    running_up,
    set_aside,
    unit_of,
)
from tests.unit.profiles.shares import (
    GIB,
    GROUPS,
    NOW,
    amounts,
    budgets,
    caps,
    lease,
    leases,
    policies,
    quotas,
    request,
    requests,
)

HOUR = timedelta(hours=1)


def pots_of(rule: dict[str, Any], wanted: Request) -> list[QuotaPot]:
    return list(quota_pots(policies(quotas={"a": {"servers": 1, **rule}}), wanted))


def only(rule: dict[str, Any], wanted: Request) -> Caps:
    (pot,) = pots_of(rule, wanted)
    return pot.caps


def budget_pot(rule: dict[str, Any], wanted: Request) -> BudgetPot:
    (pot,) = budget_pots(policies(budgets={"a": rule}), wanted, NOW)
    return pot


@pytest.mark.parametrize(
    ("rule", "subjects"),
    [
        ({"per": "user"}, ["ada"]),
        ({"per": "group"}, ["astro", "ml"]),  # one for each of the person's groups
        ({"per": "profile"}, ["gpu"]),
        ({"per": "hub"}, [""]),
        ({"per": "user", "users": ["ada", "bob"]}, ["ada"]),
        ({"per": "user", "users": ["bob"]}, []),
        ({"per": "user", "groups": ["ml"]}, ["ada"]),
        ({"per": "user", "groups": ["bio"]}, []),
        ({"per": "group", "groups": ["ml", "bio"]}, ["ml"]),
        ({"per": "group", "groups": ["bio"]}, []),
        ({"per": "group", "users": ["bob"]}, []),
        ({"per": "user", "profiles": ["gpu"]}, ["ada"]),
        ({"per": "user", "profiles": ["small"]}, []),
        ({"per": "hub", "pools": ["gpu"]}, [""]),
        ({"per": "hub", "pools": ["general"]}, []),
        ({"per": "profile", "groups": ["ml"], "users": ["ada"], "profiles": ["gpu"], "pools": ["gpu"]}, ["gpu"]),
        ({"per": "profile", "groups": ["ml"], "users": ["bob"], "profiles": ["gpu"], "pools": ["gpu"]}, []),
    ],
)
def test_whose_pots_a_start_draws_from(rule: dict[str, Any], subjects: list[str]) -> None:
    wanted = request(groups="ml astro")
    assert [pot.pot for pot in pots_of(rule, wanted)] == [Pot("a", rule["per"], subject) for subject in subjects]


def test_somebody_without_a_group_draws_from_no_groups_pot() -> None:
    assert pots_of({"per": "group"}, request()) == []


OUT = (
    lease("1", "ada", "ml", profile="gpu", pool="gpu", gpus=1),
    lease("2", "ada", "", profile="small", pool="general"),
    lease("3", "bob", "ml astro", profile="gpu", pool="gpu", gpus=2),
    lease("4", "eve", "astro", profile="gpu", pool="spare", gpus=4),
)


@pytest.mark.parametrize(
    ("rule", "ids"),
    [
        ({"per": "user"}, "12"),
        ({"per": "user", "pools": ["gpu"]}, "1"),
        ({"per": "user", "groups": ["ml"]}, "1"),  # the groups as they were when it started
        ({"per": "group", "groups": ["ml"]}, "13"),
        ({"per": "group", "groups": ["ml"], "users": ["ada"]}, "1"),
        ({"per": "profile"}, "134"),
        ({"per": "profile", "pools": ["spare", "gpu"]}, "134"),
        ({"per": "hub"}, "1234"),
        ({"per": "hub", "groups": ["astro", "ml"]}, "134"),
        ({"per": "hub", "profiles": ["gpu"], "groups": ["astro"]}, "34"),
        ({"per": "hub", "users": ["ada", "eve"], "profiles": ["gpu"]}, "14"),
    ],
)
def test_what_is_in_a_pot(rule: dict[str, Any], ids: str) -> None:
    (pot,) = pots_of(rule, request(groups="ml astro"))
    assert "".join(each.id for each in drawn(pot.pot, pot.quota, LeaseBook(OUT))) == ids
    expected = sum((each.amounts for each in OUT if each.id in ids), Amounts())
    assert in_use(pot, LeaseBook(OUT)) == expected
    assert in_use(pot, LeaseBook(OUT), leaving_out=ids[:1]).servers == len(ids) - 1


@given(quotas(), requests(), leases())
def test_a_pot_has_what_would_draw_from_it(rule: dict[str, Any], wanted: Request, out: tuple[Lease, ...]) -> None:
    """The two directions agree: a lease is in a pot exactly if the same request would draw from that pot."""
    rules = policies(quotas={"a": rule})
    for pot in quota_pots(rules, wanted):
        inside = {each.id for each in drawn(pot.pot, pot.quota, LeaseBook(out))}
        would = {each.id for each in out if pot.pot in {other.pot for other in quota_pots(rules, each.request())}}
        assert inside == would


# How large: overrides


@pytest.mark.parametrize(
    ("groups", "servers", "gpus"),
    [
        ("", 2, 1),
        ("bio", 2, 1),
        ("ml", 2, 4),  # what an override leaves out stays as it is
        ("astro", 5, 1),
        ("ml astro", 5, 4),  # the most generous, amount by amount
        ("few", 2, 0),  # it may also give less …
        ("few astro", 5, 1),  # … and does not, to somebody who is elsewhere too
    ],
)
def test_overrides_of_groups(groups: str, servers: int, gpus: int) -> None:
    overrides = {"groups": {"ml": {"gpus": 4}, "astro": {"servers": 5}, "few": {"gpus": 0}}}
    found = only({"per": "user", "servers": 2, "gpus": 1, "overrides": overrides}, request(groups=groups))
    assert (found.servers, found.gpus) == (servers, gpus)


def test_a_named_persons_amounts_count_before_the_groups() -> None:
    overrides = {"groups": {"ml": {"gpus": 4, "servers": 9}}, "users": {"ada": {"gpus": 0, "memory": "1Gi"}}}
    rule = {"per": "user", "servers": 2, "gpus": 1, "overrides": overrides}
    ada, bob = only(rule, request(groups="ml")), only(rule, request("bob", "ml"))
    assert (ada.gpus, ada.servers, ada.memory and ada.memory.bytes) == (0, 9, GIB)
    assert (bob.gpus, bob.servers, bob.memory) == (4, 9, None)


def test_a_group_that_shares_has_its_own_override_and_no_other() -> None:
    overrides = {"groups": {"ml": {"gpus": 8}}}
    rule = {"per": "group", "gpus": 1, "servers": 5, "overrides": overrides}
    found = {pot.pot.subject: pot.caps.gpus for pot in pots_of(rule, request(groups="ml astro"))}
    assert found == {"astro": 1, "ml": 8}


def test_devices_are_overridden_one_by_one() -> None:
    mig, gpu = "nvidia.com/mig-1g.5gb", "nvidia.com/gpu"
    overrides = {"groups": {"ml": {"devices": {mig: 4}}, "astro": {"devices": {gpu: 0, mig: 1}}}}
    rule = {"per": "user", "devices": {gpu: 2}, "overrides": overrides}
    assert only(rule, request(groups="ml")).devices == {gpu: 2, mig: 4}
    assert only(rule, request(groups="ml astro")).devices == {gpu: 2, mig: 4}
    assert only(rule, request(groups="bio")).devices == {gpu: 2}


def allows_no_less(one: Caps, other: Caps) -> bool:
    """Whatever `other` lets start, `one` does."""
    for name in ("servers", "cores", "memory", "gpus"):
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine is not None and (theirs is None or mine < theirs):
            return False
    return all(name in other.devices and count >= other.devices[name] for name, count in one.devices.items())


@given(caps(at_least_one=True), st.dictionaries(st.sampled_from(GROUPS), caps(), max_size=2))
def test_with_one_more_group_that_has_an_override_nobody_has_less(own: dict[str, Any], groups: dict[str, Any]) -> None:
    rule = {"per": "user", **own, "overrides": {"groups": groups}}
    both = only(rule, request(groups=" ".join(groups)))
    for group in groups:
        assert allows_no_less(both, only(rule, request(groups=group)))


@pytest.mark.parametrize(
    ("user", "groups", "limit"),
    [("bob", "", 10), ("bob", "ml", 20), ("bob", "ml astro", 30), ("bob", "few", 1), ("ada", "astro", 5)],
)
def test_overrides_of_budgets(user: str, groups: str, limit: int) -> None:
    overrides = {"users": {"ada": 5}, "groups": {"ml": 20, "astro": 30, "few": 1}}
    pot = budget_pot({"per": "user", "money": 10, "overrides": overrides}, request(user, groups))
    assert pot.limit == limit


def test_a_groups_budget_has_its_own_override() -> None:
    rule = {"per": "group", "gpuHours": 10, "overrides": {"groups": {"ml": 20}}}
    found = budget_pots(policies(budgets={"a": rule}), request(groups="ml astro"), NOW)
    assert {pot.pot.subject: pot.limit for pot in found} == {"astro": 10, "ml": 20}


# What is used up and set aside


@pytest.mark.parametrize(
    ("unit", "used", "each"),
    [("money", "2.9", "2.90"), ("machineHours", "1", "1"), ("gpuHours", "2", "2")],
)
def test_units(unit: str, used: str, each: str) -> None:
    budget = budget_pot({"per": "user", unit: 10}, request()).budget
    assert unit_of(budget, Charge(3600, 7200, 2_900_000)) == Decimal(used)
    assert per_hour(budget, request(gpus=2)) == Decimal(each)
    assert per_hour(budget, lease("a", gpus=2)) == Decimal(each)


def test_what_runs_counts_as_used_and_its_rest_as_set_aside() -> None:
    pot = budget_pot({"per": "user", "machineHours": 100, "holdAtMost": "4h"}, request())
    book = LeaseBook((lease("run", ran=HOUR), lease("start"), lease("long", ran=9 * HOUR), lease("other", "bob")))
    assert running_up(pot, book, NOW) == 1 + 0 + 9
    assert held(pot, book, NOW) == 3 + 4 + 0
    assert running_up(pot, book, NOW, leaving_out=["long"]) == 1
    assert held(pot, book, NOW, leaving_out=["start"]) == 3


def test_no_more_is_set_aside_than_the_run_may_last() -> None:
    budget = budget_pot({"per": "user", "money": 1, "holdAtMost": "4h"}, request()).budget
    assert set_aside(budget, None) == set_aside(budget, 9 * HOUR) == 4 * HOUR
    assert set_aside(budget, HOUR) == HOUR


def test_only_the_part_of_a_run_within_the_window_counts() -> None:
    pot = budget_pot({"per": "user", "machineHours": 100, "window": "day"}, request())
    assert NOW - pot.begin == 12 * HOUR
    assert running_up(pot, LeaseBook((lease("a", ran=20 * HOUR),)), NOW) == 12
    assert running_up(pot, LeaseBook((lease("a", ran=12 * HOUR),)), NOW) == 12
    assert running_up(pot, LeaseBook((lease("a", ran=11 * HOUR),)), NOW) == 11


def test_a_run_of_the_future_has_used_nothing() -> None:
    """Clocks of two machines differ."""
    ahead = lease("a", ran=-HOUR)
    pot = budget_pot({"per": "user", "machineHours": 100}, request())
    assert running_up(pot, LeaseBook((ahead,)), NOW) == 0
    assert held(pot, LeaseBook((ahead,)), NOW) == 4


@given(budgets(), requests(), leases(), st.integers(0, 90_000))
def test_what_is_used_grows_and_what_is_set_aside_shrinks(
    rule: dict[str, Any], wanted: Request, out: tuple[Lease, ...], seconds: int
) -> None:
    later = NOW + timedelta(seconds=seconds)
    for pot in budget_pots(policies(budgets={"a": rule}), wanted, NOW):
        book = LeaseBook(out)
        assert running_up(pot, book, later) >= running_up(pot, book, NOW) >= 0
        assert 0 <= held(pot, book, later) <= held(pot, book, NOW)


def test_amounts_of_a_pot_are_what_machines_reserve() -> None:
    (pot,) = pots_of({"per": "user"}, request())
    assert in_use(pot, LeaseBook((lease("a", cores=2, gib=8, gpus=1),))) == amounts(cores=2, gib=8, gpus=1)
