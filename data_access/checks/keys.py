"""Checks about keys: that no key comes twice, and that every key is one of another table.

Keys are compared by value, whatever width their types have. A key with a missing part is not compared, as in SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_access.checks.context import Ends
from data_access.checks.kinds import ForeignKey, Unique
from data_access.checks.measure import SHOWN, Again, Finding, Measure, SampleRow, count, sample_rows, share, shown
from data_access.checks.values import Unfit
from data_access.names import TableName

if TYPE_CHECKING:
    import polars

_SEED = 20261120
#: Rows with a suspect key that are compared exactly; above, 64 bits of hash stand for the rest of them.
_EXACT = 200_000
#: Keys of which a failure shows all rows.
_PICKED = 2


def key_frame(batch: pa.RecordBatch, columns: Sequence[str]) -> polars.DataFrame:
    """The key columns as types that compare by value: int64, float64, UTC. Raises Unfit for lists and the like."""
    import polars

    frame = polars.DataFrame([_key_column(batch.column(name), name, i) for i, name in enumerate(columns)])
    casts = []
    for name, kind in frame.schema.items():
        column = polars.col(name)
        if kind.is_integer() and kind != polars.UInt64:
            casts.append(column.cast(polars.Int64))
        elif kind.is_float():
            casts.append(column.cast(polars.Float64))
        elif isinstance(kind, polars.Datetime):
            zoned = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if kind.time_zone else column
            casts.append(zoned if kind.time_unit == "ns" else zoned.dt.cast_time_unit("us"))
        else:
            casts.append(column)
    return frame.select(casts)


def _key_column(array: pa.Array, name: str, position: int) -> polars.Series:
    import polars

    plain = array.cast(array.type.value_type) if pa.types.is_dictionary(array.type) else array
    if pa.types.is_nested(plain.type):
        raise Unfit(f"{name} is {plain.type}, which is no key")
    series = polars.from_arrow(plain)
    if not isinstance(series, polars.Series):
        raise Unfit(f"{name} is {plain.type}, which is no key")
    return series.alias(f"k{position}")


def _whole(frame: polars.DataFrame) -> polars.Series:
    """Where no part of the key is missing."""
    import polars

    def there(name: str, kind: Any) -> polars.Expr:
        column = polars.col(name)
        return column.is_not_null() & column.is_not_nan().fill_null(False) if kind.is_float() else column.is_not_null()

    return frame.select(polars.all_horizontal([there(name, kind) for name, kind in frame.schema.items()])).to_series()


def _hashes(frame: polars.DataFrame) -> np.ndarray:
    return frame.hash_rows(seed=_SEED).to_numpy()


@dataclass(frozen=True)
class Hashes:
    """64 bits per row that has a key."""

    rows: int = 0
    chunks: tuple[np.ndarray, ...] = ()
    ends: Ends = field(default_factory=dict)


def ends_of(batch: pa.RecordBatch, columns: Sequence[str]) -> Ends:
    """The least and greatest value of those columns whose order every reader of files agrees about."""
    found = {}
    for name in columns:
        column = batch.column(name)
        arrow = column.type
        ordered = pa.types.is_integer(arrow) or pa.types.is_date(arrow) or pa.types.is_string(arrow)
        if ordered and column.null_count < len(column):
            ends = pc.min_max(column)
            found[name] = (ends["min"].as_py(), ends["max"].as_py())
    return found


def wider(one: Ends, other: Ends) -> Ends:
    """The ends of both."""
    both = {**one, **other}
    for name in one.keys() & other.keys():
        (a, b), (c, d) = one[name], other[name]
        both[name] = (min(a, c), max(b, d))
    return both


class UniqueMeasure(Measure[Hashes]):
    """First 8 bytes per row tell which keys may come twice; only those are then read again and compared exactly."""

    check: Unique

    def start(self) -> Hashes:
        return Hashes()

    def add(self, state: Hashes, batch: pa.RecordBatch, offset: int) -> Hashes:
        frame = key_frame(batch, self.check.columns)
        hashes = _hashes(frame.filter(_whole(frame)))
        ends = ends_of(batch, self.check.columns) if self.check.across == "table" else {}
        return self.merge(state, Hashes(batch.num_rows, (hashes,), ends))

    def merge(self, one: Hashes, other: Hashes) -> Hashes:
        return Hashes(one.rows + other.rows, one.chunks + other.chunks, wider(one.ends, other.ends))

    def finding(self, state: Hashes, again: Again) -> Finding:
        hashes = np.concatenate([np.empty(0, np.uint64), *state.chunks])
        hashes.sort()
        twice = _different(hashes[1:][hashes[1:] == hashes[:-1]])
        there = self._in_others(hashes, state.ends)
        suspect = _different(np.sort(np.concatenate([twice, there])))
        if not len(suspect):
            return Finding(True, f"{count(state.rows)}, no key twice")
        rows = int((np.searchsorted(hashes, suspect, "right") - np.searchsorted(hashes, suspect, "left")).sum())
        if rows <= _EXACT:
            return self._exactly(state, suspect, again)
        seen = _told(state.rows, rows, len(twice), len(there))
        return Finding(False, seen, rows, _rows_of(again, self.check.columns, suspect[:_PICKED]))

    def _in_others(self, hashes: np.ndarray, within: Ends) -> np.ndarray:
        """Hashes of keys that rows beside the judged ones have, too."""
        if self.check.across == "store" or not len(hashes):
            return np.empty(0, np.uint64)
        found = [np.empty(0, np.uint64)]
        for batch in self.around.others(self.check.columns, within):
            frame = key_frame(batch, self.check.columns)
            theirs = _different(np.sort(_hashes(frame.filter(_whole(frame)))))
            found.append(theirs[_contains(hashes, theirs)])
        return _different(np.sort(np.concatenate(found)))

    def _exactly(self, state: Hashes, suspect: np.ndarray, again: Again) -> Finding:
        import polars

        rows = state.rows
        ours = _keys_of(again(), self.check.columns, suspect)
        mine = polars.concat(ours).group_by(polars.all()).len("n") if ours else None
        others = self.around.others(self.check.columns, state.ends) if self.check.across == "table" else ()
        theirs = _keys_of(others, self.check.columns, suspect)
        if mine is None:
            return Finding(True, f"{count(rows)}, no key twice")
        names = mine.columns[:-1]
        if theirs:
            known = fitted(polars.concat(theirs).unique(), mine, self.check.columns)
            mine = mine.join(known.with_columns(there=True), on=names, how="left")
        else:
            mine = mine.with_columns(there=polars.lit(None, polars.Boolean))
        wrong = mine.filter((polars.col("n") > 1) | polars.col("there").fill_null(False))
        if not len(wrong):
            return Finding(True, f"{count(rows)}, no key twice")
        failed = int(wrong["n"].sum())
        seen = _told(rows, failed, int((wrong["n"] > 1).sum()), int(wrong["there"].fill_null(False).sum()))
        picked = wrong.sort("n", *names, descending=[True, *[False] * len(names)]).head(_PICKED).select(names)
        return Finding(False, seen, failed, _rows_of(again, self.check.columns, np.sort(_hashes(picked))))


def _told(rows: int, failed: int, twice: int, there: int) -> str:
    parts = []
    if twice:
        parts.append(f"{count(twice, 'key')} {'comes' if twice == 1 else 'come'} more than once")
    if there:
        parts.append(f"{count(there, 'key')} {'is' if there == 1 else 'are'} in the table already")
    return (
        f"{share(failed, rows)} {'shares its' if failed == 1 else 'share their'} key with another: {', '.join(parts)}"
    )


def _different(ordered: np.ndarray) -> np.ndarray:
    """Each value of an ordered array once. Ten times as quick as np.unique, which hashes."""
    first = np.ones(min(len(ordered), 1), bool)
    return ordered[np.concatenate([first, ordered[1:] != ordered[:-1]])]


def _contains(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Which values are in an ordered array."""
    if not len(ordered):
        return np.zeros(len(values), bool)
    at = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return ordered[at] == values


