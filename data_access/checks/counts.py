"""Checks of the whole: how many rows, and how old the newest is."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from data_access.checks.context import PartitionPast, Surroundings
from data_access.checks.kinds import Freshness, RowCount
from data_access.checks.measure import Again, Finding, Measure, column_of, count
from data_access.checks.values import Unfit, spelled

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class RowCountMeasure(Measure[int]):
    """The state is the number of rows; history knows the partitions."""

    check: RowCount

    def start(self) -> int:
        return 0

    def add(self, state: int, batch: pa.RecordBatch, offset: int) -> int:
        return state + batch.num_rows

    def merge(self, one: int, other: int) -> int:
        return one + other

    def finding(self, state: int, again: Again) -> Finding:
        said, wrong, stored = [], False, self.around.stored()
        state = state if stored is None else stored
        if self.check.low is not None or self.check.high is not None:
            low, high = self.check.low or 0, math.inf if self.check.high is None else self.check.high
            wrong = not low <= state <= high
            limit = f"at least {low:,}" if state < low else f"at most {high:,}"
            said.append(f"{count(state)}{f', where {limit} were expected' if wrong else ''}")
        if self.check.by_history:
            passed, sentence = against_history(self.check, self.around.past(self.check.last))
            wrong, said = wrong or not passed, [*said, sentence]
        return Finding(not wrong, "; ".join(said))


def against_history(check: RowCount, past: tuple[PartitionPast, ...] | None) -> tuple[bool, str]:
    """Whether each partition has as many rows as usual (the median of its earlier stores), in words."""
    known = [each for each in past or () if each.earlier]
    if not known:
        return True, "no earlier commit to compare with"
    strange, worst = [], ""
    for each in known:
        usual = statistics.median(each.earlier)
        low, high = check.span(usual)
        if not low <= each.now <= high:
            strange.append(each)
            worst = worst or _compared(each, usual, low, high)
    if strange:
        others = f"; {count(len(strange) - 1, 'more partition')} as unusual" if len(strange) > 1 else ""
        return False, worst + others
    usual = statistics.median(known[0].earlier)
    where = f"{count(len(known), 'partition')}, each" if len(known) > 1 else _named(known[0], start=True)
    if len(known) > 1:
        return True, f"{where} as usual"
    return True, f"{where}{count(known[0].now)}, where {usual:,g} are usual"


def _named(each: PartitionPast, start: bool = False) -> str:
    return f"{each.label}: " if each.label else ""


def _compared(each: PartitionPast, usual: float, low: float, high: float) -> str:
    times = len(each.earlier)
    earlier = f"the last {times} stores" if times > 1 else "the last store"
    source = f"{earlier} had" if each.same else f"it is new, and {earlier} of other partitions had"
    median = f" {usual:,.10g} in the middle" if times > 1 else f" {usual:,.10g}"
    return (
        f"{_named(each)}{count(each.now)}, where {math.ceil(low):,} to {math.floor(high):,} would be usual"
        f" ({source}{median})"
    )


@dataclass(frozen=True)
class Newest:
    """The greatest value, in `per_second` parts of a second since 1970."""

    rows: int = 0
    value: int | None = None
    per_second: int = 1
    date: bool = False


class FreshnessMeasure(Measure[Newest]):
    """Times without a zone are UTC. A date is as old as its last moment: today's is not old at all."""

    check: Freshness

    def __init__(self, check: Freshness, around: Surroundings, now: datetime) -> None:
        super().__init__(check, around)
        self.now = now

    def start(self) -> Newest:
        return Newest()

    def add(self, state: Newest, batch: pa.RecordBatch, offset: int) -> Newest:
        column = column_of(batch, self.check, self.check.column)
        arrow = column.type
        if pa.types.is_timestamp(arrow):
            value, per_second = pc.max(column.cast(pa.int64())).as_py(), _PER_SECOND[arrow.unit]
        elif pa.types.is_date(arrow):
            days = pc.max(column.cast(pa.date32()).cast(pa.int32())).as_py()
            value, per_second = None if days is None else days * 86400, 1
        elif pa.types.is_null(arrow):
            value, per_second = None, 1
        else:
            raise Unfit(f"{self.check.column} is {arrow}, neither a time nor a date")
        return self.merge(state, Newest(batch.num_rows, value, per_second, pa.types.is_date(arrow)))

    def merge(self, one: Newest, other: Newest) -> Newest:
        rows = one.rows + other.rows
        newest = one
        if one.value is None or (
            other.value is not None and other.value * one.per_second > one.value * other.per_second
        ):
            newest = other
        return Newest(rows, newest.value, newest.per_second, newest.date)

    def finding(self, state: Newest, again: Again) -> Finding:
        if state.value is None:
            return Finding(False, f"{count(state.rows)}, none with a {self.check.column}")
        seconds, part = divmod(state.value, state.per_second)
        try:
            newest = _EPOCH + timedelta(seconds=seconds, microseconds=part * 10**6 // state.per_second)
        except OverflowError:
            return Finding(False, f"the newest {self.check.column} is beyond the years 1 to 9999", judged=False)
        until = newest + timedelta(days=1) if state.date else newest
        age = self.now - until
        old = "in the future" if age < timedelta(0) and not state.date else f"{spelled(max(age, timedelta(0)))} old"
        said = f"the newest is {newest.date() if state.date else newest.strftime('%Y-%m-%d %H:%M:%S UTC')}, {old}"
        return Finding(age <= self.check.within, said)
