"""A snapshot's list of files as columns: in the manifest while it is short, in an Arrow file beside it when long.

10,000 files with statistics of 20 columns are 600,000 values, of which a read wants those of one or two columns. So
statistics stay as they were stored until somebody asks, column by column, and go into the next commit's list likewise.
"""

from __future__ import annotations

import gc
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from data_access.tables.model import DataFile, Stats

if TYPE_CHECKING:
    import pyarrow as pa

#: Values of one column's statistics: low, high, nulls; nulls None where a file has none for that column.
Lists = tuple[list[Any], list[Any], list[int | None]]


class Malformed(ValueError):
    """What is stored is no list of files; the caller says of which commit."""


class StatsTable:
    """The statistics of many files, per column."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._lists: dict[str, Lists] = {}

    def lists(self, name: str) -> Lists:
        """Of one column, one entry per file."""
        if name not in self._lists:
            self._lists[name] = self._decode(name)
        return self._lists[name]

    def arrays(self, name: str, rows: Sequence[int]) -> _Arrays:
        low, high, nulls = self.lists(name)
        return _Arrays.of([low[row] for row in rows], [high[row] for row in rows], [nulls[row] for row in rows])

    def _decode(self, name: str) -> Lists:
        raise KeyError(name)


class _Listed(StatsTable):
    def __init__(self, columns: Mapping[str, Lists]) -> None:
        super().__init__(list(columns))
        self._lists = dict(columns)


class _Stored(StatsTable):
    """As Arrow has it; three columns per column."""

    def __init__(self, table: pa.Table, names: Sequence[str]) -> None:
        super().__init__(names)
        self._table = table

    def _decode(self, name: str) -> Lists:
        arrays = self._arrays(name)
        low, high = arrays.low.to_pylist(), arrays.high.to_pylist()
        if arrays.json:
            low, high = ([None if each is None else json.loads(each) for each in some] for some in (low, high))
        return low, high, arrays.nulls.to_pylist()

    def arrays(self, name: str, rows: Sequence[int]) -> _Arrays:
        arrays = self._arrays(name)
        return _Arrays(arrays.low.take(rows), arrays.high.take(rows), arrays.nulls.take(rows), arrays.json)

    def _arrays(self, name: str) -> _Arrays:
        field = self._table.schema.field(f"low:{name}")
        low, high, nulls = (self._table.column(f"{kind}:{name}").combine_chunks() for kind in ("low", "high", "nulls"))
        return _Arrays(low, high, nulls, bool(field.metadata and b"json" in field.metadata))


class StoredStats(Mapping[str, Stats]):
    """One file's statistics, decoded when asked for."""

    __slots__ = ("row", "table")

    def __init__(self, table: StatsTable, row: int) -> None:
        self.table, self.row = table, row

    def __getitem__(self, name: str) -> Stats:
        if name not in self.table.names:
            raise KeyError(name)
        low, high, nulls = self.table.lists(name)
        count = nulls[self.row]
        if count is None:
            raise KeyError(name)
        return Stats(low[self.row], high[self.row], count)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.table.names if self.table.lists(name)[2][self.row] is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True)
class _Arrays:
    low: pa.Array
    high: pa.Array
    nulls: pa.Array
    json: bool = False

    @classmethod
    def of(cls, low: list[Any], high: list[Any], nulls: list[int | None]) -> _Arrays:
        import pyarrow as pa

        kinds = {type(each) for each in (*low, *high) if each is not None}
        simple = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
        counts = pa.array(nulls, pa.int64())
        if not kinds:
            return cls(pa.nulls(len(low)), pa.nulls(len(high)), counts)
        if len(kinds) == 1 and (type_ := simple.get(next(iter(kinds)))) is not None:
            try:
                return cls(pa.array(low, type_), pa.array(high, type_), counts)
            except (OverflowError, pa.ArrowInvalid):  # an integer beyond 64 bits: as text, below
                pass
        return cls(pa.array(_texts(low), pa.string()), pa.array(_texts(high), pa.string()), counts, json=True)

    def as_json(self) -> _Arrays:
        import pyarrow as pa

        if self.json or pa.types.is_null(self.low.type):
            return self
        low, high = (pa.array(_texts(each.to_pylist()), pa.string()) for each in (self.low, self.high))
        return _Arrays(low, high, self.nulls, json=True)


