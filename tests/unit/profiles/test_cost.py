"""What runs cost, hour by hour, and the windows in which it counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.cost import HOUR, by_hour, charge, micros, window_of
from profiles.lease import Charge
from profiles.quantity import Money
from tests.unit.profiles.shares import NOW, lease

prices = st.decimals(0, 1000, places=6)
moments = st.integers(0, 17 * 365 * 86400).map(lambda s: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo")


@pytest.mark.parametrize(
    ("price", "seconds", "expected"),
    [
        ("2.90", 3600, 2_900_000),
        ("2.90", 0, 0),
        ("1", 1, 278),  # 277.7… millionths
        ("0.0018", 1, 0),  # exactly half a millionth: to the even one
        ("0.0054", 1, 2),  # one and a half: to the even one
        ("0.000001", 3600, 1),
        ("1000000", 366 * 86400, 8_784_000_000_000_000),
    ],
)
def test_money_is_rounded_half_even_to_millionths(price: str, seconds: int, expected: int) -> None:
    assert micros(Money(Decimal(price), "EUR"), seconds) == expected


def test_what_a_run_uses() -> None:
    one = lease("a", gpus=2, price="3")
    assert charge(one, timedelta(minutes=90)) == Charge(5400, 10800, 4_500_000)
    assert charge(one, timedelta(seconds=59, microseconds=999_999)).seconds == 59, "a begun second is not charged"
    assert charge(one, timedelta(seconds=-5)) == Charge(), "clocks that go back make nothing owed to anyone"


def test_a_charge_in_words_of_budgets() -> None:
    used = Charge(5400, 10800, 4_500_000)
    assert (used.money, used.hours, used.gpu_hours) == (Decimal("4.5"), Decimal("1.5"), Decimal(3))


@given(prices, st.integers(0, 4), moments, st.integers(0, 200_000), st.integers(0, 999_999))
def test_hours_add_up_exactly_to_the_run(
    price: Decimal, gpus: int, began: datetime, seconds: int, micro: int
) -> None:
    one = lease("a", gpus=gpus, price=price)
    ended = began + timedelta(seconds=seconds, microseconds=micro)
    parts = list(by_hour(one, began, ended))
    assert sum((part for _, part in parts), Charge()) == charge(one, ended - began)
    hours = [hour for hour, _ in parts]
    assert hours == sorted(set(hours))
    for hour, part in parts:
        assert (hour.minute, hour.second, hour.microsecond, hour.utcoffset()) == (0, 0, 0, timedelta(0))
        assert began - HOUR < hour <= ended
        assert 0 <= part.seconds <= 3600 and part.micros >= 0


def test_hours_of_a_run_over_two() -> None:
    began = datetime(2026, 3, 11, 11, 50, tzinfo=UTC)
    parts = list(by_hour(lease("a", price="6"), began, began + timedelta(minutes=30)))
    assert parts == [
        (datetime(2026, 3, 11, 11, tzinfo=UTC), Charge(600, 0, 1_000_000)),
        (datetime(2026, 3, 11, 12, tzinfo=UTC), Charge(1200, 0, 2_000_000)),
    ]


def test_a_run_that_never_began_has_no_hours() -> None:
    assert list(by_hour(lease("a"), NOW, NOW)) == []
    assert list(by_hour(lease("a"), NOW, NOW - HOUR)) == []


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "zone", "now", "begin", "end"),
    [
        ("day", "UTC", "2026-03-11 12:00", "2026-03-11 00:00", "2026-03-12 00:00"),
        ("day", "Europe/Berlin", "2026-03-11 23:30", "2026-03-11 23:00", "2026-03-12 23:00"),
        # clocks go forward in Berlin on 29 March 2026: a day of 23 hours; back on 25 October: one of 25
        ("day", "Europe/Berlin", "2026-03-29 12:00", "2026-03-28 23:00", "2026-03-29 22:00"),
        ("day", "Europe/Berlin", "2026-10-25 12:00", "2026-10-24 22:00", "2026-10-25 23:00"),
        ("day", "Europe/Berlin", "2026-10-25 00:30", "2026-10-24 22:00", "2026-10-25 23:00"),
        ("day", "Europe/Berlin", "2026-10-25 01:30", "2026-10-24 22:00", "2026-10-25 23:00"),
        ("week", "UTC", "2026-03-11 12:00", "2026-03-09 00:00", "2026-03-16 00:00"),
        ("week", "UTC", "2026-03-16 00:00", "2026-03-16 00:00", "2026-03-23 00:00"),
        ("week", "UTC", "2026-03-15 23:59", "2026-03-09 00:00", "2026-03-16 00:00"),
        ("week", "Europe/Berlin", "2026-03-25 12:00", "2026-03-22 23:00", "2026-03-29 22:00"),
        ("week", "America/New_York", "2026-03-09 03:00", "2026-03-02 05:00", "2026-03-09 04:00"),
        ("month", "UTC", "2026-02-28 23:59", "2026-02-01 00:00", "2026-03-01 00:00"),
        ("month", "UTC", "2028-02-29 12:00", "2028-02-01 00:00", "2028-03-01 00:00"),
        ("month", "UTC", "2026-12-31 23:59", "2026-12-01 00:00", "2027-01-01 00:00"),
        ("month", "UTC", "2026-01-31 12:00", "2026-01-01 00:00", "2026-02-01 00:00"),
        ("month", "Europe/Berlin", "2026-03-31 22:30", "2026-03-31 22:00", "2026-04-30 22:00"),
        ("month", "Europe/Berlin", "2026-03-31 21:30", "2026-02-28 23:00", "2026-03-31 22:00"),
        ("month", "Asia/Kathmandu", "2026-03-31 18:15", "2026-03-31 18:15", "2026-04-30 18:15"),
    ],
)
def test_windows_of_the_calendar(window: str, zone: str, now: str, begin: str, end: str) -> None:
    assert window_of(window, utc(now), zone) == (utc(begin), utc(end))


def test_a_sliding_window_ends_never() -> None:
    assert window_of("30d", NOW, "Europe/Berlin") == (NOW - timedelta(days=30), None)
    assert window_of("1d12h", NOW, "UTC") == (NOW - timedelta(hours=36), None)


@given(st.sampled_from(["day", "week", "month"]), st.sampled_from(ZONES), moments)
def test_windows_follow_each_other_without_gap_and_overlap(window: str, zone: str, now: datetime) -> None:
    begin, end = window_of(window, now, zone)
    assert end is not None and begin <= now < end
    assert begin.utcoffset() == end.utcoffset() == timedelta(0)
    assert window_of(window, end, zone)[0] == end
    assert window_of(window, begin, zone) == (begin, end)
    assert window_of(window, end - timedelta(microseconds=1), zone) == (begin, end)
    local = begin.astimezone(ZoneInfo(zone))
    assert window != "week" or local.weekday() == 0
    assert window != "month" or local.day == 1
