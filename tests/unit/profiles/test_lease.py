"""Requests, and the leases they become."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from profiles.amounts import Amounts
from profiles.catalog import Document, load_catalog
from profiles.choice import MachineChoice
from profiles.lease import Lease, LeaseState, Request
from profiles.machine import RunningMachine
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.quantity import Money
from profiles.resolve import resolve
from tests.unit.profiles.shares import GIB, NOW, lease, request

ADA = Person("ada", frozenset({"ml"}))
HOUR = timedelta(hours=1)


def plan(fields: str = "") -> MachinePlan:
    catalog = load_catalog(Document("x", f"profiles: {{gpu: {{{fields}}}}}"))
    found = resolve(catalog, MachineChoice("gpu", {"gpus": "2"}), ADA)
    assert isinstance(found, MachinePlan)
    return found


def test_a_request_is_the_plan_and_who_asks() -> None:
    wanted = Request.of("id", ADA, "second", plan("maxLifetime: 8h"))
    assert (wanted.person, wanted.server, wanted.profile, wanted.pool) == (ADA, "second", "gpu", "gpu")
    assert wanted.amounts == Amounts.of(plan()) and wanted.amounts.gpus == 2
    assert wanted.price_per_hour == Money(Decimal("5.00"), "EUR"), "options included"
    assert wanted.longest == 8 * HOUR
    assert Request.of("id", ADA, "", plan("maxLifetime: never")).longest is None


def test_a_hold_remembers_the_groups_of_the_start() -> None:
    held = Lease.hold(request(groups="ml"), NOW, HOUR)
    assert (held.state, held.groups, held.began_at, held.longest) == (LeaseState.HELD, frozenset({"ml"}), None, HOUR)
    assert held.ran(NOW + HOUR) == timedelta(0)


def test_a_lease_never_ran_backwards() -> None:
    assert lease("a", ran=HOUR).ran(NOW) == HOUR
    assert lease("a", ran=HOUR).ran(NOW - 2 * HOUR) == timedelta(0)


def test_the_same_once_more() -> None:
    wanted = request(groups="ml", gpus=1, longest=HOUR)
    held = Lease.hold(wanted, NOW, HOUR)
    assert held.request() == wanted
    assert held.request("other") == replace(wanted, lease_id="other")


def test_what_runs_without_a_lease_gets_one_by_what_its_machine_says() -> None:
    machine = RunningMachine.of(plan("maxLifetime: 8h"), "id", NOW)
    found = Lease.found(ADA, "", machine, NOW + HOUR)
    assert found == replace(
        Lease.hold(Request.of("id", ADA, "", plan("maxLifetime: 8h")), NOW, 8 * HOUR),
        state=LeaseState.RUNNING,
        began_at=NOW,
    )
    starting = Lease.found(ADA, "", replace(machine, started_at=None), NOW + HOUR)
    assert (starting.state, starting.held_at, starting.began_at) == (LeaseState.HELD, NOW + HOUR, None)


def test_a_machine_of_an_earlier_version_is_measured_by_what_it_may_use() -> None:
    machine = replace(RunningMachine.of(plan("cpu: {request: 1, limit: 4}, memory: 8Gi"), "id", NOW), reserved=None)
    found = Lease.found(ADA, "", machine, NOW)
    assert (found.amounts.millicores, found.amounts.memory, found.amounts.gpus) == (4000, 8 * GIB, 2)
