"""Could this machine ever start here? With the numbers, and only where waiting cannot help."""

from __future__ import annotations

import copy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from profiles.amounts import Amounts
from profiles.frozen import freeze
from profiles.refusal import Reason
from spawner.capacity import gives
from spawner.feasibility import check, free_in_pool, pod_requests, pool_nodes, zone_reachable
from tests.unit.spawner.machines import catalog, nodes, plan

GIB = 2**30


def node(pool: str, cpu: str = "8", memory: str = "32Gi", gpus: str | None = None, **more: Any) -> dict[str, Any]:
    amounts = {"cpu": cpu, "memory": memory, "pods": "110", **({"nvidia.com/gpu": gpus} if gpus else {})}
    labels = {"remuda.dev/pool": pool, "kubernetes.io/hostname": more.get("name", f"{pool}-1")} | more.get("labels", {})
    taints = [{"key": "remuda.dev/pool", "value": pool, "effect": "NoSchedule"}, *more.get("taints", [])]
    ready = {"type": "Ready", "status": "False" if more.get("not_ready") else "True"}
    return {
        "metadata": {"name": more.get("name", f"{pool}-1"), "labels": labels},
        "spec": {"taints": taints, **({"unschedulable": True} if more.get("cordoned") else {})},
        "status": {"allocatable": amounts, "capacity": more.get("capacity", amounts), "conditions": [ready]},
    }


def test_99_gpus() -> None:
    refusal = check(plan("full", gpus="99"), [node("gpu", gpus="4", labels={"disk": "ssd", ZONE: "eu-1b"})])
    assert refusal is not None
    assert refusal.reason is Reason.NEVER_FITS
    assert refusal.sentence == "You asked for 99 GPUs; the largest machine in pool Zoned has 4."
    assert refusal.remedy == "Choose 4 or fewer, or another machine."


ZONE = "topology.kubernetes.io/zone"


