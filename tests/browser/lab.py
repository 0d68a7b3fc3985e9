"""JupyterLab as a person uses it: the launcher, a notebook, the bar with the machine."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

START_MS = 90_000


class LabPage:
    def __init__(self, page: Page) -> None:
        self.page = page

    def launcher(self) -> LabPage:
        expect(self.page.locator(".jp-Launcher-body").first).to_be_visible(timeout=START_MS)
        return self

    def kernel_tile(self, name: str | re.Pattern[str]) -> Locator:
        cards = self.page.locator(".jp-LauncherCard[data-category=Notebook]")
        return cards.filter(has_text=name).first

    def new_notebook(self, kernel: str | re.Pattern[str]) -> LabPage:
        tile = self.kernel_tile(kernel)
        expect(tile).to_be_visible(timeout=START_MS)
        tile.click()
        return self.notebook()

    def notebook(self) -> LabPage:
        """The notebook in front can be typed into; its kernel may still be on its way."""
        expect(self.front.locator(".jp-Cell").first).to_be_visible(timeout=START_MS)
        # Under the spinner are cells that the notebook's own will replace.
        expect(self.front.locator(".jp-Spinner")).to_have_count(0, timeout=START_MS)
        return self

    def kernel_waits(self) -> LabPage:
        """The kernel has come up and waits for work. (A notebook that has no kernel yet calls itself idle, too.)"""
        status = self.page.locator("#jp-main-statusbar").get_by_text(re.compile(r"^(?!No Kernel).+ \| Idle$"))
        expect(status).to_be_visible(timeout=START_MS)
        return self

    @property
    def front(self) -> Locator:
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def run(self, code: str) -> Locator:
        """Type into the last cell, run it, and give its output."""
        cells = self.front.locator(".jp-CodeCell")
        expect(cells.last.locator(".cm-content")).to_have_text("")  # a notebook that is being opened grows cell by cell
        position = cells.count() - 1
        cell = self.front.locator(".jp-CodeCell").nth(position)
        editor = cell.locator(".cm-content")
        editor.click()
        expect(editor).to_be_focused()
        self.page.keyboard.insert_text(code)
        expect(editor).to_have_text(code)
        editor.press("Shift+Enter")
        return cell.locator(".jp-OutputArea-output")

    @property
    def kernel_name(self) -> Locator:
        return self.front.locator(".jp-KernelName")

    def switch_machine(self) -> None:
        self.page.get_by_role("link", name="Switch machine").click()
