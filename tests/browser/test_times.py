"""A hub in Berlin, read in New York: with JavaScript by one's own clock, without it by the hub's, which is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pictures import keep
from tests.browser.visits import visits
from tests.local.hub_process import LocalHub, hub_with

pytestmark = [pytest.mark.browser, pytest.mark.local]

SETTINGS = """
mode: local
hub:
  consecutiveFailureLimit: 0
  config: {JupyterHub: {load_groups: {leads: {users: [bea]}}}}
catalog:
  policies:
    timezone: Europe/Berlin
    approvals:
      big-gpu: {profiles: [gpu], approvers: {groups: [leads]}, longest: 7d}
"""
BERLIN = re.compile(r"\d\d:\d\d( on \w{3} \d+ \w{3}( \d{4})?)? \(Europe/Berlin\)")
THERE = {"timezone_id": "America/New_York"}
READERS = {
    "script": THERE,
    "no-script": {**THERE, "java_script_enabled": False},
    "phone": {**THERE, "java_script_enabled": False, "viewport": {"width": 375, "height": 800}},
}


@pytest.fixture(scope="module")
def berlin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    with hub_with(SETTINGS, tmp_path_factory.mktemp("times")) as hub:
        yield hub


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def visit(berlin: LocalHub, browser: Browser, reader: str) -> Iterator[Callable[[str, str], Page]]:
    with visits(berlin, browser) as open_page:
        yield lambda name, path: open_page(name, path, **READERS[reader])


def expect_times(page: Page, reader: str) -> None:
    """All of the page's, and at least one."""
    times = page.locator("main time[datetime]")
    expect(times.first).to_be_visible()
    for time in times.all():
        text = time.text_content() or ""
        if reader == "script":
            assert re.search(r"GMT-[45]|E[SD]T", text), text
            assert BERLIN.fullmatch(time.get_attribute("title") or "")
        else:
            assert BERLIN.fullmatch(text), text
    assert "UTC" not in page.locator("main").inner_text()


def test_times_with_and_without_a_script(visit: Callable[[str, str], Page], reader: str, tmp_path: Path) -> None:
    person = f"ada-{reader}"
    ada = visit(person, "/hub/approvals/ask?profile=gpu")
    ada.get_by_label("What is it for?").fill("Fine-tuning for the workshop.")
    ada.get_by_role("button", name="Ask for it").click()
    expect(ada.get_by_role("status")).to_contain_text("You have asked")
    ada.goto("/hub/approvals/ask?profile=gpu")
    ada.get_by_label("What is it for?").fill("Once more.")
    ada.get_by_role("button", name="Ask for it").click()
    refused = ada.get_by_role("alert").first
    expect(refused).to_contain_text(BERLIN)
    keep(ada, f"times-refusal-{reader}", tmp_path)

    bea = visit("bea", "/hub/approvals")
    bea.get_by_role("link", name=f"GPU for {person}").click()
    bea.get_by_role("button", name="Say yes").click()
    expect(bea.get_by_role("status")).to_contain_text("You said yes")
    expect_times(bea, reader)
    keep(bea, f"times-answered-{reader}", tmp_path)

    ada.goto("/hub/spawn")
    if reader == "script":
        expect_times(ada, reader)
    ada.goto("/hub/home")
    expect(ada.get_by_role("status").first).to_contain_text(BERLIN)
    keep(ada, f"times-home-{reader}", tmp_path)

    admin = visit("admin", f"/hub/audit?person={person}")
    expect(admin.get_by_label("From (Europe/Berlin)")).to_be_visible()
    expect(admin.get_by_role("cell", name="Said yes")).to_be_visible()
    expect_times(admin, reader)
    keep(admin, f"times-audit-{reader}", tmp_path)
