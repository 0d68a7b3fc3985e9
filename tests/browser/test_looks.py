"""The main pages in every dress: light, dark, phone, without JavaScript. They also make the pictures of the docs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE_MS, TOUCHED
from tests.browser.dresses import DRESSES, assert_readable
from tests.browser.pages import HomePage, LoginPage, SpawnPage, expect_on_server, expect_starting
from tests.browser.pictures import keep
from tests.local.held import Held
from tests.local.hub_process import LocalHub, hub_with

pytestmark = [pytest.mark.browser, pytest.mark.local]

#: The shipped machines, and one that is locked; the GPU machine comes up when it has been looked at.
SETTINGS = """
mode: local
catalog:
  profiles:
    gpu: {env: {PYTHONPATH: "%(slow)s"}}
    big-memory:
      extends: many-core
      displayName: Big memory
      purpose: Tables that fit nowhere else.
      memory: 512Gi
      pricePerHour: 4.20
      options: {}
      allow: {groups: [research]}
"""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory, held: Held) -> Iterator[LocalHub]:
    with hub_with(SETTINGS % {"slow": held.folder}, tmp_path_factory.mktemp("looks")) as hub:
        yield hub


@pytest.fixture(params=DRESSES)
def dressed(shipped: LocalHub, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(base_url=shipped.url, reduced_motion="reduce", **(TOUCHED | DRESSES[request.param]))
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    # Each test and dress is another person: a last choice would be preselected.
    test = request.node.originalname.removeprefix("test_").replace("_", "-")[:20]
    person = "ada" if (test, request.param) == ("main-pages", "light") else f"{test}-{request.param}"
    LoginPage(page).log_in(person, shipped.secret("user_password"))
    yield page
    context.close()


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Page, str], None]:
    """Keep what a page looks like."""

    def take(page: Page, name: str) -> None:
        dress = request.node.callspec.params["dressed"]
        in_docs = dress == "light" or (name == "spawn" and dress in {"dark", "phone"})
        name = name if dress == "light" else f"{name}-{dress}"
        keep(page, name, tmp_path, in_docs=in_docs, full_page=dress == "phone")

    return take


def test_main_pages(dressed: Page, picture: Callable[[Page, str], None], held: Held) -> None:
    spawn = SpawnPage(dressed).here()
    expect(spawn.radio("Big memory")).to_be_disabled()
    assert_readable(dressed)
    picture(dressed, "spawn")

    spawn.start("GPU")
    expect_starting(dressed, "GPU")
    expect(dressed.get_by_role("status")).not_to_be_empty()
    assert_readable(dressed)
    picture(dressed, "pending")
    user = dressed.url.split("spawn-pending/")[1].split("?")[0]
    held.let_go(user)
    expect_on_server(dressed, user)

    home = HomePage(dressed).open()
    home.shows("GPU")
    assert_readable(dressed)
    picture(dressed, "home")
    home.switch()
    assert_readable(dressed)
    home.open()
    home.stop()
    assert_readable(dressed)
    dressed.goto(f"/user/{user}/lab")
    assert_readable(dressed)
    dressed.goto("/hub/nowhere")
    assert_readable(dressed)


@pytest.mark.parametrize("dressed", ["light"], indirect=True)
def test_jupyterhubs_own_theme_button_darkens_our_pages(dressed: Page) -> None:
    card = dressed.locator("[data-rm-card]").first
    SpawnPage(dressed).here()
    before = card.evaluate("card => getComputedStyle(card).backgroundColor")
    dressed.get_by_role("button", name="Toggle dark mode").click()
    expect(card).not_to_have_css("background-color", before)
    assert_readable(dressed)


@pytest.mark.parametrize("dressed", ["light"], indirect=True)
def test_the_keyboard_alone_is_enough(dressed: Page) -> None:
    spawn = SpawnPage(dressed).here()
    expect(spawn.radio("Small CPU")).to_be_focused()
    dressed.keyboard.press("ArrowDown")
    dressed.keyboard.press("ArrowDown")
    expect(spawn.radio("GPU")).to_be_checked()
    dressed.keyboard.press("Tab")
    expect(spawn.card("GPU").get_by_role("combobox")).to_be_focused()
    outline = spawn.card("GPU").get_by_role("combobox").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid", "focus is visible"
    dressed.keyboard.press("Tab")
    expect(spawn.button("Start", "GPU")).to_be_focused()


@pytest.mark.parametrize("dressed", ["phone"], indirect=True)
def test_a_phone_shows_one_card_per_row_with_buttons_for_thumbs(dressed: Page) -> None:
    cards = dressed.locator("[data-rm-card]")
    expect(cards.last).to_be_visible()
    boxes = [card.bounding_box() for card in cards.all()]
    assert len({round(box["x"]) for box in boxes if box}) == 1
    for button in dressed.get_by_role("button", name="Start").all():
        box = button.bounding_box()
        assert box
        assert box["height"] >= 40
