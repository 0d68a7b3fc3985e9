"""How much a machine takes, and sums of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.amounts import Amounts, total
from profiles.catalog import Document, load_catalog
from profiles.choice import MachineChoice
from profiles.frozen import freeze
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.resolve import resolve
from tests.unit.profiles.shares import GIB, amounts

DEVICES = ("nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "example.com/fpga")
some = st.builds(
    Amounts,
    st.integers(0, 9),
    st.integers(0, 10**6),
    st.integers(0, 2**50),
    st.dictionaries(st.sampled_from(DEVICES), st.integers(1, 9)).map(freeze),
)


def plan(fields: str, options: dict[str, str] | None = None) -> MachinePlan:
    catalog = load_catalog(Document("mine", f"profiles: {{gpu: {{{fields}}}}}"))
    found = resolve(catalog, MachineChoice("gpu", options or {}), Person("ada"))
    assert isinstance(found, MachinePlan)
    return found


def test_what_counts_is_what_the_pod_reserves_not_what_it_may_use() -> None:
    machine = plan("cpu: {request: 500m, limit: 8}, memory: {request: 2Gi, limit: 64Gi}, options: {gpus: null}")
    assert Amounts.of(machine) == Amounts(1, 500, 2 * GIB, freeze({"nvidia.com/gpu": 1}))


def test_a_device_that_an_option_takes_away_is_not_counted() -> None:
    machine = plan("extendedResources: {nvidia.com/gpu: 0, nvidia.com/mig-1g.5gb: 2}, options: {gpus: null}")
    assert Amounts.of(machine).devices == {"nvidia.com/mig-1g.5gb": 2}
    assert Amounts.of(machine).gpus == 2


def test_every_kind_of_gpu_counts_and_other_devices_do_not() -> None:
    assert amounts(gpus=2, fpga=3).gpus == 2


@given(some)
def test_json_and_back(one: Amounts) -> None:
    assert Amounts.from_dict(one.to_dict()) == one


@pytest.mark.parametrize(
    "kept",
    [{}, {"servers": 1}, {"servers": "x", "millicores": 1, "memory": 1, "devices": {}},
     {"servers": 1, "millicores": 1, "memory": 1, "devices": 3}],
)  # fmt: skip
def test_what_is_no_amounts_is_refused(kept: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Amounts.from_dict(kept)


def test_a_count_of_zero_is_no_device() -> None:
    kept = {**amounts().to_dict(), "devices": {"nvidia.com/gpu": 0}}
    assert Amounts.from_dict(kept) == amounts()


@given(st.lists(some, max_size=5), st.lists(some, max_size=5))
def test_sums_do_not_care_about_order_and_parts(one: list[Amounts], other: list[Amounts]) -> None:
    assert total(one + other) == total(other + one) == total(one) + total(other)
    assert total(()) == Amounts()
    assert total(one).gpus == sum(each.gpus for each in one)
