"""What the regular look tells people of: budgets as they fill, and machines' ends before they come."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub_extensions.admission.expiry import Stop
from hub_extensions.notices import Kind, Notice
from hub_extensions.notices.events import Look, notices_of, stopped
from profiles.admission import Balance
from profiles.lease import EndReason
from profiles.policy import Budget
from profiles.pots import BudgetPot, Pot
from tests.unit.admission.people import HOUR, MINUTE, NOON, lease

POT = Pot("monthly", "user", "ann")
SECOND = timedelta(seconds=1)


def balance(used: str, limit: str = "10", *, pot: Pot = POT, begin: datetime = NOON, **budget: Any) -> Balance:
    unit = {} if "gpuHours" in budget else {"money": limit}
    rule = Budget.model_validate({"per": pot.per, "grace": "15m", **unit, **budget})
    end = None if budget.get("window", "month") not in {"day", "week", "month"} else begin + 24 * HOUR
    return Balance(BudgetPot(pot, rule, Decimal(limit), begin, end), Decimal(used), Decimal(0), Decimal(2))


def told(*balances: Balance, now: datetime = NOON + HOUR, kind: Kind = Kind.BUDGET, **look: Any) -> list[Notice]:
    found = notices_of(Look([lease()], {"a": balances}, **look), now)
    return [notice for notice in found if notice.kind is kind]


@pytest.mark.parametrize(
    ("used", "subject"),
    [
        ("7.99", None),
        ("8", "Your budget is 80 % used"),
        ("9.49", "Your budget is 94 % used"),
        ("9.5", "Your budget is 95 % used"),
        ("9.99", "Your budget is 99 % used"),
        ("10", "Your budget is used up"),
        ("12", "Your budget is used up"),
    ],
)
def test_of_a_budget_at_its_percentages(used: str, subject: str | None) -> None:
    assert [notice.subject for notice in told(balance(used))] == ([subject] if subject else [])


def test_once_for_each_percentage_window_and_pot() -> None:
    def key(one: Balance, now: datetime = NOON + HOUR) -> str:
        [notice] = told(one, now=now)
        return notice.key

    assert key(balance("8")) == key(balance("9.4"), NOON + 2 * HOUR)
    tomorrow, team = balance("8", begin=NOON + 24 * HOUR), balance("8", pot=Pot("monthly", "group", "ml"))
    assert len({key(balance("8")), key(balance("9.5")), key(balance("10")), key(tomorrow), key(team)}) == 5
    moments = (NOON, NOON + HOUR, NOON + 200 * HOUR)
    sliding = [key(balance("8", window="7d", begin=at - 168 * HOUR), at) for at in moments]
    assert sliding[0] == sliding[1] != sliding[2], "a sliding window begins anew all the time"


def test_it_says_how_much_whose_and_what_to_do() -> None:
    [notice] = told(balance("8.5", pot=Pot("team", "group", "ml"), window="day"))
    assert (notice.to, notice.link) == ("ann", "usage")
    assert notice.text == (
        "The budget of ml is 85 % used: €8.50 of €10.00 today. "
        "Stop a machine that you do not need, or switch to a cheaper one; “Usage” says what it was used for."
    )
    [mixed] = told(replace(balance("9"), others=("USD",)), currency="CHF")
    assert "CHF 9.00 of CHF 10.00 this month. Some of it was billed in USD" in mixed.text
    assert "such amounts count as they stand." in mixed.text
    [over] = told(balance("10", grace="1h"))
    assert "Machines that draw from it are stopped within 1 hour, and none can be started." in over.text
    [now] = told(balance("10", grace="0s"))
    assert "are stopped now" in now.text


def test_only_those_who_draw_from_it_are_told() -> None:
    assert not told(balance("5", "5", gpuHours=5)), "this machine has no GPU"
    both = Look([lease("a"), lease("b", user="bob"), lease("c", user="cy", began=None)], {
        name: [balance("8", pot=Pot("all", "hub"))] for name in "abc"
    })  # fmt: skip
    assert sorted(notice.to for notice in notices_of(both, NOON)) == ["ann", "bob"]


def test_two_machines_of_one_person_are_one_warning() -> None:
    look = Look([lease("a"), lease("b")], {"a": [balance("8")], "b": [balance("8")]})
    assert len(notices_of(look, NOON)) == 1


@pytest.mark.parametrize(
    ("ran", "heard"), [(105 * MINUTE - SECOND, False), (105 * MINUTE, True), (119 * MINUTE, True), (2 * HOUR, False)]
)
def test_of_the_end_of_a_machines_time(ran: timedelta, heard: bool) -> None:
    assert bool(notices_of(Look([lease(longest=2 * HOUR)]), NOON + ran)) is heard


def test_the_end_is_said_with_why_and_what_to_do() -> None:
    look = Look([lease(longest=2 * HOUR, server="train")], timezone="Europe/Berlin")
    first, later = (notices_of(look, NOON + 105 * MINUTE + more) for more in (timedelta(0), MINUTE))
    [notice] = first
    assert (notice.kind, notice.link, notice.subject) == (
        Kind.STOPS_SOON, "home", "Your Small stops at 15:00 (Europe/Berlin)"
    )  # fmt: skip
    assert "Your Small (your server “train”) stops at 15:00 (Europe/Berlin), in 15 minutes." in notice.text
    assert "as long as it was allowed to run" in notice.text
    assert "Your home is kept" in notice.text
    [asked] = notices_of(Look([lease(longest=2 * HOUR)], as_asked={"a"}), NOON + 105 * MINUTE)
    assert "That is as long as you asked for." in asked.text
    assert "allowed" not in asked.text
    assert [each.key for each in later] == [notice.key]
    [longer] = notices_of(Look([lease(longest=3 * HOUR)]), NOON + 165 * MINUTE)
    assert longer.key != notice.key, "another end is told again"


@pytest.mark.parametrize(
    ("since_exhausted", "grace", "heard"),
    [(timedelta(0), "15m", True), (14 * MINUTE, "15m", True), (timedelta(0), "1h", False), (46 * MINUTE, "1h", True),
     (timedelta(0), "0s", False), (15 * MINUTE, "15m", False)],
)  # fmt: skip
def test_of_the_end_of_a_budgets_grace(since_exhausted: timedelta, grace: str, heard: bool) -> None:
    now = NOON + HOUR
    known = {POT: now - since_exhausted}
    notices = told(balance("10", grace=grace), now=now, kind=Kind.STOPS_SOON, exhausted=known)
    assert bool(notices) is heard
    assert all("Your budget is used up" in notice.text for notice in notices)
    assert not told(balance("9"), now=now, kind=Kind.STOPS_SOON, exhausted=known), "it was raised meanwhile"


def test_of_a_stop() -> None:
    stop = Stop(lease(longest=HOUR), EndReason.TIME_OVER, "It was stopped.", "Start one.")
    assert notices_of(Look([stop.lease], stopped=(stop,)), NOON + 50 * MINUTE) == ()
    notice = stopped(stop, NOON)
    assert (notice.to, notice.kind, notice.text) == ("ann", Kind.STOPPED, "It was stopped. Start one.")
    assert notice.subject == "Your Small was stopped"
