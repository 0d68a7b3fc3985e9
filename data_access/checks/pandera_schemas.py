"""Pandera's schemas as checks: the one place that knows Pandera. All its failures are collected before it answers.

A schema judges and changes nothing here: what it would coerce, add or drop is a failure, since the rows that are stored
are the ones that came.
"""

from __future__ import annotations

import copy
import importlib
import math
import warnings
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from data_access.checks.context import Surroundings
from data_access.checks.functions import as_kind, code_of, sha256_of, text_of
from data_access.checks.kinds import Pandera
from data_access.checks.measure import SHOWN, Again, Finding, Measure, SampleRow, count, share, shown
from data_access.errors import DataError, Reason


def is_schema(thing: Any) -> bool:
    """A DataFrameSchema or a DataFrameModel, told without importing Pandera."""
    family = thing.__mro__ if isinstance(thing, type) else type(thing).__mro__
    return any(
        each.__module__.startswith("pandera.") and each.__name__ in ("DataFrameSchema", "DataFrameModel")
        for each in family
    )


def pandera_check(schema: Any, registered_as: str | None = None, **fields: Any) -> Pandera:
    """The check that a schema is. Its name and description are the schema's."""
    model = schema if isinstance(schema, type) else None
    built = schema.to_schema() if model else schema
    definition = _definition(built)
    source = text_of(model) if model else repr(built)
    called = registered_as or built.name or (model.__name__ if model else "schema")
    identity = definition or (source if model else "")
    kept = {key: value for key, value in fields.items() if value not in ("", None)}
    return Pandera(
        schema_name=called,
        backend="polars" if ".polars." in type(built).__module__ else "pandas",
        definition=definition,
        source=source,
        sha256=sha256_of(identity),
        run=schema,
        **{"note": built.description or "", **kept},
    )


def _definition(schema: Any) -> str | None:
    """The schema as JSON where that is all of it: no function of one's own is in it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pandera warns of what it leaves out
            text = schema.to_json()
        return text if type(schema).from_json(text) == schema else None
    except Exception:
        return None


def _schema_of(check: Pandera) -> Any:
    """The schema, judging only. Raises DataError: not-installed, checks-needed."""
    if check.run is None and check.definition is not None:
        schema = _module(check.backend).DataFrameSchema.from_json(check.definition)
    else:
        given = code_of(check).run
        schema = given.to_schema() if isinstance(given, type) else given  # type: ignore[attr-defined]
    schema = copy.deepcopy(schema)
    for part in (schema, *schema.columns.values(), *([schema.index] if getattr(schema, "index", None) else [])):
        _set(part, "coerce", False)
        _set(part, "drop_invalid_rows", False)
        _set(part, "parsers", [])
    _set(schema, "add_missing_columns", False)
    if schema.strict == "filter":
        schema.strict = True
    return schema


def _set(part: Any, name: str, value: Any) -> None:
    if hasattr(part, name):
        setattr(part, name, value)


def _module(backend: str) -> Any:
    try:
        return importlib.import_module(f"pandera.{backend}")
    except ImportError as error:
        raise DataError(
            Reason.NOT_INSTALLED, "A check is a Pandera schema, and Pandera is not installed.", "pip install pandera."
        ) from error


class PanderaMeasure(Measure[tuple[tuple[int, pa.RecordBatch], ...]]):
    """The rows are collected: a schema may look at all of them."""

    check: Pandera

    def __init__(self, check: Pandera, around: Surroundings) -> None:
        super().__init__(check, around)
        self.schema = _schema_of(check)

    def start(self) -> tuple[tuple[int, pa.RecordBatch], ...]:
        return ()

    def add(
        self, state: tuple[tuple[int, pa.RecordBatch], ...], batch: pa.RecordBatch, offset: int
    ) -> tuple[tuple[int, pa.RecordBatch], ...]:
        return (*state, (offset, batch))

    def merge(
        self, one: tuple[tuple[int, pa.RecordBatch], ...], other: tuple[tuple[int, pa.RecordBatch], ...]
    ) -> tuple[tuple[int, pa.RecordBatch], ...]:
        return one + other

    def finding(self, state: tuple[tuple[int, pa.RecordBatch], ...], again: Again) -> Finding:
        if not state:
            return Finding(True, "there were no rows")
        table = pa.Table.from_batches([batch for _, batch in sorted(state, key=lambda each: each[0])])
        frame = as_kind(table, self.check.backend)
        if self.check.backend == "pandas":
            frame = frame.reset_index(drop=True) if _is_plain(frame) else frame
        errors = importlib.import_module("pandera.errors")
        try:
            self.schema.validate(frame, lazy=True)
        except errors.SchemaErrors as error:
            return _finding(_cases(error.failure_cases), table, frame)
        except errors.SchemaError as error:
            return Finding(False, str(error).splitlines()[0])
        return Finding(True, f"all {count(table.num_rows)}")


def _is_plain(frame: Any) -> bool:
    return frame.index.nlevels == 1 and frame.index.name is None


def _cases(failures: Any) -> list[Mapping[str, Any]]:
    return failures.to_dict("records") if hasattr(failures, "iloc") else failures.to_dicts()


def _finding(cases: list[Mapping[str, Any]], table: pa.Table, frame: Any) -> Finding:
    """Pandera's cases, one line per column and assumption with counts and the first values, and the rows."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for case in cases:
        groups.setdefault((str(case["column"] or ""), str(case["check"])), []).append(case)
    rows: dict[int, None] = {}
    said = []
    for (column, check), members in groups.items():
        numbers = sorted({at for case in members if (at := _row(case["index"], frame)) is not None})
        rows.update(dict.fromkeys(numbers))
        values = ", ".join(dict.fromkeys(shown(case["failure_case"]) for case in members[:SHOWN]))
        what = f"{column}: {check}" if column else check
        said.append(f"{what}, {share(len(numbers), table.num_rows)}, as {values}" if numbers else f"{what}, {values}")
    first_rows = sorted(rows)[:SHOWN]
    first = [column for column, _ in groups if column in table.column_names]
    names = [*dict.fromkeys(first), *(name for name in table.column_names if name not in first)][:8]
    taken = table.select(names).take(pa.array(first_rows, pa.int64())).to_pylist() if first_rows else []
    return Finding(
        False, "; ".join(said), len(rows), tuple(SampleRow(n, row) for n, row in zip(first_rows, taken, strict=True))
    )


def _row(label: Any, frame: Any) -> int | None:
    """The position of a row that Pandera names by its label."""
    if label is None or (isinstance(label, float) and math.isnan(label)):
        return None
    if not hasattr(frame, "index"):
        return int(label)
    if not frame.index.is_unique or label not in frame.index:
        return None
    return int(frame.index.get_loc(label))
