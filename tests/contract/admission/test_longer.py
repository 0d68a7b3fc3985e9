"""A machine that runs is to run longer: decided in one transaction, by every rule that a start is decided by."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub_extensions.admission.longer import NotLonger, latest, lengthen
from hub_extensions.admission.store import Store
from profiles.admission import Admit
from profiles.lease import EndReason, Lease, Request
from profiles.policy import Policies
from tests.contract.admission.asking import HOUR, NO_RULES, NOW, ONE_GPU, ask, rules

#: Sixteen euros a day: four hours of a machine at four an hour.
BUDGET = rules(budgets={"all": {"per": "hub", "money": 16, "window": "30d", "holdAtMost": "24h"}})


def running(store: Store, policies: Policies, hours: int | None = 2, price: str = "4") -> Request:
    request = ask("one", price=price, longest=None if hours is None else hours * HOUR)
    assert isinstance(store.admit(request, policies, NOW), Admit)
    store.began("one", NOW, NOW)
    return ask("one", price=price)


def refused(outcome: Lease | NotLonger) -> NotLonger:
    assert isinstance(outcome, NotLonger)
    return outcome


def test_it_runs_until_then_and_is_billed_for_it(store: Store) -> None:
    wanted = running(store, ONE_GPU)
    outcome = lengthen(store, wanted, NOW + 6 * HOUR, ONE_GPU, NOW + HOUR)
    assert isinstance(outcome, Lease)
    (lease,) = store.leases()
    assert lease == outcome
    assert (lease.longest, lease.ends_at) == (6 * HOUR, NOW + 6 * HOUR)
    entry = store.ended("one", NOW + 6 * HOUR, EndReason.TIME_OVER, NOW + 6 * HOUR)
    assert entry is not None
    assert (entry.lease.longest, entry.charge.seconds) == (6 * HOUR, 6 * 3600)


def test_another_hub_process_sees_it(store: Store) -> None:
    wanted = running(store, ONE_GPU)
    other = Store(store.database)
    assert other.leases()[0].longest == 2 * HOUR
    lengthen(store, wanted, NOW + 6 * HOUR, ONE_GPU, NOW + HOUR)
    assert other.leases()[0].longest == 6 * HOUR


def test_never_beyond_its_own_limit(store: Store) -> None:
    running(store, NO_RULES)
    wanted = ask("one", price="4", longest=5 * HOUR)
    assert latest(store, wanted, NO_RULES, NOW + HOUR) == NOW + 5 * HOUR
    told = refused(lengthen(store, wanted, NOW + 6 * HOUR, NO_RULES, NOW + HOUR))
    assert (told.reason, told.sentence) == (
        "too-long", "It can run until 14:30 (UTC) at the latest: that is its own limit."
    )  # fmt: skip
    assert isinstance(lengthen(store, wanted, NOW + 5 * HOUR, NO_RULES, NOW + HOUR), Lease)


def test_never_beyond_what_a_budget_pays_what_it_has_used_counted(store: Store) -> None:
    wanted, after_one = running(store, BUDGET), NOW + HOUR
    assert latest(store, wanted, BUDGET, after_one) == NOW + 4 * HOUR, "nothing else is offered"
    told = refused(lengthen(store, wanted, NOW + 4 * HOUR + timedelta(minutes=1), BUDGET, after_one))
    assert told.sentence.startswith("It can run until 13:30 (UTC) at the latest: what is left of a budget")
    assert isinstance(lengthen(store, wanted, NOW + 4 * HOUR, BUDGET, after_one), Lease)
    seen = store.foresee(ask("two", "bea", price="4"), BUDGET, after_one)
    assert seen.balances[0].left == 0, "the longer run is set aside"


def test_what_others_were_promised_meanwhile_is_theirs(store: Store) -> None:
    wanted = running(store, BUDGET)
    assert isinstance(store.admit(ask("two", "bea", price="4", longest=2 * HOUR), BUDGET, NOW), Admit)
    told = refused(lengthen(store, wanted, NOW + 3 * HOUR, BUDGET, NOW + HOUR))
    assert "what is left of a budget pays for no more" in told.sentence
    assert store.leases()[0].longest == 2 * HOUR


def test_a_full_quota_is_no_reason(store: Store) -> None:
    """It has what it takes already."""
    wanted = running(store, ONE_GPU)
    assert isinstance(lengthen(store, wanted, NOW + 3 * HOUR, ONE_GPU, NOW + HOUR), Lease)


@pytest.mark.parametrize(("hours", "reason"), [(1, "not-longer"), (2, "not-longer"), (99_999, "too-long")])
def test_times_that_are_none(store: Store, hours: int, reason: str) -> None:
    wanted = running(store, NO_RULES)
    assert refused(lengthen(store, wanted, NOW + hours * HOUR, NO_RULES, NOW + HOUR)).reason == reason


def test_what_has_no_end_or_is_over(store: Store) -> None:
    wanted = running(store, NO_RULES, hours=None)
    assert refused(lengthen(store, wanted, NOW + HOUR, NO_RULES, NOW)).reason == "no-end"
    assert latest(store, wanted, NO_RULES, NOW) is None
    store.ended("one", NOW, EndReason.STOPPED, NOW)
    assert refused(lengthen(store, wanted, NOW + HOUR, NO_RULES, NOW)).reason == "not-running"
