# ruff: noqa: E501 - a table reads best with a case on a line
"""When a machine is open, over midnights, weeks and changes of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.catalog import CatalogErrors, Document, load_catalog
from profiles.choice import MachineChoice
from profiles.hours import DAYS, Hours, Opening, Timetable, opening
from profiles.lease import Request
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.resolve import resolve
from tests.unit.profiles.shares import hours

BERLIN = "Europe/Berlin"
OFFICE: dict[str, Any] = {"days": ["mon-fri"], "from": "08:00", "to": "20:00"}
NIGHTS: dict[str, Any] = {"days": ["mon-fri"], "from": "20:00", "to": "08:00"}


def at(text: str, zone: str = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("given_", "now", "is_open", "until"),
    [
        # 9 March 2026 is a Monday
        (OFFICE, "2026-03-09 07:59", False, "2026-03-09 08:00"),
        (OFFICE, "2026-03-09 08:00", True, "2026-03-09 20:00"),
        (OFFICE, "2026-03-09 19:59", True, "2026-03-09 20:00"),
        (OFFICE, "2026-03-09 20:00", False, "2026-03-10 08:00"),
        (OFFICE, "2026-03-13 21:00", False, "2026-03-16 08:00"),
        (OFFICE, "2026-03-15 12:00", False, "2026-03-16 08:00"),
        # over midnight: Friday's night ends on Saturday, Monday's early hours belong to Sunday
        (NIGHTS, "2026-03-09 07:00", False, "2026-03-09 20:00"),
        (NIGHTS, "2026-03-09 23:59", True, "2026-03-10 08:00"),
        (NIGHTS, "2026-03-10 00:00", True, "2026-03-10 08:00"),
        (NIGHTS, "2026-03-14 07:59", True, "2026-03-14 08:00"),
        (NIGHTS, "2026-03-14 08:00", False, "2026-03-16 20:00"),
        ({"from": "20:00", "to": "00:00"}, "2026-03-09 23:00", True, "2026-03-10 00:00"),
        # whole days in a row close after the last one
        ({"days": ["sat", "sun"]}, "2026-03-13 23:59", False, "2026-03-14 00:00"),
        ({"days": ["sat", "sun"]}, "2026-03-14 12:00", True, "2026-03-16 00:00"),
        ({"days": ["sat-mon"]}, "2026-03-14 12:00", True, "2026-03-17 00:00"),
        ({"days": ["wed"]}, "2026-03-12 00:00", False, "2026-03-18 00:00"),
        # clocks go forward on Sunday 29 March 2026 at 2:00, back on Sunday 25 October at 3:00
        ({"days": ["sun"], "from": "01:00", "to": "04:00"}, "2026-03-29 01:30", True, "2026-03-29 04:00"),
        ({"days": ["sun"], "from": "02:30", "to": "05:00"}, "2026-03-29 01:59", False, "2026-03-29 03:30"),
        ({"days": ["sun"], "from": "02:30", "to": "03:00"}, "2026-03-29 01:59", False, "2026-04-05 02:30"),
        ({"days": ["sun"], "from": "00:00", "to": "02:30"}, "2026-03-29 01:59", True, "2026-03-29 03:30"),
        ({"days": ["sun"], "from": "02:30", "to": "05:00"}, "2026-10-25 02:30", True, "2026-10-25 05:00"),
    ],
)  # fmt: skip
def test_open_or_closed_and_until_when(given_: dict[str, Any], now: str, is_open: bool, until: str) -> None:
    assert opening(hours(**given_), at(now), BERLIN) == Opening(is_open, at(until))


def test_a_closing_time_that_comes_twice_is_the_later_one() -> None:
    night = hours(days=["sun"], to="02:30")
    assert opening(night, at("2026-10-25 02:10", fold=1), BERLIN) == Opening(True, at("2026-10-25 02:30", fold=1))


def test_a_day_of_25_hours_has_25() -> None:
    found = opening(hours(days=["sun"]), at("2026-10-25 00:00"), BERLIN)
    assert found.until is not None and found.until - at("2026-10-25 00:00") == timedelta(hours=25)


@pytest.mark.parametrize("given_", [{}, {"days": ["mon-sun"]}, {"days": ["wed-tue"]}, {"days": list(DAYS)}])
def test_what_is_always_open_never_changes(given_: dict[str, Any]) -> None:
    assert opening(hours(**given_), at("2026-10-25 02:30"), BERLIN) == Opening(True, None)


def test_the_time_zone_counts_and_not_that_of_the_moment() -> None:
    assert opening(hours(**OFFICE), at("2026-03-09 08:30", "UTC"), "America/New_York").is_open is False
    assert opening(hours(**OFFICE), at("2026-03-09 08:30", "UTC"), BERLIN).is_open is True
    assert opening(hours(**OFFICE), at("2026-03-09 08:30", "UTC").astimezone(ZoneInfo("Asia/Tokyo")), BERLIN).is_open


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


moments = st.integers(0, 365 * 86400).map(lambda seconds: at("2026-01-01 00:00", "UTC") + timedelta(seconds=seconds))


def says(rule: Hours, local: datetime) -> bool:
    """By the clock on the wall, where clocks do not change."""
    begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in (rule.from_, rule.to))
    minute, today = local.hour * 60 + local.minute, local.weekday() in rule.weekdays
    yesterday = (local.weekday() - 1) % 7 in rule.weekdays
    if begin < end:
        return today and begin <= minute < end
    return (today and minute >= begin) or (yesterday and minute < end)


@st.composite
def rules(draw: st.DrawFn) -> Hours:
    begin = draw(st.integers(0, 1439))
    end = draw(st.integers(0, 1440).filter(lambda minute: minute != begin))
    return hours(days=sorted(draw(st.sets(st.sampled_from(DAYS), min_size=1))), **{"from": clock(begin), "to": clock(end)})


@given(rules(), moments, st.sampled_from(["UTC", "Asia/Kathmandu", "America/Phoenix"]), st.floats(0, 0.999))
def test_it_says_what_the_clock_on_the_wall_says(rule: Hours, now: datetime, zone: str, part: float) -> None:
    found = opening(rule, now, zone)
    assert found.is_open == says(rule, now.astimezone(ZoneInfo(zone)))
    if found.until is not None:
        assert now < found.until <= now + timedelta(days=8)
        assert says(rule, found.until.astimezone(ZoneInfo(zone))) != found.is_open, "there it changes"
        between = now + (found.until - now) * part
        assert says(rule, between.astimezone(ZoneInfo(zone))) == found.is_open, "and not before"


@given(rules(), moments, st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]))
def test_where_clocks_change_it_still_alternates(rule: Hours, now: datetime, zone: str) -> None:
    found = opening(rule, now, zone)
    if found.until is not None:
        assert now < found.until
        after = opening(rule, found.until, zone)
        assert after.is_open is not found.is_open


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        (OFFICE, "Monday to Friday from 08:00 to 20:00"), ({}, "every day"), ({"days": ["sat", "sun"]}, "Saturday and Sunday"),
        ({"days": ["mon-wed", "fri", "sun"]}, "Monday to Wednesday, Friday and Sunday"), ({"days": ["fri-fri"]}, "Friday"),
        ({"from": "22:00", "to": "06:00"}, "every day from 22:00 to 06:00"),
    ],
)  # fmt: skip
def test_in_words(given_: dict[str, Any], words: str) -> None:
    assert hours(**given_).words == words


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{days: [monday]}", "field 'hours.days.0': 'monday' is no day of the week — write mon, tue, wed, thu, fri, sat, sun, or mon-fri"),
        ("{days: []}", "field 'hours': there is no day on which it opens — write days: [mon-fri], or leave days out for every day"),
        ("{days: mon}", "field 'hours.days': 'mon' is not a list — write a list: [a, b]"),
        ("{from: 20:00}", "field 'hours.from': YAML reads this time as the number 1200 — put it in quotes: \"20:00\""),
        ("{from: 8}", "field 'hours.from': 8 is not a time of day — write hours and minutes in quotes: \"08:00\", \"24:00\""),
        ("{to: '8:00'}", "field 'hours.to': '8:00' is not a time of day — write hours and minutes in quotes: \"08:00\", \"24:00\""),
        ("{to: '24:30'}", "field 'hours.to': '24:30' is not a time of day — write hours and minutes in quotes: \"08:00\", \"24:00\""),
        ("{from: '24:00', to: '08:00'}", "field 'hours': it would open at the end of the day — write from: \"00:00\" and the day after"),
        ("{from: '08:00', to: '08:00'}", "field 'hours': it opens and closes at 08:00 — for whole days write from: \"00:00\" and to: \"24:00\""),
        ("[]", "field 'hours': there are no hours in the list — write when it opens, or leave hours out for always"),
        ("[{days: [sat]}, {from: 8}]", "field 'hours.1.from': 8 is not a time of day — write hours and minutes in quotes: \"08:00\", \"24:00\""),
        ("[{until: '08:00'}]", "field 'hours.0.until': there is no such key — remove it, or write one of: days, from, to"),
        ("{until: '08:00'}", "field 'hours.until': there is no such key — remove it, or write one of: days, from, to"),
    ],
)  # fmt: skip
def test_mistakes(text: str, told: str) -> None:
    with pytest.raises(CatalogErrors) as refused:
        load_catalog(Document("my.yaml", f"profiles: {{gpu: {{hours: {text}}}}}"))
    assert [str(error) for error in refused.value.errors] == [f"my.yaml: profile 'gpu': {told}"]


def test_hours_are_inherited_key_by_key_and_go_into_plan_and_request() -> None:
    catalog = load_catalog(
        Document("a", "profiles: {gpu: {hours: {days: [mon-fri], from: '08:00'}}}"),
        Document("b", "profiles: {large: {extends: gpu, hours: {from: '10:00'}}, free: {extends: gpu, hours: null}}"),
    )
    plan = resolve(catalog, MachineChoice("large"), Person("ada"))
    assert isinstance(plan, MachinePlan)
    assert plan.hours == hours(**{"days": ["mon-fri"], "from": "10:00"})
    assert Request.of("id", Person("ada"), "", plan).hours is plan.hours
    assert plan.to_dict()["hours"] == {"days": ["mon-fri"], "from": "10:00", "to": "24:00"}
    assert catalog.profiles["free"].hours is None and catalog.profiles["small-cpu"].hours is None


SATURDAY: dict[str, Any] = {"days": ["sat"], "from": "10:00", "to": "14:00"}


def table(*many: dict[str, Any]) -> Timetable:
    return Timetable.model_validate(many)


@pytest.mark.parametrize(
    ("many", "now", "is_open", "until"),
    [
        ((OFFICE, SATURDAY), "2026-03-13 19:00", True, "2026-03-13 20:00"),
        ((OFFICE, SATURDAY), "2026-03-13 20:00", False, "2026-03-14 10:00"),
        ((SATURDAY, OFFICE), "2026-03-14 13:59", True, "2026-03-14 14:00"),
        ((SATURDAY, OFFICE), "2026-03-14 14:00", False, "2026-03-16 08:00"),
        # what meets or overlaps is one
        ((OFFICE, NIGHTS), "2026-03-09 12:00", True, "2026-03-14 08:00"),
        ((OFFICE, {"days": ["mon"], "from": "18:00", "to": "22:00"}), "2026-03-09 12:00", True, "2026-03-09 22:00"),
        ((OFFICE,), "2026-03-09 12:00", True, "2026-03-09 20:00"),
    ],
)
def test_several_hours_are_open_whenever_one_is(
    many: tuple[dict[str, Any], ...], now: str, is_open: bool, until: str
) -> None:
    assert opening(table(*many), at(now), BERLIN) == Opening(is_open, at(until))


def test_hours_that_fill_the_week_never_close() -> None:
    assert opening(table({"days": ["mon-fri"]}, {"days": ["sat-sun"]}), at("2026-03-09 12:00"), BERLIN) == Opening(True, None)


def test_several_hours_in_words_and_in_the_plan() -> None:
    text = "profiles: {gpu: {hours: [{days: [mon-fri], from: '08:00', to: '20:00'}, {days: [sat], from: '10:00', to: '14:00'}]}}"
    catalog = load_catalog(Document("a", text))
    plan = resolve(catalog, MachineChoice("gpu"), Person("ada"))
    assert isinstance(plan, MachinePlan) and plan.hours == table(OFFICE, SATURDAY)
    assert plan.hours.words == "Monday to Friday from 08:00 to 20:00, and Saturday from 10:00 to 14:00"
    assert Request.of("id", Person("ada"), "", plan).hours is plan.hours
    dumped = {"days": ["sat"], "from": "10:00", "to": "14:00"}
    assert plan.to_dict()["hours"][1] == dumped
    evening = Document("b", "profiles: {gpu: {hours: {from: '20:00'}}}")
    replaced = load_catalog(Document("a", text), evening).profiles["gpu"].hours
    assert replaced == hours(**{"from": "20:00"}), "another shape replaces it as a whole"


@given(st.lists(st.integers(0, 6), min_size=2, max_size=2, unique=True), st.integers(0, 7 * 24 * 4))
def test_a_list_is_open_when_one_of_its_hours_is(days: list[int], quarter: int) -> None:
    one, other = ({"days": [DAYS[day]], "from": "21:00", "to": "09:00"} for day in days)
    now = at("2026-03-09 00:00") + timedelta(minutes=15 * quarter)
    each = [opening(hours(**given_), now, BERLIN) for given_ in (one, other)]
    assert opening(table(one, other), now, BERLIN).is_open == any(found.is_open for found in each)
