"""The calendar's bars, times as people write them, and the page as a whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hub_extensions.page_frame.render import render
from hub_extensions.reservations import times, view
from hub_extensions.reservations.change import Change
from hub_extensions.reservations.change_view import Fields, change_page, said
from hub_extensions.reservations.gantt import Reader, calendars
from hub_extensions.reservations.view import Feed, ReservationsPage
from hub_extensions.reservations.words import NotPossible, Why, slot
from profiles.catalog import from_mapping, load_catalog, shipped_documents
from profiles.model import Catalog
from profiles.person import Person
from profiles.reservations import Reservation
from tests.unit.pages.reading import assert_accessible, read
from tests.unit.profiles.shares import NOW
from tests.unit.reservations.booking import HOUR, at, reserved

ADA = Person("ada")


def catalog(timezone: str = "UTC", **given: Any) -> Catalog:
    rule = {"profiles": ["gpu"], "gpus": 2, "clearBefore": "0s", **given}
    overlay = {"policies": {"timezone": timezone, "reservations": {"gpus": rule}}}
    return load_catalog(from_mapping("test", overlay), base=shipped_documents())


def who(reservation: Reservation) -> str:
    return "You" if reservation.user == "ada" else "somebody"


READER = Reader("ada", who)


def page(*reservations: Reservation, **given: Any) -> ReservationsPage:
    known, first = catalog(), NOW.date()
    fields: dict[str, Any] = {
        "root": "/hub/reservations",
        "spawn": "/hub/spawn",
        "xsrf": "x",
        "timezone": "UTC",
        "machines": view.items(known, ADA, ""),
        "lengths": view.lengths(known, ""),
        "typed": view.typed_of({}, NOW, "UTC"),
        "week": view.week(first, "/hub/reservations", NOW, "UTC"),
        "calendars": calendars(known, reservations, READER, first, NOW),
        "mine": view.mine([each for each in reservations if each.user == "ada"], "UTC", NOW),
        "feed": Feed(),
    }
    return ReservationsPage(**fields | given)


def test_a_reservation_over_midnight_is_on_both_days() -> None:
    [calendar] = calendars(catalog(), [reserved("a", 10, 6)], READER, NOW.date(), NOW)
    today, tomorrow, after = calendar.days[:3]
    [bar], [rest] = today.bars, tomorrow.bars
    assert (bar.short, bar.at_end, bar.label) == (True, True, "22:00 somebody")
    assert round(bar.width * bar.filled / 100, 1) == 8.3, "two hours of it are the bar; the words stand before it"
    assert (rest.left, rest.width, rest.label) == (0, 16.667, "until 04:00 somebody")
    assert bar.words == rest.words
    assert "Wed 11 Mar, 22:00 to Thu 12 Mar, 04:00" in bar.words
    assert (today.today, today.now, tomorrow.today, after.bars) == (True, 50, False, ())
    assert (today.free, after.free) == ("1 to 2 of 2 GPUs free", "2 of 2 GPUs free")


def test_bars_stand_side_by_side_and_the_line_below_says_how_full_it_is() -> None:
    there = [reserved("a", 1, 4), reserved("b", 2, 4, user="ada"), reserved("c", 5, 2)]
    [calendar] = calendars(catalog(), there, READER, NOW.date(), NOW)
    day = calendar.days[0]
    assert [(bar.lane, bar.mine) for bar in day.bars] == [(0, False), (1, True), (0, False)]
    assert day.lanes == 2
    assert [load.percent for load in day.loads] == [50, 100, 50]
    assert calendar.about == "2 GPUs can be reserved, 8 hours at most, 14 days ahead."


def test_what_ended_early_is_a_bar_until_then_and_takes_nothing() -> None:
    ended = reserved("a", -3, 6, over_at=at(-1), over_by="bea")
    [calendar] = calendars(catalog(), [ended], READER, NOW.date(), NOW)
    [bar] = calendar.days[0].bars
    assert (bar.over, bar.short, round(bar.width * bar.filled / 100, 1)) == (True, True, 8.3)
    assert calendar.days[0].loads == ()


def test_a_note_is_for_ones_own_eyes() -> None:
    noted = [reserved("a", 1, note="secret"), reserved("b", 1, user="ada", note="mine")]
    html = str(render("reservations.html", page=page(*noted)))
    assert "mine" in html
    assert "secret" not in html


def test_a_bar_too_narrow_for_words_has_them_beside_it_and_others_keep_clear_of_them() -> None:
    there = [reserved("a", -12, 0.25), reserved("b", -11.5, 4), reserved("c", 11.5, 0.5)]
    [calendar] = calendars(catalog(), there, READER, NOW.date(), NOW)
    first, second, last = calendar.days[0].bars
    assert (first.short, first.at_end, first.left, first.lane) == (True, False, 0, 0)
    assert (second.short, second.lane) == (False, 1), "below the words of the first"
    assert (last.short, last.at_end, round(last.left + last.width)) == (True, True, 100)


def test_a_bar_opens_to_what_its_reader_may_do() -> None:
    there = [reserved("a", 1, 2, user="ada"), reserved("b", 1, 2), reserved("c", -9, 2, over_at=at(-7))]
    of_ada, of_root = (
        calendars(catalog(), there, reader, NOW.date(), NOW)[0].days[0].bars
        for reader in (READER, Reader("root", lambda each: each.user, acts_for_all=True))
    )
    assert {bar.id: (bar.change, bar.end) for bar in of_ada} == {
        "a": (True, "Cancel"), "b": (False, ""), "c": (False, ""),
    }  # fmt: skip
    assert {bar.id: (bar.change, bar.end) for bar in of_root} == {
        "a": (False, "Cancel it"), "b": (False, "Cancel it"), "c": (False, ""),
    }  # fmt: skip
    shown = page(calendars=calendars(catalog(), there, Reader("root", who, acts_for_all=True), NOW.date(), NOW))
    html = read(str(render("reservations.html", page=shown)))
    assert_accessible(html)
    asked = [field for field in html.all("input") if field.attrs.get("name") == "reason"]
    assert len(asked) == 2
    assert all(field.has("required") for field in asked)
    assert len(html.all("summary")) == 3, "each bar is reached by keyboard"


def test_what_is_free_is_told_by_time() -> None:
    there = [reserved("a", 1, 4), reserved("b", 2, 4, user="ada"), reserved("c", 5, 2)]
    [calendar] = calendars(catalog(), there, READER, NOW.date(), NOW)
    assert [(load.words, load.label) for load in calendar.days[0].loads] == [
        ("13:00 to 14:00: 1 of 2 GPUs free", ""),
        ("14:00 to 18:00: 0 of 2 GPUs free", "full"),
        ("18:00 to 19:00: 1 of 2 GPUs free", ""),
    ]
    assert calendars(catalog(), [], READER, NOW.date(), NOW)[0].empty
    assert not calendar.empty


def test_the_day_on_which_clocks_change_is_drawn_as_long_as_it_is() -> None:
    sunday = date(2026, 3, 29)
    [calendar] = calendars(catalog("Europe/Berlin"), [reserved("a", 24 * 18)], READER, sunday, NOW)
    assert (calendar.days[0].hours, calendar.days[1].hours) == (23, 24)
    assert [round(tick * 23 / 100) for tick in calendar.days[0].ticks] == [5, 11, 17]
    assert "23 hours, as clocks change" in str(render("reservations.html", page=page(calendars=(calendar,))))


def test_three_hundred_of_one_person_are_a_list_that_opens() -> None:
    mine = [reserved(f"{n}", 24 + n / 2, 0.5, user="ada") for n in range(300)]
    shown = read(str(render("reservations.html", page=page(*mine))))
    assert_accessible(shown)
    assert "290 more that begin later" in shown.text


def test_the_form_of_a_change_leaves_as_it_is_what_is_not_typed_anew() -> None:
    kept = reserved("a", 24, 2, user="ada", revision=3)
    kept = replace(kept, begins_at=kept.begins_at + timedelta(seconds=23))
    shown = Fields.of(kept, "Europe/Berlin")
    assert (shown.day, shown.clock, shown.until) == ("2026-03-12", "13:00", "15:00")
    untouched = said(kept, shown.sent({}), {}, "Europe/Berlin")
    assert untouched == Change(note="", revision=3)
    longer = said(kept, shown.sent({"until": "17:30"}), {}, "Europe/Berlin")
    assert longer == Change(ends_at=at(28.5), note="", revision=3)
    moved = said(kept, shown.sent({"day": "2026-03-13"}), {}, "Europe/Berlin")
    assert moved == Change(begins_at=at(48), ends_at=at(26), note="", revision=3), "refused, as it says both"
    unread = said(kept, shown.sent({"until": "noon"}), {}, "Europe/Berlin")
    assert isinstance(unread, NotPossible)
    twice = replace(kept, begins_at=datetime(2026, 10, 25, 1, 30, tzinfo=UTC), ends_at=at(24 * 300))
    again = Fields.of(twice, "Europe/Berlin")
    assert again.clock == "02:30"
    untouched = said(twice, again.sent({}), {}, "Europe/Berlin")
    assert isinstance(untouched, Change)
    assert untouched.begins_at is None, "the second hour of that name stays the second"


@pytest.mark.parametrize("begins", [24.0, -1.0])
def test_the_page_of_a_change_can_be_read_by_everybody(begins: float) -> None:
    kept = reserved("a", begins, 2, user="ada", note="<script>")
    shown = change_page(kept, catalog(), ADA, Fields.of(kept, "UTC"), "/hub/reservations", "x", NOW)
    html = str(render("reservation_change.html", page=replace(shown, found=view.found(((NOW, at(1)),), "UTC"))))
    assert "<script>" not in html
    assert ("only its end can be changed" in html, 'name="machine"' in html.partition("rm-free")[0]) == (
        (begins < 0), (begins > 0),
    )  # fmt: skip
    assert_accessible(read(html))


@pytest.mark.parametrize(
    ("written", "sentence", "remedy"),
    [
        ("2026-03-29T02:30", "02:30 on Sun 29 Mar does not exist in Europe/Berlin: clocks go forward there.", "03:30"),
        ("2026-10-25T02:30", "02:30 on Sun 25 Oct comes twice in Europe/Berlin: clocks go back there.", "+01:00"),
    ],
)
def test_hours_that_clocks_skip_or_repeat(written: str, sentence: str, remedy: str) -> None:
    told = times.moment(written, "Europe/Berlin")
    assert isinstance(told, NotPossible)
    assert (told.reason, told.sentence) == (Why.NO_TIME, sentence)
    assert remedy in told.remedy
    assert times.moment(f"{written}+01:00", "Europe/Berlin") == datetime.fromisoformat(f"{written}+01:00")


def test_of_two_hours_of_one_name_it_is_said_which() -> None:
    begin = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert slot(begin, begin + HOUR, "Europe/Berlin") == "Sun 25 Oct, 02:30 CEST to 02:30 CET"
    assert slot(begin + 2 * HOUR, begin + 3 * HOUR, "Europe/Berlin") == "Sun 25 Oct, 03:30 to 04:30"


@pytest.mark.parametrize(("timezone", "hours"), [("UTC", 24), ("Europe/Berlin", 23)])
def test_days_are_as_long_as_clocks_make_them(timezone: str, hours: int) -> None:
    [(_, begin, end)] = times.days(date(2026, 3, 29), 1, timezone)
    assert end - begin == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-05-04T14:00", datetime(2026, 5, 4, 12, tzinfo=UTC)),
        ("2026-05-04T14:00Z", datetime(2026, 5, 4, 14, tzinfo=UTC)),
        ("2026-05-04T14:00+05:30", datetime(2026, 5, 4, 8, 30, tzinfo=UTC)),
        ("2026-05-04", datetime(2026, 5, 3, 22, tzinfo=UTC)),
        ("tomorrow", None), ("", None), ("0001-01-01T00:00", None), ("9999-12-31T23:59", None), ("2026-02-30", None),
    ],
)  # fmt: skip
def test_times_without_a_zone_are_in_the_policies(written: str, expected: datetime | None) -> None:
    told = times.moment(written, "Europe/Berlin")
    assert isinstance(told, NotPossible) if expected is None else told == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2h", timedelta(hours=2)), ("1h30m", timedelta(minutes=90)), (900, timedelta(minutes=15)),
        ("9999d", timedelta(days=9999)),
        ("1h30", "cannot be read"), ("∞", "cannot be read"), ("", "cannot be read"), (-5, "cannot be read"),
        ("999999999d", "999999999 days is too long for any machine."),
    ],
)  # fmt: skip
def test_lengths_as_programs_write_them(written: str | int, expected: timedelta | str) -> None:
    told = times.lasting(written)
    assert expected in told.sentence if isinstance(told, NotPossible) else told == expected  # type: ignore[operator]


@pytest.mark.parametrize(
    ("written", "reason", "sentence"),
    [
        ("9999-12-31T23:59", Why.TOO_FAR, "Nothing can be reserved as far ahead as the year 9999."),
        ("0001-01-01T00:00", Why.PAST, "The year 1 is over already."),
        ("12 o’clock", Why.NO_TIME, "The day or the time cannot be read."),
    ],
)
def test_years_that_no_calendar_has(written: str, reason: Why, sentence: str) -> None:
    told = times.moment(written, "UTC")
    assert isinstance(told, NotPossible)
    assert (told.reason, told.sentence) == (reason, sentence)


def test_one_form_offers_each_size_once_and_a_link_chooses_one() -> None:
    known = catalog(longest="3h")
    values = [item.value for item in view.items(known, ADA, "")]
    assert values
    assert all(view.choice_of_value(value).profile == "gpu" for value in values)
    chosen = view.items(known, ADA, values[-1])
    assert [item.value for item in chosen if item.selected] == values[-1:]
    assert [item.value for item in view.lengths(known, "")] == ["30", "60", "90", "120", "180"]
    assert [item.label for item in view.lengths(known, "100") if item.selected] == ["1 hour 40 minutes"]
    assert view.choice_of_value("&" * 5000).profile is None
    assert view.choice_of_value("%FF=%00&profile=").profile is None


@pytest.mark.parametrize(
    ("kept", "told", "button"),
    [
        (reserved("a", 2, user="ada"), "Begins in 2 hours", "Cancel"),
        (reserved("a", -1, user="ada"), "Kept for you: start the machine", "End it now"),
        (reserved("a", -1, user="ada", taken_at=NOW), "In use", "End it now"),
        (reserved("a", -3, user="ada", taken_at=NOW), "Used", ""),
        (reserved("a", -3, user="ada"), "Over", ""),
        (reserved("a", 2, user="ada", over_at=NOW, over_by="ada"), "Cancelled", ""),
        (reserved("a", -1, user="ada", over_at=NOW, over_by="root"), "Ended early by root", ""),
        (reserved("a", -1, user="ada", over_at=NOW), "Released, because nobody came", ""),
    ],
)
def test_how_ones_own_stand(kept: Reservation, told: str, button: str) -> None:
    [own] = view.mine([kept], "UTC", NOW)
    assert (own.state, own.end) == (told, button)


@pytest.mark.parametrize("many", [0, 3])
def test_the_page_can_be_read_by_everybody(many: int) -> None:
    there = [reserved(str(n), n * 5, user="ada" if n else "bea", note="<script>") for n in range(many)]
    found = view.found(((NOW, NOW + HOUR),), "UTC") if many else view.found((), "UTC")
    html = str(render("reservations.html", page=page(*there, found=found, feed=Feed("Mon", "https://x/?token=y"))))
    assert "<script>" not in html
    assert_accessible(read(html))
