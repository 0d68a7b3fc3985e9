"""Whether columns are distributed as before.

The population stability index of expected shares e (the last commit's) and actual shares a, over bins i:

    PSI = Σ (aᵢ − eᵢ) · ln(aᵢ / eᵢ)

with bins at the deciles of what was expected (numbers, times), or its 20 most frequent values and one bin for all
others (text, booleans, numbers of at most 20 different values). Half a row is added to each bin, so that an empty one
has a logarithm. Below 0.1 nothing has changed, above 0.2 something has (Siddiqi, *Credit Risk Scorecards*, 2006).

Few rows drift by chance: if nothing has changed, PSI · 1/(1/n + 1/m) is χ² distributed with (bins − 1) degrees of
freedom (Yurdakul, *Statistical Properties of Population Stability Index*, 2018). A check fails only where PSI is above
its limit *and* above what one in a thousand stores would reach by chance; the share of missing values likewise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_access.checks.context import Surroundings
from data_access.checks.kinds import NoDrift
from data_access.checks.measure import Again, Finding, Measure, column_of, count, missing, shown
from data_access.checks.values import Unfit

_CATEGORIES = 20
_BINS = 10
#: Rows of the last commit that stand for all of it: with 2²⁰, a decile is known to ±0.1 %.
_SAMPLE = 2**20
_SEED = 20261120
#: Of a normal distribution: one in a thousand is above the first, or beyond the second on either side.
_ONE_SIDED, _TWO_SIDED = 3.0902, 3.2905


@dataclass(frozen=True)
class Bins:
    """`edges` of numbers (bin i holds edges[i-1] < x ≤ edges[i]), or `categories`; the last bin is all others."""

    edges: np.ndarray | None
    categories: pa.Array | None
    arrow: pa.DataType  # of the column

    @property
    def number(self) -> int:
        bins = self.edges if self.categories is None else self.categories
        assert bins is not None
        return len(bins) + 1

    def counts(self, column: pa.Array) -> np.ndarray:
        """Rows per bin; `column` has no missing values."""
        if self.categories is not None:
            at = pc.fill_null(pc.index_in(_comparable(column), value_set=self.categories), len(self.categories))
        else:
            assert self.edges is not None
            at = np.searchsorted(self.edges, _numbers(column), side="left")
        return np.bincount(np.asarray(at, dtype=np.int64), minlength=self.number)

    def label(self, at: int) -> str:
        if self.categories is not None:
            return shown(self.categories[at].as_py(), 20) if at < len(self.categories) else "other values"
        edges = [self._edge(edge) for edge in self.edges]  # type: ignore[union-attr]
        if at == 0:
            return f"up to {edges[0]}"
        return f"above {edges[-1]}" if at == len(edges) else f"{edges[at - 1]} to {edges[at]}"

    def _edge(self, edge: float) -> str:
        if not pa.types.is_temporal(self.arrow):
            return shown(float(edge))
        count = pa.scalar(int(edge), pa.int32() if self.arrow.bit_width == 32 else pa.int64())
        return str(count.cast(self.arrow))


def bins_of(column: pa.Array) -> Bins:
    """Bins for a column as it was, without missing values, at least one row. Raises Unfit."""
    arrow = column.type
    column = _comparable(column)
    counted = pc.value_counts(column)
    numeric = _is_numeric(arrow)
    if numeric and len(counted) > _CATEGORIES:
        deciles = np.quantile(_numbers(column), np.arange(1, _BINS) / _BINS, method="inverted_cdf")
        return Bins(np.unique(deciles), None, arrow)
    top = pc.sort_indices(counted.field("counts"), sort_keys=[("", "descending")])[:_CATEGORIES]
    return Bins(None, counted.field("values").take(top), arrow)


def _is_numeric(arrow: pa.DataType) -> bool:
    kinds = pa.types
    return kinds.is_integer(arrow) or kinds.is_floating(arrow) or kinds.is_decimal(arrow) or kinds.is_temporal(arrow)


def _comparable(column: pa.Array) -> pa.Array:
    arrow = column.type
    if pa.types.is_nested(arrow):
        raise Unfit(f"a column of {arrow} has no distribution to compare")
    if pa.types.is_integer(arrow) and not pa.types.is_uint64(arrow):
        return column.cast(pa.int64())
    if pa.types.is_floating(arrow):
        return pc.add(column.cast(pa.float64()), 0.0)  # -0.0 + 0.0 is 0.0: one category
    if pa.types.is_string(arrow) or pa.types.is_string_view(arrow):
        return column.cast(pa.large_string())
    return column


def _numbers(column: pa.Array) -> np.ndarray:
    arrow = column.type
    if pa.types.is_date32(arrow) or pa.types.is_time32(arrow):
        column = column.cast(pa.int32())
    elif pa.types.is_temporal(arrow):
        column = column.cast(pa.int64())
    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def psi(expected: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Each bin's part of the index, from rows per bin; their sum is the index."""
    bins = len(expected)
    e = (expected + 0.5) / (expected.sum() + 0.5 * bins)
    a = (actual + 0.5) / (actual.sum() + 0.5 * bins)
    return (a - e) * np.log(a / e)


def chance(bins: int, n: float, m: float) -> float:
    """What the index of two samples of one distribution exceeds once in a thousand times.

    The χ² quantile by Wilson and Hilferty (1931): up to 3 % too high where there are two bins, 0.7 % at ten.
    """
    free = max(bins - 1, 1)
    quantile = free * (1 - 2 / (9 * free) + _ONE_SIDED * math.sqrt(2 / (9 * free))) ** 3
    return quantile * (1 / n + 1 / m)


