"""Pages of a real hub, opened as one person or another; each visit is a browser of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE_MS, TOUCHED
from tests.browser.pages import LoginPage
from tests.local.hub_process import LocalHub


@contextmanager
def visits(hub: LocalHub, browser: Browser) -> Iterator[Callable[..., Page]]:
    """`open_page(name, path, **options)`, logged in; the options are the browser's, such as those of a dress."""
    contexts = []

    def open_page(name: str, path: str = "/hub/spawn", **options: Any) -> Page:
        context = browser.new_context(base_url=hub.url, reduced_motion="reduce", **(TOUCHED | options))
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        secret = "admin_password" if name == "admin" else "user_password"
        LoginPage(page).log_in(name, hub.secret(secret), path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_load_state("load")  # its script hears what is done from now on
        return page

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()
