"""Receipts and “Keep it on until” as a person sees them: light, dark, on a phone, without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub_extensions.admission.database import Database
from hub_extensions.admission.store import Store
from hub_extensions.measured.figures import Measured
from hub_extensions.measured.store import MeasuredStore
from profiles.admission import Admit, lease_of
from profiles.lease import EndReason, LeaseState
from tests.browser.dresses import DRESSES, assert_readable
from tests.browser.pictures import keep
from tests.browser.visits import visits
from tests.contract.admission.asking import ask
from tests.local.hub_process import LocalHub, using, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.local]

GIB, HOUR = 2**30, timedelta(hours=1)
SETTINGS = """
mode: local
hub: {allowNamedServers: true, consecutiveFailureLimit: 0}
catalog:
  profiles:
    gpu: {idleTimeout: 30m, keepAliveAtMost: 12h}
  policies: {timezone: Europe/Berlin}
"""
#: A machine whose GPU nobody used, one that was used well, one whose image does not measure.
HAD = Measured(has_millicores=8000, has_memory=32 * GIB, has_gpus=1, gpus=1)
SESSIONS = {
    "idle-gpu": replace(
        HAD,
        covered_ms=7_190_000,
        gpu_covered_ms=7_190_000,
        cpu_ms=1_500_000,
        peak_millicores=7200,
        sustained_millicores=1600,
        memory_peak=int(3.4 * GIB),
    ),
    "busy-gpu": replace(
        HAD,
        covered_ms=7_195_000,
        gpu_covered_ms=7_195_000,
        cpu_ms=21_000_000,
        peak_millicores=8000,
        sustained_millicores=6400,
        memory_peak=21 * GIB,
        gpu_busy_ms=5_400_000,
        gpu_peak_percent=100,
        gpu_memory_peak=61 * GIB,
    ),
    "not-measured": None,
}


def past(hub: LocalHub) -> None:
    """What is in the books when this hub starts."""
    hub.folder.mkdir(parents=True, exist_ok=True)
    database, ended = Database(f"sqlite:///{hub.folder}/remuda.sqlite"), datetime.now(UTC) - HOUR
    store = Store(database)
    for place, (lease_id, measured) in enumerate(SESSIONS.items()):
        at = ended - place * 4 * HOUR
        held = lease_of(ask(lease_id, "ada", price="2.50", pool="gpu"), Admit(None), at - 2 * HOUR)
        store.adopt(replace(held, state=LeaseState.RUNNING, began_at=at - 2 * HOUR), at)
        store.ended(lease_id, at, EndReason.STOPPED if place else EndReason.CULLED, at)
        if measured is not None:
            MeasuredStore(database).write({(lease_id, "r1"): measured}, at)
    database.close()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """A hub on which ada's machine runs."""
    hub = LocalHub(tmp_path_factory.mktemp("receipts") / "local")
    hub.write_settings(SETTINGS)
    past(hub)
    with using(hub):
        ada = hub.person("ada")
        assert ada.start_by_rest({"profile": "gpu"}).status_code in {201, 202}
        ada.wait_ready()
        wait_for(lambda: "data-rm-keep" in ada.http.get("/hub/home").text)
        yield hub


@pytest.fixture
def visit(measured: LocalHub, browser: Browser) -> Iterator[Callable[..., Page]]:
    with visits(measured, browser) as open_page:
        yield open_page


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize(
    ("person", "path", "heading", "name"),
    [
        ("ada", "/hub/usage/receipt/idle-gpu", "Receipt: GPU", "receipt"),
        ("ada", "/hub/usage/receipt/busy-gpu", "Receipt: GPU", "receipt-busy"),
        ("ada", "/hub/usage", "Your usage and cost", "usage-measured"),
        ("admin", "/hub/usage?of=everybody", "Usage and cost of everybody", "usage-measured-everybody"),
        ("ada", "/hub/home", "Your machine", "home-keep"),
    ],
    ids=["receipt", "busy", "usage", "everybody", "home"],
)
def test_looks(  # noqa: PLR0917 (a page in a dress)
    visit: Callable[..., Page], tmp_path: Path, dress: str, person: str, path: str, heading: str, name: str
) -> None:
    page = visit(person, path, **DRESSES[dress])
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    assert_readable(page)
    light = dress == "light"
    keep(page, name if light else f"{name}-{dress}", tmp_path, in_docs=light and name == "receipt")


def test_from_a_session_to_its_receipt_and_back(visit: Callable[..., Page]) -> None:
    page = visit("ada", "/hub/usage")
    page.locator("a[href$='receipt/idle-gpu']").click()
    expect(page.locator("#rm-smaller")).to_contain_text("would have been enough for this session, and €")
    page.get_by_role("main").get_by_role("link", name="Usage and cost").click()
    page.locator("a[href$='receipt/busy-gpu']").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("#rm-smaller")).to_have_count(0)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_kept_on_by_keyboard_and_taken_back(
    visit: Callable[..., Page], tmp_path: Path, script: bool
) -> None:
    page = visit("ada", "/hub/home", java_script_enabled=script)
    choice = page.get_by_label("Keep it on until")
    chosen = choice.locator("option").nth(3)
    said = chosen.text_content() or "?"
    choice.select_option(chosen.get_attribute("value"))
    choice.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    kept = page.get_by_text(f"Kept on until {said}")
    expect(kept).to_be_visible()
    if script:
        assert_readable(page)
        keep(page, "home-kept", tmp_path)
    page.get_by_role("button", name="Take it back").click()
    expect(kept).to_have_count(0)
    expect(page.get_by_label("Keep it on until")).to_be_visible()
