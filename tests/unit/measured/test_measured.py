"""What is taken from a machine's report, how reports add up, and when a smaller machine would have done."""

from __future__ import annotations

import itertools
import random
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub_extensions.measured.decide import NotTaken, Taken, read
from hub_extensions.measured.figures import Efficiency, Measured, together
from hub_extensions.measured.receipt import smaller
from hub_extensions.measured.view import covered_words, meters, smaller_words
from hub_extensions.measured.words import cores_used, gpus_used, memory_used, percent, shares_of
from hub_extensions.spawn_page.view import on_offer
from profiles.amounts import Amounts
from profiles.cost import charge
from profiles.frozen import freeze
from profiles.lease import EndReason, Entry, Lease, LeaseState
from profiles.machine import RunningMachine
from profiles.model import Catalog
from profiles.person import Person
from profiles.quantity import Money

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
GIB = 2**30
HOUR_MS = 3_600_000


def machine(**given: Any) -> RunningMachine:
    fields: dict[str, Any] = {
        "profile_id": "gpu",
        "display_name": "GPU",
        "pool_id": "gpu",
        "cpu_cores": 8.0,
        "memory_bytes": 32 * GIB,
        "gpus": 1,
        "price_per_hour": Money(Decimal("2.50"), "EUR"),
        "spawn_id": "lease-1",
        "started_at": NOW - timedelta(hours=1),
    }
    return RunningMachine(**{**fields, **given})


def body(**figures: Any) -> dict[str, Any]:
    usual = {"covered_s": 3000.0, "cpu_s": 1500.0, "memory_peak": 3.0 * GIB, "peak_cores": 4.0, "sustained_cores": 2}
    return {"lease": "lease-1", "run": "a1", "figures": {**usual, **figures}}


class TestReports:
    def test_a_report_is_kept_in_whole_numbers(self) -> None:
        taken = read(body(gpus=1, gpu_covered_s=3000, gpu_busy_s=600.25, gpu_peak=0.834), machine(), NOW)
        assert isinstance(taken, Taken)
        assert taken.measured == Measured(
            covered_ms=3_000_000,
            cpu_ms=1_500_000,
            peak_millicores=4000,
            sustained_millicores=2000,
            memory_peak=3 * GIB,
            gpus=1,
            gpu_busy_ms=600_250,
            gpu_peak_percent=83,
            gpu_covered_ms=3_000_000,
            has_millicores=8000,
            has_memory=32 * GIB,
            has_gpus=1,
        )

    @pytest.mark.parametrize(
        ("given", "where"),
        [
            (body(cpu_s=-1), "figures.cpu_s"),
            (body(cpu_s=float("nan")), "figures.cpu_s"),
            (body(memory_peak=float("inf")), "figures.memory_peak"),
            (body(memory_peak=1e300), "figures.memory_peak"),
            (body(covered_s="3000"), "figures.covered_s"),
            (body(covered_s=5 * 3600), "figures.covered_s: 5 hours were measured, and the machine can have run for 1"),
            (body(gpu_peak=1.5), "figures.gpu_peak"),
            ({"lease": "lease-1", "run": "a1"}, "figures"),
            ({**body(), "lease": ""}, "lease"),
            ({**body(), "run": "x" * 65}, "run"),
            ({**body(), "run": "a b"}, "run"),
            ({**body(), "user": "bea"}, "user"),
            ([], "the body"),
            ("text", "the body"),
        ],
    )
    def test_nonsense_is_refused_with_the_place_of_it(self, given: Any, where: str) -> None:
        refused = read(given, machine(), NOW)
        assert isinstance(refused, NotTaken)
        assert refused.status == 400
        assert refused.sentence.startswith(where)

    @pytest.mark.parametrize("now_on", [None, machine(spawn_id="another"), machine(spawn_id="")])
    def test_only_about_what_runs_now(self, now_on: RunningMachine | None) -> None:
        refused = read(body(), now_on, NOW)
        assert isinstance(refused, NotTaken)
        assert refused.status == 409

    def test_figures_of_a_newer_image_are_left_out(self) -> None:
        assert isinstance(read(body(disk_written=7), machine(), NOW), Taken)

    def test_no_more_than_the_machine_has(self) -> None:
        huge = body(cpu_s=90_000, peak_cores=64, sustained_cores=32, memory_peak=500 * GIB, gpus=8, gpu_busy_s=9e5)
        taken = read(huge, machine(gpus=0), NOW)
        assert isinstance(taken, Taken)
        found = taken.measured
        assert (found.cpu_ms, found.peak_millicores, found.sustained_millicores) == (24_000_000, 8000, 8000)
        assert (found.memory_peak, found.gpus, found.gpu_busy_ms) == (32 * GIB, 0, 0)


