"""Between writing and committing: the table's checks and the call's, on what was written."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from data_access.checks.context import CheckContext
from data_access.checks.declare import Demotion, as_checks, named
from data_access.checks.functions import code_of
from data_access.checks.kinds import Check, Pandera, Unique
from data_access.checks.result import CheckReport, CheckResult
from data_access.checks.run import Stored, run
from data_access.checks.stored import keep, ready, set_of
from data_access.checks.table import OfStore, Written, earlier, last_passes
from data_access.errors import CheckFailedError, DataError, ForbiddenError, Reason
from data_access.names import TableName
from data_access.tables.model import CheckRecord, PartitionValues, Schema, Snapshot
from data_access.tables.rebase import Append, Change, Replace
from data_access.workspace import Workspace


class CheckWarning(UserWarning):
    """A check with severity *warn* failed, and the data were stored all the same."""


def gate(  # noqa: PLR0913 - what a store knows
    workspace: Workspace,
    name: TableName,
    before: Snapshot | None,
    written: Callable[[], Iterator[pa.RecordBatch]],
    extra_checks: Any = None,
    *,
    production: bool,
    demote: Collection[str] = (),
    change: Change | None = None,
) -> tuple[CheckRecord, ...]:
    """Judge what was written and is not yet committed; the results for the manifest.

    `before` is the table as it is, None for a first store; `written` gives the rows from the start each time it is
    called, and is not called where there is no check; `change` says which partitions they are. `extra_checks` come on
    top of the table's own. `demote` names checks that only warn this once; a `demote(…)` among the extra ones does too.

    Raises CheckFailedError with all results; DataError(checks-needed) for production without a check, and for a
    function that this session lacks; ForbiddenError for a demotion in production; DataError(bad-argument).
    """
    return Gate(workspace, name, written, extra_checks, production=production, demote=demote, change=change)(before)


class Gate:
    """What was written, before the gate. Called again with another `before` where somebody else committed meanwhile.

    Then only those checks look again that are new or look at the rest of the table, so that two appends of one key at
    once can't both pass.
    """

    def __init__(  # noqa: PLR0913
        self,
        workspace: Workspace,
        name: TableName,
        written: Stored | Callable[[], Iterator[pa.RecordBatch]],
        extra_checks: Any = None,
        *,
        production: bool,
        demote: Collection[str] = (),
        change: Change | None = None,
    ) -> None:
        self._workspace, self._name, self._written = workspace, name, written
        demotions, self._extra = _apart(extra_checks)
        self._demoted = {*demote, *(each for demotion in demotions for each in demotion.names)}
        self._production, self._change = production, change
        self._known: dict[str, CheckResult] = {}

    def __call__(self, before: Snapshot | None) -> tuple[CheckRecord, ...]:
        """Raises what `gate` raises."""
        checks = checks_for(
            self._workspace, self._name, before, self._extra, production=self._production, demoted=self._demoted
        )
        fresh = [each for each in checks if not self._still_known(each)]
        if fresh:
            around = OfStore(self._workspace, before, _written(before, self._change))
            context = CheckContext(self._workspace.now(), around)
            self._known.update((each.name, each) for each in run(fresh, self._written, context))
        results = _with_history(self._workspace, before, [self._weighed(self._known[each.name]) for each in checks])
        report = CheckReport(f"The rows for {self._name}", results)
        if not report:
            raise refusal(report, before)
        warning = [each for each in report.failures if each.name in {check.name for check in fresh}]
        if warning:
            told = replace(report, results=tuple(warning), outcome="They are stored all the same.")
            warnings.warn(f"{told}\n", CheckWarning, stacklevel=_outside())
        return tuple(each.record() for each in results)

    def _still_known(self, check: Check) -> bool:
        known = self._known.get(check.name)
        return known is not None and known.check == check and not looks_beside(check)

    def _weighed(self, result: CheckResult) -> CheckResult:
        """As it counts this once."""
        if result.name not in self._demoted or result.severity != "stop":
            return result
        return replace(result, severity="warn", demoted_by=self._workspace.user)


def _outside() -> int:
    """How many frames up the code is that called this package: a warning shows that line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("data_access."):
        frame, level = frame.f_back, level + 1
    return level


def looks_beside(check: Check) -> bool:
    """Whether its answer depends on the rows that stay beside those written."""
    return isinstance(check, Unique) and check.across == "table"


