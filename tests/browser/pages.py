"""The pages as a person sees them: by roles, labels and words, never by position or style."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

START_MS = 60_000  # a start with a cold import cache on a busy computer


class LoginPage:
    def __init__(self, page: Page) -> None:
        self.page = page

    def log_in(self, name: str, password: str, next_url: str = "/hub/spawn") -> None:
        self.page.goto(f"/hub/login?next={next_url}")
        self.page.get_by_label("Username:").fill(name)
        self.page.get_by_label("Password:", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()


class MachineCards:
    """The radio group of the spawn page and of the switch page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def radio(self, machine: str) -> Locator:
        return self.page.get_by_role("radio", name=machine, exact=True)

    def card(self, machine: str) -> Locator:
        return self.page.locator("[data-rm-card]").filter(has=self.radio(machine))

    @property
    def selected(self) -> str:
        checked = self.page.locator("input[name=profile]:checked")
        return str(checked.get_attribute("value"))

    def button(self, verb: str, machine: str) -> Locator:
        return self.page.get_by_role("button", name=f"{verb} {machine}", exact=True)


class SpawnPage(MachineCards):
    def open(self, query: str = "") -> SpawnPage:
        self.page.goto(f"/hub/spawn{query}")
        return self.here()

    def here(self) -> SpawnPage:
        expect(self.page.get_by_role("heading", level=1, name="Pick a machine")).to_be_visible()
        self.page.wait_for_load_state("load")  # its script hears what is done from now on
        return self

    def start(self, machine: str) -> None:
        self.button("Start", machine).click()


class SwitchPage(MachineCards):
    def here(self) -> SwitchPage:
        expect(self.page.get_by_role("heading", level=1, name="Switch machine")).to_be_visible()
        self.page.wait_for_load_state("load")
        return self

    def switch_to(self, machine: str) -> None:
        self.button("Switch", machine).click()


class HomePage:
    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> HomePage:
        self.page.goto("/hub/home")
        return self.here()

    def here(self) -> HomePage:
        expect(self.page.get_by_role("heading", level=1, name="Your machine")).to_be_visible()
        self.page.wait_for_load_state("load")
        return self

    def shows(self, machine: str) -> None:
        expect(self.page.get_by_role("heading", level=2, name=machine, exact=True)).to_be_visible()

    def shows_nothing_running(self) -> None:
        expect(self.page.get_by_role("heading", level=2, name=re.compile("No machine"))).to_be_visible(timeout=START_MS)

    def stop(self) -> None:
        self.page.get_by_role("button", name="Stop", exact=True).click()
        self.shows_nothing_running()

    def switch(self) -> SwitchPage:
        self.page.get_by_role("link", name="Switch machine").click()
        return SwitchPage(self.page).here()


def expect_on_server(page: Page, name: str, path: str = "") -> None:
    """The browser has arrived on this person's own server."""
    page.wait_for_url(re.compile(rf"/user/{re.escape(name)}/{path}"), timeout=START_MS, wait_until="commit")


def expect_starting(page: Page, machine: str) -> None:
    expect(
        page.get_by_role("heading", level=1, name=re.compile(f"(Starting|Switching .* to) {machine}"))
    ).to_be_visible()
