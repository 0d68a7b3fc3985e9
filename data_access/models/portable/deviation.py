"""How far one answer is from another. Pure.

Numbers agree when |expected - seen| ≤ tolerance x (|expected| + m), m being the mean of the column's |expected|: a
share of each value, with a floor of the column's own scale, so that columns of any unit are held to the same rule. (Not
the median: of a sure classifier's probabilities half are next to nothing, and so would the floor be.)
Everything else must be equal; nulls and NaN agree with themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Deviation:
    """`differences`: one sentence per column that does not agree. `largest`: of all numbers, in units of the rule."""

    agrees: bool
    largest: float
    differences: tuple[str, ...]


def deviation(expected: pa.Table, seen: pa.Table, tolerance: float) -> Deviation:
    """Compares by position of rows and name of columns."""
    if expected.column_names != seen.column_names:
        return Deviation(
            False, float("inf"), (f"the columns are {seen.column_names} instead of {expected.column_names}",)
        )
    if expected.num_rows != seen.num_rows:
        return Deviation(False, float("inf"), (f"there are {seen.num_rows} rows instead of {expected.num_rows}",))
    largest, differences = 0.0, []
    for name in expected.column_names:
        worst, sentence = _column(name, expected.column(name), seen.column(name), tolerance)
        largest = max(largest, worst)
        if sentence:
            differences.append(sentence)
    return Deviation(not differences, largest, tuple(differences))


def differing_rows(expected: pa.Table, seen: pa.Table, tolerance: float) -> int:
    """How many rows do not agree, by the same rule, in any column of plain values."""
    import numpy

    wrong = numpy.zeros(expected.num_rows, dtype=bool)
    for name in expected.column_names:
        left, right = _numbers(expected.column(name)), _numbers(seen.column(name))
        if left is not None and right is not None and len(left) == len(right) == len(wrong):
            wrong |= _apart(left, right) > tolerance
        else:
            pairs = zip(expected.column(name).to_pylist(), seen.column(name).to_pylist(), strict=True)
            wrong |= numpy.fromiter((one != other for one, other in pairs), dtype=bool, count=len(wrong))
    return int(wrong.sum())


def _column(name: str, expected: pa.ChunkedArray, seen: pa.ChunkedArray, tolerance: float) -> tuple[float, str]:
    left, right = _numbers(expected), _numbers(seen)
    if left is not None and right is not None:
        return _numeric(name, left, right, tolerance)
    pairs = list(zip(expected.to_pylist(), seen.to_pylist(), strict=True))
    wrong = [row for row, (one, other) in enumerate(pairs) if one != other]
    if not wrong:
        return 0.0, ""
    first = wrong[0]
    return float("inf"), (
        f"{name} differs in {len(wrong)} of {len(pairs)} rows, first in row {first}: "
        f"{pairs[first][1]!r} instead of {pairs[first][0]!r}"
    )


def _numbers(column: pa.ChunkedArray) -> Any:
    """Its values as float64, flat; None when they are no numbers (truth values and text are not)."""
    import numpy

    kind = column.type
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind):
        if not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
            return None
        column = pa.chunked_array([chunk.flatten() for chunk in column.chunks], kind.value_type)
    elif not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        return None
    return numpy.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype="float64")


def _apart(expected: Any, seen: Any) -> Any:
    """|expected - seen| in units of |expected| + mean; infinite where only one is a number."""
    import numpy

    finite = numpy.abs(expected[numpy.isfinite(expected)])
    scale = float(numpy.mean(finite)) if len(finite) else 0.0
    with numpy.errstate(invalid="ignore", divide="ignore"):
        apart = numpy.abs(expected - seen) / (numpy.abs(expected) + (scale or 1.0))
    apart[(expected == seen) | (numpy.isnan(expected) & numpy.isnan(seen))] = 0.0
    apart[numpy.isnan(apart)] = numpy.inf
    return apart


def _numeric(name: str, expected: Any, seen: Any, tolerance: float) -> tuple[float, str]:
    if len(expected) != len(seen):
        return float("inf"), f"{name} holds {len(seen)} numbers instead of {len(expected)}"
    apart = _apart(expected, seen)
    worst = float(apart.max(initial=0.0))
    if worst <= tolerance:
        return worst, ""
    row = int(apart.argmax())
    return worst, (
        f"{name} differs in {int((apart > tolerance).sum())} of {len(expected)} numbers, most in number {row}: "
        f"{seen[row]:.9g} instead of {expected[row]:.9g} (allowed {tolerance:g}, found {worst:.3g})"
    )
