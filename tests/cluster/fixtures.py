"""The Hub of `make up`, and people whose servers end with the test. Also for browser tests: `pytest_plugins`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.installed import InstalledHub
from tests.people import Person


@pytest.fixture(scope="session")
def installed() -> InstalledHub:
    hub = InstalledHub()
    if not hub.kubeconfig.exists():
        reason = "no kind cluster here: `make up` makes one"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return hub


@pytest.fixture
def person(installed: InstalledHub) -> Iterator[Callable[[str], Person]]:
    people: list[Person] = []

    def log_in(name: str) -> Person:
        people.append(installed.person(name))
        return people[-1]

    yield log_in
    for one in people:
        one.stop()
