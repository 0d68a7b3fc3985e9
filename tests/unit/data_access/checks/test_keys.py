"""Keys, against a plain count of Python tuples."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_access.checks import foreign_key, keys, unique
from tests.unit.data_access.checks.judging import Around, judged

quick = settings(max_examples=12, deadline=None)
parts = st.tuples(st.none() | st.integers(0, 3), st.none() | st.sampled_from(["a", "é", "", "\0"]))
rows = st.lists(parts, max_size=12)
floats = st.none() | st.sampled_from([0.0, -0.0, 1.0, 1.5, math.nan, math.inf])


def table_of(pairs: list, width: pa.DataType | None = None, category: bool = False) -> pa.Table:
    k, w = (
        pa.array([pair[0] for pair in pairs], width or pa.int64()),
        pa.array([pair[1] for pair in pairs], pa.string()),
    )
    return pa.table({"k": k, "w": w.dictionary_encode() if category else w, "n": pa.array(range(len(pairs)))})


def whole(pairs: list) -> list:
    return [pair for pair in pairs if None not in pair]


@quick
@given(rows, st.booleans())
def test_unique_in_what_is_stored(pairs: list, category: bool) -> None:
    counted = Counter(whole(pairs))
    wrong = sum(n for n in counted.values() if n > 1)
    found = judged(unique("k", "w", across="store"), table_of(pairs, category=category))
    assert (found.judged, found.passed, found.failed) == (True, not wrong, wrong)
    assert all(counted[row.values["k"], row.values["w"]] > 1 for row in found.sample)


@quick
@given(rows, rows, st.sampled_from([pa.int8(), pa.int32(), pa.int64()]))
def test_unique_beside_the_rows_that_stay(pairs: list, others: list, width: pa.DataType) -> None:
    counted, there = Counter(whole(pairs)), set(whole(others))
    wrong = sum(n for key, n in counted.items() if n > 1 or key in there)
    around = Around(others=table_of(others))
    assert judged(unique("k", "w"), table_of(pairs, width), around).failed == wrong
    assert judged(unique("k", "w", across="store"), table_of(pairs), around).failed == sum(
        n for n in counted.values() if n > 1
    )


@quick
@given(st.lists(floats, max_size=10))
@example([math.nan, math.nan, 0.0, -0.0])
def test_unique_of_floats_takes_zeros_as_one_and_nan_as_missing(values: list) -> None:
    counted = Counter(value + 0.0 for value in values if value is not None and not math.isnan(value))
    found = judged(unique("x"), pa.table({"x": pa.array(values, pa.float32())}))
    assert found.failed == sum(n for n in counted.values() if n > 1)


def test_unique_shows_the_rows_of_one_key_together() -> None:
    table = pa.table({"id": [7, 1, 2, 7, 3, 1, 7], "x": list("abcdefg")})
    found = judged(unique("id"), table)
    assert found.seen == "5 of 7 rows (71.4 %) share their key with another: 2 keys come more than once"
    assert [(row.number, row.values["id"]) for row in found.sample] == [(0, 7), (3, 7), (6, 7), (1, 1), (5, 1)]


def test_unique_says_what_is_in_the_table_already() -> None:
    found = judged(unique("id"), pa.table({"id": [1, 2]}), Around(others=pa.table({"id": [2, 9]})))
    assert found.seen == "1 of 2 rows (50.0 %) shares its key with another: 1 key is in the table already"


def test_two_keys_with_one_hash_are_two_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes only say where to look: with one hash for all, the answers are the same."""
    monkeypatch.setattr(keys, "_hashes", lambda frame: np.full(len(frame), 7, np.uint64))
    assert judged(unique("id"), pa.table({"id": [1, 2, 3]}), Around(others=pa.table({"id": [4]}))).passed
    assert judged(unique("id"), pa.table({"id": [1, 2, 1]})).failed == 2


def test_very_many_suspects_are_counted_by_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_EXACT", 3)
    found = judged(unique("id"), pa.table({"id": [1, 1, 2, 2, 3]}), Around(others=pa.table({"id": [3]})))
    assert found.failed == 5
    assert "2 keys come more than once, 1 key is in the table already" in found.seen


