"""How a check looks at data: a fold over batches, `start → add → … → finding`, whose states merge. Pure but for reads.

States are never changed in place, so a batch may be added by any thread, and parts be merged in any grouping:
`add(add(start, a), b) == merge(add(start, a), add(start, b))`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from data_access.checks.context import Surroundings
from data_access.checks.kinds import Check
from data_access.texts import shortened

#: Rows shown of those that fail.
SHOWN = 5
#: Columns shown of such a row, those that the check is about first.
_COLUMNS = 8

State = TypeVar("State")
#: The judged rows, once more from the start.
Again = Callable[[], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class SampleRow:
    """A row that fails. `number` counts from 0 in the judged rows."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """What was seen. `failed` counts rows where rows fail; `judged` is False when nothing could be said."""

    passed: bool
    seen: str
    failed: int = 0
    sample: tuple[SampleRow, ...] = field(default=())
    judged: bool = True


class Measure(ABC, Generic[State]):
    """The fold of one check."""

    def __init__(self, check: Any, around: Surroundings) -> None:
        self.check, self.around = check, around

    @abstractmethod
    def start(self) -> State: ...

    @abstractmethod
    def add(self, state: State, batch: pa.RecordBatch, offset: int) -> State:
        """With a batch whose first row is row `offset` of all. Raises Unfit where the columns can't be judged."""

    @abstractmethod
    def merge(self, one: State, other: State) -> State: ...

    @abstractmethod
    def finding(self, state: State, again: Again) -> Finding: ...


def count(number: float, word: str = "row") -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def share(part: int, whole: int) -> str:
    """`25 of 1,000 rows (2.5 %)`."""
    percent = 100 * part / whole if whole else 0.0
    said = (
        "less than 0.001" if 0 < percent < 0.001 else f"{percent:.2g}" if percent < 10 else f"{min(percent, 99.9):.1f}"
    )
    return f"{part:,} of {count(whole)} ({100 if part == whole else said} %)"


def shown(value: Any, most: int = 40) -> str:
    """A value as one reads it in a sentence or a table."""
    if value is None:
        return "null"
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.6g}"
    text = repr(value)[1:-1] if isinstance(value, str) else str(value)
    return shortened(text, most)


def sample_rows(batch: pa.RecordBatch, mask: pa.Array, offset: int, first: Sequence[str]) -> tuple[SampleRow, ...]:
    """The first rows where `mask` is true."""
    at = pc.indices_nonzero(mask)[:SHOWN]
    if not len(at):
        return ()
    names = [name for name in first if name in batch.schema.names]
    names += [name for name in batch.schema.names if name not in names]
    taken = {name: batch.column(name).take(at) for name in names[:_COLUMNS]}
    return tuple(
        SampleRow(offset + number.as_py(), {name: _python(column[i]) for name, column in taken.items()})
        for i, number in enumerate(at)
    )


def whole_row(row: SampleRow, batch: pa.RecordBatch | None, first: Sequence[str]) -> SampleRow:
    """The row with its other columns, from a batch of that row alone; as it is where that is not the same row."""
    if batch is None:
        return row
    (whole,) = sample_rows(batch, pa.array([True]), row.number, first)
    same = all(repr(whole.values.get(name)) == repr(value) for name, value in row.values.items() if name in first)
    return whole if same else row


def _python(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError, pa.ArrowException):  # a time that Python has no value for
        return str(scalar)


def first_of(one: tuple[SampleRow, ...], other: tuple[SampleRow, ...]) -> tuple[SampleRow, ...]:
    """The first rows of two samples, whichever was seen first."""
    if not other:
        return one
    return tuple(sorted((*one, *other), key=lambda row: row.number)[:SHOWN])


def column_of(batch: pa.RecordBatch, check: Check, name: str) -> pa.Array:
    """A column, categories as their values."""
    array = batch.column(name)
    return array.cast(array.type.value_type) if pa.types.is_dictionary(array.type) else array


def missing(array: pa.Array) -> pa.Array:
    """Where a value is missing: null, or NaN of floats."""
    return pc.is_null(array, nan_is_null=pa.types.is_floating(array.type))
