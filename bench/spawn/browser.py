"""Click → JupyterLab's launcher, in Chromium, on the ordinary pages of each stack."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, Page, sync_playwright

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_ARGS)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(180_000)
        yield context
        browser.close()


def log_in(page: Page, url: str, user: str, password: str) -> None:
    page.goto(f"{url}/hub/login?next=%2Fhub%2Fhome")
    page.fill("#username_input", user)
    page.fill("#password_input", password)
    page.click("#login_submit")
    page.wait_for_url("**/hub/home")


def launcher_after_click(page: Page, url: str, profile: str) -> float:
    """Seconds from pressing Start on the spawn page to the launcher on the screen."""
    page.goto(f"{url}/hub/spawn")
    start = page.locator(f'button.rm-start[value="{profile}"], #spawn_form button.btn-jupyter').first
    start.wait_for()
    clicked = time.monotonic()
    start.click(no_wait_after=True)
    page.wait_for_selector(".jp-Launcher-body", state="visible")
    return time.monotonic() - clicked
