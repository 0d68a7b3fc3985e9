"""How long a machine was asked for, on every database: what it holds of a budget, and when it ends for who waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub_extensions.admission.store import Store
from hub_extensions.queue.store import Line
from profiles.admission import Admit, Deny
from profiles.lease import KEPT
from profiles.quantity import Duration
from profiles.refusal import Reason
from profiles.waiting import Waiting
from tests.contract.admission.asking import HOUR, NOW, ONE_GPU, ask, rules

#: Sixteen euros for all, a machine at four an hour: four hours of one.
BUDGET = rules(budgets={"all": {"per": "hub", "money": 16, "window": "30d", "holdAtMost": "24h"}})


@pytest.mark.parametrize(("hours", "left"), [(1, "12.00"), (2, "8.00"), (4, "0.00"), (None, "0.00")])
def test_a_shorter_run_holds_less(store: Store, hours: int | None, left: str) -> None:
    longest = None if hours is None else hours * HOUR
    assert isinstance(store.admit(ask("one", price="4", longest=longest), BUDGET, NOW), Admit)
    seen = store.foresee(ask("two", "bea", price="4"), BUDGET, NOW)
    assert f"{seen.balances[0].left:.2f}" == left


def test_two_short_runs_fit_where_one_long_one_leaves_no_room(store: Store) -> None:
    assert isinstance(store.admit(ask("one", price="4", longest=2 * HOUR), BUDGET, NOW), Admit)
    assert isinstance(store.admit(ask("two", "bea", price="4", longest=2 * HOUR), BUDGET, NOW), Admit)
    third = store.admit(ask("three", "cleo", price="4", longest=HOUR), BUDGET, NOW)
    assert isinstance(third, Deny)
    assert third.refusal.reason is Reason.OVER_BUDGET


def test_what_a_budget_refuses_for_long_is_let_in_for_as_long_as_it_pays(store: Store) -> None:
    strict = rules(budgets={"all": {"per": "hub", "money": 16, "window": "30d", "shortestRun": "8h"}})
    refused = store.admit(ask("one", price="4"), strict, NOW)
    assert isinstance(refused, Deny)
    assert refused.refusal.remedy.startswith("Start it for 4 hours only, ")
    allowed = store.admit(ask("one", price="4", longest=4 * HOUR), strict, NOW)
    assert isinstance(allowed, Admit)
    assert allowed.longest == 4 * HOUR


def test_its_end_is_known_to_whoever_waits(store: Store) -> None:
    assert isinstance(store.admit(ask("one", longest=2 * HOUR), ONE_GPU, NOW), Admit)
    store.began("one", NOW + timedelta(minutes=1), NOW)
    (lease,) = store.leases()
    assert lease.ends_at == NOW + timedelta(minutes=1) + 2 * HOUR


def test_a_place_in_line_keeps_for_how_long(store: Store) -> None:
    assert isinstance(store.admit(ask("one"), ONE_GPU, NOW), Admit)
    line = Line(store)
    request = ask(KEPT + "p", "bea", longest=4 * HOUR)
    wanted = Waiting(id="p", request=request, joined_at=NOW, run_for=Duration(14400))
    assert isinstance(line.join(wanted, ONE_GPU, NOW), Waiting)
    (place,) = line.line()
    assert (place.run_for, place.request.longest, place.choice.run_for) == (
        Duration(14400), 4 * HOUR, Duration(14400)
    )  # fmt: skip
    again = Waiting(id="q", request=ask(KEPT + "q", "bea"), joined_at=NOW + HOUR)
    assert isinstance(line.join(again, ONE_GPU, NOW + HOUR), Waiting)
    (place,) = line.line()
    assert (place.id, place.joined_at, place.run_for, place.request.longest) == ("p", NOW, None, None), (
        "whoever thinks better of the length keeps the place"
    )
