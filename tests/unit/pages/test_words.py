from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from hub_extensions.page_frame import words
from profiles.quantity import Money

NOW = datetime(2026, 3, 2, 14, 5, tzinfo=UTC)


def test_a_machine_without_a_price_is_free() -> None:
    assert words.price_per_hour(Money(Decimal(0), "EUR")) == "free"
    assert words.price_per_hour(Money(Decimal("0.48"), "EUR")) == "€0.48 per hour"


@pytest.mark.parametrize(
    ("number", "said"), [(1, "1 core"), (2.0, "2 cores"), (0.5, "0.5 cores"), (0.25, "0.25 cores")]
)
def test_cores(number: float, said: str) -> None:
    assert words.cores(number) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [(8 * 2**30, "8 GiB"), (512 * 2**20, "512 MiB"), (3 * 2**39, "1.5 TiB"), (16 * 10**9, "14.9 GiB"), (2048, "2 KiB")],
)
def test_memory(size: int, said: str) -> None:
    assert words.memory(size) == said


@pytest.mark.parametrize(
    ("name", "count", "said"),
    [
        ("nvidia.com/gpu", 1, "1 NVIDIA GPU"),
        ("amd.com/gpu", 4, "4 AMD GPUs"),
        ("nvidia.com/mig-1g.5gb", 2, "2 NVIDIA MIG 1g.5gb slices"),
        ("example.org/fpga", 3, "3 × example.org/fpga"),
        ("cloud.example/gpu", 1, "1 GPU"),
    ],
)
def test_any_vendors_accelerator(name: str, count: int, said: str) -> None:
    assert words.resource(name, count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (1800, "30 minutes"),
        (3600, "1 hour"),
        (12000, "3 h 20 min"),
        (8 * 3600, "8 hours"),
        (2 * 86400, "2 days"),
        (2 * 86400 + 4 * 3600 + 59, "2 days 4 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_times_relative_to_now() -> None:
    assert words.ago(NOW - timedelta(seconds=3), NOW) == "just now"
    assert words.ago(NOW - timedelta(minutes=12), NOW) == "12 minutes ago"
    assert words.ahead(NOW + timedelta(seconds=30), NOW) == "any moment now"
    assert words.ahead(NOW + timedelta(hours=2), NOW) == "in 2 hours"


def test_what_is_written_down_names_its_zone_and_any_day_but_today() -> None:
    assert words.clock_in("Europe/Berlin", NOW, NOW) == "15:05 (Europe/Berlin)"
    there = words.clock_in("Europe/Berlin", NOW + timedelta(hours=9), NOW)
    assert there == f"00:05 on {NOW + timedelta(days=1):%a} 3 Mar (Europe/Berlin)", "by the days there"
    assert words.clock_in("UTC", NOW + timedelta(days=400), NOW).endswith(f"{NOW.year + 1} (UTC)")
