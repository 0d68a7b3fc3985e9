"""What DuckDB asks of a scan, as a tree: from Arrow's text of an expression, and back. Pure.

Arrow shows the structure of an expression only as text, and that text is not made to be read back: a text value may
hold quotes and line breaks. So what was read is built again, and counts only when Arrow says that both are equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Comparison:
    """`column` `operator` `value`; the value has the column's type."""

    column: str
    operator: str  # == != < <= > >=
    value: Any


@dataclass(frozen=True)
class Among:
    """The column is one of `values`, and not null."""

    column: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Null:
    column: str
    is_null: bool


@dataclass(frozen=True)
class Both:
    left: Filter
    right: Filter


@dataclass(frozen=True)
class Either:
    left: Filter
    right: Filter


Filter = Comparison | Among | Null | Both | Either

_NAME = re.compile(r"[A-Za-z_]\w*")
_OPERATOR = re.compile(r" (==|!=|<=|>=|<|>) ")
_AMONG = re.compile(
    r"is_in\(([A-Za-z_]\w*), \{value_set=[^:]*:\[\n(.*?)\n\], null_matching_behavior=MATCH\}\)", re.DOTALL
)


def understood(expression: pc.Expression, schema: pa.Schema) -> Filter | None:
    """The same as a tree; None when that can't be proven."""
    try:
        read, rest = _expression(str(expression), schema)
        if rest or not _built(read, schema).equals(expression):
            return None
    except (ValueError, KeyError, ArithmeticError, pa.ArrowException):
        return None
    return read


def columns_in(expression: pc.Expression | None, schema: pa.Schema) -> set[str]:
    """The columns that the expression may use: too many rather than too few."""
    if expression is None:
        return set()
    tree = understood(expression, schema)
    if tree is not None:
        return _used(tree)
    text = str(expression)
    return {name for name in schema.names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)}


def _used(filter_: Filter) -> set[str]:
    if isinstance(filter_, Both | Either):
        return _used(filter_.left) | _used(filter_.right)
    return {filter_.column}


def _expression(text: str, schema: pa.Schema) -> tuple[Filter, str]:
    if text.startswith("(") and (compared := _comparison(text, schema)) is not None:
        return compared
    if text.startswith("("):
        left, rest = _expression(text[1:], schema)
        for word, combined in ((" and ", Both), (" or ", Either)):
            if rest.startswith(word):
                right, rest = _expression(rest.removeprefix(word), schema)
                return combined(left, right), _after(")", rest)
        raise ValueError(text)
    for start, end, is_null in (("is_valid(", ")", False), ("is_null(", ", {nan_is_null=false})", True)):
        if text.startswith(start):
            name, rest = _name(text.removeprefix(start))
            return Null(name, is_null), _after(end, rest)
    return _among(text, schema)


def _comparison(text: str, schema: pa.Schema) -> tuple[Filter, str] | None:
    named = _NAME.match(text, 1)
    operator = named and _OPERATOR.match(text, named.end())
    if not operator or not named:
        return None
    literal, rest = _literal(text[operator.end() :])
    return Comparison(named[0], operator[1], _value(literal, schema.field(named[0]).type)), rest


def _literal(text: str) -> tuple[str, str]:
    """What is compared with, and what follows its closing parenthesis."""
    if text.startswith('"'):
        end = re.compile(r'"((?:[^"\\]|\\.)*)"\)', re.DOTALL).match(text)
        if end is None:
            raise ValueError(text)
        return re.sub(r"\\(.)", r"\1", end[1]), text[end.end() :]
    literal, parenthesis, rest = text.partition(")")
    if not parenthesis:
        raise ValueError(text)
    return literal, rest


def _among(text: str, schema: pa.Schema) -> tuple[Filter, str]:
    """DuckDB guards against nulls, which Arrow's `is_in` would count as false and a `not` then as true."""
    guard = re.match(r"if_else\(is_valid\(([A-Za-z_]\w*)\), ", text)
    listed = guard and _AMONG.match(text, guard.end())
    if not guard or not listed or guard[1] != listed[1]:
        raise ValueError(text)
    kind = schema.field(guard[1]).type
    items = [line.strip() for line in listed[2].split(",\n")]
    quoted = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    values = tuple(_value(item[1:-1] if quoted else item, kind) for item in items)
    return Among(guard[1], values), _after(", null[bool])", text[listed.end() :])


def _name(text: str) -> tuple[str, str]:
    named = _NAME.match(text)
    if named is None:
        raise ValueError(text)
    return named[0], text[named.end() :]


def _after(expected: str, text: str) -> str:
    if not text.startswith(expected):
        raise ValueError(text)
    return text.removeprefix(expected)


def _value(text: str, kind: pa.DataType) -> Any:
    for fits, read in _READ:
        if fits(kind):
            return read(text)
    raise ValueError(f"no literal of {kind}")


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text]


_READ: list[tuple[Callable[[pa.DataType], bool], Callable[[str], Any]]] = [
    (pa.types.is_boolean, _truth),
    (pa.types.is_integer, int),
    (pa.types.is_floating, float),
    (pa.types.is_decimal, Decimal),
    (pa.types.is_date, date.fromisoformat),
    (pa.types.is_timestamp, datetime.fromisoformat),
    (pa.types.is_time, time.fromisoformat),
    (pa.types.is_string, str),
    (pa.types.is_large_string, str),
]


def _built(filter_: Filter, schema: pa.Schema) -> pc.Expression:
    match filter_:
        case Both(left, right):
            return _built(left, schema) & _built(right, schema)
        case Either(left, right):
            return _built(left, schema) | _built(right, schema)
        case Null(name, is_null):
            return pc.field(name).is_null() if is_null else pc.field(name).is_valid()
        case Among(name, values):
            column, kind = pc.field(name), schema.field(name).type
            return pc.if_else(column.is_valid(), column.isin(pa.array(values, kind)), pa.scalar(None, pa.bool_()))
        case Comparison(name, operator, value):
            return _COMPARE[operator](pc.field(name), pc.scalar(pa.scalar(value, schema.field(name).type)))


_COMPARE: dict[str, Callable[[pc.Expression, pc.Expression], pc.Expression]] = {
    "==": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}
