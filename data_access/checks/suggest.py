"""Checks proposed from a frame: a first draft to be edited by somebody who knows what the data mean."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_access.checks.declare import in_range, in_set, not_null, unique
from data_access.checks.kinds import Check
from data_access.checks.measure import count, missing
from data_access.checks.on_demand import rows_of
from data_access.checks.run import batches_of
from data_access.checks.stored import CheckSet

#: A text column of at most so many different values, each there ten times on average, looks like a set.
_SET = 12


def suggest(frame: Any) -> CheckSet:
    """Proposals for a frame: what is never missing, what is unique, ranges of numbers, sets of words.

    They describe this frame and nothing else. Edit the limits and write the notes before they guard a table.
    """
    table = pa.Table.from_batches(list(batches_of(rows_of(frame))()))
    if not table.num_rows:
        return CheckSet()
    found: list[Check] = []
    whole = [name for name in table.column_names if not pc.any(missing(table.column(name))).as_py()]
    if whole:
        found.append(not_null(*whole, note=f"None was missing in {count(table.num_rows)}. Why may none be?"))
    for name in table.column_names:
        column = table.column(name)
        column = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        found += _of_column(name, column, name in whole)
    return CheckSet(tuple(found))


def _of_column(name: str, column: pa.ChunkedArray, whole: bool) -> list[Check]:
    arrow, rows = column.type, len(column)
    words = pa.types.is_string(arrow) or pa.types.is_large_string(arrow)
    if not (words or pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow)):
        return []
    there = column.filter(pc.invert(missing(column)))
    if not len(there):
        return []
    values = pc.unique(there)
    found: list[Check] = []
    if whole and len(values) == rows > 1 and not pa.types.is_floating(arrow):
        found.append(unique(name, note=f"{count(rows)}, all different. Is it the key?"))
    elif words and len(values) <= _SET and rows >= 10 * len(values):
        found.append(in_set(name, sorted(values.to_pylist()), note="These were all. Which others may come?"))
    if not words and not found:
        ends = pc.min_max(there)
        low, high = ends["min"].as_py(), ends["max"].as_py()
        if math.isfinite(low) and math.isfinite(high):
            found.append(in_range(name, low, high, note="The least and the greatest seen. What may they be?"))
    return found
