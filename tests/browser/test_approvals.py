"""From a locked card to a yes and a start, by clicking, in every dress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.dresses import DRESSES, assert_readable
from tests.browser.pages import expect_on_server
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
    approvals:
      big-gpu: {profiles: [gpu], approvers: {groups: [leads]}, longest: 7d}
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    with hub_with(SETTINGS, tmp_path_factory.mktemp("approvals")) as hub:
        yield hub


@pytest.fixture
def visit(asked: LocalHub, browser: Browser, dress: str) -> Iterator[Callable[[str, str], Page]]:
    with visits(asked, browser) as open_page:
        yield lambda name, path: open_page(name, path, **DRESSES[dress])


def looked_at(page: Page, folder: Path, name: str, dress: str) -> None:
    assert_readable(page)
    in_docs = {"answer": "approvals", "audit": "audit"}.get(name) if dress == "light" else None
    keep(page, in_docs or f"approvals-{name}-{dress}", folder, in_docs=in_docs is not None)


def test_ask_answer_start_and_audit(visit: Callable[[str, str], Page], dress: str, tmp_path: Path) -> None:
    person = f"ada-{dress}"
    ada = visit(person, "/hub/spawn")
    card = ada.locator("[data-rm-card]").filter(has_text="GPU").last
    card.get_by_role("link", name="Ask for it").click()
    expect(ada.get_by_role("heading", name="Ask for GPU")).to_be_visible()
    ada.get_by_label("GPUs").select_option("2")
    ada.get_by_label("For how long").fill("3")
    more = "Until Friday." if dress == "light" else f"{'Very long word ' * 20}{'x' * 300}"
    ada.get_by_label("What is it for?").fill(f"Fine-tuning for the workshop.\n{more}")
    looked_at(ada, tmp_path, "form", dress)
    ada.get_by_role("button", name="Ask for it").click()
    expect(ada.get_by_role("status")).to_contain_text("You have asked")
    looked_at(ada, tmp_path, "mine", dress)

    bea = visit("bea", "/hub/approvals")
    looked_at(bea, tmp_path, "inbox", dress)
    bea.get_by_role("link", name=f"GPU for {person}").click()
    bea.get_by_label("Comment", exact=True).fill("Two are free until Friday.")
    looked_at(bea, tmp_path, "answer", dress)
    bea.get_by_role("button", name="Say yes").click()
    expect(bea.get_by_role("status")).to_contain_text("You said yes")
    expect(bea.get_by_role("button", name="Take the yes back")).to_be_visible()
    looked_at(bea, tmp_path, "answered", dress)

    ada.goto("/hub/home")
    expect(ada.get_by_role("status").first).to_contain_text("bea said yes: you may have GPU until")
    looked_at(ada, tmp_path, "home", dress)
    ada.goto("/hub/spawn")
    ada.get_by_role("radio", name="GPU", exact=True).check()
    ada.get_by_label("GPUs").select_option("2")
    ada.get_by_role("button", name="Start GPU").click()
    expect_on_server(ada, person)

    admin = visit("admin", f"/hub/audit?person={person}")
    expect(admin.get_by_role("cell", name="Said yes")).to_be_visible()
    looked_at(admin, tmp_path, "audit", dress)
