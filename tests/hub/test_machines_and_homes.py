"""Which machine can run where, and disks that only one machine may hold."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from profiles.model import Catalog, HomePolicy
from spawner.cluster import CLAIM, NODE, POD, Kind
from spawner.refused import FailedStart, RefusedStart
from spawner.retry import ApiError, Unreachable
from tests.fakes.cluster import FakeCluster, Kubelet
from tests.fakes.hub import Hub, StartHub
from tests.hub.test_starts import until

CATALOG = Catalog.model_validate(
    {
        "defaultProfile": "small",
        "pools": {
            "general": {"nodeSelector": {"remuda.dev/pool": "general"}},
            "gpu": {"nodeSelector": {"remuda.dev/pool": "gpu"}},
        },
        "profiles": {
            "small": {"displayName": "Small", "pool": "general", "cpu": 1, "memory": "1Gi", "startTimeout": 60},
            "gpu": {
                "displayName": "GPU",
                "pool": "gpu",
                "cpu": 2,
                "memory": "4Gi",
                "extendedResources": {"nvidia.com/gpu": 1},
                "options": {
                    "gpus": {
                        "default": "1",
                        "choices": {
                            n: {"overrides": {"extendedResources": {"nvidia.com/gpu": int(n)}}} for n in ("1", "99")
                        },
                    }
                },
            },
        },
    }
)


def node(name: str, pool: str, **more: str) -> dict[str, Any]:
    allocatable = {"cpu": "8", "memory": "32Gi", "pods": "110"} | more
    return {
        "metadata": {"name": name, "labels": {"remuda.dev/pool": pool, "kubernetes.io/hostname": name}},
        "spec": {},
        "status": {
            "allocatable": allocatable,
            "capacity": allocatable,
            "conditions": [{"type": "Ready", "status": "True"}],
            "images": [{"names": ["x"] * 50}],
        },
    }


@pytest.fixture
def cluster() -> FakeCluster:
    cluster = FakeCluster()
    cluster.put(NODE, node("cpu-1", "general"))
    cluster.put(NODE, node("gpu-1", "gpu", **{"nvidia.com/gpu": "4"}))
    return cluster


@pytest.fixture
async def kubelet(cluster: FakeCluster) -> Kubelet:
    return Kubelet(cluster, node="cpu-1")


@pytest.fixture
async def hub(start_hub: StartHub) -> Hub:
    return await start_hub(CATALOG, HomePolicy(size="1Gi", access_mode="ReadWriteOnce"))


async def test_ninety_nine_gpus_are_refused_in_a_moment_with_limit_and_actual(hub: Hub, cluster: FakeCluster) -> None:
    begun = time.monotonic()
    with pytest.raises(RefusedStart) as refused:
        await hub.spawn(hub.user("ada"), {"profile": "gpu", "options": {"gpus": "99"}})
    assert time.monotonic() - begun < 20, "decided, not waited for"
    assert refused.value.reason == "never-fits"
    assert refused.value.status_code == 400
    assert "99" in refused.value.message
    assert "4" in refused.value.message
    assert not cluster.all_of(POD)
    assert not cluster.all_of(CLAIM), "not even a home was made for what can never start"


async def test_a_refusal_is_decided_on_fresh_nodes(
    hub: Hub, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = hub.user("ada")
    await hub.spawn(ada)  # remembers the nodes of now
    await hub.stop(ada)
    monkeypatch.setattr("spawner.launch.FRESH_NODES_S", 0.0)
    cluster.put(NODE, node("gpu-2", "gpu", **{"nvidia.com/gpu": "128"}))
    assert (await hub.spawn(ada, {"profile": "gpu", "options": {"gpus": "99"}})).ready


async def test_nodes_are_not_listed_for_every_start(hub: Hub, cluster: FakeCluster) -> None:
    ada = hub.user("ada")
    for _ in range(3):
        await hub.spawn(ada)
        await hub.stop(ada)
    assert cluster.requests["list nodes"] == 1


@pytest.mark.parametrize("error", [ApiError(403, "Forbidden"), Unreachable("slow")], ids=str)
@pytest.mark.parametrize("kind", [NODE], ids=["nodes"])
async def test_what_may_not_be_seen_stops_nobody(hub: Hub, cluster: FakeCluster, kind: Kind, error: Any) -> None:
    cluster.fail("list", kind, error, times=99)
    assert (await hub.spawn(hub.user("ada"), {"profile": "gpu"})).ready
    asked = cluster.requests["list nodes"]
    await hub.spawn(hub.user("bob"))
    assert cluster.requests["list nodes"] == asked, "not asked again for every start"


async def test_a_disk_with_one_writer_is_waited_for_and_the_page_says_for_what(
    hub: Hub, cluster: FakeCluster, kubelet: Kubelet
) -> None:
    ada = hub.user("ada")
    await hub.spawn(ada, server_name="second")
    kubelet.hold_terminating = True
    stopping = asyncio.ensure_future(hub.stop(ada, "second"))
    await until(lambda: cluster.things[("pods", "hub", "jupyter-ada--second")]["metadata"].get("deletionTimestamp"))
    starting = hub.begin(ada, {"profile": "gpu"})
    await until(lambda: any(line.reason == "home-in-use" for line in ada.spawners[""].story_of_this_start().lines))
    assert ("pods", "hub", "jupyter-ada") not in cluster.things, "no second writer beside the first"
    line = next(line for line in ada.spawners[""].story_of_this_start().lines if line.reason == "home-in-use")
    assert "cpu-1" in line.sentence
    kubelet.release()
    await stopping
    assert (await starting).ready


async def test_a_disk_in_use_elsewhere_is_refused_and_named(hub: Hub) -> None:
    ada = hub.user("ada")
    await hub.spawn(ada, server_name="second")
    with pytest.raises(FailedStart) as failed:
        await hub.spawn(ada, {"profile": "gpu"})
    assert failed.value.reason == "home-in-use"
    assert "cpu-1" in failed.value.message


async def test_two_servers_on_one_node_may_share_it(hub: Hub) -> None:
    ada = hub.user("ada")
    await hub.spawn(ada, server_name="second")
    assert (await hub.spawn(ada)).ready


async def test_a_template_that_was_edited_does_not_lose_the_home(hub: Hub, cluster: FakeCluster) -> None:
    ada = hub.user("ada")
    await hub.spawn(ada)
    await hub.stop(ada)
    hub.home = HomePolicy(size="1Gi", claim_name_template="files-of-{username}")
    await hub.kill()
    await hub.start()
    await hub.spawn(hub.user("ada"))
    await hub.spawn(hub.user("ada"), server_name="second")
    await hub.spawn(hub.user("bob"))
    names = {claim["metadata"]["name"] for claim in cluster.all_of(CLAIM)}
    assert names == {"home-ada", "files-of-bob"}


async def test_a_home_that_is_being_deleted_is_not_written_to(hub: Hub, cluster: FakeCluster) -> None:
    cluster.put(
        CLAIM,
        {
            "metadata": {"name": "home-ada", "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        },
        "hub",
    )
    with pytest.raises(FailedStart) as failed:
        await hub.spawn(hub.user("ada"))
    assert failed.value.reason == "home-being-deleted"
    assert not cluster.all_of(POD)
