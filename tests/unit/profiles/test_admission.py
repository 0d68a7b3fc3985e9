"""The decision about a start: each guard in both directions, and what holds whatever the rules are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.admission import Admit, Deny, decide, lease_of
from profiles.lease import Charge, Lease, LeaseState, Request
from profiles.lease_book import LeaseBook
from profiles.pots import BudgetPot, Pot, budget_pots, drawn, held, in_use, per_hour, quota_pots, running_up, set_aside
from profiles.refusal import Reason
from profiles.snapshot import Snapshot
from tests.unit.profiles.shares import (
    NOW,
    admitted,
    asked,
    budgets,
    grant,
    hours,
    lease,
    leases,
    policies,
    quotas,
    refused,
    request,
    requests,
    snapshot,
)

HOUR = timedelta(hours=1)
MINE = Pot("a", "user", "ada")


def quota(**given_: Any) -> Any:
    return policies(quotas={"a": {"per": "user", **given_}})


def budget(**given_: Any) -> Any:
    return policies(budgets={"a": {"per": "user", **given_}})


def spent(**given_: int) -> dict[Pot, Charge]:
    return {MINE: Charge(**given_)}


def test_without_rules_everybody_may_start() -> None:
    assert asked(request(), policies()) == Admit(None)
    assert admitted(asked(request(longest=HOUR), policies())).longest == HOUR


# Quotas


@pytest.mark.parametrize(
    ("caps", "out", "fits"),
    [
        ({"servers": 2}, 1, True),
        ({"servers": 2}, 2, False),
        ({"servers": 0}, 0, False),
        ({"cores": 4}, 1, True),  # 2 each
        ({"cores": "3999m"}, 1, False),
        ({"memory": "16Gi"}, 1, True),  # 8 GiB each
        ({"memory": 17179869183}, 1, False),
        ({"gpus": 2}, 1, True),
        ({"gpus": 2}, 2, False),
        ({"devices": {"nvidia.com/gpu": 1}}, 1, False),
        ({"devices": {"nvidia.com/mig-1g.5gb": 0}}, 3, True),  # it wants none of it
        ({"servers": 9, "cores": 9, "memory": "99Gi", "gpus": 1}, 1, False),  # all must hold
    ],
)
def test_each_amount_of_a_quota(caps: dict[str, Any], out: int, fits: bool) -> None:
    size: dict[str, Any] = {"cores": 2, "gib": 8, "gpus": 1}
    decision = asked(request(**size), quota(**caps), *(lease(str(number), **size) for number in range(out)))
    assert isinstance(decision, Admit) == fits
    if isinstance(decision, Deny):
        assert (decision.refusal.reason, decision.rule) == (Reason.OVER_QUOTA, "a")


def test_starting_machines_count_like_running_ones() -> None:
    held_one, running = lease("1"), lease("1", ran=HOUR)
    assert (held_one.state, running.state) == (LeaseState.HELD, LeaseState.RUNNING)
    for out in (held_one, running):
        assert refused(asked(request(), quota(servers=1), out)).refusal.reason is Reason.OVER_QUOTA


def test_somebody_else_over_the_limit_keeps_nobody_out_who_wants_none_of_it() -> None:
    rules = policies(quotas={"a": {"per": "hub", "gpus": 1}})
    assert admitted(asked(request("bob"), rules, lease("1", gpus=4)))
    assert refused(asked(request("bob", gpus=1), rules, lease("1", gpus=4)))


def test_of_several_groups_all_must_have_room() -> None:
    rules = policies(quotas={"a": {"per": "group", "gpus": 1}})
    full = lease("1", "bob", "ml", gpus=1)
    assert refused(asked(request(groups="astro ml", gpus=1), rules, full)).standings[1].pot.subject == "ml"
    assert admitted(asked(request(groups="astro", gpus=1), rules, full))


def test_standings_say_what_is_left_also_when_nothing_is_refused() -> None:
    (standing,) = admitted(asked(request(gpus=1), quota(gpus=3), lease("1", gpus=1))).standings
    assert (standing.used, standing.wanted, standing.limit, standing.left, standing.fits) == (1, 1, 3, 2, True)


# Budgets


@pytest.mark.parametrize(
    ("used", "longest"),
    [
        (0, 10 * HOUR),
        (9_000_000, HOUR),
        (9_750_000, 15 * HOUR / 60),  # exactly the shortest run
        (9_750_001, None),
        (10_000_000, None),
        (12_000_000, None),
    ],
)
def test_what_is_left_of_a_budget_is_how_long_a_run_may_last(used: int, longest: timedelta | None) -> None:
    decision = asked(request(price=1), budget(money=10), spent=spent(micros=used))
    if longest is None:
        assert refused(decision).refusal.reason is Reason.OVER_BUDGET
    else:
        assert admitted(decision).longest == longest


def test_a_machine_that_takes_nothing_from_a_budget_starts_without_one() -> None:
    over = spent(seconds=99 * 3600, gpu_seconds=99 * 3600, micros=10**9)
    assert admitted(asked(request(price=0), budget(money=1), spent=over)).longest is None
    assert admitted(asked(request(gpus=0), budget(gpuHours=1), spent=over)).longest is None
    assert refused(asked(request(price=0), budget(machineHours=1), spent=over))


def test_a_run_shorter_than_the_shortest_need_not_be_paid_for_longer() -> None:
    wanted, left = request(price=1, longest=HOUR / 6), spent(micros=9_800_000)
    assert admitted(asked(wanted, budget(money=10), spent=left)).longest == HOUR / 6
    assert refused(asked(wanted, budget(money=10), spent=spent(micros=9_900_000)))


def test_what_is_set_aside_for_a_start_is_not_there_for_the_next() -> None:
    rules, first = budget(money=4, holdAtMost="3h"), lease("1", price=1, longest=4 * HOUR)
    assert admitted(asked(request(price=1), rules, first)).longest == HOUR
    assert refused(asked(request(price=1), rules, first, lease("2", price=1, longest=HOUR)))


def test_balances_tell_used_held_and_left() -> None:
    out = lease("1", price=1, ran=HOUR, longest=3 * HOUR)
    (balance,) = admitted(asked(request(price=1), budget(money=10), out, spent=spent(micros=2_000_000))).balances
    assert (balance.used, balance.held, balance.left) == (3, 2, 5)
    assert balance.lasts == 5 * HOUR


def test_a_new_window_begins_with_nothing_used() -> None:
    rules, out = budget(machineHours=12.5, window="day"), lease("1", ran=12 * HOUR, longest=20 * HOUR)
    tomorrow = datetime(2026, 3, 12, 12, tzinfo=UTC)
    assert asked(request(), rules, out).balances[0].used == 12
    assert decide(request(), snapshot(out), rules, tomorrow).balances[0].used == 12, "of 36 hours these are today's"


@pytest.mark.parametrize(
    ("left", "longest"),
    [
        (1, 10.5),  # it lasts over midnight, and then there is a new day's budget
        (0.5, 10.5),  # it lasts until midnight exactly
        (0.4, 0.4),
        (0.2, None),
    ],
)
def test_where_the_window_ends_first_the_next_one_comes_on_top(left: float, longest: float | None) -> None:
    """Half an hour before midnight, and 10 hours a day."""
    rules, late = budget(machineHours=10, window="day"), datetime(2026, 3, 11, 23, 30, tzinfo=UTC)
    found = decide(request(), snapshot(spent=spent(seconds=int((10 - left) * 3600))), rules, late)
    if longest is None:
        assert refused(found).refusal.reason is Reason.OVER_BUDGET
    else:
        assert admitted(found).longest == longest * HOUR


def test_a_sliding_window_never_ends_first() -> None:
    found = asked(request(), budget(machineHours=10, window="24h"), spent=spent(seconds=9 * 3600))
    assert admitted(found).longest == HOUR


# Approvals and hours

BIG = policies(approvals={"big": {"profiles": ["gpu"]}})


def test_without_a_yes_no() -> None:
    found = refused(asked(request(), BIG))
    assert (found.refusal.reason, found.rule) == (Reason.NEEDS_APPROVAL, "big")
    assert refused(asked(request(), BIG, grants=(grant(begins=1, ends=2),))).refusal.reason is Reason.NEEDS_APPROVAL
    assert refused(asked(request(), BIG, grants=(grant(begins=-2, ends=-1),))).refusal.reason is Reason.GRANT_EXPIRED


def test_a_yes_lets_it_run_until_its_end() -> None:
    found = admitted(asked(request(), BIG, grants=(grant(ends=2), grant(ends=3))))
    assert (found.longest, found.grant) == (3 * HOUR, grant(ends=3))
    assert admitted(asked(request(longest=HOUR), BIG, grants=(grant(ends=3),))).longest == HOUR


def test_a_yes_is_for_one_machine_at_a_time() -> None:
    out = lease("other", profile="gpu")
    found = refused(asked(request(), BIG, out, grants=(grant(ends=2),)))
    assert (found.refusal.reason, found.rule) == (Reason.NEEDS_APPROVAL, "big")
    assert "is for one machine at a time, and in use" in found.refusal.sentence
    admitted(asked(request(), BIG, out, grants=(grant(ends=2), grant(ends=3))))
    admitted(asked(request(), BIG, lease("other", profile="small"), grants=(grant(ends=2),)))
    admitted(asked(request(), BIG, lease(request().lease_id, profile="gpu"), grants=(grant(ends=2),)))


def test_where_two_rules_ask_both_need_a_yes_and_the_shorter_one_counts() -> None:
    rules = policies(approvals={"big": {"profiles": ["gpu"]}, "many": {"moreThan": {"gpus": 1}}})
    one, other = grant("big", ends=1), grant("many", ends=2)
    assert refused(asked(request(gpus=2), rules, grants=(one,))).rule == "many"
    found = admitted(asked(request(gpus=2), rules, grants=(one, other)))
    assert (found.longest, found.grant) == (HOUR, one)


@pytest.mark.parametrize(
    ("given_", "longest"),
    [
        ({"from": "08:00", "to": "20:00"}, 7 * HOUR),  # 12:00 UTC is 13:00 in Berlin
        ({"from": "20:00", "to": "08:00"}, None),
        ({"days": ["wed"]}, 11 * HOUR),
        ({"days": ["thu"]}, None),
        ({}, timedelta.max),
    ],
)
def test_a_machine_runs_in_its_hours_only(given_: dict[str, Any], longest: timedelta | None) -> None:
    decision = asked(request(hours=hours(**given_)), policies(timezone="Europe/Berlin"))
    if longest is None:
        assert (refused(decision).refusal.reason, refused(decision).rule) == (Reason.OUTSIDE_HOURS, "gpu")
    else:
        assert admitted(decision).longest == (None if longest == timedelta.max else longest)


def test_guards_are_told_in_order_and_the_figures_always_come_along() -> None:
    """What takes longest to mend first: a yes, the hour, the budget, the quota."""
    everything = policies(
        quotas={"a": {"per": "user", "servers": 0}},
        budgets={"a": {"per": "user", "money": 0}},
        approvals={"big": {"profiles": ["gpu"]}},
    )
    only_open = hours(days=["sun"])
    yes = (grant(),)
    steps = [
        (asked(request(hours=only_open), everything), Reason.NEEDS_APPROVAL),
        (asked(request(hours=only_open), everything, grants=yes), Reason.OUTSIDE_HOURS),
        (asked(request(), everything, grants=yes), Reason.OVER_BUDGET),
        (asked(request(price=0), everything, grants=yes), Reason.OVER_QUOTA),
    ]
    for decision, reason in steps:
        assert refused(decision).refusal.reason is reason
        assert len(decision.standings) == len(decision.balances) == 1


# What holds for all rules

some_rules = st.fixed_dictionaries(
    {
        "quotas": st.dictionaries(st.sampled_from("abc"), quotas(), max_size=3),
        "budgets": st.dictionaries(st.sampled_from("xyz"), budgets(), max_size=2),
    }
)
used_up = st.integers(0, 50).map(lambda hours: Charge(hours * 3600, hours * 3600, hours * 1_000_000))


def picture(rules: dict[str, Any], wanted: Request, out: tuple[Lease, ...], used: Charge) -> Snapshot:
    """The same amount is spent from every budget."""
    pots = budget_pots(policies(**rules), wanted, NOW)
    return snapshot(*out, spent={pot.pot: used for pot in pots})


@given(some_rules, requests(), leases(), used_up)
def test_nothing_is_admitted_that_would_exceed_a_quota_or_a_budget(
    rules: dict[str, Any], wanted: Request, out: tuple[Lease, ...], used: Charge
) -> None:
    """Measured afterwards with the lease in the book, by every pot, and not by the decision's own figures."""
    known, found = policies(**rules), decide(wanted, picture(rules, wanted, out, used), policies(**rules), NOW)
    if not isinstance(found, Admit):
        return
    book = LeaseBook((*out, lease_of(wanted, found, NOW)))
    for pot in quota_pots(known, wanted):
        now_used, caps, mine = in_use(pot, book), pot.caps, wanted.amounts
        assert caps.servers is None or now_used.servers <= caps.servers
        assert caps.cores is None or not mine.millicores or now_used.millicores <= caps.cores.millicores
        assert caps.memory is None or not mine.memory or now_used.memory <= caps.memory.bytes
        assert caps.gpus is None or not mine.gpus or now_used.gpus <= caps.gpus
    for budget_pot in budget_pots(known, wanted, NOW):
        if not per_hour(budget_pot.budget, wanted):
            continue
        units = {"money": used.money, "machine_hours": used.hours, "gpu_hours": used.gpu_hours}
        altogether = units[budget_pot.budget.unit] + running_up(budget_pot, book, NOW) + promised(budget_pot, book)
        assert altogether <= budget_pot.limit + Decimal("1e-20")  # decimals have 28 digits


