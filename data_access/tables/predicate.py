"""Which rows are wanted, as a tree: what it means for rows, and what it can mean for rows that were not read. Pure.

Logic is SQL's: a comparison with null is neither true nor false, and only rows for which the whole is true are wanted.
`where.py` makes these trees from what a person wrote; every value here has its column's type already.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_access.tables.model import Stats

#: What a predicate may be for a row: true, false, or (null) neither.
Outcomes = frozenset[bool | None]
ANY: Outcomes = frozenset({True, False, None})
_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True)
class Compare:
    """`column` `operator` `value`."""

    column: str
    operator: str  # = != < <= > >=
    value: pa.Scalar

    @functools.cached_property
    def plain(self) -> Any:
        return plain(self.value)

    def __str__(self) -> str:
        return f"{self.column} {self.operator} {_shown(self.value)}"


@dataclass(frozen=True)
class Columns:
    """Two columns compared."""

    left: str
    operator: str
    right: str

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True)
class Among:
    """The column is one of `values`; at least one, none of them null."""

    column: str
    values: tuple[pa.Scalar, ...]

    @functools.cached_property
    def plain(self) -> tuple[Any, ...]:
        return tuple(plain(value) for value in self.values)

    def __str__(self) -> str:
        shown = ", ".join(_shown(value) for value in self.values[:5])
        return f"{self.column} in ({shown}{', …' if len(self.values) > 5 else ''})"


@dataclass(frozen=True)
class Like:
    """SQL's pattern: `%` any characters, `_` one, a backslash before either takes it literally."""

    column: str
    pattern: str
    ignore_case: bool = False

    @functools.cached_property
    def prefix(self) -> str:
        """What every matching text begins with."""
        if self.ignore_case:
            return ""
        found, characters = "", iter(self.pattern)
        for character in characters:
            if character in "%_":
                break
            found += next(characters, "\\") if character == "\\" else character
        return found

    def __str__(self) -> str:
        return f"{self.column} {'i' if self.ignore_case else ''}like '{self.pattern}'"


@dataclass(frozen=True)
class IsNull:
    column: str

    def __str__(self) -> str:
        return f"{self.column} is null"


@dataclass(frozen=True)
class IsNan:
    column: str

    def __str__(self) -> str:
        return f"isnan({self.column})"


@dataclass(frozen=True)
class Known:
    """`truth` wherever the column is not null, as `small < 1000` of an int8 column is."""

    column: str
    truth: bool

    def __str__(self) -> str:
        return f"{self.column} is not null" if self.truth else "false"


@dataclass(frozen=True)
class Not:
    part: Predicate

    def __str__(self) -> str:
        return f"not ({self.part})"


@dataclass(frozen=True)
class And:
    parts: tuple[Predicate, ...]

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)


@dataclass(frozen=True)
class Or:
    parts: tuple[Predicate, ...]

    def __str__(self) -> str:
        return " or ".join(str(part) for part in self.parts)


@dataclass(frozen=True)
class Arrow:
    """An expression of pyarrow's, taken as it is. `columns` are those it may use."""

    expression: pc.Expression
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return str(self.expression)


Predicate = Compare | Columns | Among | Like | IsNull | IsNan | Known | Not | And | Or | Arrow


def columns_of(predicate: Predicate | None) -> tuple[str, ...]:
    """The columns it looks at, each once, in the order of their mention."""
    return tuple(dict.fromkeys(_columns(predicate))) if predicate is not None else ()


def _columns(predicate: Predicate) -> Iterable[str]:
    match predicate:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _columns(part)
        case Not(part):
            yield from _columns(part)
        case Columns(left, _, right):
            yield from (left, right)
        case Arrow(_, columns):
            yield from columns
        case _:
            yield predicate.column


def conjuncts(predicate: Predicate | None) -> tuple[Predicate, ...]:
    """The parts that all have to be true."""
    if predicate is None:
        return ()
    if not isinstance(predicate, And):
        return (predicate,)
    return tuple(each for part in predicate.parts for each in conjuncts(part))


def every(parts: Iterable[Predicate]) -> Predicate | None:
    """True where all parts are; None (no condition) of none."""
    given = tuple(parts)
    return And(given) if len(given) > 1 else given[0] if given else None


