"""For how long a machine is to run, as a person sees it: light, dark, on a phone, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.dresses import DRESSES, assert_readable
from tests.browser.pages import HomePage, SpawnPage, expect_on_server
from tests.browser.pictures import keep
from tests.browser.visits import visits
from tests.local.hub_process import LocalHub, hub_with

pytestmark = [pytest.mark.browser, pytest.mark.local]

#: Ten euros: four hours of a GPU, of which the admin wants no short runs; twelve and a half of many cores.
SETTINGS = """
mode: local
catalog:
  policies:
    budgets:
      month: {per: user, money: 10}
      gpus: {per: user, money: 10, profiles: [gpu], shortestRun: 6h}
"""


@pytest.fixture(scope="module")
def thrifty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    with hub_with(SETTINGS, tmp_path_factory.mktemp("run-for")) as hub:
        yield hub


@pytest.fixture
def visit(thrifty: LocalHub, browser: Browser) -> Iterator[Callable[..., Page]]:
    with visits(thrifty, browser) as open_page:
        yield open_page


@pytest.mark.parametrize("dress", [dress for dress in DRESSES if "javascript" not in dress])
def test_cards_follow_the_length(visit: Callable[..., Page], tmp_path: Path, dress: str) -> None:
    page = visit("bea", **DRESSES[dress])
    spawn = SpawnPage(page).here()
    length, many, gpu = page.get_by_label("For how long"), spawn.card("Many cores"), spawn.card("GPU")
    expect(gpu.locator(".rm-lock")).to_contain_text("Start it for 4 hours only")
    expect(gpu.get_by_text("Free now")).to_be_visible()
    expect(spawn.radio("GPU")).to_be_disabled()

    length.select_option(label="2 hours")
    expect(many.locator(".rm-price")).to_contain_text("€1.60 for 2 hours")
    expect(many.locator(".rm-until")).to_have_text(re.compile(r"Started now, it stops at .*\d:\d\d.* at the latest"))
    expect(many.locator(".rm-limits")).to_contain_text("Stops 2 hours after its start")
    expect(gpu.locator(".rm-lock")).to_be_hidden()
    expect(spawn.radio("GPU")).to_be_enabled()
    expect(spawn.button("Start", "GPU")).to_be_visible()
    expect(gpu.get_by_text("Free now")).to_be_hidden()
    assert_readable(page)
    keep(page, f"run-for-{dress}", tmp_path)

    length.select_option(label="24 hours")
    expect(many.locator(".rm-price")).to_contain_text("€10.00 for 12 h 30 min")
    expect(many.locator(".rm-until")).to_have_class(re.compile("rm-cut"))
    expect(gpu.locator(".rm-lock")).to_be_visible()
    assert_readable(page)
    keep(page, f"run-for-cut-{dress}", tmp_path)


@pytest.mark.parametrize("java_script", [True, False])
def test_it_is_started_for_so_long_and_forgotten_afterwards(visit: Callable[..., Page], java_script: bool) -> None:
    who = f"tess-{java_script}".lower()
    page = visit(who, java_script_enabled=java_script)
    spawn = SpawnPage(page).here()
    page.get_by_label("For how long").select_option("4h")
    spawn.radio("Small CPU").check()
    spawn.start("Small CPU")
    expect_on_server(page, who)
    home = HomePage(page).open()
    expect(page.get_by_text("4 hours after its start, as you asked")).to_be_visible()
    home.stop()
    SpawnPage(page).open()
    expect(page.get_by_label("For how long")).to_have_value("")


@pytest.mark.parametrize("dress", [dress for dress in DRESSES if "javascript" not in dress])
def test_it_is_let_run_longer_from_home(
    visit: Callable[..., Page], thrifty: LocalHub, tmp_path: Path, dress: str
) -> None:
    who = f"lee-{dress}"
    lee = thrifty.person(who)
    lee.start_by_form(profile="many-core", run_for="4h")
    lee.wait_ready()
    page = visit(who, "/hub/home", **DRESSES[dress])
    longer = page.get_by_label("Let it run until")
    expect(longer).to_be_visible()
    assert_readable(page)
    keep(page, f"run-longer-{dress}", tmp_path)
    longer.focus()
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your machine runs on until the time that you chose.")).to_be_visible()
    expect(page.get_by_text(re.compile("(7 h 59 min|8 hours) after its start, as you asked"))).to_be_visible()
    assert_readable(page)
    lee.stop()
