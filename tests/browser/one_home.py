"""The story the product exists for, told once and played on `make run` and on a cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from playwright.sync_api import Page, expect

from tests.browser.lab import LabPage
from tests.browser.pages import HomePage, SpawnPage, SwitchPage, expect_on_server

CHANNEL = "conda-channel"
PRINT_VALUE = "import sys, tinypkg; print('value', tinypkg.VALUE, 'from', sys.prefix)"


@dataclass(frozen=True)
class Placed:
    """Where a person's machine really is."""

    pool: str
    gpus: int


class Workbench(Protocol):
    def put_into_home(self, person: str, folder: Path, name: str) -> str:
        """Copy a folder into the person's home, whose server runs; returns its path as the person sees it."""

    def placed(self, person: str) -> Placed: ...


def play(page: Page, bench: Workbench, person: str, channel: Path) -> None:
    """Start small, make a notebook and an environment, switch to a GPU and back; everything is there each time."""
    SpawnPage(page).here().start("Small CPU")
    expect_on_server(page, person, "lab")
    lab = LabPage(page).launcher()
    assert bench.placed(person) == Placed("general", 0)

    in_home = bench.put_into_home(person, channel, CHANNEL)
    lab.new_notebook(re.compile("Python 3"))
    expect(lab.run("answer = 6 * 7; print('answer', answer)")).to_contain_text("answer 42")
    made = lab.run(f"!remuda-env create trip tinypkg --channel file://{in_home} && echo MADE-IT")
    expect(made).to_contain_text(re.compile(r"MADE-IT\s*$"), timeout=240_000)
    save_as(lab, "work.ipynb")

    use_environment(page, person)

    page.goto(f"/user/{person}/lab/tree/trip.ipynb")
    LabPage(page).notebook().switch_machine()
    SwitchPage(page).here().switch_to("GPU")
    expect_on_server(page, person, "lab/tree/trip.ipynb")
    LabPage(page).notebook()
    expect(page.get_by_text("answer 42").first).to_be_visible()
    assert bench.placed(person) == Placed("gpu", 1)
    expect(LabPage(page).run(PRINT_VALUE)).to_contain_text(re.compile(r"value 42 from \S*/envs/trip"), timeout=120_000)

    home = HomePage(page).open()
    home.shows("GPU")
    home.switch().switch_to("Small CPU")
    expect_on_server(page, person, "lab")
    assert bench.placed(person) == Placed("general", 0)
    HomePage(page).open().shows("Small CPU")
    home.stop()


def save_as(lab: LabPage, name: str) -> None:
    """The first save of a new notebook asks for a name.

    Lab renames the file, then the kernel's session: who leaves in between finds this kernel under the next "Untitled".
    """
    lab.page.keyboard.press("Control+s")
    dialog = lab.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(name)
    with lab.page.expect_response(lambda answer: answer.request.method == "PATCH" and "/api/sessions/" in answer.url):
        dialog.get_by_role("button", name="Rename and Save").click()
    expect(lab.page.locator(".lm-mod-current.jp-mod-dirty")).to_have_count(0)


def use_environment(page: Page, person: str) -> None:
    """A new notebook on the environment's kernel, which no step of the person's made appear."""
    page.goto(f"/user/{person}/lab?reset")
    lab = LabPage(page).launcher().new_notebook("trip")
    expect(lab.run(PRINT_VALUE)).to_contain_text(re.compile(r"value 42 from \S*/envs/trip"), timeout=120_000)
    expect(lab.run("print('answer', 42)")).to_contain_text("answer 42")
    save_as(lab, "trip.ipynb")
