"""One home on every machine, on `make run`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.one_home import Placed, play
from tests.environments.channel import make_channel
from tests.local.hub_process import LocalHub

pytestmark = [pytest.mark.browser, pytest.mark.local]


@dataclass(frozen=True)
class LocalWorkbench:
    hub: LocalHub

    def put_into_home(self, person: str, folder: Path, name: str) -> str:
        target = Path(self.hub.server_of(person).environ()["HOME"]) / name
        shutil.copytree(folder, target)
        return str(target)

    def placed(self, person: str) -> Placed:
        machine = json.loads(self.hub.server_of(person).environ()["REMUDA_MACHINE"])
        return Placed(machine["pool_id"], machine["gpus"])


def test_notebooks_environments_and_kernels_follow_the_person(
    hub: LocalHub, visit: Callable[..., Page], tmp_path: Path
) -> None:
    with ThreadPoolExecutor(1) as apart:  # Playwright's loop runs in this thread
        channel = apart.submit(make_channel, tmp_path / "channel", tmp_path / "scratch").result()
    play(visit("wanda"), LocalWorkbench(hub), "wanda", channel.folder)
