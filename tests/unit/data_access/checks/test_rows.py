"""Checks that judge each row, against a plain loop over Python values."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_access.checks import in_range, in_set, matches, not_null
from data_access.errors import DataError, Reason
from tests.unit.data_access.checks.judging import judged

quick = settings(max_examples=20, deadline=None)

INTS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint64()]
whole = st.integers(-(2**70), 2**70) | st.integers(-300, 300)
fractions = st.decimals(-1000, 1000, places=3)
moments = st.datetimes(
    datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2200-01-01"), timezones=st.just(UTC)
)
limits = st.none() | whole | st.floats(-300, 300) | fractions


def lost(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def is_in(value: Any, low: Any, high: Any, closed: str) -> bool:
    if low is not None and (value < low or (value == low and closed in ("right", "neither"))):
        return False
    return not (high is not None and (value > high or (value == high and closed in ("left", "neither"))))


def exact(limit: Any) -> Any:
    """What a person means by 0.1."""
    return Decimal(repr(limit)) if isinstance(limit, float) else limit


@quick
@given(st.data())
def test_a_range_of_whole_numbers_is_exact_at_any_limit(data: st.DataObject) -> None:
    arrow = data.draw(st.sampled_from(INTS))
    bits, low_end = arrow.bit_width, (0 if str(arrow).startswith("u") else -1)
    least, most = (0, 2**bits - 1) if low_end == 0 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    values = data.draw(st.lists(st.none() | st.integers(least, most) | st.integers(0, 100), min_size=1, max_size=9))
    there = [value for value in values if value is not None] or [0]
    near = st.sampled_from(there) | st.sampled_from([value + 0.5 for value in there if abs(value) < 2**50] or [0.5])
    low, high = data.draw(limits | near), data.draw(limits | near)
    closed = data.draw(st.sampled_from(["both", "left", "right", "neither"]))
    if low is None and high is None:
        return
    found = judged(in_range("x", low, high, closed=closed), pa.table({"x": pa.array(values, arrow)}))
    wrong = [v for v in values if v is not None and not is_in(v, exact(low), exact(high), closed)]
    assert (found.judged, found.failed, found.passed) == (True, len(wrong), not wrong)
    assert [row.values["x"] for row in found.sample] == wrong[:5]


@quick
@given(st.lists(st.none() | st.floats(width=32), min_size=1, max_size=9), limits, limits, st.booleans())
def test_a_range_of_floats_compares_as_numpy_does(values: list, low: Any, high: Any, single: bool) -> None:
    if low is None and high is None:
        return
    kind = np.float32 if single else np.float64
    table = pa.table({"x": pa.array(values, pa.float32() if single else pa.float64())})
    with np.errstate(over="ignore"):
        low_, high_ = (None if limit is None else kind(float(limit)) for limit in (low, high))
        wrong = [v for v in values if not lost(v) and not is_in(kind(v), low_, high_, "both")]
    assert judged(in_range("x", low, high), table).failed == len(wrong)


@quick
@given(st.lists(st.none() | fractions, min_size=1, max_size=9), limits, limits, st.sampled_from(["both", "neither"]))
def test_a_range_of_decimals_is_exact(values: list, low: Any, high: Any, closed: str) -> None:
    if low is None and high is None:
        return
    table = pa.table({"x": pa.array(values, pa.decimal128(20, 5))})
    wrong = [v for v in values if v is not None and not is_in(v, exact(low), exact(high), closed)]
    assert judged(in_range("x", low, high, closed=closed), table).failed == len(wrong)


@quick
@given(
    st.lists(st.none() | moments, min_size=1, max_size=9),
    st.none() | moments,
    moments,
    st.sampled_from(["us", "ms", "s"]),
)
def test_a_range_of_times_is_exact_in_any_unit(values: list, low: Any, high: Any, unit: str) -> None:
    column = pa.array(values, pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "Europe/Berlin"), safe=False)
    there = [v for v in column.to_pylist() if v is not None]
    wrong = [v for v in there if not is_in(v, low, high, "neither")]
    assert judged(in_range("x", low, high, closed="neither"), pa.table({"x": column})).failed == len(wrong)


@pytest.mark.parametrize(
    ("column", "low", "high", "failed"),
    [
        (pa.array([date(2026, 1, 1), date(2026, 1, 31), None]), "2026-01-02", date(2026, 1, 31), 1),
        (pa.array([date(2026, 1, 1)]), datetime.fromisoformat("2026-01-01T00:00:01"), None, 1),
        (pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("ns")), "2026-01-01T00:00:00.000001", None, 1),
        (pa.array([1, 2**62], pa.timestamp("ns")), "1970-01-01", "2200-01-01", 0),
        (pa.array(["Äpfel", "zoo", "a", ""]), "a", "z", 3),
        (pa.array(["b", "q", None]).dictionary_encode(), "a", "p", 1),
        (pa.array([None, None]), 0, 1, 0),
        (pa.array([], pa.int64()), 0, 1, 0),
        (pa.array([math.inf, -math.inf, math.nan]), 0, None, 1),
        (pa.array([Decimal("99999999999999999999999999999999999999")]), None, 10**39, 0),
        (pa.array([Decimal("99999999999999999999999999999999999999")]), None, Decimal("1e37"), 1),
        (pa.array([0.1], pa.float32()), None, 0.1, 0),
    ],
)
def test_a_range_of_other_types(column: pa.Array, low: Any, high: Any, failed: int) -> None:
    found = judged(in_range("x", low, high), pa.table({"x": column}))
    assert (found.judged, found.failed) == (True, failed), found.seen


@pytest.mark.parametrize(
    ("closed", "wrong"), [("both", [0, 4]), ("left", [0, 3, 4]), ("right", [0, 1, 4]), ("neither", [0, 1, 3, 4])]
)
@pytest.mark.parametrize("arrow", [pa.int8(), pa.float64(), pa.decimal128(22, 1), pa.date32(), pa.timestamp("s")])
def test_limits_are_in_or_out(closed: Any, wrong: list[int], arrow: pa.DataType) -> None:
    column = pa.array(range(5), pa.int32() if pa.types.is_date(arrow) else pa.int64()).cast(arrow)
    low, high = column[1].as_py(), column[3].as_py()
    found = judged(in_range("x", low, high, closed=closed), pa.table({"x": column}))
    assert [row.number for row in found.sample] == wrong


@pytest.mark.parametrize(
    ("column", "low", "said"),
    [
        (pa.array([1]), "a", "x is int64 and can't be compared with 'a'"),
        (pa.array([1]), True, "x is int64 and can't be compared with True"),
        (pa.array(["a"]), 1, "x is string and can't be compared with 1"),
        (pa.array([date(2026, 1, 1)]), "yesterday", "'yesterday' is no time"),
        (pa.array([[1]]), 1, "can't be compared with 1"),
    ],
)
def test_what_can_not_be_compared_has_not_passed(column: pa.Array, low: Any, said: str) -> None:
    found = judged(in_range("x", low), pa.table({"x": column}))
    assert not found.passed
    assert not found.judged
    assert said in found.seen


def test_a_missing_column_has_not_passed_and_near_ones_are_named() -> None:
    found = judged(not_null("ammount"), pa.table({"amount": [1]}))
    assert (found.passed, found.judged) == (False, False)
    assert found.seen == "there is no column ammount. Did you mean amount?"


def test_a_missing_column_is_seen_in_an_empty_frame_too() -> None:
    assert not judged(not_null("x"), pa.table({"y": pa.array([], pa.int64())})).passed


@quick
@given(
    st.lists(st.tuples(st.none() | st.floats(), st.none() | st.text(max_size=3)), min_size=1, max_size=12),
    st.booleans(),
)
def test_not_null(rows: list, category: bool) -> None:
    a, b = pa.array([row[0] for row in rows], pa.float64()), pa.array([row[1] for row in rows], pa.string())
    found = judged(not_null("a", "b"), pa.table({"a": a, "b": b.dictionary_encode() if category else b}))
    wrong = [i for i, row in enumerate(rows) if lost(row[0]) or lost(row[1])]
    assert (found.failed, found.passed) == (len(wrong), not wrong)
    assert [row.number for row in found.sample] == wrong[:5]


def test_not_null_says_which_column_and_how() -> None:
    table = pa.table({"a": pa.array([1.0, math.nan, None]), "b": [1, 2, 3], "c": pa.array([None] * 3)})
    assert judged(not_null("a", "b", "c"), table).seen == (
        "a is missing in 2 of 3 rows (66.7 %) (1 of them as NaN), c is missing in 3 of 3 rows (100 %)"
    )


@quick
@given(
    st.lists(st.none() | st.sampled_from([1, 2, 3, 255, -1]), min_size=1, max_size=12),
    st.lists(st.sampled_from([1, 2, 2.0, 2.5, 10**30, -1, Decimal("3.0"), None]), min_size=1),
)
def test_in_set_of_numbers(values: list, allowed: list) -> None:
    wrong = [v for v in values if v is not None and v not in [a for a in allowed if a is not None]]
    found = judged(in_set("x", allowed), pa.table({"x": pa.array(values, pa.int16())}))
    assert (found.judged, found.failed) == (True, len(wrong))


@quick
@given(st.lists(st.none() | st.text(max_size=2), min_size=1, max_size=12), st.lists(st.text(max_size=2), min_size=1))
def test_in_set_of_words(values: list, allowed: list) -> None:
    wrong = [v for v in values if v is not None and v not in allowed]
    for column in (pa.array(values, pa.string()), pa.array(values, pa.string()).dictionary_encode()):
        found = judged(in_set("x", allowed), pa.table({"x": column}))
        assert (found.judged, found.failed) == (True, len(wrong))


def test_in_set_names_the_most_frequent_wrong_values() -> None:
    found = judged(in_set("x", ["a"]), pa.table({"x": ["a", "b", "b", "c", "d", "e", "f", "g", ""]}))
    assert found.seen == (
        "8 of 9 rows (88.9 %) have another value: b (2), the empty text (1), c (1), d (1), e (1) and 2 other values"
    )


def test_in_set_of_dates_and_of_singles() -> None:
    days = pa.array([date(2026, 1, 1), date(2026, 1, 2), None])
    assert judged(in_set("x", [date(2026, 1, 1)]), pa.table({"x": days})).failed == 1
    assert judged(in_set("x", [0.1]), pa.table({"x": pa.array([0.1, 0.2, math.nan], pa.float32())})).failed == 1


@quick
@given(
    st.lists(st.none() | st.text("ab1-é\n", max_size=4), min_size=1, max_size=12),
    st.sampled_from(
        [r"a*", r"a|b1", r"[ab]+\d?", r"\w\w", r".", r"(a)(b)?", r"", r"(?=a).b", r"(.)\1", r"b$", r"(?i)AB"]
    ),
)
def test_matches_is_a_full_match(values: list, pattern: str) -> None:
    fits = re.compile(pattern, re.ASCII).fullmatch
    wrong = [v for v in values if v is not None and fits(v) is None]
    for column in (pa.array(values, pa.string()), pa.array(values, pa.string()).dictionary_encode()):
        assert judged(matches("x", pattern), pa.table({"x": column})).failed == len(wrong)


def test_matches_wants_text() -> None:
    assert judged(matches("x", "1"), pa.table({"x": [1]})).seen == "x is int64, not text"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: matches("x", "("), "no regular expression"),
        (lambda: in_range("x"), "a range needs low, high or both"),
        (lambda: in_range("x", math.nan), "no limit"),
        (lambda: in_set("x", []), "at least 1 item"),
        (lambda: in_set("x", "abc"), "Write ['abc']"),
        (not_null, "at least 1 item"),
        (lambda: not_null("x", severity="loud"), "'warn' or 'stop'"),
        (lambda: in_set("x", [object()]), "which no check compares with"),
    ],
)
def test_what_makes_no_check_is_refused_with_a_reason(make: Any, said: str) -> None:
    with pytest.raises(DataError) as refused:
        make()
    assert refused.value.reason == Reason.BAD_ARGUMENT
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("check", "values"),
    [
        (in_set("a", ["x"]), ["x", None, "x", None, "x"]),
        (matches("a", "x+"), ["x", None, "xx", None, "x"]),
        (in_range("a", 0, 5), [1.0, None, 2.0, math.nan, 5.0]),
    ],
)
def test_what_has_no_value_is_not_counted_as_judged(check: Any, values: list[Any]) -> None:
    table = pa.table({"a": pa.array(values)})
    for told, rows in (
        ("all 3 rows with a value; 2 lack one and were not judged", table),
        ("all 1 row with a value; 1 lacks one and was not judged", table.slice(0, 2)),
        ("all 1 row lack a value", table.slice(1, 1)),
        ("all 1 row", table.slice(0, 1)),
    ):
        assert judged(check, rows).seen.partition("; the values go")[0] == told


def test_limits_and_what_was_seen_are_written_alike() -> None:
    told = [
        (in_range("a", -120, 2880), [-120, 2880], "a is between -120 and 2880", "from -120 to 2880"),
        (in_range("a", 0, 700_000), [210, 693_700], "a is between 0 and 700,000", "from 210 to 693,700"),
        (in_range("a", 0.0, 7e5), [0.25, 693_700.4], "a is between 0 and 700,000", "from 0.25 to 693,700"),
        (in_range("a", 1900, 2100), [2013, 2026], "a is between 1900 and 2100", "from 2013 to 2026"),
        (in_range("a", high=Decimal("12345.60")), [Decimal("12345.60")], "a is at most 12,345.60", "12,345.60"),
    ]
    for check, values, sentence, ends in told:
        assert check.sentence() == sentence
        assert judged(check, pa.table({"a": values})).seen.endswith(ends)
