"""One home on every machine, on the kind cluster of `make up`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import TOUCHED
from tests.browser.one_home import Placed, play
from tests.browser.pages import LoginPage
from tests.cluster.installed import InstalledHub, gpus_of
from tests.environments.channel import make_channel

pytest_plugins = ["tests.cluster.fixtures"]
pytestmark = [pytest.mark.browser, pytest.mark.cluster]
HOME = "/home/jovyan"


@dataclass(frozen=True)
class ClusterWorkbench:
    hub: InstalledHub

    def put_into_home(self, person: str, folder: Path, name: str) -> str:
        packed = subprocess.run(["tar", "-C", str(folder), "-c", "."], capture_output=True, check=True).stdout
        target = f"{HOME}/{name}"
        pod = self.hub.pod_of(person)["metadata"]["name"]
        script = f"mkdir -p {target} && tar -C {target} -x"
        self.hub.kubectl("exec", "-i", pod, "-c", "notebook", "--", "sh", "-c", script, stdin=packed)
        return target

    def placed(self, person: str) -> Placed:
        pod = self.hub.pod_of(person)
        return Placed(self.hub.pool_of(pod), gpus_of(pod))


@pytest.fixture
def someone(installed: InstalledHub) -> Iterator[str]:
    """A person nobody has seen before, with an empty home; both are gone afterwards."""
    name = f"wanda{uuid4().hex[:8]}"
    yield name
    installed.person("admin").stop_all_of(name)
    installed.kubectl("delete", "pvc", f"home-{name}", "--ignore-not-found", "--wait=false")


def test_notebooks_environments_and_kernels_follow_the_person(
    installed: InstalledHub, browser: Browser, someone: str, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(1) as apart:  # Playwright's loop runs in this thread
        channel = apart.submit(make_channel, tmp_path / "channel", tmp_path / "scratch").result()
    context = browser.new_context(base_url=installed.url, **TOUCHED)
    context.set_default_timeout(20_000)
    page = context.new_page()
    LoginPage(page).log_in(someone, installed.secret("user_password"))
    try:
        play(page, ClusterWorkbench(installed), someone, channel.folder)
    finally:
        context.close()