def _texts(values: list[Any]) -> list[str | None]:
    return [None if each is None else json.dumps(each) for each in values]


# To and from columns of plain values: what a short list is in the manifest


def to_columns(files: Sequence[DataFile]) -> dict[str, Any]:
    """JSON-able."""
    names = _names(files)
    return {
        "partition": [list(each.partition) for each in files],
        "path": [each.path for each in files],
        "size": [each.size for each in files],
        "rows": [each.rows for each in files],
        "sha256": [each.sha256 for each in files],
        "footer": [each.footer for each in files],
        "stats": {name: _columns_of(files, name) for name in names},
    }


def from_columns(stored: Mapping[str, Any], keys: int) -> tuple[DataFile, ...]:
    """`keys`: how many partition columns the table has. Raises Malformed."""
    try:
        stats = _Listed({name: (each[0], each[1], each[2]) for name, each in stored["stats"].items()})
        partitions = [tuple(each) for each in stored["partition"]]
        paths, sizes, rows, hashes, footers = (stored[name] for name in ("path", "size", "rows", "sha256", "footer"))
        rest = (paths, sizes, rows, hashes, footers)
        lengths = {len(partitions), *map(len, rest), *(len(some) for name in stats.names for some in stats.lists(name))}
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise Malformed(f"its list of files lacks {error}") from error
    if len(lengths) != 1:
        raise Malformed("the columns of its list of files differ in length")
    if any(len(each) != keys for each in partitions):
        raise Malformed("a file of it has another number of partition values than the table has partition columns")
    return _files(partitions, paths, sizes, rows, hashes, footers, stats)


def _columns_of(files: Sequence[DataFile], name: str) -> list[list[Any]]:
    low: list[Any] = []
    high: list[Any] = []
    nulls: list[int | None] = []
    for table, run in _runs(files):
        if table is None:
            given = [each.stats.get(name) for each in run]
            low += [None if each is None else _finite(each.low) for each in given]
            high += [None if each is None else _finite(each.high) for each in given]
            nulls += [None if each is None else each.nulls for each in given]
        elif name in table.names:
            lists = table.lists(name)
            for target, values in zip((low, high, nulls), lists, strict=True):
                target += [values[each.stats.row] for each in run]  # type: ignore[attr-defined]
        else:
            for values in (low, high, nulls):
                values.extend([None] * len(run))
    return [low, high, nulls]


def _finite(value: Any) -> Any:
    """Infinity and not-a-number are no JSON, and say nothing that prunes."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _files(  # noqa: PLR0913, PLR0917 - one argument per column
    partitions: Sequence[tuple[str | None, ...]],
    paths: Sequence[str],
    sizes: Sequence[int],
    rows: Sequence[int],
    hashes: Sequence[str],
    footers: Sequence[int],
    stats: StatsTable,
) -> tuple[DataFile, ...]:
    made: list[DataFile] = []
    new = object.__new__
    entries = zip(partitions, paths, sizes, rows, hashes, footers, strict=True)
    with collector_paused():
        for row, (partition, path, size, count, sha256, footer) in enumerate(entries):
            # A frozen dataclass's own constructor takes 2 µs, which 10,000 files would feel.
            file = new(DataFile)
            file.__dict__.update(
                partition=partition, path=path, size=size, rows=count, sha256=sha256, footer=footer,
                stats=StoredStats(stats, row),
            )  # fmt: skip
            made.append(file)
    return tuple(made)


@contextmanager
def collector_paused() -> Iterator[None]:
    """While many objects are made that all stay, Python would look through them for garbage again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _names(files: Sequence[DataFile]) -> list[str]:
    """Columns that have statistics in some file, in order of appearance."""
    names: dict[str, None] = {}
    for table, run in _runs(files):
        for each in [table.names] if table is not None else [file.stats for file in run]:
            names.update(dict.fromkeys(each))
    return list(names)


