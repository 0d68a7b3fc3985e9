"""Arrow tables of all types that a table takes, with the values where things break; and when two are the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text("abcxyzäöß_ 0123456789()-+", min_size=1, max_size=12).filter(lambda name: name == name.strip())


def _integers(bits: int) -> st.SearchStrategy[int]:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return st.sampled_from([low, high, 0, -1]) | st.integers(low, high)


def _decimals(digits: int, scale: int) -> st.SearchStrategy[Decimal]:
    most = 10**digits - 1
    return st.integers(-most, most).map(lambda number: Decimal(f"{number}E{-scale}"))


#: Microseconds since 1970 of 1677-09-22 and 2262-04-11: what nanoseconds can say.
NS_FIRST, NS_LAST = -9223372036854775, 9223372036854775
_micros = st.sampled_from([NS_FIRST, NS_LAST, 0, -1]) | st.integers(NS_FIRST, NS_LAST)

SCALARS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.bool_(): st.booleans(),
    **{type_: _integers(type_.bit_width) for type_ in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats() | st.sampled_from([-0.0, 5e-324, 1.7976931348623157e308]),
    pa.decimal128(38, 10): _decimals(38, 10),
    pa.decimal128(9, 0): _decimals(9, 0),
    pa.decimal64(18, 4): _decimals(18, 4),
    pa.string(): TEXT,
    pa.large_string(): TEXT,
    pa.binary(): st.binary(max_size=20),
    pa.large_binary(): st.binary(max_size=20),
    pa.binary(4): st.binary(min_size=4, max_size=4),
    pa.date32(): st.dates(),
    pa.date64(): st.dates(),
    pa.timestamp("s"): st.integers(-(10**10), 10**10),
    pa.timestamp("ms", "UTC"): st.integers(-(10**13), 10**13),
    pa.timestamp("us"): _integers(64),
    pa.timestamp("us", "America/New_York"): _integers(64),
    pa.timestamp("ns"): _micros.map(lambda micros: micros * 1000),
    pa.timestamp("ns", "Asia/Kathmandu"): _micros.map(lambda micros: micros * 1000),
}
_PLAIN = st.sampled_from([type_ for type_ in SCALARS if not pa.types.is_floating(type_)])


def _nested(inner: st.SearchStrategy[pa.DataType]) -> st.SearchStrategy[pa.DataType]:
    return st.one_of(
        inner.map(pa.list_),
        inner.map(pa.large_list),
        st.tuples(inner, st.integers(1, 3)).map(lambda each: pa.list_(*each)),
        st.lists(inner, min_size=1, max_size=3).map(lambda types: pa.struct([(f"F{at}", t) for at, t in enumerate(types)])),  # noqa: E501
        inner.map(lambda type_: pa.map_(pa.string(), type_)),
    )  # fmt: skip


TYPES = st.one_of(
    st.sampled_from(list(SCALARS)),
    _nested(_PLAIN | _nested(_PLAIN)),
    st.sampled_from([pa.string(), pa.int64(), pa.date32()]).map(lambda type_: pa.dictionary(pa.int32(), type_)),
)


def values(type_: pa.DataType) -> st.SearchStrategy[Any]:
    """Of any type above; null at every depth."""
    if type_ in SCALARS:
        return st.none() | SCALARS[type_]
    if pa.types.is_dictionary(type_):
        return values(type_.value_type)
    if pa.types.is_struct(type_):
        return st.none() | st.fixed_dictionaries({field.name: values(field.type) for field in type_})
    if pa.types.is_map(type_):
        return st.none() | st.dictionaries(TEXT, values(type_.item_type), max_size=3).map(
            lambda each: list(each.items())
        )
    size = type_.list_size if pa.types.is_fixed_size_list(type_) else None
    return st.none() | st.lists(values(type_.value_type), min_size=size or 0, max_size=size if size is not None else 3)


@st.composite
def tables(draw: Callable[..., Any], rows: st.SearchStrategy[int] = st.integers(0, 6)) -> pa.Table:  # noqa: B008
    """One to five columns."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique_by=str.lower))
    count = draw(rows)
    columns = []
    for _ in names:
        type_ = draw(TYPES)
        drawn = draw(st.lists(values(type_), min_size=count, max_size=count))
        if pa.types.is_dictionary(type_):
            columns.append(pa.array(drawn, type_.value_type).dictionary_encode().cast(type_))
        else:
            columns.append(pa.array(drawn, type_))
    return pa.table(columns, names=names)


def bits(table: pa.Table) -> pa.Table:
    """The same with floats as the integers of their bits: NaN is then equal to itself, and -0.0 is not 0.0."""
    columns = []
    for column in table.columns:
        if pa.types.is_floating(column.type):
            whole = pa.int32() if column.type.bit_width == 32 else pa.int64()
            column = pa.chunked_array([chunk.view(whole) for chunk in column.chunks], whole)  # noqa: PLW2901
        columns.append(column)
    return pa.table(columns, names=table.column_names)


def assert_same(back: pa.Table, given: pa.Table) -> None:
    assert back.schema.equals(given.schema), f"{back.schema}\n\ninstead of\n\n{given.schema}"
    assert bits(back).equals(bits(given)), f"{back.to_pylist()}\n\ninstead of\n\n{given.to_pylist()}"


def moment(*parts: int) -> dt.datetime:
    return dt.datetime(*parts)  # noqa: DTZ001 - without a zone is a case