def _keys_of(batches: Iterable[pa.RecordBatch], columns: Sequence[str], hashes: np.ndarray) -> list[polars.DataFrame]:
    """The keys that have one of these (ordered) hashes."""
    found = []
    for batch in batches:
        frame = key_frame(batch, columns)
        frame = frame.filter(_whole(frame))
        found.append(frame.filter(_contains(hashes, _hashes(frame))))
    return [frame for frame in found if len(frame)]


def _rows_of(again: Again, columns: Sequence[str], hashes: np.ndarray) -> tuple[SampleRow, ...]:
    """The first rows of each of these few keys, rows of one key together."""
    groups: dict[int, list[SampleRow]] = {int(each): [] for each in hashes}
    most, offset = SHOWN // max(len(groups), 1) + 1, 0
    for batch in again():
        frame = key_frame(batch, columns)
        whole, of_row = _whole(frame).to_numpy(), _hashes(frame)
        for key, rows in groups.items():
            mask = whole & (of_row == np.uint64(key))
            if len(rows) < most and mask.any():
                rows.extend(sample_rows(batch, pa.array(mask), offset, columns)[: most - len(rows)])
        offset += batch.num_rows
        if all(len(rows) >= most for rows in groups.values()):
            break
    together = sorted(groups.values(), key=lambda rows: rows[0].number if rows else -1)
    return tuple(row for rows in together for row in rows)[:SHOWN]


