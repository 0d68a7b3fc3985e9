"""One Hub for the tests that only use it; a fresh one for those that break it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.local.hub_process import LocalHub, Person, hub_with, using

SETTINGS = """
mode: local
hub: {consecutiveFailureLimit: 2}
catalog:
  profiles:
    small-cpu: {env: {GREETING: hello}}
    staff-only: {extends: small-cpu, displayName: Staff only, allow: {everyone: false, admins: true}}
    broken: {extends: small-cpu, displayName: Broken, env: {PYTHONHOME: /nowhere}}
"""


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    hub = LocalHub(tmp_path_factory.mktemp("shared") / "local")
    hub.write_settings(SETTINGS)
    with using(hub) as hub:
        yield hub


@pytest.fixture(scope="module")
def module_hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """One for the tests of a module, with its `SETTINGS`: its fixture `hub` is this one."""
    with hub_with(request.module.SETTINGS, tmp_path_factory.mktemp("module")) as hub:
        yield hub


@pytest.fixture(scope="module")
def bea(module_hub: LocalHub) -> Person:
    return module_hub.person("bea")


@pytest.fixture(scope="module")
def admin(module_hub: LocalHub) -> Person:
    return module_hub.person("admin")


@pytest.fixture
def new_hub(tmp_path: Path) -> Iterator[Callable[[], LocalHub]]:
    made: list[LocalHub] = []

    def make() -> LocalHub:
        hub = LocalHub(tmp_path / f"hub{len(made)}")
        made.append(hub)
        return hub

    yield make
    for hub in made:
        hub.kill_everything()
