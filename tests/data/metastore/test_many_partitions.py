"""Ten thousand partitions: in few calls, and in bounded time."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data_access.metastore.base import Metastore, PartitionChange
from data_access.metastore.hive.connections import Connections
from tests.data.metastore.tables import ORDERS, make_orders, partition

#: Hive 2.3.10 takes 2 ms for each partition that it adds, moto looks at all for each: fewer, still several pages.
MANY = {"hive": 1_500, "glue": 2_000}
SECONDS = 300


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Thrift calls, counted."""
    counted: Counter[str] = Counter()
    call = Connections.call

    def counting(self: Connections, method: str, *arguments: Any, **options: Any) -> Any:
        counted[method] += 1
        return call(self, method, *arguments, **options)

    monkeypatch.setattr(Connections, "call", counting)
    return counted


@contextmanager
def at_most(calls: Counter[str], most: int) -> Iterator[None]:
    """Calls to a Hive Metastore within the block; other metastores make none of these."""
    calls.clear()
    yield
    assert calls.total() <= most, dict(calls)


def test_many_partitions(metastore: Metastore, kind: str, tmp_path: Path, calls: Counter[str]) -> None:
    count = MANY.get(kind, 10_000)
    pages, batches = math.ceil(count / 1_000), math.ceil(count / 250)
    make_orders(metastore, tmp_path)
    added = tuple(partition(tmp_path, f"2026-{number:05d}", "köln/süd") for number in range(count))
    started = time.monotonic()
    with at_most(calls, 1 + pages + batches):
        metastore.change_partitions(ORDERS, PartitionChange(add=added))
    with at_most(calls, 1 + pages):
        assert {each.values for each in metastore.partitions(ORDERS)} == {each.values for each in added}
    with at_most(calls, 2):
        assert [each.values for each in metastore.partitions_of(ORDERS, [added[77].values])] == [added[77].values]
    moved = tuple(replace(each, location=each.location + "2") for each in added[:1_000])
    with at_most(calls, 3):
        metastore.change_partitions(ORDERS, PartitionChange(move=moved))
    dropped = added[1_000:2_000]
    with at_most(calls, 5):
        metastore.change_partitions(ORDERS, PartitionChange(drop=tuple(each.values for each in dropped)))
    left = {each.values: each.location for each in metastore.partitions(ORDERS)}
    assert len(left) == count - len(dropped)
    assert left[moved[5].values].endswith("2")
    assert time.monotonic() - started < SECONDS