@dataclass(frozen=True)
class Expected:
    """One column at the last commit, or now in the same bins; `bins` is None where all values were missing then."""

    bins: Bins | None
    counts: np.ndarray
    rows: int
    missing: int


def sampled(batches: Iterator[pa.RecordBatch], columns: tuple[str, ...]) -> tuple[pa.Table | None, int, dict[str, int]]:
    """A uniform sample of at most 2²⁰ rows, by the smallest of one random number per row; rows, and missing ones."""
    random = np.random.default_rng(_SEED)
    kept: list[pa.Table] = []
    keys, rows, lost = np.empty(0), 0, dict.fromkeys(columns, 0)
    for batch in batches:
        rows += batch.num_rows
        for name in columns:
            lost[name] += pc.sum(missing(batch.column(name))).as_py() or 0
        kept.append(pa.Table.from_batches([batch.select(list(columns))]))
        keys = np.concatenate([keys, random.random(batch.num_rows)])
        if len(keys) > 2 * _SAMPLE:
            kept, keys = _thinned(kept, keys)
    if len(keys) > _SAMPLE:
        kept, keys = _thinned(kept, keys)
    return (pa.concat_tables(kept) if kept else None), rows, lost


def _thinned(kept: list[pa.Table], keys: np.ndarray) -> tuple[list[pa.Table], np.ndarray]:
    chosen = np.sort(np.argpartition(keys, _SAMPLE)[:_SAMPLE])
    return [pa.concat_tables(kept).take(pa.array(chosen))], keys[chosen]


def _expected(batches: Iterator[pa.RecordBatch], columns: tuple[str, ...]) -> dict[str, Expected]:
    table, rows, lost = sampled(batches, columns)
    if table is None or not rows:
        return {}
    found = {}
    for name in columns:
        column = table.column(name).combine_chunks()
        column = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        there = column.filter(pc.invert(missing(column)))
        bins = bins_of(there) if len(there) else None
        counts = bins.counts(there) if bins else np.zeros(1, np.int64)
        found[name] = Expected(bins, counts, rows, lost[name])
    return found


@dataclass(frozen=True)
class Seen:
    """Per column: rows per bin, and missing ones."""

    rows: int
    counts: tuple[np.ndarray, ...]
    missing: tuple[int, ...]


class NoDriftMeasure(Measure[Seen]):
    check: NoDrift

    def __init__(self, check: NoDrift, around: Surroundings) -> None:
        super().__init__(check, around)
        self._expected: dict[str, Expected] | None = None

    @property
    def expected(self) -> dict[str, Expected]:
        """Of the last commit; empty where there is none. Read when the first batch comes."""
        if self._expected is None:
            before = self.around.before(self.check.columns)
            self._expected = {} if before is None else _expected(before, self.check.columns)
        return self._expected

    def start(self) -> Seen:
        nothing = [np.zeros(each.bins.number if each.bins else 1, np.int64) for each in self.expected.values()]
        return Seen(0, tuple(nothing), (0,) * len(nothing))

    def add(self, state: Seen, batch: pa.RecordBatch, offset: int) -> Seen:
        counts, lost = [], []
        for name, each in self.expected.items():
            column = column_of(batch, self.check, name)
            there = column.filter(pc.invert(missing(column)))
            lost.append(len(column) - len(there))
            if each.bins is None or not len(there):
                counts.append(np.zeros(each.bins.number if each.bins else 1, np.int64))
            else:
                counts.append(each.bins.counts(there))
        return self.merge(state, Seen(batch.num_rows, tuple(counts), tuple(lost)))

    def merge(self, one: Seen, other: Seen) -> Seen:
        return Seen(
            one.rows + other.rows,
            tuple(a + b for a, b in zip(one.counts, other.counts, strict=True)),
            tuple(a + b for a, b in zip(one.missing, other.missing, strict=True)),
        )

    def finding(self, state: Seen, again: Again) -> Finding:
        if not self.expected:
            return Finding(True, "no earlier commit to compare with")
        if not state.rows:
            return Finding(True, "there were no rows")
        wrong, indices = [], []
        for (name, each), counts, lost in zip(self.expected.items(), state.counts, state.missing, strict=True):
            index, problems = judge(self.check, name, each, Expected(each.bins, counts, state.rows, lost))
            wrong += problems
            indices.append(f"{name} {index:.2g}" if index is not None else f"{name} has no values")
        if wrong:
            return Finding(False, "; ".join(wrong))
        return Finding(True, f"stability index of {count(state.rows)}: {', '.join(indices)}")


def judge(check: NoDrift, name: str, expected: Expected, actual: Expected) -> tuple[float | None, list[str]]:
    """The index (None where there is none) and what is wrong, in words. Pure."""
    problems: list[Any] = []
    counts = actual.counts
    was, now = expected.missing / expected.rows, actual.missing / actual.rows
    both = (expected.missing + actual.missing) / (expected.rows + actual.rows)
    noise = _TWO_SIDED * math.sqrt(both * (1 - both) * (1 / expected.rows + 1 / actual.rows))
    if abs(now - was) > max(check.nulls, noise):
        problems.append(f"{name} is missing in {now:.1%} of the rows, where it was in {was:.1%}")
    if expected.bins is None or not counts.sum():
        return None, problems
    parts = psi(expected.counts, counts)
    index = float(parts.sum())
    if index > max(check.psi, chance(len(counts), expected.counts.sum(), counts.sum())):
        top = np.argsort(parts)[::-1][:2]
        e, a = expected.counts / expected.counts.sum(), counts / counts.sum()
        moved = ", ".join(f"{expected.bins.label(int(i))} went from {e[i]:.1%} to {a[i]:.1%}" for i in top)
        problems.append(f"{name} has a stability index of {index:.2g}, {check.psi:g} at most is expected: {moved}")
    return index, problems
