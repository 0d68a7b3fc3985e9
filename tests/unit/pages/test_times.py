"""One rule for times: pages write them by one macro, sentences by one function, and both name the zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub_extensions.page_frame.machine_words import Moment, timezone_of
from hub_extensions.page_frame.render import PARTS, environment
from profiles.catalog import load_catalog
from profiles.documents import from_mapping

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
TEMPLATES = sorted(file for folder in PARTS for file in folder.glob("*.html"))
#: What is for programs, or for terminals that know of no hub.
MODULES = sorted(
    file
    for room in ("hub_extensions", "profiles")
    for file in (ROOT / room).rglob("*.py")
    if "simulation" not in file.parts
)


def test_a_moment_is_exact_for_scripts_and_right_without_one() -> None:
    macro = environment().get_template("macros.html").module.moment  # type: ignore[attr-defined]
    said = str(macro(Moment.future(NOW + timedelta(hours=1), NOW, "Europe/Berlin"))).strip()
    assert said == '<time datetime="2026-03-03T00:30:00+00:00" data-rm-clock>01:30 (Europe/Berlin)</time>', (
        "of today, as it is there"
    )
    assert Moment.past(NOW - timedelta(hours=1), NOW, "Europe/Berlin").words == "23:30 on Mon 2 Mar (Europe/Berlin)"


def test_the_zone_is_that_of_the_policies() -> None:
    given = {"policies": {"timezone": "Asia/Kathmandu"}}
    assert timezone_of(load_catalog(from_mapping("values", given))) == "Asia/Kathmandu"
    assert timezone_of(None) == "UTC"


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_no_page_writes_a_time_of_its_own(file: Path) -> None:
    text = file.read_text()
    if file.name != "macros.html":
        assert "<time" not in text, "write {{ rm.moment(…) }}"
    assert "UTC" not in text, "the hub's zone may be another"


@pytest.mark.parametrize("file", MODULES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_no_sentence_writes_a_time_as_utc(file: Path) -> None:
    found = re.findall(r"\{[^{}]*%H[^{}]*\}\s*UTC|%H:%M UTC", file.read_text())
    assert not found, "say it by profiles.moments.clock_in"
