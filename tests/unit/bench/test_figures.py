"""What the benchmark makes of its samples."""

from __future__ import annotations

import pytest

from bench.spawn.figures import percentile, ratio, ratios, summary, table


@pytest.mark.parametrize(
    ("samples", "share", "expected"),
    [([5.0], 0.5, 5.0), ([5.0], 0.9, 5.0), ([3, 1, 2], 0.5, 2), ([4, 1, 3, 2], 0.5, 2), (range(1, 11), 0.9, 9)],
)
def test_percentiles_are_samples_of_the_nearest_rank(samples, share, expected):
    assert percentile(list(samples), share) == expected


def test_no_samples_is_an_error_and_not_a_zero():
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 0.5)


def test_a_summary_keeps_the_slowest():
    assert summary([1.0, 9.0, 2.0]) == {"n": 3, "p50": 2.0, "p90": 9.0, "max": 9.0}


def test_a_ratio_is_ours_divided_by_plain_of_the_medians():
    assert ratio({"plain": [2.0, 4.0, 100.0], "ours": [1.0, 2.0, 3.0]}) == 0.5


@pytest.mark.parametrize("one_sided", [{"plain": [1.0]}, {"ours": [1.0]}, {"plain": [0.0], "ours": [0.0]}])
def test_nothing_to_compare_is_no_ratio(one_sided):
    assert ratio(one_sided) is None
    assert ratios({"failed": one_sided}) == {}


def test_the_table_has_a_line_per_figure_and_a_dash_where_nothing_was_measured():
    lines = table(
        {"stop": {"plain": [2.0, 2.0], "ours": [1.0, 3.0]}, "20 at once: failed": {"plain": [2.0]}}
    ).splitlines()
    assert lines[2] == "| stop | s | 2.00 | 2.00 | 1.00 | 3.00 | 0.50 |"
    assert lines[3] == "| 20 at once: failed |  | 2 | – | – | – | – |"
