"""Shares as a person sees them: light, dark, on a phone, without JavaScript, by keyboard, and without a reload."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.dresses import DRESSES, assert_readable
from tests.browser.pages import START_MS, SpawnPage
from tests.browser.pictures import keep
from tests.browser.visits import visits
from tests.local.hub_process import LocalHub, hub_with, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.local]

#: One machine each, GPUs for nobody's pocket, two of three options of the many cores too many.
SETTINGS = """
mode: local
hub:
  allowNamedServers: true
  consecutiveFailureLimit: 0
  config: {JupyterHub: {load_groups: {ml-team: {users: [ada, bea]}}}}
catalog:
  policies:
    quotas:
      servers: {per: user, servers: 2}
      team: {per: group, servers: 4, cores: 40}
      gpus: {per: user, gpus: 1, profiles: [gpu]}
    budgets:
      month: {per: user, money: 20}
      team-month: {per: group, gpuHours: 50}
      pocket: {per: user, money: 0.10, profiles: [many-core]}
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """A hub on which ada's machine runs."""
    with hub_with(SETTINGS, tmp_path_factory.mktemp("shares")) as hub:
        ada = hub.person("ada")
        assert ada.start_by_rest({"profile": "gpu"}).status_code in {201, 202}
        ada.wait_ready()
        wait_for(lambda: "running" in ada.http.get("/hub/usage").text)
        yield hub


@pytest.fixture
def visit(shared: LocalHub, browser: Browser) -> Iterator[Callable[..., Page]]:
    with visits(shared, browser) as open_page:
        yield open_page


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize(
    ("person", "path", "heading"),
    [
        ("bea", "/hub/spawn", "Pick a machine"),
        ("ada", "/hub/capacity", "Who uses what"),
        ("ada", "/hub/usage", "Your usage and cost"),
        ("admin", "/hub/usage?of=everybody", "Usage and cost of everybody"),
    ],
    ids=["spawn", "capacity", "usage", "everybody"],
)
def test_looks(  # noqa: PLR0917 (a page in a dress)
    visit: Callable[..., Page],
    tmp_path: Path,
    dress: str,
    person: str,
    path: str,
    heading: str,
) -> None:
    page = visit(person, path, **DRESSES[dress])
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    assert_readable(page)
    light = dress == "light"
    name = "usage-everybody" if "of=" in path else path.rpartition("/")[2]
    keep(page, name if light else f"{name}-{dress}", tmp_path, in_docs=light and name in {"capacity", "usage"})


def test_a_card_that_is_locked_says_why_and_cannot_be_chosen(visit: Callable[..., Page]) -> None:
    spawn = SpawnPage(visit("bea")).here()
    many = spawn.card("Many cores")
    expect(many.locator(".rm-lock")).to_contain_text("budget")
    expect(many.locator(".rm-lock")).to_have_attribute("data-rm-reason", "over-budget")
    expect(spawn.radio("Many cores")).to_be_disabled()
    expect(many.get_by_role("button")).to_have_count(0)


def test_an_option_that_is_too_much_says_so_when_it_is_chosen(visit: Callable[..., Page]) -> None:
    """By keyboard: two GPUs are refused where one is not."""
    page = visit("bea")
    spawn = SpawnPage(page).here()
    gpu, start = spawn.card("GPU"), spawn.button("Start", "GPU")
    expect(start).to_be_visible()
    choose = gpu.get_by_role("combobox").first
    choose.focus()
    page.keyboard.press("ArrowDown")
    expect(gpu.locator(".rm-lock")).to_contain_text("GPU")
    expect(start).to_be_hidden()
    expect(spawn.radio("GPU")).to_be_enabled()
    page.keyboard.press("ArrowUp")
    expect(gpu.locator(".rm-lock")).to_be_hidden()
    expect(start).to_be_visible()
    page.keyboard.press("Tab")
    expect(start).to_be_focused()


def test_the_page_learns_of_changes_without_a_reload(visit: Callable[..., Page], shared: LocalHub) -> None:
    page = visit("cleo", "/hub/spawn/cleo/second")
    spawn = SpawnPage(page).here()
    small = spawn.card("Small CPU")
    expect(small.locator("[data-rm-fact=shares]")).to_contain_text("2 of 2 servers left for you")
    page.evaluate("window.sameDocument = true")
    cleo = shared.person("cleo")
    assert cleo.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    cleo.wait_ready()
    expect(small.locator("[data-rm-fact=shares]")).to_contain_text("1 of 2 servers left for you", timeout=START_MS)
    assert page.evaluate("window.sameDocument")
    cleo.stop()


def test_without_javascript_the_page_is_true_when_it_is_loaded(visit: Callable[..., Page]) -> None:
    page = visit("bea", java_script_enabled=False)
    expect(page.locator("[data-rm-reason=over-budget]")).to_have_count(1)
    expect(page.get_by_role("radio", name="Many cores", exact=True)).to_be_disabled()
