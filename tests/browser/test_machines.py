"""A person picks, uses, switches and stops machines in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import START_MS, HomePage, SpawnPage, SwitchPage, expect_on_server, expect_starting
from tests.local.held import Held

pytestmark = [pytest.mark.browser, pytest.mark.local]

Visit = Callable[..., Page]


def test_enter_starts_the_preselected_machine_and_a_switch_returns_to_the_notebook(visit: Visit) -> None:
    page = visit("ada")
    spawn = SpawnPage(page).here()
    assert spawn.selected == "small-cpu"
    expect(spawn.radio("Small CPU")).to_be_focused()
    page.keyboard.press("Enter")
    expect_on_server(page, "ada", "lab")

    home = HomePage(page).open()
    home.shows("Small CPU")
    switch = home.switch()
    expect(switch.card("Small CPU").get_by_text("You are here")).to_be_visible()
    assert switch.selected != "small-cpu", "Enter must not restart the machine that runs"

    page.goto("/hub/switch?next=/user/ada/lab/tree/notes.txt")
    SwitchPage(page).here().switch_to("GPU")
    expect_starting(page, "GPU")
    expect_on_server(page, "ada", "lab/tree/notes.txt")
    HomePage(page).open().shows("GPU")

    home.stop()
    assert SpawnPage(page).open().selected == "gpu", "the last choice is preselected"


def test_everything_works_without_javascript(visit: Visit, held: Held) -> None:
    page = visit("nora", java_script_enabled=False)
    spawn = SpawnPage(page).here()
    expect(page.get_by_text("JupyterHub requires JavaScript")).to_be_hidden()
    spawn.radio("Slow start").check()
    page.keyboard.press("Enter")
    expect_starting(page, "Slow start")
    held.let_go("nora")
    expect_on_server(page, "nora", "lab")  # by the page's own refresh

    home = HomePage(page).open()
    home.shows("Slow start")
    home.switch().switch_to("Small CPU")
    expect_on_server(page, "nora", "lab")
    HomePage(page).open().shows("Small CPU")
    home.stop()


def test_the_price_follows_the_options(visit: Visit) -> None:
    page = visit("paul")
    spawn = SpawnPage(page).here()
    card = spawn.card("GPU")
    before = card.locator(".rm-price").inner_text()
    select = card.get_by_role("combobox")
    select.select_option("4")
    expect(card.locator(".rm-price")).not_to_have_text(before)
    expect(card.get_by_text("4 NVIDIA GPUs")).to_be_visible()
    assert spawn.selected == "gpu", "who changes an option means that machine"


def test_a_locked_machine_says_why_and_cannot_be_chosen(visit: Visit) -> None:
    page = visit("zoe")
    spawn = SpawnPage(page).here()
    expect(spawn.radio("Big memory")).to_be_disabled()
    expect(spawn.card("Big memory").get_by_role("button")).to_have_count(0)
    expect(spawn.radio("Big memory")).to_have_accessible_description(re.compile("research|group|administrator"))

    SpawnPage(visit("bea")).here()
    expect(SpawnPage(visit("bea")).here().radio("Big memory")).to_be_enabled()


def test_a_tampered_form_is_refused_with_a_code_and_the_page_stays_usable(visit: Visit) -> None:
    page = visit("mia")
    spawn = SpawnPage(page).here()
    spawn.radio("Big memory").evaluate("radio => { radio.disabled = false; radio.checked = true; }")
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert").filter(has_text="Reason code")
    expect(alert).to_contain_text("forbidden-profile")
    spawn.here()
    expect(spawn.button("Start", "Small CPU")).to_be_enabled()


def test_a_switch_to_a_machine_one_may_not_have_stops_nothing(visit: Visit) -> None:
    page = visit("otto")
    SpawnPage(page).here().start("Small CPU")
    expect_on_server(page, "otto")
    switch = HomePage(page).open().switch()
    switch.radio("Big memory").evaluate("radio => { radio.disabled = false; radio.checked = true; }")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="forbidden-profile")).to_be_visible()
    HomePage(page).open().shows("Small CPU")
    HomePage(page).stop()


def test_when_the_new_machine_cannot_start_the_old_one_is_one_click_away(visit: Visit) -> None:
    page = visit("rita")
    SpawnPage(page).here().start("Small CPU")
    expect_on_server(page, "rita")
    HomePage(page).open().switch().switch_to("Never up")
    expect(page.get_by_role("heading", level=1, name="Never up could not be started")).to_be_visible(timeout=START_MS)
    expect(page.get_by_role("alert").filter(has_text="start-timeout")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_role("button", name="Start Small CPU instead").click()
    expect_on_server(page, "rita")
    HomePage(page).open().shows("Small CPU")
    HomePage(page).stop()


def test_a_second_tab_follows_the_first(visit: Visit, held: Held) -> None:
    first = visit("tim")
    second = first.context.new_page()
    SpawnPage(second).open()
    SpawnPage(first).here().start("Slow start")
    expect_starting(first, "Slow start")
    SpawnPage(second).start("GPU")
    expect(second.get_by_role("status").filter(has_text="already")).to_be_visible()
    expect_starting(second, "Slow start")
    held.let_go("tim")
    for tab in (first, second):
        expect_on_server(tab, "tim")
    HomePage(first).open().shows("Slow start")
    HomePage(first).stop()


def test_a_start_can_be_cancelled(visit: Visit) -> None:
    page = visit("uma")
    SpawnPage(page).here().start("Slow start")
    expect_starting(page, "Slow start")
    page.get_by_role("button", name="Cancel the start").click()
    HomePage(page).here()
    HomePage(page).shows_nothing_running()
