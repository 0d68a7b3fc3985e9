"""What a later frame makes of a table's schema: the same, wider, or an error that shows both. Pure.

Columns are matched by name; their order in the frame is nothing, since files are written in the table's order. New
columns go to the end (Presto and Trino may read by position) and are null in what was stored before. A frame that lacks
a column is refused: `frame.assign(column=None)` says that nulls are meant.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from data_access.errors import Reason, SchemaError
from data_access.names import TableName
from data_access.tables.column_rules import check_names, logical_field
from data_access.tables.fit import Fit, fit, plain
from data_access.tables.hive_types import Refused, rule
from data_access.tables.model import Schema
from data_access.tables.stored_schema import categories_of, counting, logical, stored, with_categories
from data_access.type_words import in_words


def evolve(now: Schema, frame: pa.Schema, name: TableName) -> Schema:
    """The table's schema with this frame: `now` itself, or wider. Partition columns may be missing from the frame.

    Raises SchemaError(schema-mismatch).
    """
    return _evolved(now, frame, name, partly=False)


def merged(now: Schema, ours: Schema, name: TableName) -> Schema:
    """Of two who changed a table's schema at once: the present one with what the other's has more.

    Files of either are read by it. Raises SchemaError(schema-mismatch) where both can't be right.
    """
    return _evolved(now, logical(ours), name, partly=True)


def _evolved(now: Schema, frame: pa.Schema, name: TableName, *, partly: bool) -> Schema:
    """`partly`: the frame may lack columns."""
    known = logical(now)
    missing = [] if partly else _missing(now, frame)
    problems = [*missing, *_differing(now, known, frame), *_unfit_new(known, frame)]
    if problems:
        raise SchemaError(Reason.SCHEMA_MISMATCH, *_message(name, now, known, frame, problems))
    keys = {column.name for column in now.partition_by}
    columns = [
        _with(known.field(column.name), frame.field(column.name), widen=column.name not in keys)
        if column.name in frame.names
        else known.field(column.name)
        for column in (*now.columns, *now.partition_by)
    ]
    added = [logical_field(field).with_nullable(True) for field in frame if field.name not in known.names]
    changed = [field.name for field in added]
    changed += [field.name for field in columns if field.type != known.field(field.name).type]
    metadata = _metadata(known, frame, changed)
    split = len(now.columns)
    comments = {column.name: column.comment for column in (*now.columns, *now.partition_by)}
    wider = stored([*columns[:split], *added], columns[split:], metadata, comments)
    return now if wider == now else wider


def _missing(now: Schema, frame: pa.Schema) -> list[tuple[str, str]]:
    cased = {name.lower(): name for name in frame.names}
    return [
        (f"column '{column.name}' is '{cased[column.name.lower()]}' in the frame", "Rename it.")
        if column.name.lower() in cased
        else (f"column '{column.name}' is missing", f"If nulls are meant: frame.assign({column.name}=None).")
        for column in (*now.columns, *now.partition_by)
        if column.name not in frame.names and (column in now.columns or column.name.lower() in cased)
    ]


def _differing(now: Schema, known: pa.Schema, frame: pa.Schema) -> list[tuple[str, str]]:
    keys = {column.name for column in now.partition_by}
    problems = []
    for field in known:
        if frame.names.count(field.name) > 1:
            problems.append((f"the frame has several columns '{field.name}'", "Rename or drop all but one."))
        if frame.names.count(field.name) != 1:
            continue
        brought = frame.field(field.name)
        found = fit(field.type, brought.type)
        if found is Fit.DIFFERS or (found is Fit.WIDENS and field.name in keys):
            problems.append(
                (
                    f"column '{field.name}' is {shown(field.type)} in the table and {shown(brought.type)} in the frame",
                    _remedy(field, brought),
                )
            )
        elif not _same_order(field, brought):
            problems.append(
                (
                    f"column '{field.name}' has its categories in another order",
                    "Use the table's: .cat.set_categories(…, ordered=True).",
                )
            )
    return problems


def _remedy(field: pa.Field, brought: pa.Field) -> str:
    refused = rule(brought.type)
    if isinstance(refused, Refused):
        return refused.remedy
    if pa.types.is_timestamp(field.type) and pa.types.is_timestamp(brought.type):
        if field.type.tz and brought.type.tz:
            return f'Convert it: .dt.tz_convert("{field.type.tz}").'
        return "Give it its zone: .dt.tz_localize(…)." if field.type.tz else "Take off its zone: .dt.tz_localize(None)."
    if pa.types.is_floating(brought.type) and pa.types.is_integer(field.type):
        return 'If it is whole numbers with gaps: .astype("Int64").'
    return f"Cast it to {shown(field.type)}, or give it another name."


def _unfit_new(known: pa.Schema, frame: pa.Schema) -> list[tuple[str, str]]:
    """Problems of columns that the table lacks; one that differs in case alone is told as missing."""
    lower = {name.lower() for name in known.names}
    fresh = [field for field in frame if field.name not in known.names and field.name.lower() not in lower]
    problems = [(what[0].lower() + what[1:], remedy) for what, remedy in check_names([each.name for each in fresh])]
    for field in fresh:
        found = rule(field.type)
        if isinstance(found, Refused):
            problems.append((f"the new column '{field.name}' is {found.why}", found.remedy))
    return problems


def _with(field: pa.Field, brought: pa.Field, *, widen: bool) -> pa.Field:
    if widen and fit(field.type, brought.type) is Fit.WIDENS:
        return field.with_type(_widened(field.type, brought.type)).with_metadata(brought.metadata)
    if not pa.types.is_dictionary(field.type) or pa.types.is_null(brought.type):
        return field
    mine, theirs = categories_of(field), categories_of(brought)
    if mine is None or theirs is None:  # what it will hold is not known: the index has to count anything
        return field if field.type.ordered else field.with_type(counting(field.type))
    merged = _merged(mine, theirs.cast(mine.type), ordered=field.type.ordered)
    return field if merged is mine else with_categories(_without_polars(field), merged)


def _widened(table: pa.DataType, frame: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(table):
        return pa.timestamp("us" if frame.unit == "ns" else frame.unit, table.tz)
    return plain(frame)


def _merged(mine: pa.Array, theirs: pa.Array, *, ordered: bool) -> pa.Array:
    """The table's categories and the frame's new ones: at the end, or where an order puts them."""
    fresh = theirs.filter(pc.invert(pc.is_in(theirs, mine)))
    if not len(fresh):
        return mine
    return theirs if ordered else pa.concat_arrays([mine, fresh])


def _same_order(field: pa.Field, brought: pa.Field) -> bool:
    """Whether two ordered categoricals agree: those of one are among the other's, in the same order."""
    mine, theirs = categories_of(field), categories_of(brought)
    ordered = pa.types.is_dictionary(field.type) and field.type.ordered
    if not ordered or not pa.types.is_dictionary(brought.type):
        return True
    if mine is None or theirs is None:
        return mine is theirs
    few, many = sorted((mine.to_pylist(), theirs.to_pylist()), key=len)
    rest = iter(many)
    return all(each in rest for each in few)


