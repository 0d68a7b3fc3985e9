"""A real JupyterHub in this process in front of a fake cluster: what its tests have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.cluster import FakeCluster, Kubelet
from tests.fakes.hub import ROUTES, Answerer, Hub, StartHub, no_kubeconfig


@pytest.fixture
async def answerer() -> AsyncIterator[Answerer]:
    answerer = Answerer()
    await answerer.start()
    yield answerer
    await answerer.stop()


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
async def kubelet(cluster: FakeCluster) -> Kubelet:
    return Kubelet(cluster)


@pytest.fixture
async def start_hub(
    cluster: FakeCluster, kubelet: Kubelet, answerer: Answerer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[StartHub]:
    """`await start_hub(catalog, home, **traits)`: it is killed when the test ends."""
    no_kubeconfig(monkeypatch)
    ROUTES.clear()
    hubs: list[Hub] = []

    async def start(*args: object, **traits: object) -> Hub:
        hubs.append(Hub(cluster, tmp_path, *args, port=answerer.port, **traits))
        await hubs[-1].start()
        return hubs[-1]

    yield start
    for hub in hubs:
        if hub.app is not None:
            await hub.kill()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries, shortened: a history has many outages."""
    monkeypatch.setattr("spawner.watch._pause_s", lambda failures: 0.002)
    monkeypatch.setattr("spawner.retry.FIRST_WAIT_S", 0.001)
    monkeypatch.setattr("spawner.retry.LONGEST_WAIT_S", 0.01)
    monkeypatch.setattr("spawner.kubernetes.FIRST_PICTURE_S", 0.02)
