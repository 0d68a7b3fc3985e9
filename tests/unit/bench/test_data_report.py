"""The table of `make bench-data`, from samples."""

from __future__ import annotations

import pytest

from bench.data.frames import PARTITION, narrow, sales
from bench.data.report import first, percentile, table

MEASURED = {
    "samples_s": [0.2, 0.1, 0.3], "first_s": 1.0, "cpu_s": 0.25, "peak_mib": 150.0, "result_mib": 100.0,
    "requests": {"GetObject": 2, "ListObjectsV2": 1, "UploadPart": 3, "PutObject": 1},
    "sent_mib": 5.0, "received_mib": 0.4,
}  # fmt: skip


def test_percentiles_are_samples() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([3, 1, 2], 0.99) == 3
    assert percentile([1], 0.01) == 1


def test_who_was_first_and_by_how_much() -> None:
    by = {"remuda": MEASURED, "Polars": {**MEASURED, "samples_s": [0.1]}, "DuckDB": {"cannot": "it has no tables"}}
    assert first(by) == ("Polars", 2.0)
    assert first({"remuda": MEASURED, "remuda (Arrow)": MEASURED, "Polars": {**MEASURED, "samples_s": [1.0]}}) == (
        "remuda",
        5.0,
    )
    assert first({"DuckDB": {"failed": "?"}}) is None


def test_a_line_per_library_and_why_one_has_no_figures() -> None:
    text = table({"load": {"remuda": MEASURED, "DuckDB": {"cannot": "it has no tables"}}}, {"load": "load all"})
    assert "### load all" in text
    assert "| **remuda** | 0.2 | 0.3 | 1 | 3 | 0.25 | 150 | 1.50× | 2 | 0 | 1 | 4 | 5 / 0 |" in text
    assert "| DuckDB | it has no tables |" in text


def test_memory_is_told_without_what_the_library_itself_takes() -> None:
    text = table({"load": {"remuda": MEASURED}, "tiny": {"remuda": {**MEASURED, "peak_mib": 50.0}}}, {})
    assert "| 150 | 1.00× |" in text


@pytest.mark.parametrize("partitions", [1, 7])
def test_frames_are_the_same_each_time_and_fill_every_partition(partitions: int) -> None:
    made = sales(500, partitions)
    assert made.equals(sales(500, partitions))
    assert made.num_columns == 20
    assert len(made.column(PARTITION).unique()) == partitions
    assert len(narrow(500, partitions).column(PARTITION).unique()) == partitions
