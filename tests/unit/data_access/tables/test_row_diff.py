"""Which rows two tables don't share."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_access.errors import DataError, Reason
from data_access.tables.row_diff import compare

cells = st.sampled_from([None, 1, 2])
tables = st.lists(st.tuples(cells, cells), max_size=6).map(
    lambda rows: pa.table([pa.array([row[place] for row in rows], pa.int64()) for place in (0, 1)], names=["k", "v"])
)


def rows(table: pa.Table) -> Counter[tuple[object, ...]]:
    return Counter(tuple(each.values()) for each in table.to_pylist())


@given(tables, tables)
def test_what_is_removed_and_added_leads_from_one_to_the_other(before: pa.Table, after: pa.Table) -> None:
    added, removed, changed = compare(before, after, [])
    assert changed is None
    assert rows(before) - rows(removed) + rows(added) == rows(after)
    assert not rows(added) & rows(removed)


def test_by_key() -> None:
    before = pa.table({"k": [1, 2, 3], "v": [[1], [2], None]})
    after = pa.table({"k": [4, 3, 2], "v": [[9], None, [3]], "new": ["a", "b", "c"]})
    added, removed, changed = compare(before, after, ["k"])
    assert changed is not None
    assert [each["k"].to_pylist() for each in (added, removed, changed)] == [[4], [1], [2]]


def test_nan_null_and_widened_types_are_no_difference() -> None:
    before = pa.table({"x": pa.array([1, None], pa.int32()), "y": [float("nan"), 0.5]})
    after = pa.table({"x": pa.array([1, None], pa.float64()), "y": [float("nan"), 0.5]})
    assert [each.num_rows for each in compare(before, after, [])[:2]] == [0, 0]


def test_keys_must_be_there_and_name_one_row() -> None:
    twice = pa.table({"k": [1, 1], "v": [1, 2]})
    with pytest.raises(DataError, match="k does not name one row each: 1 rows share one") as shared:
        compare(twice, twice, ["k"])
    assert shared.value.reason == Reason.BAD_ARGUMENT
    with pytest.raises(DataError, match="keys names 'kk', which is not in both"):
        compare(twice, twice, ["kk"])