def fitted(known: polars.DataFrame, ours: polars.DataFrame, columns: Sequence[str]) -> polars.DataFrame:
    """Keys from elsewhere in the types of ours. What has no exact equal there matches nothing, and is left out.

    Raises Unfit for columns that can't be compared (text with numbers).
    """
    import polars

    def family(kind: Any) -> str:
        words = {
            "integer": kind.is_integer(),
            "decimal": kind.is_decimal(),
            "datetime": isinstance(kind, polars.Datetime),
        }
        return next((word for word, is_it in words.items() if is_it), str(kind))

    for name, column_name in zip(known.columns, columns, strict=True):
        there, here = known.schema[name], ours.schema[name]
        if there == here:
            continue
        if family(there) != family(here):
            raise Unfit(f"{column_name} is {here} here and {there} there: they can't be compared")
        column = polars.col(name)
        cast = column.cast(here, strict=False)
        known = known.filter(cast.cast(there, strict=False) == column).with_columns(cast)
    return known


@dataclass(frozen=True)
class Keys:
    """Different keys with their numbers of rows, in chunks that are merged when they have doubled."""

    rows: int = 0
    missing: int = 0
    chunks: tuple[polars.DataFrame, ...] = ()


def _tidy(chunks: tuple[polars.DataFrame, ...]) -> tuple[polars.DataFrame, ...]:
    """Merge the last chunks while the later is not much smaller: each key is handled log(n) times, not n."""
    while len(chunks) > 1 and 2 * len(chunks[-1]) > len(chunks[-2]):
        chunks = (*chunks[:-2], _counted(chunks[-2:]))
    return chunks


def _counted(chunks: Sequence[polars.DataFrame]) -> polars.DataFrame:
    import polars

    both = polars.concat(list(chunks))
    return both.group_by([name for name in both.columns if name != "n"]).agg(polars.col("n").sum())


class ForeignKeyMeasure(Measure[Keys]):
    """Different keys are collected, then looked up at once."""

    check: ForeignKey

    def start(self) -> Keys:
        return Keys()

    def add(self, state: Keys, batch: pa.RecordBatch, offset: int) -> Keys:
        import polars

        frame = key_frame(batch, self.check.columns)
        whole = frame.filter(_whole(frame))
        keys = whole.group_by(polars.all()).len("n").cast({"n": polars.Int64})
        lost = batch.num_rows - len(whole)
        return Keys(state.rows + batch.num_rows, state.missing + lost, _tidy((*state.chunks, keys)))

    def merge(self, one: Keys, other: Keys) -> Keys:
        return Keys(one.rows + other.rows, one.missing + other.missing, _tidy(one.chunks + other.chunks))

    def finding(self, state: Keys, again: Again) -> Finding:
        keys = _counted(state.chunks) if state.chunks else None
        lost = f" ({count(state.missing)} without a value aside)" if state.missing else ""
        if keys is None or not len(keys):
            return Finding(True, f"{count(state.rows)}, none with a value" if state.rows else "there were no rows")
        wrong = self._absent(keys)
        if not len(wrong):
            return Finding(True, f"all {count(len(keys), 'different value')} are there{lost}")
        failed = int(wrong["n"].sum())
        names = wrong.columns[:-1]
        top = wrong.sort("n", *names, descending=[True, *[False] * len(names)])
        said = [f"{' / '.join(shown(part) for part in row[:-1])} ({row[-1]:,})" for row in top.head(5).iter_rows()]
        more = f" and {len(top) - 5:,} other values" if len(top) > 5 else ""
        are = "has a value that is" if failed == 1 else "have a value that is"
        seen = f"{share(failed, state.rows)} {are} not in {self.check.table}: {', '.join(said)}{more}{lost}"
        return Finding(
            False, seen, failed, _rows_of(again, self.check.columns, np.sort(_hashes(top.head(5).select(names))))
        )

    def _absent(self, keys: polars.DataFrame) -> polars.DataFrame:
        """Those of these keys that the other table lacks."""
        import polars

        names = keys.columns[:-1]
        for known in self._there():
            keys = keys.join(fitted(known, keys, self.check.columns), on=names, how="anti")
            if not len(keys):
                break
        return keys.select([*names, polars.col("n")])

    def _there(self) -> Iterator[polars.DataFrame]:
        """The other table's keys, some hundred thousand at a time."""
        import polars

        target = self.check.target
        waiting: list[polars.DataFrame] = []
        for batch in self.around.lookup(TableName.parse(self.check.table), target, self.check.as_of):
            waiting.append(key_frame(batch, target))
            if sum(map(len, waiting)) >= 1_000_000:
                yield polars.concat(waiting).unique()
                waiting = []
        if waiting:
            yield polars.concat(waiting).unique()
