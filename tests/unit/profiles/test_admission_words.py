# ruff: noqa: E501 - a sentence reads best on a line
"""What people read when they do not get a machine: each sentence whole, as it stands on the page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from profiles.admission_words import amount, budget_amount, number, window_words
from profiles.lease import Charge, Request
from profiles.pots import Pot
from profiles.refusal import MEANING, Reason
from tests.unit.profiles.shares import GIB, asked, grant, hours, lease, policies, refused, request

HOUR = timedelta(hours=1)
ML = {"groups": "ml-team"}


def quota(per: str, caps: dict[str, Any], wanted: Request, *out: Any) -> str:
    return refused(asked(wanted, policies(quotas={"a": {"per": per, **caps}}), *out)).refusal.message


def budget(rule: dict[str, Any], wanted: Request, used: Charge | None = None, *out: Any) -> str:
    subject = {"user": "ada", "group": "ml-team", "hub": ""}[rule["per"]]
    rules = policies(budgets={"a": rule}, timezone="Europe/Berlin")
    spent = {Pot("a", rule["per"], subject): used or Charge()}
    return refused(asked(wanted, rules, *out, spent=spent)).refusal.message


MIG = "nvidia.com/mig-1g.5gb"


@pytest.mark.parametrize(
    ("per", "caps", "wanted", "out", "told"),
    [
        ("user", {"servers": 1}, {}, 1, "You may have 1 server at once, and 1 is in use; GPU needs 1 more. Stop one of your servers, or ask your administrator for more."),
        ("user", {"servers": 2}, {}, 3, "You may have 2 servers at once, and 3 are in use; GPU needs 1 more. Stop one of your servers, or ask your administrator for more."),
        ("user", {"servers": 0}, {}, 0, "GPU needs 1 server, and you may have none. Choose another machine, or ask your administrator for more."),
        ("user", {"cores": 8}, {"cores": 2.5}, 3, "You may have 8 cores at once, and 7.5 are in use; GPU needs 2.5 more. Stop one of your servers, choose a machine with fewer cores, or ask your administrator for more."),
        ("user", {"cores": 1}, {"cores": 0.6}, 1, "You may have 1 core at once, and 0.6 are in use; GPU needs 0.6 more. Stop one of your servers, choose a machine with fewer cores, or ask your administrator for more."),
        ("user", {"cores": 2}, {"cores": 4}, 0, "GPU needs 4 cores, and you may have only 2 at once. Choose a machine with fewer cores, or ask your administrator for more."),
        ("user", {"memory": "32Gi"}, {"gib": 12}, 2, "You may have 32 GiB of memory at once, and 24 GiB is in use; GPU needs 12 GiB more. Stop one of your servers, choose a machine with less memory, or ask your administrator for more."),
        ("user", {"gpus": 1}, {"gpus": 1}, 1, "You may have 1 GPU at once, and 1 is in use; GPU needs 1 more. Stop one of your servers, choose a machine without GPUs, or ask your administrator for more."),
        ("user", {"gpus": 1}, {"gpus": 4}, 0, "GPU needs 4 GPUs, and you may have only 1 at once. Choose a machine with fewer GPUs, or ask your administrator for more."),
        ("user", {"gpus": 0}, {"gpus": 1}, 0, "GPU needs 1 GPU, and you may have none. Choose a machine without GPUs, or ask your administrator for more."),
        ("user", {"devices": {"nvidia.com/gpu": 2}}, {"gpus": 1}, 2, "You may have 2 × nvidia.com/gpu at once, and 2 are in use; GPU needs 1 more. Stop one of your servers, choose a machine without nvidia.com/gpu, or ask your administrator for more."),
        ("group", {"gpus": 4}, {"gpus": 2, **ML}, 2, "ml-team may have 4 GPUs at once, and 4 are in use; GPU needs 2 more. Wait until a server is stopped, choose a machine with fewer GPUs, or ask your administrator for more."),
        ("group", {"gpus": 2}, {"gpus": 4, **ML}, 0, "GPU needs 4 GPUs, and ml-team may have only 2 at once. Choose a machine with fewer GPUs, or ask your administrator for more."),
        ("group", {"servers": 1}, ML, 1, "ml-team may have 1 server at once, and 1 is in use; GPU needs 1 more. Wait until a server is stopped, or ask your administrator for more."),
        ("profile", {"servers": 2}, {}, 2, "All who use GPU may have 2 servers at once, and 2 are in use; this one needs 1 more. Wait until somebody stops one, choose another machine, or ask your administrator for more."),
        ("profile", {"gpus": 2}, {"gpus": 4}, 0, "GPU needs 4 GPUs, and all who use it may have only 2 at once. Choose another machine, or ask your administrator for more."),
        ("hub", {"memory": "70Gi"}, {"gib": 32}, 2, "Everybody together may have 70 GiB of memory at once, and 64 GiB is in use; GPU needs 32 GiB more. Wait until a server is stopped, choose a machine with less memory, or ask your administrator for more."),
        ("hub", {"servers": 0}, {}, 0, "GPU needs 1 server, and everybody together may have none. Choose another machine, or ask your administrator for more."),
    ],
)  # fmt: skip
def test_quotas(per: str, caps: dict[str, Any], wanted: dict[str, Any], out: int, told: str) -> None:
    leases = (lease(str(count), **wanted) for count in range(out))
    assert quota(per, caps, request(**wanted), *leases) == told


USER = {"per": "user"}


@pytest.mark.parametrize(
    ("gpus", "out", "told"),
    [
        (1, 3, "ml-team may have 2 GPUs and 1 more that others leave idle at once, and 3 are in use; GPU needs 1 more."),
        (4, 0, "GPU needs 4 GPUs, and ml-team may have only 3 at once."),
    ],
)
def test_what_a_group_may_borrow_is_part_of_what_it_may_have(gpus: int, out: int, told: str) -> None:
    share = {"per": "group", "gpus": 2, "borrowing": {"within": "all", "most": {"gpus": 1}}}
    rules = policies(quotas={"share": share, "all": {"per": "hub", "gpus": 9}})
    leases = (lease(str(count), groups="ml-team", gpus=1) for count in range(out))
    assert refused(asked(request(gpus=gpus, **ML), rules, *leases)).refusal.sentence == told


@pytest.mark.parametrize(
    ("rule", "wanted", "used", "told"),
    [
        (
            {**USER, "money": 200}, {}, {"micros": 199_600_000},
            "Your budget of €200.00 for this month has €0.40 left, and 15 minutes of GPU would cost €0.73. Choose a cheaper machine, wait until 1 April, when it begins anew, or ask your administrator for more.",
        ),
        (  # less than a cent is nothing
            {**USER, "money": 200}, {}, {"micros": 199_999_999},
            "Your budget of €200.00 for this month is used up, and 15 minutes of GPU would cost €0.73. Choose a cheaper machine, wait until 1 April, when it begins anew, or ask your administrator for more.",
        ),
        (
            {**USER, "money": 200, "window": "day"}, {}, {"micros": 300_000_000},
            "Your budget of €200.00 for today is used up, and 15 minutes of GPU would cost €0.73. Choose a cheaper machine, wait until 12 March, when it begins anew, or ask your administrator for more.",
        ),
        (
            {"per": "group", "gpuHours": 10, "window": "week"}, {"gpus": 2, **ML}, {"gpu_seconds": 35_000},
            "ml-team's budget of 10 GPU hours for this week has 0.27 GPU hours left, and 15 minutes of GPU would take 0.5 GPU hours. Choose a machine without GPUs, wait until 16 March, when it begins anew, or ask your administrator for more.",
        ),
        (
            {"per": "hub", "machineHours": 1, "window": "30d", "shortestRun": "1h"}, {}, {"seconds": 1800},
            "Everybody's budget of 1 machine hour for any 30 days has 0.5 machine hours left, and 1 hour of GPU would take 1 machine hour. Wait until what was used 30 days ago no longer counts, or ask your administrator for more.",
        ),
        (
            {**USER, "machineHours": 1, "window": "24h"}, {}, {"seconds": 3600},
            "Your budget of 1 machine hour for any 24 hours is used up, and 15 minutes of GPU would take 0.25 machine hours. Wait until what was used 24 hours ago no longer counts, or ask your administrator for more.",
        ),
    ],
)  # fmt: skip
def test_budgets(rule: dict[str, Any], wanted: dict[str, Any], used: dict[str, int], told: str) -> None:
    assert budget(rule, request(**wanted), Charge(**used)) == told


def test_what_is_set_aside_for_what_runs_is_told_and_how_to_have_it_back() -> None:
    out = lease("1", price=1, ran=HOUR, longest=3 * HOUR)
    assert budget({**USER, "money": 3}, request(price=1), None, out) == (
        "Your budget of €3.00 for this month has nothing left (€2.00 of it set aside for what runs), and 15 minutes of "
        "GPU would cost €0.25. Stop a server that you do not need, choose a cheaper machine, wait until 1 April, when it "
        "begins anew, or ask your administrator for more."
    )
    shared = lease("1", "bob", "ml-team", longest=2 * HOUR)
    assert budget({"per": "group", "machineHours": 2}, request(groups="ml-team"), None, shared) == (
        "ml-team's budget of 2 machine hours for this month has nothing left (2 machine hours of it set aside for what runs), "
        "and 15 minutes of GPU would take 0.25 machine hours. Wait until a server is stopped, wait until 1 April, when "
        "it begins anew, or ask your administrator for more."
    )


def test_a_yes() -> None:
    rules = policies(approvals={"big": {"profiles": ["gpu"], "approvers": {"groups": ["leads"]}}}, timezone="Asia/Tokyo")

    def told(*grants: Any) -> str:
        return refused(asked(request(), rules, grants=grants)).refusal.message

    assert told() == "GPU needs a yes from members of leads. Press “Ask for it” on its card and say what it is for."
    assert told(grant(begins=-5, ends=-4)) == (
        "Your permission for GPU ended at 17:00 (Asia/Tokyo). "
        "Ask members of leads again: “Ask for it” on its card."
    )
    assert told(grant(begins=-5, ends=-4), grant(begins=14, ends=15)) == (
        "Your permission for GPU begins at 11:00 on Thu 12 Mar (Asia/Tokyo). "
        "Wait until then, or ask members of leads for an earlier time."
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"days": ["mon-fri"], "from": "18:00"}, "GPU is closed now: it is open Monday to Friday from 18:00 to 24:00; it opens next at 18:00 (Europe/Berlin). Come back then, or choose another machine."),
        ({"days": ["sat", "sun"]}, "GPU is closed now: it is open Saturday and Sunday; it opens next at 00:00 on Sat 14 Mar (Europe/Berlin). Come back then, or choose another machine."),
        ({"from": "20:00", "to": "08:00"}, "GPU is closed now: it is open every day from 20:00 to 08:00; it opens next at 20:00 (Europe/Berlin). Come back then, or choose another machine."),
    ],
)  # fmt: skip
def test_hours(given: dict[str, Any], told: str) -> None:
    decision = asked(request(hours=hours(**given)), policies(timezone="Europe/Berlin"))
    assert refused(decision).refusal.message == told


@pytest.mark.parametrize(
    ("resource", "value", "with_noun", "alone"),
    [
        ("servers", 1, "1 server", "1"), ("servers", 0, "0 servers", "0"), ("gpus", 1, "1 GPU", "1"), ("gpus", 2, "2 GPUs", "2"),
        ("cores", 1000, "1 core", "1"), ("cores", 2500, "2.5 cores", "2.5"), ("cores", 0, "0 cores", "0"),
        ("memory", 12 * GIB, "12 GiB of memory", "12 GiB"), ("memory", 0, "0 bytes of memory", "0 bytes"),
        (MIG, 2, f"2 × {MIG}", "2"),
    ],
)  # fmt: skip
def test_amounts(resource: str, value: int, with_noun: str, alone: str) -> None:
    assert (amount(resource, value), number(resource, value)) == (with_noun, alone)


def test_amounts_of_budgets() -> None:
    from decimal import Decimal

    rules = policies(budgets={unit: {"per": "user", unit.replace("-h", "H"): 1} for unit in ("money", "gpu-hours", "machine-hours")})
    say = {name: budget_amount(each, "CHF") for name, each in rules.budgets.items()}
    assert [say["money"](Decimal(value)) for value in ("0", "12.5", "0.005", "0.004")] == ["CHF 0.00", "CHF 12.50", "CHF 0.01", "CHF 0.00"]
    assert [say["gpu-hours"](Decimal(value)) for value in ("1", "0", "2.50", "100")] == ["1 GPU hour", "0 GPU hours", "2.5 GPU hours", "100 GPU hours"]
    assert say["machine-hours"](Decimal(1)) == "1 machine hour"


@pytest.mark.parametrize(
    ("window", "words"),
    [("day", "today"), ("week", "this week"), ("month", "this month"), ("30d", "in the last 30 days"),
     ("1d", "in the last 24 hours"), ("36h", "in the last 36 hours"), ("90m", "in the last 90 minutes"), ("1h", "in the last 60 minutes")],
)  # fmt: skip
def test_windows(window: str, words: str) -> None:
    assert window_words(window) == words


def test_every_reason_is_explained() -> None:
    assert set(MEANING) == set(Reason)