@pytest.mark.parametrize(
    ("profile", "there", "words"),
    [
        ("small-cpu", [node("general")], None),
        ("small-cpu", [node("general", cpu="2", memory="8012440Ki")], None),
        ("gpu", [node("gpu", gpus="4")], None),
        (
            "gpu",
            [node("gpu", cpu="3920m", gpus="4")],
            "You asked for 4 processor cores; the largest machine in pool GPU has 3.92.",
        ),
        (
            "gpu",
            [node("gpu", memory="16Gi", gpus="4")],
            "You asked for 32 GiB of memory; the largest machine in pool GPU has 16 GiB.",
        ),
        ("gpu", [node("gpu")], "You asked for 1 GPU; the largest machine in pool GPU has none."),
        ("huge", [node("general"), node("general", cpu="16", name="b")], "the largest machine in pool General has 16."),
        # enough of each, on no machine all
        (
            "gpu",
            [node("gpu", cpu="2", memory="64Gi", gpus="4"), node("gpu", cpu="16", memory="8Gi", gpus="4", name="b")],
            "You asked for 1 GPU and 4 processor cores and 32 GiB of memory; no single machine in pool GPU",
        ),
        # another pool's nodes are none of ours
        ("gpu", [node("gpu"), node("general", gpus="8")], "has none"),
        ("gpu", [node("general")], "There are no machines in pool GPU"),
        # may come back
        ("gpu", [node("gpu", gpus="4", cordoned=True)], None),
        ("gpu", [node("gpu", gpus="4", not_ready=True)], None),
        ("gpu", [node("gpu", capacity={"nvidia.com/gpu": "4"})], None),
        ("gpu", [node("gpu", cordoned=True)], "(1 of its machines out of service, counted too)"),
        (
            "gpu",
            [node("gpu", gpus="4", taints=[{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}])],
            None,
        ),
        (
            "gpu",
            [node("gpu", gpus="4", taints=[{"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}])],
            None,
        ),
        # a taint nobody tolerates is another owner's
        (
            "gpu",
            [node("gpu", gpus="4", taints=[{"key": "reserved", "value": "x", "effect": "NoSchedule"}])],
            "no machines",
        ),
        ("gpu", [node("gpu", gpus="4", taints=[{"key": "reserved", "effect": "PreferNoSchedule"}])], None),
        (
            "gpu",
            [node("gpu", gpus="4", taints=[{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}])],
            None,
        ),
        # grows on demand
        ("elastic", [node("general")], None),
        ("elastic", [node("growing", cpu="4")], None),
        ("roaming", [node("general")], "no machines in pool Anywhere"),
        # not visible
        ("huge", [], None),
        ("gpu", [{}], "no machines"),
    ],
)
def test_check(profile: str, there: list[dict[str, Any]], words: str | None) -> None:
    refusal = check(plan(profile), freeze(there))
    if words is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert words in refusal.message
        assert refusal.reason is Reason.NEVER_FITS


def test_an_autoscaled_pool_is_measured_by_the_largest_node_it_can_add() -> None:
    elastic = plan("elastic")
    larger = catalog().profiles["elastic"]
    assert larger.extended_resources["nvidia.com/gpu"] == 8
    assert check(elastic, [node("general")]) is None
    small = _growing_by(_size(gpus=4))
    refusal = check(_with_pool(elastic, small), [node("general")])
    assert refusal is not None
    assert refusal.sentence == "You asked for 8 GPUs; the largest machine in pool Growing has 4."
    assert check(_with_pool(elastic, small), [node("growing", cpu="64", memory="256Gi", gpus="8")]) is None


def test_what_an_autoscaled_pool_does_not_declare_is_not_judged() -> None:
    there = [node("growing", cpu="1")]
    elastic = plan("elastic")
    assert check(_with_pool(elastic, _growing_by(None)), there) is None
    undeclared = _size(gpus=8).model_copy(update={"cpu": None, "memory": None})
    assert check(_with_pool(elastic, _growing_by(undeclared)), there) is None
    assert check(_with_pool(elastic, _growing_by(undeclared.model_copy(update={"extended_resources": {}}))), there)


def _growing_by(largest: Any) -> Any:
    growing = catalog().pools["growing"]
    assert growing.autoscaled is not None
    return growing.model_copy(update={"autoscaled": growing.autoscaled.model_copy(update={"largest_node": largest})})


def _size(gpus: int) -> Any:
    largest = catalog().pools["growing"].autoscaled
    assert largest is not None
    return largest.largest_node.model_copy(update={"extended_resources": {"nvidia.com/gpu": gpus}})


def _with_pool(the_plan: Any, pool: Any) -> Any:
    return replace(the_plan, pool=pool)


def test_recorded_nodes() -> None:
    there = nodes()
    assert [n["metadata"]["name"] for n in pool_nodes(catalog().pools["gpu"], there)] == ["remuda-worker3"]
    assert [n["metadata"]["name"] for n in pool_nodes(catalog().pools["general"], there)] == ["remuda-worker"]
    assert check(plan("small-cpu"), there) is None
    assert check(plan("gpu", gpus="4"), there) is None
    assert check(plan("many-core", memory="64Gi"), there) is not None  # the recording's node was shrunk


# Zones


def volume(*expressions: tuple[str, list[str]]) -> dict[str, Any]:
    terms = [{"matchExpressions": [{"key": key, "operator": "In", "values": values}]} for key, values in expressions]
    return {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}}


HOST = "kubernetes.io/hostname"
GPU_B = node("gpu", gpus="4", labels={ZONE: "eu-1b"})
GPU_C = node("gpu", gpus="4", labels={ZONE: "eu-1c"}, name="gpu-2")


@pytest.mark.parametrize(
    ("home", "there", "words"),
    [
        (None, [GPU_B], None),
        ({}, [GPU_B], None),
        ({"spec": {"nodeAffinity": None}}, [GPU_B], None),
        (volume((ZONE, ["eu-1b"])), [GPU_B], None),
        (volume((ZONE, ["eu-1a", "eu-1b"])), [GPU_B], None),
        (volume((ZONE, ["eu-1a"]), (ZONE, ["eu-1b"])), [GPU_B], None),
        (
            volume((ZONE, ["eu-1a"])),
            [GPU_B],
            "Your home disk is in zone eu-1a, but pool GPU has machines only in eu-1b.",
        ),
        (
            volume((ZONE, ["eu-1a"])),
            [GPU_C, GPU_B],
            "Your home disk is in zone eu-1a, but pool GPU has machines only in eu-1b and eu-1c.",
        ),
        (
            volume((HOST, ["general-1"])),
            [GPU_B],
            "Your home disk is on node general-1, which is not in pool GPU.",
        ),
        (volume((HOST, ["gpu-1"])), [GPU_B], None),
        (volume(("storage.example.org/rack", ["7"])), [GPU_B], "cannot be reached from any machine in pool GPU"),
        (volume((ZONE, ["eu-1a"])), [], None),
        (volume((ZONE, ["eu-1a"])), [node("general")], None),  # an empty pool is told by check
    ],
)
def test_zones(home: dict[str, Any] | None, there: list[dict[str, Any]], words: str | None) -> None:
    refusal = zone_reachable(home, there, plan("gpu"))
    if words is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert words in refusal.sentence
        assert refusal.reason is Reason.HOME_UNREACHABLE


@pytest.mark.parametrize(
    ("home", "reachable"),
    [
        (volume((ZONE, ["eu-1b"])), True),  # a zone the pool may grow in
        (volume((ZONE, ["eu-1a"])), False),
        (volume((HOST, ["general-1"])), False),
        (volume(("storage.example.org/rack", ["7"])), True),  # cannot be told
    ],
)
def test_zones_of_a_pool_that_grows(home: dict[str, Any], reachable: bool) -> None:
    refusal = zone_reachable(home, [node("general", labels={ZONE: "eu-1a"})], plan("elastic"))
    assert (refusal is None) is reachable


# What is free


def pod(on: str, phase: str = "Running", **requests: str) -> dict[str, Any]:
    return {
        "spec": {"nodeName": on, "containers": [{"name": "c", "resources": {"requests": requests}}]},
        "status": {"phase": phase},
    }


def test_free_in_pool() -> None:
    there = [
        node("gpu", gpus="4"),
        node("gpu", gpus="4", name="gpu-2"),
        node("gpu", gpus="4", name="gpu-3", cordoned=True),
        node("gpu", gpus="4", name="gpu-4", not_ready=True),
        node("general"),
    ]
    pods = [
        pod("gpu-1", cpu="2", memory="8Gi", **{"nvidia.com/gpu": "3"}),
        pod("gpu-1", cpu="500m"),
        pod("gpu-2", "Succeeded", cpu="8", **{"nvidia.com/gpu": "4"}),
        pod("gpu-3", cpu="1", **{"nvidia.com/gpu": "1"}),
        pod("general-1", cpu="8"),
        pod("", "Pending", cpu="8"),
    ]
    room = free_in_pool(catalog().pools["gpu"], freeze(there), freeze(pods))
    assert (room.total, room.usable, room.cordoned, room.not_ready) == (4, 2, 1, 1)
    assert room.allocatable["nvidia.com/gpu"] == 16
    assert room.used["nvidia.com/gpu"] == 4
    assert room.free["nvidia.com/gpu"] == 5
    assert room.free_by_node["gpu-1"] == {
        "cpu": Decimal("5.5"),
        "memory": 24 * GIB,
        "pods": 108,
        "nvidia.com/gpu": 1,
    }
    # 4 cores and 32 GiB each: gpu-1 has no 32 GiB left, gpu-2 has them once.
    assert room.places_for(plan("gpu")) == 1
    assert room.places_for(plan("gpu", gpus="4")) == 1


def test_an_overfull_node_has_nothing_free_and_not_less() -> None:
    room = free_in_pool(catalog().pools["general"], [node("general", cpu="2")], [pod("general-1", cpu="3")])
    assert room.free["cpu"] == 0


def test_what_a_pool_gives_is_what_its_nodes_in_service_can_allocate() -> None:
    there = [
        node("gpu", cpu="7500m", gpus="4"),
        node("gpu", gpus="4", name="gpu-2"),
        node("gpu", gpus="4", name="gpu-3", cordoned=True),
        node("general"),
    ]
    expected = Amounts(0, 15_500, 64 * GIB, freeze({"nvidia.com/gpu": 8}))
    assert gives(catalog().pools["gpu"], there) == expected
    assert gives(catalog().pools["gpu"], []) == Amounts()


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        (
            {"containers": [{"resources": {"requests": {"cpu": "1"}}}, {"resources": {"requests": {"cpu": "500m"}}}]},
            "1.5",
        ),
        ({"containers": [{"resources": {"limits": {"cpu": "2"}}}]}, "2"),
        ({"containers": [{"resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}}}]}, "1"),
        ({"containers": [{}], "overhead": {"cpu": "250m"}}, "0.25"),
        (
            {
                "containers": [{"resources": {"requests": {"cpu": "1"}}}],
                "initContainers": [{"resources": {"requests": {"cpu": "4"}}}],
            },
            "4",
        ),
        (
            {
                "containers": [{"resources": {"requests": {"cpu": "1"}}}],
                "initContainers": [{"restartPolicy": "Always", "resources": {"requests": {"cpu": "4"}}}],
            },
            "5",
        ),
        ({}, "0"),
    ],
)
def test_requests_as_the_scheduler_counts_them(spec: dict[str, Any], cpu: str) -> None:
    assert pod_requests({"spec": spec}).get("cpu", Decimal(0)) == Decimal(cpu)


def test_nothing_is_changed() -> None:
    there = nodes()
    before = copy.deepcopy(there)
    check(plan("gpu"), there)
    free_in_pool(catalog().pools["gpu"], there, [pod("remuda-worker3", cpu="1")])
    assert there == before
