"""Checks that judge each row alone: a mask of the rows that fail, counted and sampled batch by batch."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_access.checks import values
from data_access.checks.kinds import InRange, InSet, Matches, NotNull
from data_access.checks.measure import (
    Again,
    Finding,
    Measure,
    SampleRow,
    column_of,
    count,
    first_of,
    missing,
    sample_rows,
    share,
    shown,
)

#: Different wrong values that are counted one by one; of a column full of them the first ones do.
_DISTINCT = 1000


@dataclass(frozen=True)
class RowState:
    """Rows seen and failed, the first that failed, what the kind of check wants to tell besides, and how many rows have
    no value that it could judge."""

    rows: int = 0
    failed: int = 0
    sample: tuple[SampleRow, ...] = ()
    detail: Any = None
    lacking: int = 0


def lacking(batch: pa.RecordBatch, check: InRange | InSet | Matches) -> int:
    """Rows whose value is missing."""
    return pc.sum(missing(column_of(batch, check, check.column))).as_py() or 0


class RowMeasure(Measure[RowState]):
    """Subclasses say which rows fail, and what they tell about them."""

    def start(self) -> RowState:
        return RowState()

    def add(self, state: RowState, batch: pa.RecordBatch, offset: int) -> RowState:
        failing = self.failing(batch)
        number = pc.sum(failing).as_py() or 0
        now = RowState(
            batch.num_rows,
            number,
            sample_rows(batch, failing, offset, self.check.needs) if number and len(state.sample) < 5 else (),
            self.tell(batch, failing if number else None),
            self.lacking(batch),
        )
        return self.merge(state, now)

    def merge(self, one: RowState, other: RowState) -> RowState:
        detail = other.detail if one.detail is None else one.detail
        if one.detail is not None and other.detail is not None:
            detail = self.join(one.detail, other.detail)
        return RowState(
            one.rows + other.rows,
            one.failed + other.failed,
            first_of(one.sample, other.sample),
            detail,
            one.lacking + other.lacking,
        )

    def finding(self, state: RowState, again: Again) -> Finding:
        if not state.rows:
            return Finding(True, "there were no rows")
        if not state.failed:
            return Finding(True, self.fine(state))
        return Finding(False, self.wrong(state), state.failed, state.sample)

    @abstractmethod
    def failing(self, batch: pa.RecordBatch) -> pa.Array:
        """Booleans without nulls."""

    def lacking(self, batch: pa.RecordBatch) -> int:
        """Rows that are not judged, since the value is missing: not_null's business."""
        return 0

    @abstractmethod
    def tell(self, batch: pa.RecordBatch, failing: pa.Array | None) -> Any:
        """What to tell about a batch; `failing` is None where no row fails."""

    @abstractmethod
    def join(self, one: Any, other: Any) -> Any: ...

    @abstractmethod
    def wrong(self, state: RowState) -> str: ...

    def fine(self, state: RowState) -> str:
        if not state.lacking:
            return f"all {count(state.rows)}"
        if state.lacking == state.rows:
            return f"all {count(state.rows)} lack a value"
        lack = "lacks one and was" if state.lacking == 1 else "lack one and were"
        return f"all {count(state.rows - state.lacking)} with a value; {state.lacking:,} {lack} not judged"


class NotNullMeasure(RowMeasure):
    """The detail is, per column, (missing, NaN among them)."""

    check: NotNull

    def failing(self, batch: pa.RecordBatch) -> pa.Array:
        masks = [missing(column_of(batch, self.check, name)) for name in self.check.columns]
        first = masks[0]
        for mask in masks[1:]:
            first = pc.or_(first, mask)
        return first

    def tell(self, batch: pa.RecordBatch, failing: pa.Array | None) -> Any:
        if failing is None:
            return None
        columns = [column_of(batch, self.check, name) for name in self.check.columns]
        lost = [pc.sum(missing(column)).as_py() or 0 for column in columns]
        return tuple((all_, all_ - column.null_count) for all_, column in zip(lost, columns, strict=True))

    def join(self, one: Any, other: Any) -> Any:
        return tuple((a + c, b + d) for (a, b), (c, d) in zip(one, other, strict=True))

    def wrong(self, state: RowState) -> str:
        parts = []
        for name, (lost, nan) in zip(self.check.columns, state.detail, strict=True):
            if lost:
                nans = "" if not nan else " (as NaN)" if nan == lost else f" ({nan:,} of them as NaN)"
                parts.append(f"{name} is missing in {share(lost, state.rows)}{nans}")
        return ", ".join(parts)


