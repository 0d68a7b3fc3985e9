"""Proposals from a frame hold for that frame, and say that they are a draft."""

from __future__ import annotations

import math

import polars
import pyarrow as pa

from data_access.checks import check, suggest
from tests.unit.data_access.checks.judging import NOW

TABLE = pa.table(
    {
        "id": range(40),
        "amount": [*(float(n) for n in range(38)), None, math.nan],
        "land": pa.array(["DE", "FR"] * 20).dictionary_encode(),
        "text": [f"{n % 37}" for n in range(40)],
        "none": pa.nulls(40),
        "endless": [math.inf] * 40,
        "list": [[1]] * 40,
    }
)


def test_proposals_hold_for_the_frame_they_come_from() -> None:
    found = suggest(TABLE)
    assert [each.name for each in found] == [
        "not_null(id, land, text, endless, list)",
        "unique(id)",
        "in_range(amount, 0.0, 37.0)",
        "in_set(land, DE, FR)",
    ]
    assert all(each.note.endswith("?") for each in found)
    assert check(TABLE, found, now=NOW)


def test_an_empty_frame_says_nothing() -> None:
    assert len(suggest(TABLE.slice(0, 0))) == 0
    assert len(suggest(polars.DataFrame({"a": []}))) == 0
