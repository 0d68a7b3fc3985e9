"""A table that DuckDB scans when, and as far as, it needs it: its own optimizer says which columns and rows.

DuckDB calls `scanner(columns=…, filter=…)` of a `pyarrow.dataset.Dataset` for each scan. What it asks for has passed
through views, subqueries and joins, and holds for NaN and null as DuckDB counts them. What the other side of a join
turns out to have, DuckDB 2.0 does not tell a scan of Python's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pd
from pyarrow import fs

from data_access.query.filters import columns_in

#: `(columns, filter)` → rows that hold at least these columns and at least the rows that pass the filter.
Open = Callable[[list[str], pc.Expression | None], pa.Table | pa.RecordBatchReader]


@dataclass
class Scans:
    """What the scans of one query did; DuckDB tells of a foreign exception only its text."""

    failed: BaseException | None = None
    asked: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)  # table, columns, filter


class Scanned(pd.FileSystemDataset):
    """A dataset by its schema and a way to open it.

    Never read otherwise: its only file does not exist, so that a DuckDB that went around `scanner` would fail instead
    of finding nothing.
    """

    def __init__(self, name: str, schema: pa.Schema, open_: Open, scans: Scans) -> None:
        parquet, disk = pd.ParquetFileFormat(), fs.LocalFileSystem()
        super().__init__([parquet.make_fragment(f"{name} is only read by scanner()", disk)], schema, parquet, disk)
        self._name, self._open, self._scans = name, open_, scans

    def scanner(
        self, columns: Sequence[str] | None = None, filter: pc.Expression | None = None, **_: Any
    ) -> pd.Scanner:
        names = list(self.schema.names if columns is None else columns)
        self._scans.asked.append((self._name, tuple(names), "" if filter is None else str(filter)))
        needed = set(names) | set(columns_in(filter, self.schema))
        try:
            opened = self._open([name for name in self.schema.names if name in needed], filter)
        except BaseException as error:
            self._scans.failed = self._scans.failed or error
            raise
        batches = opened.to_batches() if isinstance(opened, pa.Table) else self._watched(opened)
        return pd.Scanner.from_batches(batches, schema=opened.schema, columns=names, filter=filter)

    def _watched(self, reader: pa.RecordBatchReader) -> Any:
        try:
            yield from reader
        except BaseException as error:
            self._scans.failed = self._scans.failed or error
            raise
