"""Checks when somebody asks: of any frame, of any stored table as of any commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from data_access.checks.context import CheckContext
from data_access.checks.declare import as_checks
from data_access.checks.functions import code_of
from data_access.checks.kinds import Check, Pandera
from data_access.checks.result import CheckReport
from data_access.checks.run import Rows, Stored, run
from data_access.checks.stored import set_of
from data_access.checks.table import InWorkspace, OfSnapshot, earlier, last_passes, read_columns
from data_access.errors import DataError, Reason
from data_access.names import TableName
from data_access.tables.model import Anchor, Snapshot
from data_access.workspace import Workspace, current


def check(
    what: Any,
    checks: Any = None,
    *,
    as_of: Any = None,
    now: datetime | None = None,
    workspace: Workspace | None = None,
) -> CheckReport:
    """Judge a frame, or a stored table; nothing is changed.

        report = check(df, [not_null("id"), in_range("amount", 0)])
        report = check("sales.orders")                    # its own checks, its present rows
        report = check("sales.orders", as_of=42)          # its rows and its checks of then

    `what`: pandas, Polars, Arrow and what else can be stored; or `database.table`, a TableName, an Anchor. Without
    `checks`, a table's own are used. `now` is what freshness counts from, by default the present. A table is judged
    whole: `row_count` is about its last store, `no_drift` compares it with itself before its last change.

    The report is true when nothing that stops has failed; it shows itself as text and in a notebook. Raises
    NotFoundError, DataError (bad-argument; checks-needed for a function that this session lacks), SchemaError.
    """
    if isinstance(what, str | TableName | Anchor):
        return check_table(workspace or current(), what, checks, as_of=as_of, now=now)
    if as_of is not None:
        raise DataError(Reason.BAD_ARGUMENT, "A frame has no history, so as_of= means nothing.", "Leave it out.")
    given = as_checks(checks)
    if not given:
        raise DataError(
            Reason.BAD_ARGUMENT,
            "There is nothing to check a frame by.",
            "Give checks=[not_null('id'), …]; suggest(frame) proposes some; get_checks('db', 'table') are a table's.",
        )
    moment = now or (workspace.now() if workspace else datetime.now(UTC))
    context = CheckContext(_aware(moment), InWorkspace(workspace or current))
    return CheckReport("The frame", run(_coded(given), rows_of(what), context))


def check_table(
    workspace: Workspace,
    what: str | TableName | Anchor,
    checks: Any = None,
    *,
    as_of: Any = None,
    now: datetime | None = None,
) -> CheckReport:
    """Judge a stored table, by its own checks or by these. Raises NotFoundError, CorruptError, DataError."""
    from data_access.tables.snapshot import open_snapshot

    if isinstance(what, Anchor):
        as_of = what if as_of is None else as_of
    name = what.table if isinstance(what, Anchor) else TableName.parse(what) if isinstance(what, str) else what
    snapshot = open_snapshot(workspace, name, as_of)
    chosen = tuple(set_of(workspace, snapshot.root, snapshot.commit)) if checks is None else as_checks(checks)
    subject = f"{name}, commit {snapshot.commit.number}" if snapshot.commit.number else str(name)
    context = CheckContext(_aware(now or workspace.now()), OfSnapshot(workspace, snapshot))
    results = run(_coded(chosen), _stored(workspace, snapshot), context) if chosen else ()
    failing = [each.name for each in results if not each.passed]
    if failing:
        before = [each for each in earlier(workspace, snapshot) if each.number != snapshot.commit.number]
        passes, looked = last_passes(before, failing)
        results = tuple(
            each if each.passed else replace(each, last_passed=passes.get(each.name), looked_back=looked)
            for each in results
        )
    return CheckReport(subject, results)


def _stored(workspace: Workspace, snapshot: Snapshot) -> Stored:
    """A table's rows; one without rows still has columns."""
    from data_access.tables.schema import arrow_schema

    schema = arrow_schema(snapshot.commit.schema)

    def read(columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        empty = True
        for batch in read_columns(workspace, snapshot, columns):
            empty = False
            yield batch
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=schema)

    return Stored(schema.names, read)


def _coded(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    return tuple(
        code_of(each)  # type: ignore[arg-type]
        if hasattr(each, "run") and not (isinstance(each, Pandera) and each.definition is not None)
        else each
        for each in checks
    )


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise DataError(Reason.BAD_ARGUMENT, f"now={moment.isoformat()} has no zone.", "Write datetime(…, tzinfo=UTC).")
    return moment


def rows_of(frame: Any) -> Rows:
    """A frame's rows as Arrow. What can be read only once is kept, since what fails is looked at again."""
    if isinstance(frame, pa.Table):
        return frame
    from data_access.tables.frames import source_of

    source = source_of(_without_labels(frame))
    return pa.Table.from_batches(list(source.batches), source.schema)


def _without_labels(frame: Any) -> Any:
    """A part of a pandas frame keeps the labels of its rows; nothing is stored here, so they may go."""
    index = getattr(frame, "index", None)
    if type(frame).__module__.partition(".")[0] != "pandas" or index is None or list(index.names) != [None]:
        return frame
    return frame.reset_index(drop=True)
