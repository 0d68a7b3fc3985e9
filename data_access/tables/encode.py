"""One Parquet file: how it is encoded, and what a manifest says of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_access.storage.base import Storage
from data_access.tables.model import Stats

#: Of a row group, before encoding: small enough to decode several at once, large enough that one column of twenty is
#: still a request worth its way to S3.
GROUP_BYTES, GROUP_ROWS = 64 * 1024**2, 1024**2
#: Files that are larger go up while they are made.
IN_MEMORY = 32 * 1024**2
#: Files smaller than this, before encoding, are snappy where others are zstd.
SMALL = 1024**2
#: What compresses to more than this share of itself is left as it is: it would cost time in every load.
_WORTH = 0.93
_SAMPLE = 16_384
_STREAM_BUFFER = 1024**2
_TEXT = 64  # characters of a bound: enough to tell files apart, small enough for 1,000 files in a manifest


@dataclass(frozen=True)
class Encoding:
    """The same for all files of one store. `codecs` is by leaf column; `dictionary` those whose values repeat."""

    codecs: Mapping[str, str]
    dictionary: tuple[str, ...]
    store_schema: bool

    def of(self, size: int) -> Mapping[str, str]:
        """Each column's codec in a file of this size.

        Setting zstd up takes 50 µs per column chunk, twice, which is most of the time that small files take.
        """
        if size >= SMALL:
            return self.codecs
        return {name: "snappy" if codec == "zstd" else codec for name, codec in self.codecs.items()}


@dataclass(frozen=True)
class Encoded:
    """What is known of a file once it is written."""

    size: int
    rows: int
    sha256: str
    footer: int
    stats: Mapping[str, Stats] = field(default_factory=dict)


def encoding_for(sample: pa.Table, compression: str) -> Encoding:
    """What helps each column, tried on a few thousand rows of it.

    A dictionary of values that differ, and compressing what is random, cost time in every store and load, and save
    nothing.
    """
    sample = sample.slice(0, _SAMPLE)
    codecs: dict[str, str] = {}
    dictionary: list[str] = []
    for name, column in zip(sample.schema.names, sample.columns, strict=True):
        if pa.types.is_nested(column.type):
            leaves = list(leaf_names(name, column.type))
            dictionary += leaves
            codecs |= dict.fromkeys(leaves, compression)
            continue
        repeats = _repeats(column)
        dictionary += [name] * repeats
        codecs[name] = compression if repeats or _shrinks(column, compression) else "none"
    dictionaries = any(pa.types.is_dictionary(column.type) for column in sample.columns)
    return Encoding(codecs, tuple(dictionary), store_schema=dictionaries)


def _shrinks(column: pa.ChunkedArray, compression: str) -> bool:
    if compression == "none":
        return False
    raw = pa.record_batch([column.combine_chunks()], names=["sample"]).serialize()
    return len(pa.compress(raw, compression, asbytes=True)) < _WORTH * len(raw)


def _repeats(column: pa.ChunkedArray) -> bool:
    if pa.types.is_dictionary(column.type):
        return True
    if pa.types.is_boolean(column.type) or pa.types.is_null(column.type):
        return False  # bits are as small as it gets
    try:
        return pc.count_distinct(column).as_py() <= 0.6 * max(1, len(column))
    except pa.ArrowNotImplementedError:
        return True


def leaf_names(prefix: str, kind: pa.DataType) -> Iterator[str]:
    """Parquet's names of the columns that a nested one is kept in."""
    if pa.types.is_struct(kind):
        for each in kind:
            yield from leaf_names(f"{prefix}.{each.name}", each.type)
    elif pa.types.is_map(kind):
        yield from leaf_names(f"{prefix}.key_value.key", kind.key_type)
        yield from leaf_names(f"{prefix}.key_value.value", kind.item_type)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from leaf_names(f"{prefix}.list.element", kind.value_type)
    else:
        yield prefix


def write_file(  # noqa: PLR0913, PLR0917 - the table's size is known to the caller, and slow to ask for
    storage: Storage,
    url: str,
    table: pa.Table,
    size: int,
    encoding: Encoding,
    put: Callable[[str, memoryview], None] | None = None,
) -> Encoded:
    """Encode and store; `size` is about that of the table in memory.

    `put` takes small files instead of the storage, so that encoding need not wait for it.
    """
    group = max(1, min(GROUP_ROWS, int(GROUP_BYTES * table.num_rows / max(1, size))))
    if size <= IN_MEMORY:
        sink = pa.BufferOutputStream()
        metadata = _encode(table, sink, encoding, group, size)
        buffer = sink.getvalue()
        view = memoryview(buffer)
        known = _known(metadata, table.schema, hashlib.sha256(view).hexdigest(), bytes(view[-8:]), len(view))
        (put or storage.put)(url, view)
        return known
    made: list[Encoded] = []

    def write(file: IO[bytes]) -> None:
        hashing = _Hashing(file)
        with pa.BufferedOutputStream(pa.PythonFile(hashing, mode="w"), _STREAM_BUFFER) as sink:
            metadata = _encode(table, sink, encoding, group, size)
        made.append(_known(metadata, table.schema, hashing.sha256.hexdigest(), hashing.tail, hashing.size))

    storage.write(url, write)
    return made[-1]


def _encode(table: pa.Table, sink: Any, encoding: Encoding, group: int, size: int) -> pq.FileMetaData:
    collected: list[pq.FileMetaData] = []
    with pq.ParquetWriter(
        sink,
        table.schema,
        compression=dict(encoding.of(size)),
        use_dictionary=list(encoding.dictionary) or False,
        store_schema=encoding.store_schema,
        write_page_index=table.num_rows > 100_000,
        metadata_collector=collected,
    ) as writer:
        writer.write_table(table, row_group_size=group)
    return collected[0]


class _Hashing(io.RawIOBase):
    """Passes on what is written, and knows its digest, size and last 8 bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file, self.sha256, self.size, self.tail = file, hashlib.sha256(), 0, b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.sha256.update(view)
        self.size += len(view)
        self.tail = (self.tail + bytes(view[-8:]))[-8:]
        self._file.write(view)
        return len(view)


def _known(metadata: pq.FileMetaData, schema: pa.Schema, sha256: str, tail: bytes, size: int) -> Encoded:
    footer = int.from_bytes(tail[:4], "little") + 8
    return Encoded(size, metadata.num_rows, sha256, footer, stats_of(metadata, schema))


def stats_of(
    metadata: pq.FileMetaData, schema: pa.Schema, groups: range | None = None, names: Collection[str] | None = None
) -> dict[str, Stats]:
    """Of each flat column (of these names) over these row groups (all by default), as a manifest keeps them.

    `predicate.bound` reads it again.

    A column without usable statistics (nested, or some group without) is left out.
    """
    found = {}
    for leaf, name in _flat(schema).items():
        if names is not None and name not in names:
            continue
        parts = [metadata.row_group(i).column(leaf).statistics for i in groups or range(metadata.num_row_groups)]
        stats = _merged(parts, schema.field(name).type)
        if stats is not None:
            found[name] = stats
    return found


def _flat(schema: pa.Schema) -> dict[int, str]:
    """Parquet's column number → name, of columns that are not nested."""
    flat, leaf = {}, 0
    for each in schema:
        if pa.types.is_nested(each.type):
            leaf += len(list(leaf_names("", each.type)))
        else:
            flat[leaf] = each.name
            leaf += 1
    return flat


def _merged(parts: list[Any], kind: pa.DataType) -> Stats | None:
    if any(part is None or not part.has_null_count for part in parts):
        return None
    nulls = sum(part.null_count for part in parts)
    filled = [part for part in parts if part.num_values]
    if not all(part.has_min_max for part in filled) or not filled:
        return Stats(None, None, nulls)
    try:
        return Stats(_low(min(part.min for part in filled), kind), _high(max(part.max for part in filled), kind), nulls)
    except (TypeError, ValueError, OverflowError, pa.ArrowException, UnicodeDecodeError):
        return Stats(None, None, nulls)


def _low(value: Any, kind: pa.DataType) -> Any:
    return value[:_TEXT] if isinstance(value, str) else _jsonable(value, kind)


def _high(value: Any, kind: pa.DataType) -> Any:
    """A text that is cut would be too low: its last character is raised by one."""
    if not isinstance(value, str) or len(value) <= _TEXT:
        return _jsonable(value, kind)
    for last in range(_TEXT, 0, -1):
        code = ord(value[last - 1]) + 1
        if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
            return value[: last - 1] + chr(code)
    return None


def _jsonable(value: Any, kind: pa.DataType) -> Any:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        # Parquet's bounds of nanoseconds come cut to microseconds, which would make the upper one too low.
        return None if getattr(kind, "unit", "us") == "ns" else moment.isoformat(timespec="microseconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value if isinstance(value, bool | int | str) else None
