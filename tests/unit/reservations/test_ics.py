"""The feed, read by another implementation of the standard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import icalendar
from hypothesis import example, given
from hypothesis import strategies as st

from hub_extensions.reservations.ics import calendar
from profiles.reservations import Reservation
from tests.unit.profiles.shares import NOW
from tests.unit.reservations.booking import at, reserved

LINK = "https://hub.example.org/hub/reservations"


def read(*reservations: Reservation) -> list[Any]:
    written = calendar(reservations, "hub.example.org", LINK, NOW)
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))
    assert b"\n" not in written.replace(b"\r\n", b"")
    parsed = icalendar.Calendar.from_ical(written)
    assert str(parsed["VERSION"]) == "2.0"
    return list(parsed.walk("VEVENT"))


def test_what_is_ahead() -> None:
    kept = reserved("a1", 24, 2, user="ada", display_name="GPU, large; new\\old", note="Meeting\nwith Bea")
    [event] = read(kept)
    assert str(event["UID"]) == "a1@hub.example.org"
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (at(24), at(26))
    assert (str(event["SUMMARY"]), str(event["DESCRIPTION"])) == ("GPU, large; new\\old", "Meeting\nwith Bea")
    assert (str(event["STATUS"]), str(event["URL"])) == ("CONFIRMED", LINK)


def test_what_is_cancelled_and_what_ended_early() -> None:
    kept = reserved("a", 24)
    cancelled = reserved("b", 24, over_at=NOW, over_by="ada")
    ended = reserved("c", -2, over_at=at(-1), over_by="ada")
    events = read(kept, cancelled, ended)
    assert [str(event["STATUS"]) for event in events] == ["CONFIRMED", "CANCELLED", "CONFIRMED"]
    assert [int(event["SEQUENCE"]) for event in events] == [0, 1, 1]
    assert events[1]["DTEND"].dt - events[1]["DTSTART"].dt == timedelta(hours=2)
    assert events[2]["DTEND"].dt == at(-1)


def test_what_was_changed_is_the_same_event_anew() -> None:
    kept = reserved("a", 24)
    moved = reserved("a", 30, revision=2, changed_at=at(1))
    over = reserved("a", 30, revision=2, changed_at=at(1), over_at=at(2), over_by="ada")
    past = reserved("a", -3, over_at=at(-1))
    events = read(kept, moved, over, past)
    assert {str(event["UID"]) for event in events} == {"a@hub.example.org"}
    assert [int(event["SEQUENCE"]) for event in events] == [0, 2, 3, 0]
    assert [event["LAST-MODIFIED"].dt for event in events] == [at(-24), at(1), at(2), at(-24)]
    assert (events[1]["DTSTART"].dt, str(events[2]["STATUS"])) == (at(30), "CANCELLED")


def test_nothing_is_a_calendar_too() -> None:
    assert read() == []


@given(st.text(max_size=200), st.text(max_size=200))
@example("日本語" * 40, "ä" * 75)
@example("x" * 74 + "😀", "\r\nEND:VCALENDAR\r\n")
@example("a\u2028b\x0bc\x85d", "\x00;,\\n")
def test_whatever_somebody_writes_stays_text(name: str, note: str) -> None:
    [event] = read(reserved("a", 24, display_name=name, note=note))
    kept = "".join(char for char in note if char == "\n" or char.isprintable())
    assert str(event.get("DESCRIPTION", "")) == kept
    assert str(event["SUMMARY"]) == "".join(char for char in name if char == "\n" or char.isprintable())
