"""Examples: what was given comes back as it was, and what differs is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data_access.models.portable.calls import methods_of, observe
from data_access.models.portable.deviation import deviation, differing_rows
from data_access.models.portable.frames import MOST_COLUMNS, Unpackable, head, pack, rows_of, unpack

FRAME = pd.DataFrame(
    {
        "n": np.array([1, 2, 3], "int32"),
        "x": [0.5, None, 2.5],
        "s": ["a", "ü", None],
        "k": pd.Categorical(["p", "q", "p"]),
        "t": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"], utc=True),
        "b": [True, False, True],
    }
)


def test_frames_come_back() -> None:
    pd.testing.assert_frame_equal(unpack(*pack(FRAME)), FRAME)
    polars = pl.DataFrame({"a": [1, 2], "s": ["x", None]})
    assert unpack(*pack(polars)).equals(polars)
    table = pa.table({"a": [1]})
    assert unpack(*pack(table)) is table


def test_an_index_is_left_behind() -> None:
    assert unpack(*pack(FRAME[1:])).index.tolist() == [0, 1]


def test_a_series_comes_back() -> None:
    series = pd.Series([1.5, 2.5], name="y", dtype="float32")
    pd.testing.assert_series_equal(unpack(*pack(series)), series)


@given(
    hnp.arrays(
        st.sampled_from(["float64", "float32", "int64", "int8", "uint16", "bool"]),
        hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4),
    )
)
def test_arrays_come_back(array: np.ndarray) -> None:
    again = unpack(*pack(array))
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


def test_a_wide_array_comes_back() -> None:
    array = np.arange(2 * (MOST_COLUMNS + 1)).reshape(2, -1)
    table, note = pack(array)
    assert table.num_columns == 1
    np.testing.assert_array_equal(unpack(table, note), array)


@pytest.mark.parametrize(
    "value",
    [
        ["good day", "bad day"],
        [1, 2],
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        "text",
        3.5,
        [[1.0, 2.0], [3.0, 4.0]],
    ],
)
def test_plain_values_come_back(value: Any) -> None:
    assert unpack(*pack(value)) == value


def test_a_dict_of_arrays_comes_back() -> None:
    given_ = {"ids": np.array([[1, 2], [3, 4]]), "mask": np.array([1.0, 0.0])}
    again = unpack(*pack(given_))
    assert list(again) == list(given_)
    np.testing.assert_array_equal(again["ids"], given_["ids"])


@pytest.mark.parametrize("value", [object(), np.array([1 + 2j]), [1, "a"], {"a": np.zeros(2), "b": np.zeros(3)}, None])
def test_what_has_no_form_is_refused(value: Any) -> None:
    with pytest.raises(Unpackable):
        pack(value)


def test_rows_and_heads() -> None:
    assert [rows_of(each) for each in (FRAME, np.zeros((5, 2)), ["a"], {"x": np.zeros(4)}, 3.0)] == [3, 5, 1, 4, None]
    assert rows_of(head(FRAME, 2)) == rows_of(head({"x": np.zeros(4)}, 2)) == 2


class _Model:
    def predict(self, data: Any) -> Any:
        return np.arange(len(data))

    def predict_proba(self, data: Any) -> Any:
        return np.full((len(data), 2), 0.5)


class _Scaler:
    def transform(self, data: Any) -> Any:
        return data


def test_what_is_asked_of_a_model() -> None:
    assert methods_of(_Model()) == ("predict", "predict_proba")
    assert methods_of(_Scaler()) == ("transform",)
    assert methods_of(len) == ("__call__",)
    assert methods_of(3) == ()
    answer = observe(_Model(), [1, 2], ("predict", "predict_proba"))
    assert answer.column_names == ["predict", "predict_proba_0", "predict_proba_1"]


def _table(**columns: Any) -> pa.Table:
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def test_near_is_a_share_of_each_value_and_of_the_column() -> None:
    expected = _table(y=[1e9, 2e9])
    assert deviation(expected, _table(y=[1e9 + 1e3, 2e9]), 1e-5).agrees
    assert not deviation(expected, _table(y=[1e9 + 1e5, 2e9]), 1e-5).agrees
    tiny = _table(y=[1e-9, 2e-9])
    assert not deviation(tiny, _table(y=[2e-9, 2e-9]), 1e-5).agrees
    assert deviation(_table(y=[0.0, 1.0]), _table(y=[1e-6, 1.0]), 1e-5).agrees
    sure = _table(p=[1.0, 1e-14, 3e-15, 1.0, 2e-15])
    assert deviation(sure, _table(p=[1.0, 2e-14, 0.0, 1.0, 0.0]), 1e-5).agrees
    assert not deviation(sure, _table(p=[1.0, 1e-3, 0.0, 1.0, 0.0]), 1e-5).agrees


def test_the_difference_is_told() -> None:
    found = deviation(_table(y=["a", "b", "b"]), _table(y=["a", "c", "c"]), 0)
    assert found.differences == ("y differs in 2 of 3 rows, first in row 1: 'c' instead of 'b'",)
    assert (
        "in 1 of 2 numbers, most in number 1: 4 instead of 2"
        in deviation(_table(y=[1.0, 2.0]), _table(y=[1.0, 4.0]), 0.1).differences[0]
    )


@pytest.mark.parametrize(
    "seen", [_table(y=[1.0]), _table(z=[1.0, 2.0]), _table(y=[1.0, None]), _table(y=[1.0, float("inf")])]
)
def test_other_shapes_and_missing_numbers_differ(seen: pa.Table) -> None:
    assert not deviation(_table(y=[1.0, 2.0]), seen, 0.5).agrees


def test_nan_agrees_with_nan() -> None:
    both = _table(y=[float("nan"), 1.0, float("inf")])
    assert deviation(both, both, 0).agrees


def test_rows_that_differ_are_counted_once() -> None:
    expected, seen = _table(y=[1, 2, 3], p=[0.1, 0.2, 0.3]), _table(y=[1, 9, 3], p=[0.1, 0.9, 0.8])
    assert differing_rows(expected, seen, 1e-5) == 2
