"""Chromium against a Hub that `make run`'s program has started."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.dresses import DRESSES
from tests.browser.pages import LoginPage
from tests.local.held import Held
from tests.local.hub_process import LocalHub

SETTINGS = """
mode: local
hub:
  consecutiveFailureLimit: 0
  config: {JupyterHub: {load_groups: {research: {users: [bea]}}}}
catalog:
  profiles:
    big-memory:
      extends: many-core
      displayName: Big memory
      purpose: Tables that fit nowhere else.
      allow: {everyone: false, groups: [research]}
    never-up:
      extends: small-cpu
      displayName: Never up
      purpose: Does not answer.
      startTimeout: 2s
      env: {JUPYTERHUB_SERVICE_URL: "http://127.0.0.1:1/"}
    slow-start:
      extends: small-cpu
      displayName: Slow start
      purpose: Comes up when the test lets it.
      env: {PYTHONPATH: "%(slow)s"}
"""
#: No GPU, no QUIC, and nothing that calls out on its own.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOUCHED: dict[str, Any] = {
    "viewport": {"width": 1280, "height": 800},
    "locale": "en-GB",
    "timezone_id": "Europe/Berlin",
}

expect.set_options(timeout=30_000)
#: What a page does may wait for a Hub that starts machines for others on a busy computer.
PATIENCE_MS = 60_000


def chromium_path() -> str | None:
    """The system's Chromium; None lets Playwright use the one it has downloaded, if any."""
    named = os.environ.get("REMUDA_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """Lets servers on the machine "Slow start" come up."""
    return Held(tmp_path_factory.mktemp("held"))


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory, held: Held) -> Iterator[LocalHub]:
    hub = LocalHub(tmp_path_factory.mktemp("browser") / "local")
    hub.write_settings(SETTINGS % {"slow": held.folder})
    try:
        yield hub.start()
        hub.interrupt()
    finally:
        hub.kill_everything()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Per module: while Playwright's synchronous interface is open, no test of another folder can run an event loop."""
    with sync_playwright() as playwright:
        path = chromium_path()
        if path is None and not Path(playwright.chromium.executable_path).exists():
            if os.environ.get("CI"):
                pytest.fail("no Chromium: install the chromium package, or name one in REMUDA_CHROMIUM")
            pytest.skip("no Chromium: install the chromium package, or name one in REMUDA_CHROMIUM")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=DRESSES)
def dress(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def visit(hub: LocalHub, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """`visit("ada", **context_options)`: a fresh browser in which this person is logged in, at the spawn page."""
    contexts: list[BrowserContext] = []

    def open_page(name: str, **options: Any) -> Page:
        context = browser.new_context(base_url=hub.url, **(TOUCHED | options))
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        password = hub.secret("admin_password" if name == "admin" else "user_password")
        LoginPage(page).log_in(name, password)
        return page

    yield open_page
    for context in contexts:
        context.close()