# Rows ----------------------------------------------------------------------------------------------------------------

_COMPARE: dict[str, Callable[[Any, Any], pc.Expression]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def expression(predicate: Predicate) -> pc.Expression:
    """For Arrow, over columns of their table's types: `table.filter(expression(…))` keeps the wanted rows."""
    match predicate:
        case And(parts):
            return functools.reduce(lambda left, right: left & right, map(expression, parts))
        case Or(parts):
            return functools.reduce(lambda left, right: left | right, map(expression, parts))
        case Not(part):
            return ~expression(part)
        case Arrow(given, _):
            return given
        case Columns(left, operator, right):
            return _COMPARE[operator](pc.field(left), pc.field(right))
    return _of_one_column(predicate)


def _of_one_column(predicate: Compare | Among | Like | IsNull | IsNan | Known) -> pc.Expression:
    column = pc.field(predicate.column)
    match predicate:
        case Compare(_, operator, value):
            return _COMPARE[operator](column, value)
        case Among(_, values):
            # Arrow's is_in counts null as not in it, and a `not` would make that true.
            return _unless_null(column, column.isin(pa.array([value.as_py() for value in values], values[0].type)))
        case Like(_, pattern, ignore_case):
            return pc.match_like(column.cast(pa.string()), pattern=pattern, ignore_case=ignore_case)
        case IsNull():
            return column.is_null()
        case IsNan():
            return pc.is_nan(column)
        case Known(_, truth):
            return _unless_null(column, pc.scalar(truth))


def _unless_null(column: pc.Expression, result: pc.Expression) -> pc.Expression:
    return pc.if_else(column.is_valid(), result, pc.scalar(pa.scalar(None, pa.bool_())))


# Rows that were not read ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Range:
    """What is known of a column's values in a partition, file or row group; None is unknown.

    NaN is outside of every range: a floating column may hold it beside `low` and `high`.
    """

    low: Any = None
    high: Any = None
    nulls: bool = True  # there may be nulls
    values: bool = True  # there may be others
    nan: bool = False


UNKNOWN = Range(nan=True)


def may_match(predicate: Predicate, ranges: Mapping[str, Range]) -> bool:
    """Whether a row with values in these ranges could be wanted. A column that is not named may hold anything."""
    return True in outcomes(predicate, ranges)


def must_match(predicate: Predicate, ranges: Mapping[str, Range]) -> bool:
    """Whether every row with values in these ranges is wanted."""
    return outcomes(predicate, ranges) == {True}


def outcomes(predicate: Predicate, ranges: Mapping[str, Range]) -> Outcomes:
    """What the predicate may be for rows with values in these ranges: never too few, sometimes too many."""
    match predicate:
        case And(parts):
            return functools.reduce(_both, (outcomes(part, ranges) for part in parts))
        case Or(parts):
            return _inverse(functools.reduce(_both, (_inverse(outcomes(part, ranges)) for part in parts)))
        case Not(part):
            return _inverse(outcomes(part, ranges))
        case Columns() | Arrow():
            return ANY
    known = ranges.get(predicate.column, UNKNOWN)
    if isinstance(predicate, IsNull):
        return frozenset([True] * known.nulls + [False] * known.values)
    found: set[bool | None] = {None} if known.nulls else set()
    if known.values:
        try:
            found |= _of_values(predicate, known)
        except TypeError:  # a range of another kind of value than the column has now
            found |= {True, False}
    return frozenset(found)


def _of_values(predicate: Compare | Among | Like | IsNan | Known, known: Range) -> set[bool | None]:
    match predicate:
        case Compare(_, operator, _):
            return _compared(operator, predicate.plain, known)
        case Among():
            parts = [_compared("=", value, known) for value in predicate.plain]
            may: set[bool | None] = {True} if any(True in part for part in parts) else set()
            return may if any(part == {True} for part in parts) else {*may, False}
        case Like():
            prefix = predicate.prefix
            below = known.low is not None and known.low[: len(prefix)] > prefix
            above = known.high is not None and known.high[: len(prefix)] < prefix
            return {False} if below or above else {True, False}
        case IsNan():
            return {True, False} if known.nan else {False}
        case Known(_, truth):
            return {truth}


def _compared(operator: str, value: Any, known: Range) -> set[bool | None]:
    low, high = known.low, known.high
    if value != value or (low is not None and low != low) or (high is not None and high != high):  # noqa: PLR0124 - NaN
        return {True, False}
    below = low is None or low < value  # a value below it is possible
    above = high is None or high > value
    same = (low is None or low <= value) and (high is None or high >= value)
    if operator in ("=", "!="):
        found: set[bool | None] = {True} if same else set()
        if below or above or known.nan:
            found.add(False)
        return found if operator == "=" else {not each for each in found}
    less, more = (below, above) if operator[0] == "<" else (above, below)
    found = {True} if less or (same and operator.endswith("=")) else set()
    if more or known.nan or (same and not operator.endswith("=")):
        found.add(False)
    return found


def _both(left: Outcomes, right: Outcomes) -> Outcomes:
    return frozenset(_and(one, other) for one in left for other in right)


def _and(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _inverse(of: Outcomes) -> Outcomes:
    return frozenset(None if each is None else not each for each in of)


# Values and ranges ---------------------------------------------------------------------------------------------------


def plain(value: pa.Scalar) -> Any:
    """As something that compares with others of its column: times are whole nanoseconds, dates days."""
    kind = value.type
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind):
        return value.value * _NS[kind.unit]
    if pa.types.is_date(kind):
        return value.value if kind == pa.date32() else value.value // 86_400_000
    return value.as_py()


def bound(stat: Any, kind: pa.DataType) -> pa.Scalar | None:
    """A file's `low` or `high`, as its manifest has it, with its column's type; None when that tells nothing."""
    if stat is None:
        return None
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    try:
        if pa.types.is_timestamp(kind):
            moment = pa.scalar(datetime.fromisoformat(stat).replace(tzinfo=UTC), pa.timestamp("us", "UTC"))
            return moment.cast(pa.timestamp(kind.unit, "UTC")).cast(kind)
        return pa.scalar(_READ.get(kind.id, _same)(stat), kind)
    except (ValueError, TypeError, ArithmeticError, pa.ArrowException):
        return None


def _same(stat: Any) -> Any:
    return stat


_READ: dict[int, Callable[[Any], Any]] = {
    pa.date32().id: date.fromisoformat,
    pa.date64().id: date.fromisoformat,
    pa.time32("s").id: time.fromisoformat,
    pa.time64("us").id: time.fromisoformat,
    pa.decimal128(1).id: Decimal,
    pa.decimal256(1).id: Decimal,
}


def range_of(stats: Stats | None, rows: int, kind: pa.DataType) -> Range:
    """What a file's statistics say of a column with this type now."""
    nan = pa.types.is_floating(kind)
    if stats is None:
        return Range(nan=nan)
    low, high = _plain_bound(stats.low, kind), _plain_bound(stats.high, kind)
    return Range(low, high, nulls=stats.nulls > 0, values=stats.nulls < rows, nan=nan)


def _plain_bound(stat: Any, kind: pa.DataType) -> Any:
    # Most bounds are what they look like; ten thousand files have no time for a scalar each.
    if stat is None or (isinstance(stat, _LOOKS.get(kind.id, ())) and not isinstance(stat, bool)):
        return stat
    found = bound(stat, kind)
    return None if found is None else plain(found)


_LOOKS: dict[int, type | tuple[type, ...]] = {
    **{kind.id: int for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{kind.id: (int, float) for kind in (pa.float32(), pa.float64())},
    **{kind.id: str for kind in (pa.string(), pa.large_string())},
}


def exactly(value: Any, kind: pa.DataType) -> Range:
    """Of a partition column, whose one value is known."""
    if value is None:
        return Range(nulls=True, values=False)
    same = plain(pa.scalar(value, kind.value_type if pa.types.is_dictionary(kind) else kind))
    return Range(same, same, nulls=False)


def _shown(value: pa.Scalar) -> str:
    text = value.as_py()
    return f"'{text}'" if isinstance(text, str | date | datetime | time) else str(text)