class TestAddingUp:
    def test_lost_repeated_and_late_reports_do_no_harm(self) -> None:
        told = [
            Measured(covered_ms=60_000 * n, cpu_ms=1000 * n, memory_peak=min(n, 3) * GIB, has_memory=8 * GIB)
            for n in range(1, 6)
        ]
        dice = random.Random(5)
        for _ in range(50):
            heard = [*dice.choices(told, k=4), told[-1]]
            dice.shuffle(heard)
            merged = heard[0]
            for each in heard[1:]:
                merged = merged.later(each)
            assert merged == told[-1]

    def test_a_restarted_server_loses_nothing_of_before(self) -> None:
        first = Measured(covered_ms=1000, cpu_ms=900, memory_peak=5 * GIB, has_memory=8 * GIB, has_millicores=2000)
        second = Measured(covered_ms=500, cpu_ms=100, memory_peak=1 * GIB, has_memory=8 * GIB, has_millicores=2000)
        for runs in itertools.permutations([first, second, Measured()]):
            both = together(runs)
            assert (both.covered_ms, both.cpu_ms, both.memory_peak) == (1500, 1000, 5 * GIB)
            assert (both.has_memory, both.has_millicores) == (8 * GIB, 2000)

    def test_efficiency_weighs_by_time(self) -> None:
        had = Measured(has_memory=4 * GIB, has_millicores=2000)
        busy = replace(had, covered_ms=HOUR_MS, cpu_ms=2 * HOUR_MS, memory_peak=GIB)
        idle = replace(busy, covered_ms=3 * HOUR_MS, cpu_ms=0, memory_peak=4 * GIB)
        both = Efficiency.of(busy) + Efficiency.of(idle)
        assert (both.cores, both.memory, both.gpus) == (pytest.approx(0.25), pytest.approx(13 / 16), None)
        assert Efficiency.of(Measured()).cores is None


def lease(profile: str = "gpu", ran: timedelta = timedelta(hours=2), **given: Any) -> Entry:
    fields: dict[str, Any] = {
        "id": "lease-1",
        "user": "ada",
        "groups": frozenset(),
        "server": "",
        "profile": profile,
        "display_name": "GPU",
        "pool": "gpu",
        "amounts": Amounts(1, 8000, 32 * GIB, freeze({"nvidia.com/gpu": 1})),
        "price_per_hour": Money(Decimal("2.50"), "EUR"),
        "state": LeaseState.RUNNING,
        "held_at": NOW,
        "began_at": NOW,
    }
    one = Lease(**{**fields, **given})
    return Entry(lease=one, ended_at=NOW + ran, reason=EndReason.STOPPED, charge=charge(one, ran))


CATALOG = {
    "defaultProfile": "small",
    "pools": {"general": {}, "gpu": {}},
    "profiles": {
        "small": {"displayName": "Small CPU", "pool": "general", "cpu": 2, "memory": "8Gi", "pricePerHour": "0.10"},
        "many": {
            "displayName": "Many cores",
            "pool": "general",
            "cpu": 16,
            "memory": "32Gi",
            "pricePerHour": "0.80",
            "options": {
                "memory": {
                    "default": "32",
                    "choices": {"32": {}, "128": {"pricePerHour": "0.4", "overrides": {"memory": "128Gi"}}},
                }
            },
        },
        "one-gpu": {
            "displayName": "One GPU",
            "pool": "gpu",
            "cpu": 8,
            "memory": "32Gi",
            "extendedResources": {"nvidia.com/gpu": 1},
            "pricePerHour": "2.00",
        },
        "staff": {
            "displayName": "Staff",
            "pool": "general",
            "cpu": 64,
            "memory": "512Gi",
            "pricePerHour": "0.01",
            "allow": {"everyone": False, "groups": ["staff"]},
        },
    },
}

LITTLE = Measured(
    covered_ms=2 * HOUR_MS - 60_000,
    cpu_ms=HOUR_MS,
    peak_millicores=7000,
    sustained_millicores=1900,
    memory_peak=6 * GIB,
    gpus=1,
    gpu_covered_ms=2 * HOUR_MS - 60_000,
    has_millicores=8000,
    has_memory=32 * GIB,
    has_gpus=1,
)


def advice(measured: Measured | None, entry: Entry | None = None, **changes: Any) -> tuple[str, str] | None:
    catalog = Catalog.model_validate({**CATALOG, **changes})
    found = smaller(
        entry or lease(), measured, on_offer(catalog, Person("ada")).values(), catalog.policies
    )
    return (found.plan.display_name, str(found.saves.amount)) if found else None