def range_mask(check: InRange, array: pa.Array) -> pa.Array:
    """Where a value that is there is outside. Raises Unfit."""
    arrow = array.type
    none = pa.array([], pa.bool_()) if not len(array) else pa.repeat(False, len(array))
    if pa.types.is_null(arrow):
        return none
    above = below = none
    counted = values.as_steps(array)
    sides = (
        ("low", check.low, check.closed in ("both", "left")),
        ("high", check.high, check.closed in ("both", "right")),
    )
    for side, limit, included in sides:
        if limit is None:
            continue
        low = side == "low"
        exact = values.steps(limit, arrow, check.column)
        if exact is None:
            scalar = pa.scalar(values.same_kind(limit, arrow, check.column), arrow)
            compare = {(True, True): pc.less, (True, False): pc.less_equal, (False, True): pc.greater}.get(
                (low, included), pc.greater_equal
            )
            mask = compare(array, scalar)
        else:  # the limit as the least (or greatest) whole number of steps that is still in
            least, most = values.bounds(arrow)
            if low:
                edge = math.ceil(exact) if included else math.floor(exact) + 1
                if edge <= least:
                    continue
            else:
                edge = math.floor(exact) if included else math.ceil(exact) - 1
                if edge >= most:
                    continue
            if not least <= edge <= most:
                mask = pc.is_valid(array)
            else:
                mask = (pc.less if low else pc.greater)(counted, values.step_scalar(edge, arrow))
        below, above = (mask, above) if low else (below, mask)
    return pc.fill_null(pc.or_(below, above), False)


class InRangeMeasure(RowMeasure):
    """The detail is the least and the greatest value of all."""

    check: InRange

    def lacking(self, batch: pa.RecordBatch) -> int:
        return lacking(batch, self.check)

    def failing(self, batch: pa.RecordBatch) -> pa.Array:
        return range_mask(self.check, column_of(batch, self.check, self.check.column))

    def tell(self, batch: pa.RecordBatch, failing: pa.Array | None) -> Any:
        column = column_of(batch, self.check, self.check.column)
        if pa.types.is_floating(column.type):
            column = column.filter(pc.invert(missing(column)))
        if column.null_count == len(column):
            return None
        ends = pc.min_max(column)
        return ends["min"], ends["max"]

    def join(self, one: Any, other: Any) -> Any:
        low = min((one[0], other[0]), key=_ordinal)
        return low, max((one[1], other[1]), key=_ordinal)

    def wrong(self, state: RowState) -> str:
        return f"{share(state.failed, state.rows)} {'is' if state.failed == 1 else 'are'} outside; {self._ends(state)}"

    def fine(self, state: RowState) -> str:
        return f"{super().fine(state)}; {self._ends(state)}" if state.detail else super().fine(state)

    @staticmethod
    def _ends(state: RowState) -> str:
        low, high = (_end(_readable(end)) for end in state.detail)
        return f"the values go from {low} to {high}"


def _end(value: Any) -> str:
    return shown(value) if isinstance(value, str) else values.told(value, rounded=True)


def _ordinal(scalar: pa.Scalar) -> Any:
    """Something that orders as the scalar does, for nanoseconds too."""
    return scalar.value if pa.types.is_timestamp(scalar.type) else scalar.as_py()


