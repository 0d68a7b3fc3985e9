"""The watch never goes silently stale and never gives up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from spawner import watch as module
from spawner.cluster import POD, Json, Select
from spawner.retry import ApiError, Unreachable
from spawner.watch import Watch
from tests.fakes.cluster import FakeCluster

NS = "hub"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    monkeypatch.setattr(module, "_pause_s", lambda failures: 0.001)
    monkeypatch.setattr(module, "SHORTEST_WATCH_S", 0.001)
    return FakeCluster()


@pytest.fixture
async def watch(cluster: FakeCluster) -> AsyncIterator[Watch]:
    watch = Watch(cluster, POD, NS, Select(labels="component=server"))
    yield watch
    await watch.stop()


def pod(name: str, **more: str) -> Json:
    return {"metadata": {"name": name, "namespace": NS, "labels": {"component": "server"} | more}, "status": {}}


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110  (the condition is anything: there is no one event to wait for)
            await asyncio.sleep(0)


async def test_it_follows_what_happens(cluster: FakeCluster, watch: Watch) -> None:
    cluster.put(POD, pod("old"))
    watch.start()
    assert await watch.wait_synced(5)
    cluster.put(POD, pod("new"))
    cluster.put(POD, {"metadata": {"name": "stranger", "namespace": NS}, "status": {}})
    await watch.until(f"{NS}/new", lambda now: now, 5)
    cluster.remove(POD, NS, "old")
    await watch.until(f"{NS}/old", lambda now: True if now is None else None, 5)
    assert set(watch.objects) == {f"{NS}/new"}


async def test_an_outage_is_visible_and_loses_nothing(cluster: FakeCluster, watch: Watch) -> None:
    cluster.put(POD, pod("one"))
    watch.start()
    await eventually(lambda: watch.fresh)
    cluster.go_away()
    await eventually(lambda: not watch.connected)
    assert watch.synced
    assert not watch.fresh
    assert watch.stale_s >= 0
    assert watch.get(f"{NS}/one"), "what is known stays known"
    cluster.put(POD, pod("two"))
    cluster.remove(POD, NS, "one")
    tried = cluster.requests["watch pods"]
    await eventually(lambda: cluster.requests["watch pods"] > tried + 20)
    cluster.come_back()
    await watch.until(f"{NS}/two", lambda now: now, 5)
    await watch.until(f"{NS}/one", lambda now: True if now is None else None, 5)
    assert watch.fresh
    assert watch.stale_s == 0
    assert watch.relists == 1, "an outage is resumed, not listed again"


async def test_it_begins_in_an_outage(cluster: FakeCluster, watch: Watch) -> None:
    cluster.put(POD, pod("one"))
    cluster.go_away()
    watch.start()
    assert not await watch.wait_synced(0.05)
    cluster.come_back()
    assert await watch.wait_synced(5)
    assert watch.get(f"{NS}/one")


async def test_only_an_expired_version_is_listed_again(cluster: FakeCluster, watch: Watch) -> None:
    cluster.put(POD, pod("one"))
    cluster.put(POD, pod("two"))
    watch.start()
    await eventually(lambda: watch.fresh)
    cluster.go_away()
    cluster.remove(POD, NS, "one")
    cluster.compact()
    cluster.come_back()
    await watch.until(f"{NS}/one", lambda now: True if now is None else None, 5)
    assert watch.relists == 2
    assert watch.expiries == 1
    assert set(watch.objects) == {f"{NS}/two"}


async def test_bookmarks_keep_the_version_young(cluster: FakeCluster, watch: Watch) -> None:
    watch.start()
    await eventually(lambda: watch.fresh)
    cluster.compact()
    cluster.bookmark()
    await eventually(lambda: watch._version == str(cluster._version))
    cluster.end_watches()
    await eventually(lambda: watch.reconnects >= 1 and watch.connected)
    assert watch.relists == 1


async def test_the_end_of_a_watch_is_ordinary(cluster: FakeCluster, watch: Watch) -> None:
    watch.start()
    for _ in range(5):
        await eventually(lambda: watch.connected and cluster.watching == 1)
        before = watch.reconnects
        cluster.end_watches()
        await eventually(lambda: watch.reconnects > before)  # noqa: B023
    cluster.put(POD, pod("one"))
    await watch.until(f"{NS}/one", lambda now: now, 5)
    assert watch.relists == 1


@pytest.mark.parametrize(
    "error",
    [
        ApiError(401, "Unauthorized", "token rotated"),
        ApiError(429, "TooManyRequests"),
        ApiError(500, "InternalError", "etcdserver: leader changed"),
        Unreachable("reset"),
    ],
    ids=str,
)
async def test_every_error_is_waited_out(cluster: FakeCluster, watch: Watch, error: Exception) -> None:
    cluster.fail("watch", POD, error, times=7)
    cluster.fail("list", POD, error, times=7)
    watch.start()
    assert await watch.wait_synced(5)
    await eventually(lambda: watch.fresh)


async def test_a_restored_server_is_listed_again(cluster: FakeCluster, watch: Watch) -> None:
    watch.start()
    await eventually(lambda: watch.fresh)
    cluster.fail("watch", POD, ApiError(504, "Timeout", "Too large resource version: 99, current: 3"))
    cluster.end_watches()
    await eventually(lambda: watch.relists == 2)


async def test_a_malformed_object_does_not_end_it(cluster: FakeCluster, watch: Watch) -> None:
    watch.start()
    await eventually(lambda: watch.fresh)
    cluster._watchers[0].queue.put_nowait({"type": "ADDED", "object": {"metadata": {}}})
    await eventually(lambda: watch.relists == 2)
    cluster.put(POD, pod("one"))
    await watch.until(f"{NS}/one", lambda now: now, 5)


async def test_waiting_ends_with_the_clock_and_with_the_waiters_own_error(cluster: FakeCluster, watch: Watch) -> None:
    watch.start()
    with pytest.raises(TimeoutError):
        await watch.until(f"{NS}/none", lambda now: now, 0.01)

    def refuse(now: Json | None) -> None:
        if now is not None:
            raise ValueError("not this one")

    waiting = asyncio.create_task(watch.until(f"{NS}/one", refuse, 5))
    await eventually(lambda: watch.fresh)
    cluster.put(POD, pod("one"))
    with pytest.raises(ValueError, match="not this one"):
        await waiting
    assert not watch._listeners, "nobody is left listening"


async def test_one_bad_listener_does_not_silence_the_others(cluster: FakeCluster, watch: Watch) -> None:
    def broken() -> None:
        raise RuntimeError("listener bug")

    heard: list[int] = []
    watch.subscribe(f"{NS}/one", broken)
    watch.subscribe(f"{NS}/one", lambda: heard.append(1))
    watch.subscribe("*", lambda: heard.append(2))
    watch.start()
    await eventually(lambda: watch.fresh)
    cluster.put(POD, pod("one"))
    await eventually(lambda: heard == [1, 2])