def checks_for(  # noqa: PLR0913
    workspace: Workspace,
    name: TableName,
    before: Snapshot | None,
    extra: Sequence[Check],
    *,
    production: bool,
    demoted: Collection[str] = (),
) -> tuple[Check, ...]:
    """The table's own and the call's, with their code; none is ever left out. Raises what `gate` raises."""
    own = () if before is None else tuple(set_of(workspace, before.root, before.commit))
    by_name = {each.name: each for each in own}
    for each in extra:
        if each.name in by_name and not _same(each, by_name[each.name]):
            raise DataError(
                Reason.BAD_ARGUMENT,
                f"{name} has a check named '{each.name}', and this call gives another one of that name.",
                "Give it another name=; or change the table's own with add_checks(…).",
            )
    checks = (*own, *(each for each in extra if each.name not in by_name))
    if production and not checks:
        raise DataError(
            Reason.CHECKS_NEEDED,
            f"{name} is a production table without any check, so nothing says what may be stored in it.",
            f"Pass checks=[…] with its first store, or set some: set_checks('{name.database}', '{name.table}', […]).",
        )
    if production and demoted:
        raise ForbiddenError(
            Reason.FORBIDDEN,
            f"{name} is production: its checks can't be demoted ({', '.join(sorted(demoted))}).",
            "Correct the rows; or have the check changed with add_checks(…), which history shows.",
        )
    for unknown in demoted:
        named(unknown, checks)
    return tuple(_with_code(each) for each in checks)


def _apart(extra: Any) -> tuple[list[Demotion], tuple[Check, ...]]:
    several = isinstance(extra, Iterable) and not isinstance(extra, str | type | Check)
    things = [] if extra is None else list(extra) if several else [extra]
    demotions = [each for each in things if isinstance(each, Demotion)]
    return demotions, as_checks([each for each in things if not isinstance(each, Demotion)])


def _same(one: Check, other: Check) -> bool:
    """Alike in all but who wrote it and what note it has."""
    kept = {"author", "note"}
    return one.model_dump(exclude=kept) == other.model_dump(exclude=kept)


def _with_code(check: Check) -> Check:
    if not hasattr(check, "run") or (isinstance(check, Pandera) and check.definition is not None):
        return check
    return code_of(check)  # type: ignore[arg-type]


def _written(before: Snapshot | None, change: Change | None) -> Written:
    schema = change.schema if change is not None and change.schema is not None else None
    if schema is None:
        schema = before.commit.schema if before is not None else Schema((), (), "")
    if change is None or not isinstance(change.intent, Append | Replace):
        return Written({}, (), schema)
    parts = change.intent.partitions
    rows: dict[PartitionValues, int] = {each: sum(file.rows for file in files) for each, files in parts.items()}
    stay = () if before is None else before.files
    if isinstance(change.intent, Replace):
        stay = tuple(file for file in stay if file.partition not in parts)
    return Written(rows, stay, schema)


def _with_history(
    workspace: Workspace, before: Snapshot | None, results: Sequence[CheckResult]
) -> tuple[CheckResult, ...]:
    """With the last pass of those that failed; history is read for no other."""
    failing = [each.name for each in results if not each.passed]
    if not failing or before is None:
        return tuple(results)
    passes, looked = last_passes(earlier(workspace, before), failing)
    return tuple(
        each if each.passed else replace(each, last_passed=passes.get(each.name), looked_back=looked)
        for each in results
    )


def refusal(report: CheckReport, before: Snapshot | None) -> CheckFailedError:
    """The error, whose text is the whole message."""
    if before is None:
        outcome = "Nothing was committed: there still is no such table."
    else:
        outcome = f"Nothing was committed: the table is as it was (commit {before.commit.number})."
    remedy = "Correct the rows and store again; get_checks(…) shows the checks."
    error = CheckFailedError(Reason.CHECK_FAILED, str(replace(report, outcome=outcome)), remedy, report.results)
    error.args = (f"{error.sentence}\n\n{remedy}",)
    return error


def first_set(workspace: Workspace, root: str, extra_checks: Any, schema: Schema) -> str | None:
    """The checks of a table's first store stay with it: kept, and named for its first commit.

    Raises DataError(bad-argument) for a function whose text can't be found, DataError(unknown-column).
    """
    checks = _apart(extra_checks)[1]
    return keep(workspace.storage, root, [ready(each, schema, workspace.user) for each in checks])