def _readable(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return str(scalar)


class _Listing(RowMeasure):
    """The detail counts the wrong values."""

    def lacking(self, batch: pa.RecordBatch) -> int:
        return lacking(batch, self.check)

    def tell(self, batch: pa.RecordBatch, failing: pa.Array | None) -> Any:
        if failing is None:
            return None
        counted = pc.value_counts(column_of(batch, self.check, self.check.column).filter(failing))
        most = (
            pc.select_k_unstable(counted.field("counts"), _DISTINCT, [("counts", "descending")])
            if len(counted) > _DISTINCT
            else None
        )
        few = counted if most is None else counted.take(most)
        return {_readable(each["values"]): each["counts"].as_py() for each in few}

    def join(self, one: dict[Any, int], other: dict[Any, int]) -> dict[Any, int]:
        both = dict(one)
        for value, number in other.items():
            if value in both or len(both) < _DISTINCT:
                both[value] = both.get(value, 0) + number
        return both

    def wrong(self, state: RowState) -> str:
        top = sorted(state.detail.items(), key=lambda item: (-item[1], str(item[0])))
        named = ", ".join(f"{shown(value) or 'the empty text'} ({number:,})" for value, number in top[:5])
        more = (
            f" and {'more than ' if len(top) >= _DISTINCT else ''}{len(top) - 5:,} other values" if len(top) > 5 else ""
        )
        return f"{share(state.failed, state.rows)} {'has' if state.failed == 1 else 'have'} {self.what}: {named}{more}"

    what = "another value"


class InSetMeasure(_Listing):
    check: InSet

    def failing(self, batch: pa.RecordBatch) -> pa.Array:
        array = column_of(batch, self.check, self.check.column)
        if pa.types.is_null(array.type):
            return pa.repeat(False, len(array)) if len(array) else pa.array([], pa.bool_())
        compared, allowed = self._allowed(array)
        return pc.and_(pc.invert(missing(array)), pc.invert(pc.is_in(compared, value_set=allowed)))

    def _allowed(self, array: pa.Array) -> tuple[pa.Array, pa.Array]:
        """What to compare, and the values that this type can hold of those allowed."""
        arrow, compared, fitting = array.type, values.as_steps(array), []
        for value in self.check.values:
            if value is None:
                continue
            exact = values.steps(value, arrow, self.check.column)
            if exact is None:
                fitting.append(pa.scalar(values.same_kind(value, arrow, self.check.column), arrow))
            elif exact.denominator == 1 and values.bounds(arrow)[0] <= exact <= values.bounds(arrow)[1]:
                fitting.append(values.step_scalar(int(exact), arrow))
        return compared, pa.array([scalar.as_py() for scalar in fitting], compared.type)


class MatchesMeasure(_Listing):
    """By RE2, in linear time; what RE2 does not know (look-around, references back) by Python, once per value."""

    check: Matches
    what = "another form"

    def failing(self, batch: pa.RecordBatch) -> pa.Array:
        array = column_of(batch, self.check, self.check.column)
        arrow = array.type
        if pa.types.is_null(arrow):
            return pa.repeat(False, len(array)) if len(array) else pa.array([], pa.bool_())
        if not (pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow)):
            raise values.Unfit(f"{self.check.column} is {arrow}, not text")
        if pa.types.is_string_view(arrow):
            array = array.cast(pa.large_string())
        try:
            fits = pc.match_substring_regex(array, rf"\A(?:{self.check.pattern})\z")
        except pa.ArrowInvalid:
            fits = self._by_python(array)
        return pc.fill_null(pc.invert(fits), False)

    def _by_python(self, array: pa.Array) -> pa.Array:
        encoded, fits = array.dictionary_encode(), re.compile(self.check.pattern, re.ASCII).fullmatch
        each = pa.array([fits(text) is not None for text in encoded.dictionary.to_pylist()], pa.bool_())
        return each.take(encoded.indices)