@pytest.mark.parametrize(
    ("column", "failed"),
    [
        (pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("us", "Europe/Berlin")), 2),
        (pa.array([1, 2, 1], pa.timestamp("ns")), 2),
        (pa.array([1, 2, 1], pa.date32()), 2),
        (pa.array([Decimal("1.10"), Decimal("1.1")], pa.decimal128(9, 2)), 2),
        (pa.array([b"a", b"a", b"b"]), 2),
        (pa.array([True, True, False]), 2),
        (pa.array([2**64 - 1, 2**64 - 1, 0], pa.uint64()), 2),
        (pa.array([None, None]), 0),
        (pa.array([], pa.string()), 0),
    ],
)
def test_unique_of_other_types(column: pa.Array, failed: int) -> None:
    found = judged(unique("x"), pa.table({"x": column}))
    assert (found.judged, found.failed) == (True, failed), found.seen


def test_a_list_is_no_key() -> None:
    assert judged(unique("x"), pa.table({"x": [[1]]})).seen.endswith("which is no key")


@quick
@given(rows, rows, st.sampled_from([pa.int8(), pa.int32(), pa.int64()]))
def test_foreign_key(pairs: list, known: list, width: pa.DataType) -> None:
    there = table_of(known).rename_columns(["a", "b", "n"])
    check = foreign_key(["k", "w"], "crm.things", ["a", "b"])
    wrong = [pair for pair in whole(pairs) if pair not in set(whole(known))]
    found = judged(check, table_of(pairs, width), Around(tables={"crm.things": there}))
    assert (found.judged, found.passed, found.failed) == (True, not wrong, len(wrong)), found.seen
    assert all((row.values["k"], row.values["w"]) in wrong for row in found.sample)


def against(column: pa.Array, known: pa.Array) -> Any:
    return judged(foreign_key("x", "a.b"), pa.table({"x": column}), Around(tables={"a.b": pa.table({"x": known})}))


def test_a_foreign_key_says_what_is_not_there_and_what_is_missing() -> None:
    found = against(pa.array(["DE", "XX", "XX", None, "YY"]), pa.array(["DE", "FR"]))
    assert found.seen == (
        "3 of 5 rows (60.0 %) have a value that is not in a.b: XX (2), YY (1) (1 row without a value aside)"
    )
    assert [row.number for row in found.sample] == [1, 2, 4]


@pytest.mark.parametrize(
    ("ours", "theirs", "failed"),
    [
        (pa.array([1, 2], pa.timestamp("ns")), pa.array([0], pa.timestamp("us")), 2),
        (pa.array([1000, 2000], pa.timestamp("ns")), pa.array([1], pa.timestamp("us")), 1),
        (pa.array([1], pa.timestamp("us")), pa.array([1000, 1001], pa.timestamp("ns")), 0),
        (pa.array([0], pa.timestamp("us")), pa.array([1], pa.timestamp("ns")), 1),
        (pa.array([2**63], pa.uint64()), pa.array([-(2**63)], pa.int64()), 1),
        (pa.array([7], pa.uint64()), pa.array([7], pa.int8()), 0),
        (pa.array([Decimal("1.10")]), pa.array([Decimal("1.1")], pa.decimal128(9, 1)), 0),
        (pa.array([Decimal("1.1")]), pa.array([Decimal("1.14")]), 1),
        (pa.array(["a"]), pa.array(["a", "b"]).dictionary_encode(), 0),
        (pa.array(["a"], pa.large_string()), pa.array(["a"], pa.string_view()), 0),
        (pa.array([1.5], pa.float32()), pa.array([1.5]), 0),
    ],
)
def test_keys_compare_by_value_across_widths(ours: pa.Array, theirs: pa.Array, failed: int) -> None:
    found = against(ours, theirs)
    assert (found.judged, found.failed) == (True, failed), found.seen


def test_text_is_not_compared_with_numbers() -> None:
    found = against(pa.array(["1"]), pa.array([1]))
    assert not found.judged
    assert "can't be compared" in found.seen
