"""Waiting in line as a person sees it: the card of what others have, one's place, and being called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.dresses import DRESSES, assert_readable
from tests.browser.pages import SpawnPage
from tests.browser.pictures import keep
from tests.browser.visits import visits
from tests.local.hub_process import LocalHub, hub_with, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.local]

#: One GPU for all.
SETTINGS = """
mode: local
hub:
  consecutiveFailureLimit: 0
catalog:
  policies:
    quotas:
      gpus: {per: hub, gpus: 1}
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """A hub on which ada has the GPU."""
    with hub_with(SETTINGS, tmp_path_factory.mktemp("queue")) as hub:
        ada = hub.person("ada")
        assert ada.start_by_rest({"profile": "gpu"}).status_code in {201, 202}
        ada.wait_ready()
        yield hub


@pytest.fixture
def visit(shared: LocalHub, browser: Browser) -> Iterator[Callable[..., Page]]:
    with visits(shared, browser) as open_page:
        yield open_page


@pytest.mark.parametrize("dress", DRESSES)
def test_waiting_and_leaving(visit: Callable[..., Page], tmp_path: Path, dress: str) -> None:
    page = visit(f"wendy-{dress}", **DRESSES[dress])
    gpu = SpawnPage(page).here().card("GPU")
    expect(gpu.locator("[data-rm-wait]")).to_contain_text("You would be 1st in line")
    expect(gpu.locator("[data-rm-nearest]")).to_contain_text("Free now: ")
    assert_readable(page)
    keep(page, f"wait-{dress}", tmp_path)
    gpu.get_by_role("button", name="Wait, and only tell me").click()
    expect(page.get_by_role("heading", level=1, name="Waiting in line")).to_be_visible()
    expect(page.locator("[data-rm-place-id]")).to_contain_text("You are 1st in line")
    assert_readable(page)
    keep(page, f"queue-{dress}", tmp_path)
    page.goto("/hub/home")
    expect(page.locator("[data-rm-place-id]")).to_contain_text("You are 1st in line")
    page.goto("/hub/spawn")
    place = SpawnPage(page).here().card("GPU").locator("[data-rm-place]")
    expect(place).to_contain_text("You are 1st in line")
    keep(page, "line" if dress == "light" else f"place-{dress}", tmp_path, in_docs=dress == "light")
    place.get_by_role("button", name="Leave the line").click()
    expect(SpawnPage(page).here().card("GPU").locator("[data-rm-wait]")).to_contain_text("You would be 1st")


def test_the_nearest_machine_is_shown_as_chosen_and_not_started(visit: Callable[..., Page]) -> None:
    page = visit("nell")
    link = SpawnPage(page).here().card("GPU").locator("[data-rm-nearest] a")
    title = (link.locator("span").text_content() or "").strip()
    link.click()
    expect(SpawnPage(page).here().radio(title)).to_be_checked()


def test_being_called_and_being_started(visit: Callable[..., Page], shared: LocalHub, tmp_path: Path) -> None:
    """Ada stops: bea, who wants to be told, is called; when she leaves, cleo's machine starts by itself."""
    bea, cleo = visit("bea"), visit("cleo")
    SpawnPage(bea).here().card("GPU").get_by_role("button", name="Wait, and only tell me").click()
    expect(bea.locator("[data-rm-place-id]")).to_contain_text("You are 1st in line")
    cleo.reload()
    SpawnPage(cleo).here().card("GPU").get_by_role("button", name="Wait for it, and start it for me").click()
    expect(cleo.locator("[data-rm-place-id]")).to_contain_text("You are 2nd in line")
    shared.person("ada").rest.delete("/hub/api/users/ada/server")
    wait_for(lambda: "kept for you until" in shared.person("bea").http.get("/hub/queue").text)
    bea.reload()
    expect(bea.locator("[data-rm-place-id]")).to_contain_text("kept for you until")
    expect(bea.get_by_role("button", name="Start it")).to_be_visible()
    keep(bea, "called", tmp_path)
    bea.goto("/hub/home")
    expect(bea.locator("body")).to_contain_text("Your GPU is free")
    keep(bea, "called-home", tmp_path)
    bea.goto("/hub/spawn")
    expect(SpawnPage(bea).here().card("GPU").locator("[data-rm-kept]")).to_be_visible()
    keep(bea, "called-card", tmp_path)
    bea.goto("/hub/queue")
    bea.get_by_role("button", name="Leave the line").click()
    served = shared.person("cleo")
    wait_for(lambda: served.model()["servers"])  # nobody asked for it just now: it begins by itself
    served.wait_ready()
    cleo.goto("/hub/home")
    expect(cleo.get_by_role("heading", name="GPU", exact=True)).to_be_visible()
