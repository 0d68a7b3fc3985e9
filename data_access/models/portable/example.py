"""An input, what the model answered, and how near is near enough."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .calls import methods_of, observe
from .frames import Unpackable, head, pack, rows_of, unpack
from .refusal import Refusal

INPUT, EXPECTED = "input.parquet", "expected.parquet"
#: An example shows how the model behaves; it is no test set.
MOST_ROWS = 1000


@dataclass(frozen=True)
class Example:
    """`data` as the model takes it, `table` the same as Arrow; `expected`: what it answered, as `observe` gives it."""

    data: Any
    table: pa.Table
    how: dict[str, Any] = field(repr=False)
    methods: tuple[str, ...]
    expected: pa.Table
    tolerance: float


def make(model: Any, given: Any, tolerance: float) -> Example:
    """Ask the model. What it gets is what the stored table gives back. Raises Refusal, and what the model raises."""
    methods = methods_of(model)
    if not methods:
        raise Refusal(f"a {type(model).__qualname__} has neither predict nor transform, and can't be called")
    rows = rows_of(given)
    try:
        table, how = pack(head(given, MOST_ROWS) if rows is not None and rows > MOST_ROWS else given)
    except Unpackable as error:
        raise Refusal(f"the example can't be kept: {error}") from error
    data = unpack(table, how)
    try:
        expected = observe(model, data, methods)
    except Unpackable as error:
        raise Refusal(f"what the model answers to the example can't be kept: {error}") from error
    return Example(data, table, how, methods, expected, tolerance)


def write(example: Example, folder: Path) -> None:
    pq.write_table(example.table, folder / INPUT)
    pq.write_table(example.expected, folder / EXPECTED)


def read(folder: Path, how: dict[str, Any], methods: tuple[str, ...], tolerance: float) -> Example:
    table = pq.read_table(folder / INPUT)
    return Example(unpack(table, how), table, how, methods, pq.read_table(folder / EXPECTED), tolerance)


def note(example: Example) -> str:
    """`how` as JSON text."""
    return json.dumps(example.how, sort_keys=True)
