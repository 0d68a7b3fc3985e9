"""Asking for somebody's machine, and being told, by clicking, in every dress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.dresses import DRESSES, assert_readable
from tests.browser.pictures import keep
from tests.browser.visits import visits
from tests.local.hub_process import LocalHub, Person, hub_with

pytestmark = [pytest.mark.browser, pytest.mark.local]

#: Nobody reads mail at that port: the page has its switch, and what cannot be sent waits.
SETTINGS = """
mode: local
hub:
  consecutiveFailureLimit: 0
  notices:
    email:
      {host: 127.0.0.1, port: 9, security: none, from: hub@example.org, addressTemplate: "{username}@example.org"}
catalog:
  policies:
    approvals:
      big-gpu: {profiles: [gpu], approvers: {admins: true}}
"""
MESSAGE = f"Only for an hour, for the workshop.\n{'Very long word ' * 10}{'x' * 150}"


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    with hub_with(SETTINGS, tmp_path_factory.mktemp("notices")) as hub:
        yield hub


@pytest.fixture(scope="module")
def ada(telling: LocalHub) -> Person:
    person = telling.person("ada")
    assert person.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    person.wait_ready()
    return person


@pytest.fixture
def visit(telling: LocalHub, browser: Browser, dress: str) -> Iterator[Callable[[str, str], Page]]:
    with visits(telling, browser) as open_page:
        yield lambda name, path: open_page(name, path, **DRESSES[dress])


def looked_at(page: Page, folder: Path, name: str) -> None:
    assert_readable(page)
    shown = name == "list-light"
    keep(page, "notices" if shown else f"notices-{name}", folder, in_docs=shown)


def test_ask_for_it_and_be_told(visit: Callable[[str, str], Page], ada: Person, dress: str, tmp_path: Path) -> None:
    asker = f"bea-{dress}"
    bea = visit(asker, "/hub/capacity")
    bea.locator("summary", has_text="Ask for it").click()
    bea.get_by_label("Your message, if you like").fill(MESSAGE)
    looked_at(bea, tmp_path, f"ask-{dress}")
    bea.get_by_role("button", name="Ask for it").click()
    expect(bea.get_by_role("status")).to_contain_text("has been told")
    bea.locator("summary", has_text="Ask for it").click()
    bea.get_by_role("button", name="Ask for it").click()
    expect(bea.get_by_role("alert")).to_contain_text("You asked for this machine")
    looked_at(bea, tmp_path, f"asked-{dress}")

    holder = visit("ada", "/hub/home")
    told = holder.locator(".rm-told").first
    expect(told).to_contain_text(f"{asker} asks for your Small CPU")
    looked_at(holder, tmp_path, f"home-{dress}")
    holder.goto("/hub/notices")
    expect(holder.locator(".rm-told.rm-unread").first).to_contain_text(asker)
    looked_at(holder, tmp_path, f"list-{dress}")
    holder.locator(".rm-told").first.get_by_role("button", name="Mark as read").click()
    expect(holder.locator(".rm-told").first).not_to_have_class("rm-told rm-unread")
    mark_all = holder.get_by_role("button", name="Mark all as read")
    if mark_all.count():
        mark_all.click()
    expect(holder.get_by_text("unread")).to_have_count(0)
    holder.get_by_role("button", name="Send me no mail").click()
    expect(holder.get_by_role("status")).to_contain_text("no notices by e-mail")
    looked_at(holder, tmp_path, f"read-{dress}")
    holder.get_by_role("button", name="Send me mail").click()
    expect(holder.get_by_role("status")).to_contain_text("by e-mail, too")
