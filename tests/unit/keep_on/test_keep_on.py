"""Until when a machine may be kept on: never beyond its life or its lease; times as people's clocks have them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub_extensions.keep_on.decide import SOON, NotKept, judge, latest, offered, said
from hub_extensions.keep_on.view import keep_form
from profiles.amounts import Amounts
from profiles.lease import Lease, LeaseState
from profiles.machine import RunningMachine
from profiles.quantity import Money

NOW = datetime(2026, 3, 2, 14, 5, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN = "Europe/Berlin"


def machine(**given: Any) -> RunningMachine:
    fields: dict[str, Any] = {
        "profile_id": "gpu",
        "display_name": "GPU",
        "pool_id": "gpu",
        "cpu_cores": 8.0,
        "memory_bytes": 2**35,
        "gpus": 1,
        "price_per_hour": Money(Decimal("2.50"), "EUR"),
        "spawn_id": "lease-1",
        "started_at": NOW - HOUR,
        "idle_timeout_s": 1800,
        "keep_alive_at_most_s": 12 * 3600,
    }
    return RunningMachine(**{**fields, **given})


def lease(**given: Any) -> Lease:
    fields: dict[str, Any] = {
        "id": "lease-1",
        "user": "ada",
        "groups": frozenset(),
        "server": "",
        "profile": "gpu",
        "display_name": "GPU",
        "pool": "gpu",
        "amounts": Amounts(1),
        "price_per_hour": Money(Decimal("2.50"), "EUR"),
        "state": LeaseState.RUNNING,
        "held_at": NOW - HOUR,
        "began_at": NOW - HOUR,
    }
    return Lease(**{**fields, **given})


TWELVE = NOW.replace(second=0) + 12 * HOUR


@pytest.mark.parametrize(
    ("on", "granted", "expected"),
    [
        (machine(), lease(), TWELVE),
        (machine(max_lifetime_s=8 * 3600), lease(), NOW.replace(second=0) + 7 * HOUR),
        (machine(), lease(longest=3 * HOUR), NOW.replace(second=0) + 2 * HOUR),
        (machine(), lease(closes_at=NOW + HOUR), NOW.replace(second=0) + HOUR),
        (machine(), lease(leaves_at=NOW + 2 * HOUR), NOW.replace(second=0) + 2 * HOUR),
        (machine(max_lifetime_s=3600 + 600), lease(), None),
        (machine(keep_alive_at_most_s=None), lease(), None),
        (machine(keep_alive_at_most_s=0), lease(), None),
        (machine(idle_timeout_s=None), lease(), None),
        (machine(started_at=None), lease(), None),
        (machine(), lease(began_at=None, state=LeaseState.HELD), None),
        (machine(), None, None),
        (None, lease(), None),
    ],
)
def test_the_last_moment(on: RunningMachine | None, granted: Lease | None, expected: datetime | None) -> None:
    assert latest(on, granted, NOW) == expected


class TestTimes:
    def test_half_hours_of_the_time_zone_and_the_last_moment(self) -> None:
        times = offered(NOW + 3 * HOUR, NOW, BERLIN)
        assert [each.said for each in times] == ["15:30", "16:00", "16:30", "17:00", "17:30", "18:00", "18:05"]
        assert [each.at for each in offered(TWELVE, NOW, BERLIN)][-1] == TWELVE

    @pytest.mark.parametrize("hours", [0.3, 1, 11.9, 12, 13, 47, 49, 100, 168, 169, 24 * 60])
    @pytest.mark.parametrize("zone", ["UTC", BERLIN, "Asia/Kolkata", "Pacific/Chatham"])
    def test_never_too_many_never_too_near_never_too_far(self, hours: float, zone: str) -> None:
        last = NOW + hours * HOUR
        times = [each.at for each in offered(last, NOW, zone)]
        assert 1 <= len(times) <= 65
        assert times == sorted(set(times))
        assert all(NOW + SOON <= at <= last for at in times)
        assert times[-1] == last

    def test_days_are_named(self) -> None:
        assert said(NOW + 10 * HOUR, NOW, BERLIN) == "tomorrow 01:05"
        assert said(NOW + 10 * HOUR, NOW, "UTC") == "tomorrow 00:05"
        assert said(NOW + 60 * HOUR, NOW, "UTC") == "Thu 5 March 02:05"

    def test_no_time_twice_when_clocks_change(self) -> None:
        """At 03:00 of 25 October the clocks in Berlin go back to 02:00."""
        night = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
        times = [each.at for each in offered(night + 6 * HOUR, night, BERLIN)]
        assert times == sorted(set(times))
        assert len(times) == 12


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 400),
        ("18:00", 400),
        ("2026-03-02T18:00:00", 400),
        ((NOW - HOUR).isoformat(), 400),
        ((NOW + 13 * HOUR).isoformat(), 400),
        ("9" * 5000, 400),
        ("9999-12-31T23:59:00-12:00", 400),
    ],
)
def test_what_the_form_does_not_offer_is_refused(text: str, status: int) -> None:
    refused = judge(text, machine(), TWELVE, NOW)
    assert isinstance(refused, NotKept)
    assert refused.status == status


def test_a_refusal_says_limit_and_what_to_do() -> None:
    refused = judge((NOW + 13 * HOUR).isoformat(), machine(), TWELVE, NOW, BERLIN)
    assert isinstance(refused, NotKept)
    assert "until tomorrow 04:05, only until tomorrow 03:05 (Europe/Berlin): 12 hours ahead at most" in refused.sentence
    assert "earlier" in refused.sentence
    assert isinstance(judge(TWELVE.isoformat(), machine(), None, NOW), NotKept)


def test_what_is_offered_is_taken_also_a_minute_later() -> None:
    for each in offered(TWELVE, NOW, BERLIN):
        later = NOW + timedelta(minutes=1)
        assert judge(each.at.isoformat(), machine(), latest(machine(), lease(), later), later) == each.at


class TestForm:
    def test_nothing_to_choose(self) -> None:
        assert keep_form(machine(keep_alive_at_most_s=None), lease(), None, "UTC", "/x", NOW) is None

    def test_what_was_chosen_can_be_taken_back_also_when_nothing_is_left_to_choose(self) -> None:
        shown = keep_form(machine(), lease(longest=HOUR + HOUR / 10), NOW + HOUR, "UTC", "/x", NOW)
        assert shown is not None
        assert (shown.kept, shown.times) == ("15:05", ())

    def test_what_is_over_is_not_shown(self) -> None:
        shown = keep_form(machine(), lease(), NOW - HOUR, "UTC", "/x", NOW)
        assert shown is not None
        assert shown.kept == ""


@pytest.mark.parametrize(
    ("kept", "stops"),
    [
        (None, NOW + HOUR / 2),
        (NOW + 3 * HOUR, NOW + 3 * HOUR),
        (NOW + HOUR / 4, NOW + HOUR / 2),
        (NOW + 30 * HOUR, NOW + 7 * HOUR),
    ],
)
def test_when_it_stops(kept: datetime | None, stops: datetime) -> None:
    """No sooner than it is kept, no later than its life."""
    on = replace(machine(), max_lifetime_s=8 * 3600)
    assert on.stops_at(NOW, NOW, kept) == stops