def promised(pot: BudgetPot, book: LeaseBook) -> Decimal:
    """What is set aside, lease by lease, and only what is of this window: `held` is never less."""
    total = Decimal(0)
    for out in drawn(pot.pot, pot.budget, book):
        rest = max(timedelta(0), set_aside(pot.budget, out.longest) - out.ran(NOW))
        within = rest if pot.end is None else min(rest, pot.end - NOW)
        total += per_hour(pot.budget, out) * Decimal(within.total_seconds()) / 3600
    assert total <= held(pot, book, NOW) + Decimal("1e-20")
    return total


@settings(max_examples=60)  # two decisions each
@given(some_rules, requests(), leases(), used_up)
def test_asking_twice_is_harmless(
    rules: dict[str, Any], wanted: Request, out: tuple[Lease, ...], used: Charge
) -> None:
    known, before = policies(**rules), picture(rules, wanted, out, used)
    first = decide(wanted, before, known, NOW)
    assert decide(wanted, before, known, NOW) == first
    if isinstance(first, Admit):
        after = replace(before, book=LeaseBook((*out, lease_of(wanted, first, NOW))))
        assert decide(wanted, after, known, NOW) == first


@settings(max_examples=60)  # two decisions each
@given(some_rules, some_rules, requests(), leases(), used_up)
def test_more_rules_never_admit_more(
    rules: dict[str, Any], more: dict[str, Any], wanted: Request, out: tuple[Lease, ...], used: Charge
) -> None:
    added = {section: {f"{name}-2": rule for name, rule in content.items()} for section, content in more.items()}
    both = {section: {**rules[section], **added[section]} for section in rules}
    few = decide(wanted, picture(both, wanted, out, used), policies(**rules), NOW)
    many = decide(wanted, picture(both, wanted, out, used), policies(**both), NOW)
    if isinstance(many, Admit):
        assert isinstance(few, Admit)
        assert few.longest is None or (many.longest is not None and many.longest <= few.longest)


