"""A release of the chart for these tests alone, so that breaking it disturbs nobody's servers of `make up`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.fixtures import installed
from tests.cluster.installed import InstalledHub
from tests.cluster.own_release import OwnRelease
from tests.people import Person

__all__ = ["installed"]


@pytest.fixture(scope="session")
def hub(installed: InstalledHub) -> Iterator[OwnRelease]:
    release = OwnRelease(kubeconfig=installed.kubeconfig)
    release.install()
    admin = release.person("admin")
    left = admin.rest.get("/hub/api/users", params={"state": "active"}).json()
    admin.stop_all_of(*(each["name"] for each in left))  # of a run that was broken off
    yield release
    if not os.environ.get("REMUDA_KEEP_TEST_RELEASE"):
        release.uninstall()


@pytest.fixture
def log_in(hub: OwnRelease) -> Iterator[Callable[[str], Person]]:
    """People of this test; nothing of them runs on when it ends."""
    names: list[str] = []

    def person(name: str) -> Person:
        names.append(name)
        return hub.person(name)

    yield person
    hub.wait_served()
    hub.person("admin").stop_all_of(*names)