def _runs(files: Sequence[DataFile]) -> Iterator[tuple[StatsTable | None, list[DataFile]]]:
    """Neighbours whose statistics come from one table; None: each has its own."""
    tables: dict[int, StatsTable] = {}

    def key(file: DataFile) -> int:
        if not isinstance(file.stats, StoredStats):
            return 0
        tables[id(file.stats.table)] = file.stats.table
        return id(file.stats.table)

    for each, run in groupby(files, key):
        yield tables.get(each), list(run)


# To and from Arrow's file format: what a long list is


def to_arrow(files: Sequence[DataFile]) -> bytes:
    import pyarrow as pa

    keys = len(files[0].partition) if files else 0
    columns: dict[str, pa.Array] = {
        f"key:{index}": pa.array([each.partition[index] for each in files], pa.string()) for index in range(keys)
    }
    columns["path"] = pa.array([each.path for each in files], pa.string())
    for name in ("size", "rows", "footer"):
        columns[name] = pa.array([getattr(each, name) for each in files], pa.int64())
    columns["sha256"] = pa.array([bytes.fromhex(each.sha256) for each in files], pa.binary())
    fields = [pa.field(name, array.type) for name, array in columns.items()]
    arrays = list(columns.values())
    for name in _names(files):
        each = _arrays_of(files, name)
        metadata = {b"json": b"1"} if each.json else None
        fields += [
            pa.field(f"low:{name}", each.low.type, metadata=metadata),
            pa.field(f"high:{name}", each.high.type, metadata=metadata),
            pa.field(f"nulls:{name}", pa.int64()),
        ]
        arrays += [each.low, each.high, each.nulls]
    sink = io.BytesIO()
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return sink.getvalue()


def from_arrow(stored: bytes | memoryview, keys: int) -> tuple[DataFile, ...]:
    """Raises Malformed."""
    import pyarrow as pa

    try:
        table = pa.ipc.open_file(pa.py_buffer(stored)).read_all()
        partitions = (
            list(zip(*(table.column(f"key:{index}").to_pylist() for index in range(keys)), strict=True))
            if keys
            else [()] * table.num_rows
        )
        path, size, rows, sha256, footer = (
            table.column(name).to_pylist() for name in ("path", "size", "rows", "sha256", "footer")
        )
        names = [name[4:] for name in table.schema.names if name.startswith("low:")]
        for name in names:
            table.schema.field(f"high:{name}"), table.schema.field(f"nulls:{name}")
    except (pa.ArrowException, KeyError, OSError) as error:
        raise Malformed(f"its list of files cannot be read ({error})") from error
    return _files(partitions, path, size, rows, [each.hex() for each in sha256], footer, stats=_Stored(table, names))


def _arrays_of(files: Sequence[DataFile], name: str) -> _Arrays:
    import pyarrow as pa

    parts: list[_Arrays] = []
    for table, run in _runs(files):
        if table is None:
            parts.append(_Arrays.of(*_columns_of(run, name)))
        elif name in table.names:
            parts.append(table.arrays(name, [each.stats.row for each in run]))  # type: ignore[attr-defined]
        else:
            nothing: list[Any] = [None] * len(run)
            parts.append(_Arrays.of(nothing, nothing, nothing))
    kinds = {(each.low.type, each.high.type, each.json) for each in parts}
    if len({type_ for low, high, _ in kinds for type_ in (low, high) if not pa.types.is_null(type_)}) > 1 or (
        any(each.json for each in parts)
    ):
        parts = [each.as_json() for each in parts]
    json_ = any(each.json for each in parts)
    low, high, nulls = (
        pa.concat_arrays(_same_type([getattr(each, kind) for each in parts])) for kind in ("low", "high", "nulls")
    )
    return _Arrays(low, high, nulls, json_)


def _same_type(arrays: list[pa.Array]) -> list[pa.Array]:
    import pyarrow as pa

    types = {each.type for each in arrays if not pa.types.is_null(each.type)}
    return [each.cast(next(iter(types))) for each in arrays] if types else arrays
