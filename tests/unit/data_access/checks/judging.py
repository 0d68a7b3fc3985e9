"""Judging in tests: a check over batches cut anywhere, folded in one row and merged from parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from data_access.checks.context import Alone, CheckContext, Ends, PartitionPast
from data_access.checks.kinds import Check
from data_access.checks.measure import Finding
from data_access.checks.run import measure, run
from data_access.names import TableName

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Around(Alone):
    """Surroundings made of tables."""

    def __init__(
        self,
        others: pa.Table | None = None,
        before: pa.Table | None = None,
        past: tuple[PartitionPast, ...] | None = None,
        tables: dict[str, pa.Table] | None = None,
    ) -> None:
        self._others, self._before, self._past, self._tables = others, before, past, tables or {}

    def others(self, columns: Sequence[str], within: Ends) -> Iterator[pa.RecordBatch]:
        for name, (low, high) in within.items():  # what is outside may be left out, so it is
            if self._others is not None:
                column = pc.field(name)
                self._others = self._others.filter((column >= low) & (column <= high))
        return iter(() if self._others is None else self._others.select(list(columns)).to_batches(max_chunksize=3))

    def before(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch] | None:
        return None if self._before is None else iter(self._before.select(list(columns)).to_batches())

    def past(self, last: int) -> tuple[PartitionPast, ...] | None:
        return self._past

    def lookup(self, table: TableName, columns: Sequence[str], as_of: str | None) -> Iterator[pa.RecordBatch]:
        return iter(self._tables[str(table)].select(list(columns)).to_batches(max_chunksize=3))


def judged(check: Check, table: pa.Table, around: Around | None = None, now: datetime = NOW) -> Finding:
    """The finding, the same however the rows are cut and whichever parts are merged."""
    context = CheckContext(now, around or Around())
    (whole,) = run([check], table, context)
    found = Finding(whole.passed, whole.seen, whole.failed, whole.sample, whole.judged)
    if whole.judged and table.num_rows:
        for size in (1, 3):
            assert repr(merged(check, table, size, context)) == repr(found), size  # repr: NaN is not NaN
    return found


def merged(check: Check, table: pa.Table, size: int, context: CheckContext) -> Finding:
    """From the middle outwards: ((a, b), ((c), d))."""
    fold = measure(check, context)
    batches = table.combine_chunks().to_batches(max_chunksize=size)
    states, offset = [], 0
    for batch in batches:
        states.append(fold.add(fold.start(), batch, offset))
        offset += batch.num_rows
    while len(states) > 1:
        at = len(states) // 2
        states[at - 1 : at + 1] = [fold.merge(states[at - 1], states[at])]
    return fold.finding(states[0], lambda: iter(batches))
