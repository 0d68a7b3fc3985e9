"""What has to stop, and when."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from hub_extensions.admission.expiry import due
from profiles.admission import Balance
from profiles.lease import EndReason
from profiles.policy import Budget
from profiles.pots import BudgetPot, Pot
from tests.unit.admission.people import HOUR, MINUTE, NOON, lease

POT = Pot("monthly", "user", "ann")


def balance(used: str, limit: str = "10", **budget: object) -> Balance:
    rule = Budget.model_validate({"per": "user", "money": limit, "grace": "15m", **budget})
    return Balance(BudgetPot(POT, rule, Decimal(limit), NOON, None), Decimal(used), Decimal(0), Decimal(2))


def test_a_machine_within_its_time_and_budget_runs_on() -> None:
    result = due([lease(longest=2 * HOUR)], {"a": [balance("9.99")]}, {}, NOON + HOUR)
    assert (result.stop, result.exhausted) == ((), {})


def test_a_machine_stops_when_its_time_is_over() -> None:
    (stop,) = due([lease(longest=HOUR)], {}, {}, NOON + HOUR).stop
    assert (stop.lease.id, stop.reason) == ("a", EndReason.TIME_OVER)
    assert stop.sentence == "Your Small was stopped after 1 hour, as long as it was allowed to run."


def test_a_machine_that_stops_as_its_person_wanted_says_so() -> None:
    leases = [lease("a", longest=2 * HOUR), lease("b", longest=2 * HOUR)]
    asked, allowed = due(leases, {}, {}, NOON + 2 * HOUR, as_asked={"a"}).stop
    assert (asked.reason, asked.sentence) == (
        EndReason.TIME_OVER, "Your Small was stopped after 2 hours, as you asked."
    )  # fmt: skip
    assert allowed.sentence == "Your Small was stopped after 2 hours, as long as it was allowed to run."


def test_a_start_has_no_time_to_be_over() -> None:
    assert due([lease(began=None, longest=MINUTE)], {}, {}, NOON + HOUR).stop == ()


def test_a_used_up_budget_is_remembered_and_gives_its_grace() -> None:
    first = due([lease()], {"a": [balance("10")]}, {}, NOON)
    assert (first.stop, first.exhausted) == ((), {POT: NOON})
    almost = due([lease()], {"a": [balance("10.5")]}, first.exhausted, NOON + 14 * MINUTE)
    assert (almost.stop, almost.exhausted) == ((), {POT: NOON})
    (stop,) = due([lease()], {"a": [balance("10.6")]}, almost.exhausted, NOON + 15 * MINUTE).stop
    assert stop.reason is EndReason.OUT_OF_BUDGET
    assert stop.sentence == "Your Small was stopped, because your budget is used up."


def test_a_budget_that_was_raised_is_forgotten() -> None:
    known: dict[Pot, datetime] = {POT: NOON}
    result = due([lease()], {"a": [balance("10", limit="20")]}, known, NOON + HOUR)
    assert (result.stop, result.exhausted) == ((), {})


def test_a_machine_that_costs_nothing_of_it_is_not_stopped_for_it() -> None:
    gpus = Budget.model_validate({"per": "user", "gpuHours": 1, "grace": 0})
    used = Balance(BudgetPot(POT, gpus, Decimal(1), NOON, None), Decimal(5), Decimal(0), Decimal(0))
    leases = [lease("cpu"), lease("gpu", gpus=1)]
    result = due(leases, {"cpu": [used], "gpu": [used]}, {}, NOON + HOUR)
    assert [stop.lease.id for stop in result.stop] == ["gpu"]


def test_one_stop_is_enough_for_a_machine() -> None:
    result = due([lease(longest=MINUTE)], {"a": [balance("10", grace=0)]}, {}, NOON + HOUR)
    assert [stop.reason for stop in result.stop] == [EndReason.TIME_OVER]
