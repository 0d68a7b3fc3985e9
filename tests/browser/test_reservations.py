"""Booking a machine by clicking, in every dress: search, slot, calendar, change, address, end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.dresses import DRESSES, assert_readable
from tests.browser.pictures import keep
from tests.browser.visits import visits
from tests.local.hub_process import LocalHub, hub_with

pytestmark = [pytest.mark.browser, pytest.mark.local]

SETTINGS = """
mode: local
hub:
  consecutiveFailureLimit: 0
  config: {JupyterHub: {load_groups: {ml: {users: [bea, cat]}}}}
catalog:
  policies:
    showHolders: groups
    reservations:
      gpus: {profiles: [gpu], gpus: 2, longest: 8h, perPerson: 20}
"""


@pytest.fixture(scope="module")
def reserving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    with hub_with(SETTINGS, tmp_path_factory.mktemp("reservations")) as hub:
        bea = hub.person("bea")
        for ahead, gpus, lasts in ((20, 1, "6h"), (26, 2, "3h"), (44, 1, "8h"), (46, 1, "3h"), (70, 2, "8h")):
            begins = datetime.now(UTC) + timedelta(hours=ahead)
            body = {"profile": "gpu", "options": {"gpus": gpus}, "begins_at": begins.isoformat(), "lasts": lasts}
            headers = {"X-XSRFToken": bea.xsrf}
            made = bea.http.post("/hub/api/remuda/reservations", json=body, headers=headers)
            assert made.status_code in {201, 409}, made.text
        yield hub


@pytest.fixture
def visit(reserving: LocalHub, browser: Browser, dress: str) -> Iterator[Callable[[str, str], Page]]:
    with visits(reserving, browser) as open_page:
        yield lambda name, path: open_page(name, path, **DRESSES[dress])


def looked_at(page: Page, folder: Path, name: str, dress: str) -> None:
    assert_readable(page)
    shown = dress == "light" and name == "own"
    keep(page, "reservations" if shown else f"reservations-{name}-{dress}", folder, in_docs=shown)


def test_find_reserve_and_cancel(visit: Callable[[str, str], Page], dress: str, tmp_path: Path) -> None:
    page = visit(f"ada-{dress}", "/hub/reservations?profile=gpu")
    looked_at(page, tmp_path, "empty", dress)
    day = datetime.now(UTC) + timedelta(days=4)
    page.get_by_role("combobox", name="Machine").select_option(index=0)
    page.get_by_label("Day", exact=True).fill(f"{day:%Y-%m-%d}")
    page.get_by_label("From", exact=True).fill("09:00")
    page.get_by_label("For how long").select_option("60")
    page.get_by_label("A note for yourself, if you like").fill("Workshop <b>")
    page.get_by_role("button", name="Find a free time").click()
    expect(page.get_by_text("These times are free")).to_be_visible()
    looked_at(page, tmp_path, "found", dress)
    page.locator("#rm-free").get_by_role("button").first.click()
    expect(page.get_by_role("status").first).to_contain_text("It is reserved.")
    expect(page.get_by_text("Workshop <b>").first).to_be_visible()
    looked_at(page, tmp_path, "reserved", dress)
    page.get_by_role("button", name="Make an address").click()
    expect(page.get_by_label("Address of your reservations")).to_be_visible()
    looked_at(page, tmp_path, "feed", dress)
    page.get_by_role("button", name="Cancel").first.click()
    expect(page.get_by_role("status").first).to_contain_text("The reservation is over.")
    page.get_by_label("Day", exact=True).fill("2020-01-01")
    page.get_by_role("button", name="Reserve it").click()
    expect(page.get_by_role("alert")).to_contain_text("in-the-past")


def test_change_it_on_its_page(visit: Callable[[str, str], Page], dress: str, tmp_path: Path) -> None:
    page = visit(f"eve-{dress}", "/hub/reservations?profile=gpu")
    day = datetime.now(UTC) + timedelta(days=9)
    page.get_by_label("Day", exact=True).fill(f"{day:%Y-%m-%d}")
    page.get_by_label("From", exact=True).fill("09:00")
    page.get_by_label("For how long").select_option("60")
    page.get_by_role("button", name="Reserve it").click()
    page.get_by_role("link", name="Change").first.click()
    expect(page.get_by_role("heading", level=1, name="Change a reservation")).to_be_visible()
    looked_at(page, tmp_path, "change", dress)
    page.get_by_label("Until", exact=True).fill("23:00")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("alert")).to_contain_text("can be reserved for 8 hours at most")
    expect(page.get_by_role("alert")).to_contain_text("It stays as it was")
    expect(page.get_by_label("Until", exact=True)).to_have_value("23:00")
    looked_at(page, tmp_path, "change-refused", dress)
    page.get_by_label("Until", exact=True).fill("11:30")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("status").first).to_contain_text("The reservation is changed.")
    expect(page.get_by_text("09:00 to 11:30").first).to_be_visible()
    page.get_by_role("button", name="Cancel").first.click()
    expect(page.get_by_role("status").first).to_contain_text("The reservation is over.")


def test_a_bar_opens_by_keyboard_and_an_administrator_cancels_there(
    visit: Callable[[str, str], Page], reserving: LocalHub, dress: str, tmp_path: Path
) -> None:
    dan = reserving.person(f"dan-{dress}")
    begins = datetime.now(UTC) + timedelta(days=5)
    body = {"profile": "gpu", "options": {"gpus": 1}, "begins_at": begins.isoformat(), "lasts": "1h"}
    headers = {"X-XSRFToken": dan.xsrf}
    assert dan.http.post("/hub/api/remuda/reservations", json=body, headers=headers).status_code == 201
    page = visit("admin", "/hub/reservations")
    bar = page.locator("summary", has_text=f"dan-{dress}: ").first
    bar.focus()
    page.keyboard.press("Enter")
    card = page.locator("details[open] .rm-booked-card")
    expect(card).to_contain_text(f"dan-{dress}: GPU, ")
    looked_at(page, tmp_path, "opened", dress)
    card.get_by_label(f"Why it is to end: dan-{dress} reads it").fill("The node is repaired.")
    card.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status").first).to_contain_text("The reservation is cancelled.")
    told = dan.http.get("/hub/api/remuda/notices").json()["notices"][0]["text"]
    assert told.endswith("They say: “The node is repaired.”")


def test_by_name_as_far_as_the_reader_may_know(visit: Callable[[str, str], Page], dress: str, tmp_path: Path) -> None:
    stranger = visit(f"dan-{dress}", "/hub/reservations")
    expect(stranger.locator(".rm-booked").first).to_contain_text("somebody")
    mate = visit("cat", "/hub/reservations")
    expect(mate.locator(".rm-booked").first).to_contain_text("bea")
    own = visit("bea", "/hub/reservations")
    expect(own.locator(".rm-booked-mine > summary").first).to_be_visible()
    looked_at(own, tmp_path, "own", dress)
    own.goto("/hub/capacity")
    expect(own.get_by_role("heading", name="Reserved")).to_be_visible()
    looked_at(own, tmp_path, "capacity", dress)
