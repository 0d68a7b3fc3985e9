"""Checks over rows: one pass over the batches for all checks, and another one only over what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import pyarrow as pa

from data_access.checks.context import CheckContext, Surroundings
from data_access.checks.counts import FreshnessMeasure, RowCountMeasure
from data_access.checks.drift import NoDriftMeasure
from data_access.checks.functions import FunctionMeasure
from data_access.checks.keys import ForeignKeyMeasure, UniqueMeasure
from data_access.checks.kinds import Check, CodedCheck, Freshness
from data_access.checks.measure import Again, Finding, Measure, whole_row
from data_access.checks.pandera_schemas import PanderaMeasure
from data_access.checks.result import CheckResult
from data_access.checks.rows import InRangeMeasure, InSetMeasure, MatchesMeasure, NotNullMeasure
from data_access.checks.values import Unfit
from data_access.errors import DataError
from data_access.names import did_you_mean

#: Rows of a table in memory that are looked at together: large enough for Arrow to be quick, small enough for caches.
_AT_ONCE = 2**18

_MEASURES: dict[str, Callable[[Any, Surroundings], Measure[Any]]] = {
    "not_null": NotNullMeasure,
    "unique": UniqueMeasure,
    "in_range": InRangeMeasure,
    "in_set": InSetMeasure,
    "matches": MatchesMeasure,
    "row_count": RowCountMeasure,
    "foreign_key": ForeignKeyMeasure,
    "no_drift": NoDriftMeasure,
    "custom": FunctionMeasure,
    "pandera": PanderaMeasure,
}


@dataclass(frozen=True)
class Stored:
    """Rows that lie in files: `read` gives these columns of them from the start, each time; None is all of `names`."""

    names: Sequence[str]
    read: Callable[[Sequence[str] | None], Iterable[pa.RecordBatch]]

    def __call__(self) -> Iterable[pa.RecordBatch]:
        return self.read(None)


#: What can be judged: a table, files, or a call that gives the batches from the start, each time.
Rows: TypeAlias = pa.Table | Stored | Callable[[], Iterable[pa.RecordBatch]]


def measure(check: Check, context: CheckContext) -> Measure[Any]:
    """The fold of a check. Raises DataError (checks-needed, not-installed) for code that is not here."""
    if isinstance(check, Freshness):
        return FreshnessMeasure(check, context.around, context.now)
    return _MEASURES[check.kind](check, context.around)  # type: ignore[attr-defined]


class _Fold:
    """One check's way through the batches; the first thing that can't be judged ends it."""

    def __init__(self, check: Check, context: CheckContext, names: Sequence[str] | None) -> None:
        self.check, self._names = check, names
        self._measure = measure(check, context)
        self._state: Any = None
        self._broken: str | None = None

    def add(self, batch: pa.RecordBatch, offset: int) -> None:
        if self._broken is None:
            self._broken = self._try(lambda: self._add(batch, offset))

    def _add(self, batch: pa.RecordBatch, offset: int) -> None:
        self._begin(batch.schema.names)
        self._state = self._measure.add(self._state, batch, offset)

    def _begin(self, there: Sequence[str] | None) -> None:
        """With the columns that are there; None where nothing says which they are. Raises Unfit."""
        lacking = [name for name in self.check.needs if there is not None and name not in there]
        if lacking:
            raise Unfit(f"there is no column {lacking[0]}. {did_you_mean(lacking[0], self._names or there or ())}")
        if self._state is None:
            self._state = self._measure.start()

    def finding(self, again: Again) -> Finding:
        found: list[Finding] = []

        def look() -> None:
            self._begin(self._names)
            found.append(self._measure.finding(self._state, again))

        if self._broken is None:
            self._broken = self._try(look)
        return found[0] if self._broken is None else Finding(False, self._broken, judged=False)

    @staticmethod
    def _try(step: Callable[[], None]) -> str | None:
        """What hindered a step. What can't be judged has not passed, whatever the reason is."""
        try:
            step()
        except (Unfit, DataError) as error:
            return str(error)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None


def run(checks: Sequence[Check], rows: Rows, context: CheckContext) -> tuple[CheckResult, ...]:
    """Judge rows, all checks in one pass. A check that can't be judged (no such column) fails and says why.

    Of files only the columns are read that checks look at, and all of them only for rows that are shown. Raises
    DataError(checks-needed) for a function that this session does not have, and what reading the rows raises.
    """
    whole = batches_of(rows)
    again, names = whole, None
    if isinstance(rows, Stored) and (columns := _looked_at(checks, rows.names)) is not None:
        again, names = (lambda: iter(rows.read(columns))), rows.names
    folds = [_Fold(check, context, names) for check in checks]
    offset = 0
    for batch in again():
        for fold in folds:
            fold.add(batch, offset)
        offset += batch.num_rows
    results = tuple(_result(fold.check, fold.finding(again), offset) for fold in folds)
    return results if again is whole else _with_whole_rows(results, whole)


def _looked_at(checks: Sequence[Check], names: Sequence[str]) -> tuple[str, ...] | None:
    """The columns that are enough; None where a function or a schema may look at any."""
    if any(isinstance(each, CodedCheck) for each in checks):
        return None
    needed = {name for each in checks for name in each.needs}
    return tuple(name for name in names if name in needed) or tuple(names[:1])


def _with_whole_rows(results: tuple[CheckResult, ...], whole: Again) -> tuple[CheckResult, ...]:
    """With the other columns of the rows that are shown."""
    wanted = {row.number for each in results for row in each.sample}
    found: dict[int, pa.RecordBatch] = {}
    offset = 0
    for batch in whole() if wanted else ():
        found.update((n, batch.slice(n - offset, 1)) for n in wanted if offset <= n < offset + batch.num_rows)
        offset += batch.num_rows
        if len(found) == len(wanted):
            break
    return tuple(
        replace(each, sample=tuple(whole_row(row, found.get(row.number), each.check.needs) for row in each.sample))
        for each in results
    )


def _result(check: Check, found: Finding, rows: int) -> CheckResult:
    return CheckResult(
        check, found.passed, found.seen, rows, found.failed, found.sample, found.judged, severity=check.severity
    )


def batches_of(rows: Rows) -> Again:
    """The rows from the start, as often as it is called."""
    if not isinstance(rows, pa.Table):
        return lambda: iter(rows())
    whole = rows.to_batches(max_chunksize=_AT_ONCE)
    if not whole:  # an empty table still has columns
        whole = [pa.RecordBatch.from_pylist([], schema=rows.schema)]
    return lambda: _copied(whole)


def _copied(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches
