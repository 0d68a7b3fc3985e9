"""Where in a Parquet file its columns lie, and a file of which only those bytes are there."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from data_access.tables.encode import leaf_names, stats_of
from data_access.tables.model import DataFile
from data_access.tables.plan import ReadPlan, known_of
from data_access.tables.predicate import Predicate, columns_of, may_match, range_of
from data_access.tables.schema import arrow_schema

#: One connection to S3 gives about 100 MB/s: longer spans come as several requests at once.
PIECE = 8 * 1024**2
GAP = 1024**2


def footer_of(tail: memoryview, file: DataFile) -> pq.FileMetaData:
    """From a file's last `footer` bytes. Raises pa.ArrowInvalid."""
    if len(tail) != file.footer:
        raise pa.ArrowInvalid(f"its footer has {len(tail):,} bytes instead of {file.footer:,}")
    metadata = pq.read_metadata(pa.BufferReader(pa.py_buffer(tail)))
    if metadata.num_rows != file.rows:
        raise pa.ArrowInvalid(f"it has {metadata.num_rows:,} rows instead of {file.rows:,}")
    return metadata


def groups_of(metadata: pq.FileMetaData, plan: ReadPlan, file: DataFile, predicate: Predicate | None) -> Iterator[int]:
    """The row groups that may hold a wanted row."""
    if predicate is None:
        yield from range(metadata.num_row_groups)
        return
    there, now = metadata.schema.to_arrow_schema(), arrow_schema(plan.schema)
    used = columns_of(predicate)
    for group in range(metadata.num_row_groups):
        ranges = known_of(file, plan.schema.partition_by, now, used)
        rows = metadata.row_group(group).num_rows
        for name, stats in stats_of(metadata, there, range(group, group + 1), used).items():
            ranges[name] = range_of(stats, rows, now.field(name).type)
        if may_match(predicate, ranges):
            yield group


def leaves_of(schema: pa.Schema, names: Sequence[str]) -> list[int]:
    """Parquet's numbers of these columns, as far as the file has them: a nested one has several."""
    wanted, leaf = set(names), 0
    found: list[int] = []
    for each in schema:
        count = len(list(leaf_names("", each.type)))
        if each.name in wanted:
            found += range(leaf, leaf + count)
        leaf += count
    return found


def spans_of(metadata: pq.FileMetaData, group: int, leaves: Sequence[int]) -> list[tuple[int, int]]:
    """Bytes of these columns in a row group; near ones together, long ones in pieces."""
    found = metadata.row_group(group)
    chunks = []
    for chunk in map(found.column, leaves):
        start = chunk.data_page_offset
        if chunk.has_dictionary_page and chunk.dictionary_page_offset is not None:
            start = min(start, chunk.dictionary_page_offset)
        chunks.append((start, start + chunk.total_compressed_size))
    return [piece for span in _near(sorted(chunks)) for piece in _cut(*span)]


def _near(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start - joined[-1][1] <= GAP:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _cut(start: int, end: int) -> Iterator[tuple[int, int]]:
    count = max(1, round((end - start) / PIECE))
    step = -(-(end - start) // count)
    for first in range(start, end, step):
        yield first, min(end, first + step)


class Pieces(io.RawIOBase):
    """A file to read from of which only some spans are there; what lies in one span is given without a copy."""

    def __init__(self, size: int, spans: Sequence[tuple[int, memoryview]]) -> None:
        super().__init__()
        self._size, self._spans, self._at = size, sorted(spans, key=lambda span: span[0]), 0
        self._starts = [start for start, _ in self._spans]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, count: int = -1) -> memoryview:
        end = self._size if count < 0 else min(self._size, self._at + count)
        parts = []
        while self._at < end:
            place = bisect_right(self._starts, self._at) - 1
            start, body = self._spans[place] if place >= 0 else (0, memoryview(b""))
            part = body[self._at - start : end - start]
            if not part:
                raise OSError(f"bytes {self._at:,} to {end:,} were not fetched")
            parts.append(part)
            self._at += len(part)
        return parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
