"""What the spawner relies on of a Kubernetes API, held against the fake and against a real API server.

The real one is the kind cluster of `make up`, or whatever REMUDA_TEST_KUBECONFIG names; it needs no nodes.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import pytest
from kubernetes_asyncio import config as kube_config

from spawner import billed
from spawner import cluster as port
from spawner.cluster import CLAIM, NAMESPACE, POD, ApiCluster, Cluster, Json, Select
from spawner.retry import AlreadyThere, ApiError, Expired, NotFound, Unreachable
from spawner.settling import release
from spawner.view import ClusterView
from spawner.watch import Watch
from tests.fakes.cluster import FakeCluster

KUBECONFIG = Path(os.environ.get("REMUDA_TEST_KUBECONFIG", ".remuda/cluster/kubeconfig"))
REAL = pytest.param("real", marks=pytest.mark.cluster)


def need_cluster() -> None:
    if not KUBECONFIG.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"no cluster: {KUBECONFIG} does not exist")
        pytest.skip(f"no cluster: {KUBECONFIG} does not exist (make up)")


@pytest.fixture(params=["fake", REAL])
async def cluster(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    if request.param == "fake":
        yield FakeCluster()
        return
    need_cluster()

    async def load(access: port.Access) -> port.Configuration:
        configuration = port.Configuration()
        await kube_config.load_kube_config(config_file=str(KUBECONFIG), client_configuration=configuration)
        return configuration

    monkeypatch.setattr(port, "load_configuration", load)
    real = ApiCluster()
    yield real
    await real.close()


@pytest.fixture
async def namespace(cluster: Cluster) -> AsyncIterator[str]:
    name = f"contract-{uuid4().hex[:8]}"
    await cluster.create(NAMESPACE, None, {"metadata": {"name": name}})
    yield name
    await cluster.delete(NAMESPACE, None, name)


def pod(name: str, **labels: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            # No node has this label: the pod is never run, on any cluster.
            "nodeSelector": {"remuda.dev/pool": "none-at-all"},
            "automountServiceAccountToken": False,
            "containers": [{"name": "notebook", "image": "nowhere.invalid/none:1"}],
        },
    }


async def test_what_was_created_can_be_read(cluster: Cluster, namespace: str) -> None:
    made = await cluster.create(POD, namespace, pod("one", user="ada"))
    assert made["metadata"]["uid"]
    read = await cluster.get(POD, namespace, "one")
    assert read["metadata"]["uid"] == made["metadata"]["uid"]
    assert read["status"]["phase"] == "Pending"


async def test_a_taken_name_is_told_apart_from_other_conflicts(cluster: Cluster, namespace: str) -> None:
    await cluster.create(POD, namespace, pod("one"))
    with pytest.raises(AlreadyThere):
        await cluster.create(POD, namespace, pod("one"))


async def test_what_is_not_there_is_not_found(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(NotFound):
        await cluster.get(POD, namespace, "none")
    with pytest.raises(NotFound):
        await cluster.delete(POD, namespace, "none")
    with pytest.raises(NotFound):
        await cluster.patch(CLAIM, namespace, "none", {"metadata": {"labels": {"a": "b"}}})


async def test_deletion_keeps_to_the_uid(cluster: Cluster, namespace: str) -> None:
    made = await cluster.create(POD, namespace, pod("one"))
    with pytest.raises(ApiError) as refused:
        await cluster.delete(POD, namespace, "one", uid=str(uuid4()))
    assert refused.value.status == 409
    assert "recondition" in refused.value.message
    await cluster.delete(POD, namespace, "one", uid=made["metadata"]["uid"], grace_s=1)
    with pytest.raises(NotFound):
        await cluster.get(POD, namespace, "one")


async def test_a_merge_patch_changes_only_what_it_names(cluster: Cluster, namespace: str) -> None:
    await cluster.create(POD, namespace, pod("one", user="ada", keep="1"))
    patched = await cluster.patch(POD, namespace, "one", {"metadata": {"labels": {"user": "bob"}}})
    assert patched["metadata"]["labels"] == {"user": "bob", "keep": "1"}
    gone = await cluster.patch(POD, namespace, "one", {"metadata": {"labels": {"keep": None}}})
    assert gone["metadata"]["labels"] == {"user": "bob"}


async def test_lists_keep_to_their_selectors(cluster: Cluster, namespace: str) -> None:
    await cluster.create(POD, namespace, pod("one", user="ada"))
    await cluster.create(POD, namespace, pod("two", user="bob"))

    async def names(select: Select) -> set[str]:
        return {each["metadata"]["name"] for each in (await cluster.list(POD, namespace, select))["items"]}

    assert await names(Select()) == {"one", "two"}
    assert await names(Select(labels="user=ada")) == {"one"}
    assert await names(Select(labels="user=ada,user=bob")) == set()
    assert await names(Select(fields="metadata.name=two")) == {"two"}


async def test_a_finalizer_keeps_what_is_deleted_until_it_is_taken_away(cluster: Cluster, namespace: str) -> None:
    theirs = "remuda.dev/trial"
    made = await cluster.create(POD, namespace, billed.held({**pod("one"), "metadata": {"name": "one"}}))
    assert billed.is_held(made)
    await cluster.patch(POD, namespace, "one", {"metadata": {"finalizers": [*made["metadata"]["finalizers"], theirs]}})
    await cluster.delete(POD, namespace, "one", uid=made["metadata"]["uid"])
    left = await cluster.get(POD, namespace, "one")
    assert left["metadata"]["deletionGracePeriodSeconds"] == 0, "no node has it"
    assert isinstance(billed.outcome(left), billed.Over) and billed.is_confirmed_gone(left)
    await release(cluster, left)
    await release(cluster, left)  # once more is harmless
    assert (await cluster.get(POD, namespace, "one"))["metadata"]["finalizers"] == [theirs]
    await cluster.patch(POD, namespace, "one", {"metadata": {"finalizers": None}})
    with pytest.raises(NotFound):
        await cluster.get(POD, namespace, "one")
    await release(cluster, left)


async def test_only_the_pod_that_was_meant_is_released(cluster: Cluster, namespace: str) -> None:
    made = await cluster.create(POD, namespace, billed.held(pod("one")))
    former = {"metadata": {**made["metadata"], "uid": "7b1f8a90-0000-4000-8000-000000000000"}}
    with pytest.raises(ApiError) as refused:
        await cluster.patch(POD, namespace, "one", billed.release_patch(former), strategic=True)
    assert refused.value.status in (409, 422)
    await release(cluster, former)
    assert billed.is_held(await cluster.get(POD, namespace, "one"))
    await release(cluster, made)


async def test_who_may_patch_is_told_so(cluster: Cluster, namespace: str) -> None:
    assert await ClusterView(cluster, namespace, Select(), logging.getLogger(__name__)).may_release(namespace)


async def test_a_watch_begins_with_opened_and_follows_from_the_list(cluster: Cluster, namespace: str) -> None:
    await cluster.create(POD, namespace, pod("one", user="ada"))
    listed = await cluster.list(POD, namespace, Select(labels="user=ada"))
    told: list[tuple[str, str]] = []
    events = cluster.watch(POD, namespace, Select(labels="user=ada"), listed["metadata"]["resourceVersion"])
    async with asyncio.timeout(30), aclosing(events):
        async for event in events:
            if event["type"] == "OPENED":
                await cluster.create(POD, namespace, pod("other", user="bob"))
                await cluster.create(POD, namespace, pod("two", user="ada"))
                await cluster.patch(POD, namespace, "two", {"metadata": {"labels": {"more": "1"}}})
                await cluster.delete(POD, namespace, "two", grace_s=0)
                continue
            # A scheduler may write on "one" meanwhile; "other" must never show.
            if event["type"] != "BOOKMARK" and event["object"]["metadata"]["name"] != "one":
                told.append((event["type"], event["object"]["metadata"]["name"]))
            if told and told[-1][0] == "DELETED":
                break
    assert told[0] == ("ADDED", "two")
    assert told[-1] == ("DELETED", "two")
    assert ("MODIFIED", "two") in told
    assert {name for _, name in told} == {"two"}


async def test_a_watch_resumes_where_it_was(cluster: Cluster, namespace: str) -> None:
    version = (await cluster.list(POD, namespace))["metadata"]["resourceVersion"]
    await cluster.create(POD, namespace, pod("missed"))
    events = cluster.watch(POD, namespace, Select(), version)
    async with asyncio.timeout(30), aclosing(events):
        async for event in events:
            if event["type"] == "ADDED":
                assert event["object"]["metadata"]["name"] == "missed"
                return
    pytest.fail("the missed pod was not told")


async def test_the_supervised_watch_keeps_the_picture(cluster: Cluster, namespace: str) -> None:
    await cluster.create(POD, namespace, pod("one"))
    watch = Watch(cluster, POD, namespace, Select())
    watch.start()
    try:
        assert await watch.wait_synced(10)
        assert watch.get(f"{namespace}/one")
        seen = asyncio.create_task(watch.until(f"{namespace}/two", lambda now: now and now["metadata"]["name"], 10))
        await cluster.create(POD, namespace, pod("two"))
        assert await seen == "two"
        await cluster.delete(POD, namespace, "two", grace_s=0)
        await watch.until(f"{namespace}/two", lambda now: True if now is None else None, 10)
        assert watch.relists == 1
    finally:
        await watch.stop()


async def test_a_dead_address_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def load(access: port.Access) -> port.Configuration:
        return port.Configuration(host="https://127.0.0.1:9")

    monkeypatch.setattr(port, "load_configuration", load)
    nobody = ApiCluster()
    with pytest.raises(Unreachable):
        await nobody.get(POD, "default", "one")
    await nobody.close()


async def test_an_old_version_is_expired_on_the_fake() -> None:
    fake = FakeCluster()
    version = (await fake.list(POD, "default"))["metadata"]["resourceVersion"]
    fake.compact()
    with pytest.raises(Expired):
        async with aclosing(fake.watch(POD, "default", Select(), version)) as events:
            await anext(events)
