"""Placeholders that keep a node warm: what they reserve, that they are allowed, and that they follow what is wanted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from spawner.cluster import POD
from spawner.warm import LABEL, Placeholder, compared, keep_warm, name_of, placeholder_pod
from tests.fakes.cluster import FakeCluster
from tests.unit.spawner.machines import plan
from tests.unit.spawner.restricted_rules import violations

WHAT = Placeholder("registry.example.org/pause:3.10", "remuda-placeholder", ("pull",))


def pod(reservation: str = "ab12", profile: str = "full") -> dict[str, Any]:
    return dict(placeholder_pod(reservation, plan(profile), WHAT))


def test_it_reserves_what_the_machine_does_in_its_pool() -> None:
    spec = pod()["spec"]
    devices = {"nvidia.com/gpu": "2", "nvidia.com/mig-1g.5gb": "1"}
    resources = spec["containers"][0]["resources"]
    assert resources == {"requests": {"cpu": "1500m", "memory": "6Gi", **devices}, "limits": devices}
    assert spec["nodeSelector"] == {"remuda.dev/pool": "gpu", "disk": "ssd"}
    assert {"key": "spot", "operator": "Exists"} in spec["tolerations"]
    assert "nodeAffinity" in spec["affinity"]
    assert spec["imagePullSecrets"] == [{"name": "pull"}]


def test_it_gives_way_at_once_and_is_nobodys_server() -> None:
    made = pod()
    assert made["spec"]["priorityClassName"] == "remuda-placeholder"  # not the pool's own, which is people's
    assert made["spec"]["terminationGracePeriodSeconds"] == 0
    assert made["metadata"]["labels"] == {"component": "user-placeholder", LABEL: "ab12"}


def test_pod_security_restricted_allows_it() -> None:
    assert list(violations(pod())) == []


@pytest.mark.parametrize("reservation", ["ab12", "A" * 80, "grüße/2026", "_x_"])
def test_names_are_valid_whatever_it_is_for(reservation: str) -> None:
    name = name_of(reservation)
    assert len(name) <= 63
    assert all(each.isascii() and (each.isalnum() or each in "-.") for each in name)
    assert name == name.lower()
    assert name[-1].isalnum()


def test_what_is_missing_is_made_and_what_is_not_wanted_goes() -> None:
    one, two = pod("one"), pod("two")
    assert compared([], {"one": one}) == ([one], [])
    assert compared([one], {"one": one}) == ([], [])
    assert compared([one], {"two": two}) == ([two], ["warm-one"])
    assert compared([one], {}) == ([], ["warm-one"])


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_one_that_gave_way_is_made_anew_when_it_is_gone(phase: str) -> None:
    one = pod("one")
    assert compared([{**one, "status": {"phase": phase}}], {"one": one}) == ([], ["warm-one"])


def test_two_hubs_keep_one_pod_warm_and_take_it_away_once() -> None:
    async def history() -> None:
        cluster = FakeCluster()
        wanted = {"one": pod("one")}
        await asyncio.gather(*(keep_warm(cluster, "ns", wanted) for _ in range(2)))
        assert [each["metadata"]["name"] for each in cluster.all_of(POD)] == ["warm-one"]
        await asyncio.gather(*(keep_warm(cluster, "ns", {}) for _ in range(2)))
        assert cluster.all_of(POD) == []

    asyncio.run(history())
