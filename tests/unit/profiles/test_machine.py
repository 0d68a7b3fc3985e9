"""What is running: kept as JSON over hub restarts, and when it will stop."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.accelerators import count_gpus, is_gpu
from profiles.catalog import load_catalog
from profiles.choice import MachineChoice
from profiles.machine import RunningMachine
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.resolve import resolve

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def machine(idle_s: int | None = 3600, life_s: int | None = 86400, started: datetime | None = START) -> RunningMachine:
    plan = resolve(load_catalog(), MachineChoice("gpu", {"gpus": "2"}), Person("ada"))
    assert isinstance(plan, MachinePlan)
    made = RunningMachine.of(plan, "id-1", started)
    return RunningMachine.from_dict({**made.to_dict(), "idle_timeout_s": idle_s, "max_lifetime_s": life_s})


def test_it_is_what_was_planned() -> None:
    made = machine()
    assert (made.profile_id, made.display_name, made.pool_id) == ("gpu", "GPU", "gpu")
    assert (made.cpu_cores, made.memory_bytes, made.gpus) == (8.0, 32 * 1024**3, 2)
    assert str(made.price_per_hour) == "5.00 EUR"
    assert made.options == {"gpus": "2"}
    assert (made.idle_timeout_s, made.max_lifetime_s) == (3600, 86400)


def test_it_survives_json() -> None:
    made = machine()
    assert RunningMachine.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    unstarted = machine(started=None)
    assert RunningMachine.from_dict(unstarted.to_dict()) == unstarted


@pytest.mark.parametrize(
    "broken",
    [{"price_per_hour": None}, {"price_per_hour": {}}, {"price_per_hour": {"amount": "x", "currency": "EUR"}},
     {"memory_bytes": "lots"}, {"started_at": "yesterday"}, {"cpu_cores": None}, {"options": 3}, {"gpus": []}],
)  # fmt: skip
def test_state_of_another_version_is_an_error_a_caller_expects(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        RunningMachine.from_dict({**machine().to_dict(), **broken})
    with pytest.raises(KeyError):
        RunningMachine.from_dict({})


def test_keys_of_a_later_version_are_left_alone() -> None:
    assert RunningMachine.from_dict({**machine().to_dict(), "later": 1}) == machine()


@pytest.mark.parametrize(
    ("limits", "active_after", "now_after", "stops_after"),
    [
        ((3600, None), 600, 700, 4200),  # idle from the last activity
        ((3600, None), None, 60, 3600),  # nothing was done yet: from the start
        ((None, 7200), 600, 700, 7200),
        ((3600, 7200), 600, 700, 4200),  # the earlier one
        ((3600, 7200), 7000, 7100, 7200),
        ((None, None), 600, 700, None),
        ((3600, 7200), 0, 9000, 9000),  # run out: now, never in the past
        ((3600, None), -100, 60, 3600),  # activity before the start is of an earlier run
    ],
)
def test_when_it_stops(
    limits: tuple[int | None, int | None], active_after: int | None, now_after: int, stops_after: int | None
) -> None:
    active = None if active_after is None else START + timedelta(seconds=active_after)
    expected = None if stops_after is None else START + timedelta(seconds=stops_after)
    made = machine(*limits)
    assert made.stops_at(START + timedelta(seconds=now_after), active) == expected
    naive = None if active is None else active.replace(tzinfo=None)
    assert made.stops_at(START + timedelta(seconds=now_after), naive) == expected, "JupyterHub's times are naive UTC"


def test_before_it_is_up_nothing_is_known() -> None:
    assert machine(started=None).stops_at(START, None) is None
    assert machine(started=None).stops_at(START, START) == START + timedelta(hours=1)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(-12, 12))
def test_it_never_stops_in_the_past_and_time_zones_do_not_matter(now_s: int, active_s: int, zone: int) -> None:
    now, active = START + timedelta(seconds=now_s), START + timedelta(seconds=active_s)
    elsewhere = active.astimezone(timezone(timedelta(hours=zone)))
    stops = machine().stops_at(now, elsewhere)
    assert stops is not None
    assert stops >= now
    assert stops == machine().stops_at(now, active)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("nvidia.com/gpu", True), ("amd.com/gpu", True), ("nvidia.com/gpu.shared", True), ("gpu.intel.com/i915", True),
        ("nvidia.com/mig-1g.5gb", True), ("nvidia.com/mig-3g.20gb", True), ("nvidia.com/GPU", True),
        ("google.com/tpu", False), ("rdma/hca", False), ("aliyun.com/gpu-mem", False), ("nvidia.com/gpumem", False),
        ("nvidia.com/gpucores", False), ("volcano.sh/gpu-memory", False), ("example.org/migrate", False),
        ("nvidia.com/gpumem-percentage", False),
    ],
)  # fmt: skip
def test_what_counts_as_a_gpu(name: str, counts: bool) -> None:
    assert is_gpu(name) is counts
    assert count_gpus({name: 3, "rdma/hca": 1}) == (3 if counts else 0)
