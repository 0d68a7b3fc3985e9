"""Distribution drift: the formula, the bins, what chance does, and what is said."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_access.checks import drift, no_drift
from tests.unit.data_access.checks.judging import Around, judged

rng = np.random.default_rng(7)
counts = st.lists(st.integers(0, 1000), min_size=2, max_size=12)


@given(st.data())
def test_the_index_is_the_documented_sum(data: st.DataObject) -> None:
    expected = data.draw(counts)
    actual = data.draw(st.lists(st.integers(0, 1000), min_size=len(expected), max_size=len(expected)))
    total = 0.0
    for e, a in zip(expected, actual, strict=True):
        share_e = (e + 0.5) / (sum(expected) + 0.5 * len(expected))
        share_a = (a + 0.5) / (sum(actual) + 0.5 * len(actual))
        total += (share_a - share_e) * math.log(share_a / share_e)
    parts = drift.psi(np.array(expected), np.array(actual))
    assert math.isclose(parts.sum(), total, abs_tol=1e-12)
    assert (parts >= 0).all()
    assert math.isclose(drift.psi(np.array(actual), np.array(expected)).sum(), total, abs_tol=1e-12)


@given(st.lists(st.integers(-50, 50), min_size=30, max_size=200))
@settings(max_examples=30, deadline=None)
def test_each_value_is_in_the_bin_that_its_edges_say(values: list[int]) -> None:
    column = pa.array(values)
    bins = drift.bins_of(column)
    counted = bins.counts(column)
    assert counted.sum() == len(values)
    if bins.edges is not None:
        edges = [-math.inf, *bins.edges, math.inf]
        assert counted.tolist() == [sum(a < v <= b for v in values) for a, b in pairwise(edges)]


def test_bins_of_many_numbers_hold_a_tenth_each() -> None:
    counted = drift.bins_of(pa.array(np.arange(10_000))).counts(pa.array(np.arange(10_000)))
    assert counted.tolist() == [1000] * 10


def test_chance_is_the_chi_square_quantile() -> None:
    """99.9 % quantiles from tables, by degrees of freedom."""
    for free, quantile, most in ((1, 10.828, 1.04), (3, 16.266, 1.02), (9, 27.877, 1.008), (20, 45.315, 1.008)):
        assert quantile < drift.chance(free + 1, 1, math.inf) < quantile * most
        assert math.isclose(drift.chance(free + 1, 2, 2), drift.chance(free + 1, 1, math.inf))


def test_two_samples_of_one_distribution_hardly_ever_differ() -> None:
    """By construction one in a thousand of the samples may; of 300, 3 or more would with a chance of 0.4 %."""
    failures = 0
    for _ in range(300):
        before, now = (pa.table({"x": rng.normal(size=40)}) for _ in range(2))
        expected = drift._expected(iter(before.to_batches()), ("x",))["x"]
        column = now["x"].combine_chunks()
        actual = drift.Expected(expected.bins, expected.bins.counts(column), len(column), 0)
        failures += bool(drift.judge(no_drift("x"), "x", expected, actual)[1])
    assert failures < 3


def seen(before: list | np.ndarray | pa.Array, now: list | np.ndarray | pa.Array, **limits: float):
    return judged(no_drift("x", **limits), pa.table({"x": now}), Around(before=pa.table({"x": before})))


def test_a_shift_of_numbers_is_seen_and_said() -> None:
    found = seen(rng.normal(100, 10, 2000), rng.normal(112, 10, 2000))
    assert not found.passed
    assert found.seen.startswith("x has a stability index of 1.")
    assert ", 0.2 at most is expected: above 112" in found.seen


def test_a_shift_of_categories_is_seen_and_said() -> None:
    found = seen(["card"] * 90 + ["cash"] * 10, ["card"] * 50 + ["cash"] * 50)
    assert not found.passed
    assert "cash went from 10.0% to 50.0%, card went from 90.0% to 50.0%" in found.seen


def test_values_that_were_never_there_count_as_others() -> None:
    assert "other values went from 0.0% to 100.0%" in seen(["a"] * 300, ["b"] * 300).seen
    assert not seen([1] * 300, [0] * 300).passed


def test_the_share_of_missing_values_is_compared_on_its_own() -> None:
    before, now = [1.0, 2.0] * 500, [1.0, 2.0, None, math.nan] * 250
    assert seen(before, now).seen == "x is missing in 50.0% of the rows, where it was in 0.0%"
    assert seen(before, now, nulls=0.5).passed
    assert seen([None] * 50, [1.0] * 50).seen == "x is missing in 0.0% of the rows, where it was in 100.0%"


def test_times_and_categories_have_distributions_too() -> None:
    days = [date(2026, 1, 1) + timedelta(days=i) for i in range(300)]
    assert seen(pa.array(days), pa.array(days)).passed
    found = seen(pa.array(days), pa.array([day + timedelta(days=150) for day in days]))
    assert "above 2026-09-27 went from" in found.seen
    words = pa.array(["a", "b"] * 50)
    assert seen(words.dictionary_encode(), words).passed


@pytest.mark.parametrize("column", [pa.array([True, False, None]), pa.array([-0.0, 0.0, 1.5]), pa.array([], pa.int8())])
def test_the_same_has_not_drifted(column: pa.Array) -> None:
    assert seen(column, column).passed


def test_without_an_earlier_commit_there_is_nothing_to_compare_with() -> None:
    found = judged(no_drift("x"), pa.table({"x": [1]}))
    assert (found.passed, found.seen) == (True, "no earlier commit to compare with")


def test_a_list_has_no_distribution() -> None:
    assert not seen(pa.array([[1]]), pa.array([[1]])).judged


def test_a_large_past_is_sampled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "_SAMPLE", 1000)
    table = pa.table({"x": np.arange(100_000)})
    sample, rows, lost = drift.sampled(iter(table.to_batches(max_chunksize=700)), ("x",))
    assert sample is not None
    assert (sample.num_rows, rows, lost) == (1000, 100_000, {"x": 0})
    values = sample["x"].to_numpy()
    assert len(np.unique(values)) == 1000
    assert abs(values.mean() - 50_000) < 4 * 28_868 / math.sqrt(1000)
