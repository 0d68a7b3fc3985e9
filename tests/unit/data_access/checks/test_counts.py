"""Row counts against history, and the age of the newest row."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_access.checks import freshness, row_count
from data_access.checks.context import PartitionPast
from data_access.checks.counts import against_history
from data_access.checks.values import spelled, within
from data_access.errors import DataError
from tests.unit.data_access.checks.judging import NOW, Around, judged


@pytest.mark.parametrize(
    ("low", "high", "passed"), [(None, 3, True), (3, None, True), (4, None, False), (0, 2, False), (3, 3, True)]
)
def test_limits_of_rows(low: int | None, high: int | None, passed: bool) -> None:
    assert judged(row_count(low, high), pa.table({"x": [1, 2, 3]})).passed is passed


def test_no_rows_are_few() -> None:
    found = judged(row_count(1), pa.table({"x": pa.array([], pa.int64())}))
    assert (found.passed, found.seen) == (False, "0 rows, where at least 1 were expected")


@given(st.integers(0, 5000), st.lists(st.integers(0, 5000), min_size=1, max_size=6), st.floats(1.01, 10))
def test_a_factor_is_about_the_median(now: int, earlier: list[int], factor: float) -> None:
    ordered = sorted(earlier)
    middle = len(ordered) // 2
    usual = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    passed, _ = against_history(row_count(factor=factor), (PartitionPast("", now, tuple(earlier), True),))
    assert passed is (usual / factor <= now <= usual * factor)


def test_what_is_said_of_a_strange_partition() -> None:
    past = (
        PartitionPast("day=2026-11-19", 100, (100, 90), True),
        PartitionPast("day=2026-11-20", 12, (1000, 1100, 900), False),
        PartitionPast("day=2026-11-21", 0, (4,), True),
    )
    passed, said = against_history(row_count(percent=20), past)
    assert not passed
    assert said == (
        "day=2026-11-20: 12 rows, where 800 to 1,200 would be usual (it is new, and the last 3 stores of other "
        "partitions had 1,000 in the middle); 1 more partition as unusual"
    )


def test_without_history_there_is_nothing_to_compare_with() -> None:
    found = judged(row_count(factor=2), pa.table({"x": [1]}))
    assert (found.passed, found.seen) == (True, "no earlier commit to compare with")
    assert against_history(row_count(factor=2), (PartitionPast("", 9, (), False),))[0]


def test_limits_and_history_both_count() -> None:
    around = Around(past=(PartitionPast("", 2, (2, 2), True),))
    assert judged(row_count(5, factor=2), pa.table({"x": [1, 2]}), around).seen == (
        "2 rows, where at least 5 were expected; 2 rows, where 2 are usual"
    )


moments = st.datetimes(
    datetime.fromisoformat("2026-11-01"), datetime.fromisoformat("2026-11-30"), timezones=st.just(UTC)
)


@given(st.lists(st.none() | moments, min_size=1, max_size=8), st.sampled_from(["s", "us", "ns"]), st.booleans())
def test_freshness_is_the_newest_ones(values: list, unit: str, naive: bool) -> None:
    column = pa.array(values, pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "UTC"), safe=False)
    there = [value for value in column.to_pylist() if value is not None]
    if naive:
        column = column.cast(pa.timestamp(unit))
    passed = bool(there) and NOW - max(there) <= timedelta(days=3)
    assert judged(freshness("x", "3d"), pa.table({"x": column})).passed is passed


@pytest.mark.parametrize(("day", "passed"), [(20, True), (19, True), (18, True), (17, False)])
def test_a_date_is_as_old_as_its_end(day: int, passed: bool) -> None:
    assert judged(freshness("x", "36h"), pa.table({"x": [date(2026, 11, day), None]})).passed is passed


def test_what_is_said_of_stale_rows() -> None:
    table = pa.table({"x": pa.array([datetime(2026, 11, 17, 8, tzinfo=UTC)])})
    assert (
        judged(freshness("x", timedelta(days=1)), table).seen == "the newest is 2026-11-17 08:00:00 UTC, 3.2 days old"
    )


@pytest.mark.parametrize("column", [pa.array([None]), pa.array([], pa.timestamp("s")), pa.array([None], pa.date32())])
def test_rows_without_a_time_are_not_fresh(column: pa.Array) -> None:
    assert not judged(freshness("x", "1d"), pa.table({"x": column})).passed


def test_a_number_is_no_time() -> None:
    assert judged(freshness("x", "1d"), pa.table({"x": [1]})).seen == "x is int64, neither a time nor a date"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("90s", "90 seconds"),
        ("15m", "15 minutes"),
        ("36h", "36 hours"),
        ("2d", "2 days"),
        ("1w", "7 days"),
        ("1h", "1 hour"),
        (0.5, "0.5 seconds"),
    ],
)
def test_spans_as_people_write_and_say_them(text: str | float, words: str) -> None:
    assert spelled(within(text)) == words


@pytest.mark.parametrize("text", ["", "d", "2 moons", "-1d", 0, True, None])
def test_what_is_no_span(text: object) -> None:
    with pytest.raises(DataError, match="no span of time"):
        freshness("x", text)  # type: ignore[arg-type]


@pytest.mark.parametrize("limits", [{}, {"factor": 1}, {"factor": 2, "percent": 3}, {"low": -1}, {"percent": 0}])
def test_what_is_no_row_count(limits: dict) -> None:
    with pytest.raises(DataError):
        row_count(**limits)
