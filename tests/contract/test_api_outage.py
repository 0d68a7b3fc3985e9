"""A real API server dies and comes back, under running servers, a start and a stop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from profiles.model import Catalog, HomePolicy
from spawner.cluster import NAMESPACE, POD, ApiCluster
from tests.fakes.api_server import ApiServer, NodesByHand, missing
from tests.fakes.hub import ROUTES, Answerer, Hub, no_kubeconfig
from tests.hub.test_starts import CATALOG, until

#: The plain stack's watches give up after about 51 s of refused connections; CI waits longer than that.
AWAY_S = 70 if os.environ.get("CI") == "true" else 8
PATIENT = Catalog.model_validate(
    CATALOG.model_dump(by_alias=True, mode="json")
    | {"profiles": {"small": {"pool": "general", "cpu": 1, "memory": "1Gi", "startTimeout": "5m"}}}
)

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiServer]:
    if missing():
        if os.environ.get("CI") == "true":
            pytest.fail(f"missing programs: {missing()}")
        pytest.skip(f"missing programs: {missing()} (make up brings them)")
    folder = tmp_path / "api"
    folder.mkdir()
    server = ApiServer(folder)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def hub(api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    no_kubeconfig(monkeypatch)
    ROUTES.clear()
    answerer = Answerer()
    await answerer.start()
    cluster: ApiCluster = api.client()
    await cluster.create(NAMESPACE, None, {"metadata": {"name": "hub"}})
    nodes = NodesByHand(api.client(), "hub")
    nodes.start()
    hub = Hub(cluster, tmp_path, PATIENT, HomePolicy(size="1Gi"), port=answerer.port)
    await hub.start()
    yield hub
    if hub.app is not None:
        await hub.kill()
    await nodes.stop()
    await answerer.stop()
    await cluster.close()


async def test_an_outage_loses_nothing_and_is_over_when_it_is_over(hub: Hub, api: ApiServer) -> None:
    stays, goes, comes = (hub.user(name) for name in ("stays", "goes", "comes"))
    spawner = await hub.spawn(stays)
    await hub.spawn(goes)
    needless = needless_relists(spawner.watch_status())

    api.go_away()
    await until(lambda: spawner.watch_status()["stale_seconds"] > 0)
    starting = hub.begin(comes)
    stopping = asyncio.ensure_future(hub.stop(goes))
    loop = asyncio.get_running_loop()
    over = loop.time() + AWAY_S
    while loop.time() < over:
        assert await spawner.poll() is None
        assert not starting.done()
        assert not stopping.done()
        await asyncio.sleep(0.25)
    assert spawner.watch_status()["stale_seconds"] > AWAY_S / 2

    await api.come_back()
    back = loop.time()
    assert (await starting).ready
    await stopping
    assert loop.time() - back < 8, "starts go on at once, not after a backoff of minutes"
    assert await spawner.poll() is None
    assert spawner.ready
    assert "/user/stays/" in ROUTES
    names = {pod["metadata"]["name"] for pod in (await hub.cluster.list(POD, "hub"))["items"]}
    assert names == {"jupyter-stays", "jupyter-comes"}
    assert needless_relists(spawner.watch_status()) == needless, "resumed where it was, if that was known"
    assert spawner.watch_status()["stale_seconds"] == 0


def needless_relists(watch: dict[str, Any]) -> int:
    """A server that has just started has no history: it may answer 410 Gone, and then only a list helps."""
    return int(watch["relists"] - watch["expiries"])


async def test_a_hub_that_restarts_in_an_outage_keeps_its_servers(hub: Hub, api: ApiServer) -> None:
    await hub.spawn(hub.user("stays"))
    await hub.kill()
    api.go_away()
    await hub.start()
    stays = hub.user("stays")
    assert stays.spawner.ready
    await api.come_back()
    await until(lambda: stays.spawner.pods_are_fresh)
    assert await stays.spawner.poll() is None
    await hub.stop(stays)
    assert not (await hub.cluster.list(POD, "hub"))["items"]