@settings(max_examples=60)  # two decisions each
@given(some_rules, requests(), leases(), used_up, st.integers(0, 5))
def test_with_fewer_machines_out_nothing_is_refused_that_was_not(
    rules: dict[str, Any], wanted: Request, out: tuple[Lease, ...], used: Charge, gone: int
) -> None:
    known = policies(**rules)
    if isinstance(decide(wanted, picture(rules, wanted, out, used), known, NOW), Admit):
        fewer = tuple(each for number, each in enumerate(out) if number != gone)
        assert isinstance(decide(wanted, picture(rules, wanted, fewer, used), known, NOW), Admit)


@settings(max_examples=60)  # two decisions each
@given(some_rules, requests(), leases(), used_up, st.tuples(st.floats(0.1, 9), st.booleans()))
def test_longest_is_the_shortest_of_the_limits(
    rules: dict[str, Any], wanted: Request, out: tuple[Lease, ...], used: Charge, times: tuple[float, bool]
) -> None:
    ends, office = times
    wanted = replace(wanted, hours=hours(**{"to": "14:30"}) if office else None)
    known = policies(**rules, approvals={"big": {"moreThan": {"servers": 0}}})
    yes = grant(ends=ends, user=wanted.person.name, profile=wanted.profile)
    found = decide(wanted, replace(picture(rules, wanted, out, used), grants=(yes,)), known, NOW)
    if isinstance(found, Admit):
        limits = [wanted.longest, yes.ends_at - NOW, 2.5 * HOUR if office else None]
        limits += [balance.permits for balance in found.balances]
        assert found.longest == min(each for each in limits if each is not None)


def test_what_an_admitted_request_is_given() -> None:
    wanted = request(groups="ml", gpus=1, longest=9 * HOUR)
    given_ = lease_of(wanted, admitted(asked(wanted, budget(gpuHours=2))), NOW)
    assert (given_.id, given_.user, given_.groups) == ("new", "ada", frozenset({"ml"}))
    assert (given_.state, given_.held_at, given_.began_at, given_.longest) == (LeaseState.HELD, NOW, None, 2 * HOUR)
    assert given_.amounts == wanted.amounts
