"""Checks that are Python functions, and which of them this session has.

A table keeps a function's name, text and hash, never something that runs: a reader of a table must not run what a
writer of it left there. So who stores to such a table has the function registered here, with the very same text.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_access.checks.context import Surroundings
from data_access.checks.kinds import CodedCheck, Custom
from data_access.checks.measure import Again, Finding, Measure, SampleRow, count, first_of, sample_rows, share
from data_access.checks.rows import RowState
from data_access.errors import DataError, Reason

#: By name: the checks whose code this process has.
_registered: dict[str, CodedCheck] = {}


def register(check: CodedCheck, name: str) -> None:
    """A later one of the same name takes its place: cells of a notebook run again."""
    _registered[name] = check


def registered(function: Any) -> CodedCheck | None:
    """The check that a registered function (or schema) is."""
    return next((check for check in _registered.values() if check.run is function), None)


def code_of(check: CodedCheck) -> CodedCheck:
    """The check with its code. Raises DataError(checks-needed) where this session lacks it or has other code."""
    if check.run is not None:
        return check
    name = check.function if isinstance(check, Custom) else check.schema_name
    here = _registered.get(name)
    author = f"Ask {check.author} for it" if check.author else "Find it"
    if here is None or type(here) is not type(check):
        raise DataError(
            Reason.CHECKS_NEEDED,
            f"The check '{check.name}' is {_kind(check)} '{name}', which this session lacks; it is not skipped.",
            f"{author} and run it with @custom({name!r}) over it first; its text is in get_checks(…)[{check.name!r}].",
        )
    if here.sha256 != check.sha256:
        raise DataError(
            Reason.CHECKS_NEEDED,
            f"{_kind(check).capitalize()} '{name}' of this session is not the one that the check '{check.name}' was "
            f"set with: sha256 {(here.sha256 or 'unknown')[:12]} here, {(check.sha256 or 'unknown')[:12]} there.",
            "Register the other text, or have the check replaced by add_checks(…).",
        )
    return check.model_copy(update={"run": here.run})


def _kind(check: CodedCheck) -> str:
    return "the function" if isinstance(check, Custom) else "the Pandera schema"


def text_of(thing: Any) -> str:
    """The source of a function or class, without decorators and trailing space; '' where Python can't find it."""
    try:
        source = textwrap.dedent(inspect.getsource(thing))
    except (OSError, TypeError):
        return ""
    lines = source.splitlines()
    try:
        node = ast.parse(source).body[0]
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            lines = lines[node.lineno - 1 : node.end_lineno]
    except (SyntaxError, IndexError):  # a lambda in the midst of a call
        pass
    return "\n".join(line.rstrip() for line in lines).strip()


def sha256_of(text: str) -> str | None:
    return hashlib.sha256(text.encode()).hexdigest() if text else None


def custom_check(function: Callable[..., Any], registered_as: str | None = None, **fields: Any) -> Custom:
    """The check that a function is. Its docstring says the assumption (first line) and the note (the rest)."""
    called = registered_as or str(getattr(function, "__name__", type(function).__name__))
    first, _, rest = (inspect.getdoc(function) or "").partition("\n")
    source = text_of(function)
    return Custom(
        function=called,
        source=source,
        sha256=sha256_of(source),
        run=function,
        assumption=first.rstrip("."),
        **{"note": rest.strip(), **{key: value for key, value in fields.items() if value not in ("", None)}},
    )


class FunctionMeasure(Measure[Any]):
    """Row by row, batch by batch; else the rows are collected, since a function may look at all of them."""

    check: Custom

    def __init__(self, check: Custom, around: Surroundings) -> None:
        super().__init__(code_of(check), around)

    def start(self) -> Any:
        return RowState() if self.check.rowwise else ()

    def add(self, state: Any, batch: pa.RecordBatch, offset: int) -> Any:
        if not self.check.rowwise:
            return (*state, (offset, batch))
        verdict = self._judge(pa.Table.from_batches([batch]))
        if isinstance(verdict, bool):
            if not batch.num_rows:
                return state
            raise TypeError("a function with rowwise=True returns one boolean per row, not one for all")
        failing = _failing(verdict, batch.num_rows)
        number = pc.sum(failing).as_py() or 0
        now = RowState(batch.num_rows, number, sample_rows(batch, failing, offset, ()) if number else ())
        return self.merge(state, now)

    def merge(self, one: Any, other: Any) -> Any:
        if not self.check.rowwise:
            return one + other
        return RowState(one.rows + other.rows, one.failed + other.failed, first_of(one.sample, other.sample))

    def finding(self, state: Any, again: Again) -> Finding:
        if self.check.rowwise:
            return _told(state)
        batches = [batch for _, batch in sorted(state, key=lambda each: each[0])]
        if not batches:
            return Finding(True, "there were no rows")
        table = pa.Table.from_batches(batches)
        try:
            verdict = self._judge(table)
        except AssertionError as error:
            said = str(error).partition("\n")[0]
            return Finding(False, said or f"{self.check.function} says that it does not hold")
        if isinstance(verdict, bool):
            said = "holds" if verdict else "does not hold"
            return Finding(verdict, f"{self.check.function} says that it {said} for {count(table.num_rows)}")
        if isinstance(verdict, str):
            return Finding(not verdict, verdict or f"all {count(table.num_rows)}")
        failing = _failing(verdict, table.num_rows)
        number = pc.sum(failing).as_py() or 0
        sample = sample_rows(table.combine_chunks().to_batches()[0], failing, 0, ()) if number else ()
        return _told(RowState(table.num_rows, number, sample))

    def _judge(self, table: pa.Table) -> Any:
        """What the function returned: a bool, a sentence, or one boolean per row. Raises TypeError for None."""
        verdict = self.check.run(as_kind(table, self.check.takes))
        if verdict is None:
            raise TypeError(
                f"{self.check.function} returned nothing; it must return True or False, booleans, or a sentence"
            )
        return bool(verdict) if type(verdict).__name__ in ("bool", "bool_", "BooleanScalar") else verdict


def as_kind(table: pa.Table, kind: Any) -> Any:
    """A frame as a load gives it."""
    if kind == "arrow":
        return table
    from data_access.tables.frames import into

    return into(table, kind)


def _failing(verdict: Any, rows: int) -> pa.Array:
    """Booleans per row that are true where a row fails. A missing verdict is a failure. Raises TypeError."""
    if hasattr(verdict, "to_arrow") and not isinstance(verdict, pa.Array | pa.ChunkedArray):
        verdict = verdict.to_arrow()
    if isinstance(verdict, pa.ChunkedArray):
        verdict = verdict.combine_chunks()
    try:
        good = verdict if isinstance(verdict, pa.Array) else pa.array(verdict, pa.bool_(), from_pandas=True)
    except (pa.ArrowException, TypeError) as error:
        raise TypeError(
            f"it returned a {type(verdict).__name__}, not True or False, booleans, or a sentence"
        ) from error
    if not pa.types.is_boolean(good.type) or len(good) != rows:
        raise TypeError(f"it returned {len(good)} values of {good.type} for {count(rows)}, not one boolean for each")
    return pc.invert(pc.fill_null(good, False))


def _told(state: RowState) -> Finding:
    if not state.failed:
        return Finding(True, f"all {count(state.rows)}" if state.rows else "there were no rows")
    sample: tuple[SampleRow, ...] = state.sample
    return Finding(False, f"it does not hold for {share(state.failed, state.rows)}", state.failed, sample)