class TestSmaller:
    @pytest.mark.parametrize(
        ("measured", "says"),
        [
            (LITTLE, ("Small CPU", "4.80")),
            (replace(LITTLE, memory_peak=int(6.7 * GIB)), ("Many cores", "3.40")),
            (replace(LITTLE, sustained_millicores=2100), ("Many cores", "3.40")),
            (replace(LITTLE, memory_peak=30 * GIB), ("Many cores", "2.60")),
            (replace(LITTLE, gpu_busy_ms=1), ("One GPU", "1.00")),
            (replace(LITTLE, gpu_peak_percent=1), ("One GPU", "1.00")),
            (replace(LITTLE, gpu_memory_peak=GIB), ("One GPU", "1.00")),
            (replace(LITTLE, gpus=0, gpu_covered_ms=0), ("One GPU", "1.00")),
            (replace(LITTLE, gpu_covered_ms=HOUR_MS), ("One GPU", "1.00")),
            (replace(LITTLE, gpu_busy_ms=1, sustained_millicores=8001), None),
            (replace(LITTLE, sustained_millicores=17_000), None),
            (replace(LITTLE, covered_ms=HOUR_MS, gpu_covered_ms=HOUR_MS), None),
            (None, None),
        ],
        ids=["all", "memory", "cores", "option", "gpu-ms", "gpu-%", "gpu-memory", "gpu?", "gpu-half", "gpu+cores",
             "cores+", "half-measured", "not-measured"],
    )
    def test_said_only_where_it_is_true(self, measured: Measured | None, says: tuple[str, str] | None) -> None:
        assert advice(measured) == says

    def test_never_of_some_minutes(self) -> None:
        nine = timedelta(minutes=9)
        assert advice(replace(LITTLE, covered_ms=540_000, gpu_covered_ms=540_000), lease(ran=nine)) is None

    def test_never_what_somebody_would_have_to_be_asked_for(self) -> None:
        policies = {"approvals": {"small": {"profiles": ["small"], "approvers": {"users": ["bea"]}}}}
        assert advice(LITTLE, policies=policies) == ("Many cores", "3.40")

    def test_never_another_currency_nor_for_a_free_machine(self) -> None:
        assert advice(LITTLE, currency="CHF") is None
        assert advice(LITTLE, lease(price_per_hour=Money(Decimal(0), "EUR"))) is None

    def test_never_less_than_a_cent(self) -> None:
        assert advice(LITTLE, lease(price_per_hour=Money(Decimal("0.104"), "EUR"))) is None

    def test_other_devices_stay_needed(self) -> None:
        fpga = Amounts(1, 8000, 32 * GIB, freeze({"nvidia.com/gpu": 1, "example.org/fpga": 1}))
        assert advice(LITTLE, lease(amounts=fpga)) is None

    def test_a_life_that_is_too_short(self) -> None:
        profiles = {**CATALOG["profiles"], "small": {**CATALOG["profiles"]["small"], "maxLifetime": "1h"}}  # type: ignore[dict-item]
        assert advice(LITTLE, profiles=profiles) == ("Many cores", "3.40")

    def test_in_words(self) -> None:
        catalog = Catalog.model_validate(CATALOG)
        found = smaller(lease(), LITTLE, on_offer(catalog, Person("ada")).values(), catalog.policies)
        assert found is not None
        assert smaller_words(found) == (
            "Small CPU (2 cores, 8 GiB) would have been enough for this session, and €4.80 cheaper."
        )


class TestWords:
    def test_used_of_what_there_was(self) -> None:
        assert cores_used(LITTLE) == "0.5 of 8"
        assert memory_used(LITTLE) == "6 GiB of 32 GiB"
        assert gpus_used(replace(LITTLE, gpu_busy_ms=HOUR_MS // 2), 1) == "25%"
        assert gpus_used(replace(LITTLE, gpus=0), 1) == "not measured"
        assert gpus_used(LITTLE, 0) == ""
        assert (cores_used(None), memory_used(None), gpus_used(None, 1)) == ("not measured", "", "")
        assert shares_of(Efficiency.of(LITTLE)) == ("6%", "19%", "0%")
        assert shares_of(None) == ("not measured", "", "")
        assert percent(0.004) == "under 1%"

    def test_bars(self) -> None:
        cores, memory, gpu = meters(LITTLE, 1)
        assert (cores.figure, cores.percent) == ("1.9 of 8 in the busiest minute", 24)
        assert (memory.figure, memory.percent) == ("6 GiB of 32 GiB at most", 19)
        assert (gpu.figure, gpu.percent, gpu.said) == ("busy 0% of the time", 0, "No program used it.")
        assert meters(replace(LITTLE, gpus=0), 1)[2].percent is None
        assert len(meters(LITTLE, 0)) == 2

    def test_how_much_was_measured(self) -> None:
        assert covered_words(None, 100).startswith("What this machine used was not measured")
        assert covered_words(None, 42, running=True).startswith("Nothing is measured yet")
        assert covered_words(LITTLE, 7200) == "Measured inside the machine for 1 h 59 min of 2 hours."
        assert covered_words(LITTLE, 72_000).startswith("Measured for 1 h 59 min of 20 hours: too little")


def test_every_column_is_a_figure() -> None:
    from hub_extensions.measured.tables import MEASURED

    assert set(MEASURED.c.keys()) == {"lease_id", "run", "user_name", "groups", "reported_at", *asdict(Measured())}