def _without_polars(field: pa.Field) -> pa.Field:
    """Without Polars' own metadata, which repeat the categories that an Enum had."""
    kept = {key: value for key, value in (field.metadata or {}).items() if not key.startswith(b"_PL_")}
    return field.with_metadata(kept or None)


def _metadata(known: pa.Schema, frame: pa.Schema, changed: Sequence[str]) -> dict[bytes, bytes] | None:
    """The table's; pandas' part of it learns the frame's dtypes of new and widened columns."""
    mine, theirs = known.metadata or {}, frame.metadata or {}
    if b"pandas" not in mine or not changed:
        return known.metadata
    pandas, news = json.loads(mine[b"pandas"]), json.loads(theirs.get(b"pandas", b'{"columns": []}'))
    kept = [each for each in pandas["columns"] if each.get("field_name") not in changed]
    pandas["columns"] = kept + [each for each in news["columns"] if each.get("field_name") in changed]
    return {**mine, b"pandas": json.dumps(pandas).encode()}


def shown(type_: pa.DataType) -> str:
    """A type as messages show it."""
    return in_words(str(type_))


def _message(
    name: TableName, now: Schema, known: pa.Schema, frame: pa.Schema, problems: Sequence[tuple[str, str]]
) -> tuple[str, str]:
    lines = "\n".join(f"  - {what}. {remedy}" for what, remedy in problems)
    return (
        f"This frame does not fit {name}:\n{lines}\n\n{side_by_side(now, known, frame)}",
        "\nNothing was written. Columns may be added, and types widened; for more, store it under another name.",
    )


def side_by_side(now: Schema, known: pa.Schema, frame: pa.Schema) -> str:
    """Both schemas as aligned text, a mark on each line that differs."""
    keys = {column.name for column in now.partition_by}
    rows = [("column", "the table", "the frame", "")]
    for field in known:
        there = field.name in frame.names
        brought = frame.field(frame.names.index(field.name)) if there else None
        kept = brought is None if field.name in keys else False
        same = brought is not None and fit(field.type, brought.type) is not Fit.DIFFERS
        label = f"{field.name} (partition)" if field.name in keys else field.name
        rows.append((label, shown(field.type), shown(brought.type) if brought else "–", "" if same or kept else "←"))
    rows += [(field.name, "–", shown(field.type), "new") for field in frame if field.name not in known.names]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + f"  {row[3]}").rstrip()
        for row in rows
    )
