"""A group's share on a real cluster: the third GPU is refused in words; an upgrade of the values lets it through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import TOUCHED
from tests.browser.pages import LoginPage, SpawnPage, expect_on_server
from tests.cluster.installed import InstalledHub
from tests.cluster.own_release import OwnRelease

pytest_plugins = ["tests.cluster.fixtures"]
pytestmark = [pytest.mark.browser, pytest.mark.cluster]

TEAM = "trial-team"
REFUSED = f"{TEAM} may have 2 GPUs at once, and 2 are in use; GPU needs 1 more."


def share(gpus: int) -> dict[str, Any]:
    return {"policies": {"quotas": {"team-gpus": {"per": "group", "groups": [TEAM], "gpus": gpus}}}}


@pytest.fixture
def release(installed: InstalledHub) -> Iterator[OwnRelease]:
    release = OwnRelease(kubeconfig=installed.kubeconfig)
    release.install(**share(2))
    yield release
    release.uninstall()


@pytest.fixture
def team(release: OwnRelease) -> Iterator[list[str]]:
    names = [f"gina{uuid4().hex[:6]}" for _ in range(3)]
    admin = release.person("admin")
    for name in names:
        release.person(name)  # the first login makes the user
    made = admin.rest.post(f"/hub/api/groups/{TEAM}", json={"users": names})
    assert made.status_code == 201, made.text
    yield names
    for name in names:
        admin.stop_all_of(name)
    admin.rest.delete(f"/hub/api/groups/{TEAM}")


def test_the_third_gpu_is_refused_in_words_and_comes_after_an_upgrade(
    release: OwnRelease, browser: Browser, team: list[str]
) -> None:
    *early, late = team
    for name in early:
        person = release.person(name)
        assert person.start_by_rest({"profile": "gpu"}).status_code in {201, 202}
        person.wait_ready()
    pods = {release.pod_of(name)["metadata"]["uid"] for name in early}

    context = browser.new_context(base_url=release.url, **TOUCHED)
    context.set_default_timeout(20_000)
    page = context.new_page()
    LoginPage(page).log_in(late, release.secret("user_password"))
    cards = SpawnPage(page).here()
    expect(cards.card("GPU")).to_contain_text(REFUSED)
    refused = release.person(late).start_by_rest({"profile": "gpu"})
    assert refused.status_code == 400
    assert REFUSED in refused.json()["message"]

    release.install(**share(3))

    assert {release.pod_of(name)["metadata"]["uid"] for name in early} == pods, "an upgrade stops nobody"
    cards.open()
    expect(cards.card("GPU")).not_to_contain_text("may have")
    cards.start("GPU")
    expect_on_server(page, late, "lab")
    context.close()
    entries = release.person("admin").rest.get("/hub/api/remuda/capacity")
    assert entries.status_code == 200, entries.text
