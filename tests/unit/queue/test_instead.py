"""What is free instead, and what else is so of a machine now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub_extensions.spawn_page.nearest import nearest_of
from hub_extensions.spawn_page.notes import notes_of
from profiles.admission import Admit, Decision, Deny, decide
from profiles.amounts import Amounts
from profiles.choice import MachineChoice
from profiles.frozen import freeze
from profiles.lease import Lease, Request
from profiles.lease_book import LeaseBook
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.policy import Policies
from profiles.refusal import Reason, Refusal
from profiles.resolve import resolve
from profiles.snapshot import Snapshot
from tests.contract.admission.asking import NOW, rules

NO = Deny(Refusal(Reason.OVER_QUOTA, "No.", "Wait."), "r")
YES = Admit(None)
MACHINES: dict[str, dict[str, Any]] = {
    "cpu": {"cpu": 2, "memory": "8Gi", "pricePerHour": 0.1},
    "one": {"cpu": 8, "memory": "32Gi", "pricePerHour": 2, "extendedResources": {"nvidia.com/gpu": 1}},
    "two": {"cpu": 16, "memory": "64Gi", "pricePerHour": 4, "extendedResources": {"nvidia.com/gpu": 2}},
    "cheap": {"cpu": 4, "memory": "16Gi", "pricePerHour": 0.5, "extendedResources": {"nvidia.com/gpu": 1}},
}


def plans(**pool: Any) -> dict[tuple[str, tuple[str, ...]], MachinePlan]:
    catalog = Catalog.model_validate(
        {"pools": {"p": pool}, "profiles": {name: {**each, "pool": "p"} for name, each in MACHINES.items()}}
    )
    found = {}
    for name in MACHINES:
        plan = resolve(catalog, MachineChoice(name), Person("ada"))
        assert isinstance(plan, MachinePlan)
        found[name, ()] = plan
    return found


@pytest.mark.parametrize(
    ("free", "instead"),
    [
        ({"cpu", "one", "cheap"}, "one"),
        ({"cpu", "cheap"}, "cheap"),
        ({"cpu"}, "cpu"),
        (set(), None),
    ],
)
def test_the_nearest_to_two_gpus(free: set[str], instead: str | None) -> None:
    decisions: dict[Any, Decision] = {key: YES if key[0] in free else NO for key in plans()}
    found = nearest_of(plans(), decisions).get(("two", ()))
    assert (found and found.title) == instead
    if found:
        assert found.query == f"choose={instead}"


def test_nobody_is_led_into_paying_more() -> None:
    decisions: dict[Any, Decision] = {key: NO if key[0] == "cheap" else YES for key in plans()}
    assert nearest_of(plans(), decisions)["cheap", ()].title == "cpu"
    decisions["cpu", ()] = NO
    assert nearest_of(plans(), decisions)["cheap", ()].title == "one", "rather dearer than nothing"


def notes(plan: MachinePlan, room: Amounts | None, taken: int = 0) -> tuple[str, ...]:
    held = Amounts(1, 1000, 0, freeze({"nvidia.com/gpu": taken}) if taken else {})
    return notes_of(plan, YES, room, held, Policies(), NOW)


GPUS = Amounts(0, 64_000, 0, freeze({"nvidia.com/gpu": 8}))


def test_what_is_free_on_the_nodes() -> None:
    grows = plans(autoscaled={"largestNode": {"cpu": 64, "memory": "256Gi"}})
    one, cpu = grows["one", ()], grows["cpu", ()]
    assert notes(plans()["one", ()], GPUS, 6) == ("2 of 8 NVIDIA GPUs free on the nodes there are now",)
    assert notes(one, GPUS, 6) == ("2 of 8 NVIDIA GPUs free on the nodes there are now; the pool can grow",)
    assert notes(cpu, GPUS) == ("63 of 64 cores free on the nodes there are now; the pool can grow",)
    assert notes(one, Amounts())[0].startswith("None of its nodes is up now")
    assert notes(plans()["one", ()], Amounts()) == ()
    assert notes(one, None) == (), "where nobody may see the nodes, nothing is said"


def test_what_is_reserved_from_then_on_and_what_is_borrowed() -> None:
    plan = plans()["one", ()]
    hour = timedelta(hours=1)
    until = Admit(hour, clear_at=NOW + hour)
    sooner = Admit(hour / 2, clear_at=NOW + hour)
    assert notes_of(plan, until, None, Amounts(), Policies(), NOW) == ("Somebody else has reserved it from then on",)
    assert notes_of(plan, sooner, None, Amounts(), Policies(), NOW) == (), "it stops before, for another reason"
    policies = rules(
        quotas={
            "all": {"per": "hub", "gpus": 4},
            "team": {"per": "group", "gpus": 1, "borrowing": {"within": "all", "notice": "15m"}},
        }
    )
    person = Person("ada", frozenset({"ml"}))
    has = Lease.hold(Request.of("1", person, "", plan), NOW, None)
    decision = decide(Request.of("2", person, "b", plan), Snapshot(LeaseBook([has])), policies, NOW)
    assert isinstance(decision, Admit) and decision.borrows
    assert notes_of(plan, decision, None, Amounts(), policies, NOW) == (
        "Borrowed from what others leave idle: it is given back when they want it, 15 minutes after you are told",
    )


def test_a_smaller_one_of_the_same_machine_says_what_it_has() -> None:
    sizes = {
        "default": "2",
        "choices": {str(n): {"overrides": {"extendedResources": {"nvidia.com/gpu": n}}} for n in (1, 2)},
    }
    catalog = Catalog.model_validate(
        {"pools": {"p": {}}, "profiles": {"gpu": {**MACHINES["two"], "pool": "p", "options": {"gpus": sizes}}}}
    )
    found: dict[Any, MachinePlan] = {}
    for number in ("1", "2"):
        plan = resolve(catalog, MachineChoice("gpu", {"gpus": number}), Person("ada"))
        assert isinstance(plan, MachinePlan)
        found["gpu", (number,)] = plan
    [nearest] = nearest_of(found, {("gpu", ("1",)): YES, ("gpu", ("2",)): NO}).values()
    assert nearest.title.endswith(", 1 NVIDIA GPU")
