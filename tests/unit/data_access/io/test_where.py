"""`where=`: what it takes, what it means for rows, and that nothing that matches is ever pruned."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data_access.errors import DataError, Reason
from data_access.tables.encode import _jsonable, stats_of
from data_access.tables.predicate import (
    And,
    Arrow,
    Not,
    Or,
    Predicate,
    Range,
    bound,
    columns_of,
    exactly,
    expression,
    may_match,
    must_match,
    plain,
    range_of,
)
from data_access.tables.where import predicate_of

TABLE = pa.table(
    {
        "n": pa.array([1, 2, None, -3, 100], pa.int64()),
        "small": pa.array([1, 2, None, -3, 100], pa.int8()),
        "x": pa.array([0.5, math.nan, None, -1.5, math.inf], pa.float64()),
        "f": pa.array([0.1, math.nan, None, -1.5, 7], pa.float32()),
        "s": pa.array(["a", "b%", None, "Ab_c", ""], pa.string()),
        "cat": pa.array(["a", "b", None, "a", "c"]).dictionary_encode(),
        "d": pa.array([date(2026, 1, i) if i else None for i in (1, 2, 0, 31, 5)], pa.date32()),
        "t": pa.array(
            [datetime(2026, 1, 1, i, tzinfo=UTC) if i else None for i in (1, 2, 0, 3, 4)], pa.timestamp("us")
        ),
        "tz": pa.array(
            [datetime(2026, 1, 1, i, tzinfo=UTC) if i else None for i in (1, 2, 0, 3, 4)],
            pa.timestamp("ns", "Europe/Zurich"),
        ),
        "clock": pa.array([time(9), time(10), None, time(11), time(12)], pa.time64("us")),
        "m": pa.array([Decimal(v) if v else None for v in ("1.10", "2.00", "", "-3.33", "9.99")], pa.decimal128(6, 2)),
        "b": pa.array([True, False, None, True, False]),
        "Unit Price": pa.array([1, 2, 3, 4, 5], pa.int32()),
        "l": pa.array([[1], None, [2], [], [3]]),
    }
)


def rows(where: object) -> list[int]:
    """Which rows of TABLE are wanted."""
    predicate = predicate_of(where, TABLE.schema)
    numbered = TABLE.append_column("#", pa.array(range(TABLE.num_rows)))
    return numbered.filter(expression(predicate)).column("#").to_pylist() if predicate else list(range(TABLE.num_rows))


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        (None, [0, 1, 2, 3, 4]),
        (" ", [0, 1, 2, 3, 4]),
        ("n > 1", [1, 4]),
        ("1 < N", [1, 4]),
        ("n between -3 and 1", [0, 3]),
        ("n not between -3 and 1", [1, 4]),
        ("n > 1.5", [1, 4]),
        ("n >= 1.5 or n < -2.5", [1, 3, 4]),
        ("n = 1.5", []),
        ("n <> 1.5", [0, 1, 3, 4]),
        ("not n = 1.5", [0, 1, 3, 4]),
        ("small < 1000", [0, 1, 3, 4]),
        ("not small > 1000", [0, 1, 3, 4]),
        ("small > 1e30", []),
        ("small in (1, 1000)", [0]),
        ("small not in (1, 1000)", [1, 3, 4]),
        ("n in (1.5)", []),
        ("not (n > 1 and x > 0)", [0, 1, 3]),
        ("n is null", [2]),
        ("n is not null and not n = 1", [1, 3, 4]),
        ("x > 0", [0, 4]),
        ("isnan(x)", [1]),
        ("x != 0.5", [1, 3, 4]),
        ("f = 0.1", [0]),
        ("s = 'a'", [0]),
        ("s in ('a', '')", [0, 4]),
        ("s not in ('a', '')", [1, 3]),
        ("s like 'a%'", [0]),
        ("s ilike 'a%'", [0, 3]),
        ("s not like '%b%'", [0, 4]),
        ("s like 'b!%' escape '!'", [1]),
        ("s not like 'b!%' escape '!'", [0, 3, 4]),
        ("s like 'Ab\\_c'", []),
        ("s like 'Ab__'", [3]),
        ("cat = 'a'", [0, 3]),
        ("cat in ('a', 'c')", [0, 3, 4]),
        ("cat like 'a%'", [0, 3]),
        ("d >= '2026-01-02' and d < date '2026-01-31'", [1, 4]),
        ("d = timestamp '2026-01-02 00:00:00'", [1]),
        ("t > '2026-01-01 02:00:00'", [3, 4]),
        ("t > timestamp '2026-01-01 02:00:00.5'", [3, 4]),
        ("t >= '2026-01-01'", [0, 1, 3, 4]),
        ("tz = '2026-01-01 02:00:00'", [0]),  # Zurich's clock
        ("tz = '2026-01-01 01:00:00+00:00'", [0]),
        ("tz > '2026-01-01T01:00:00.000000001Z'", [1, 3, 4]),
        ("clock > '10:30'", [3, 4]),
        ("m = 1.1", [0]),
        ("m > 1.105", [1, 4]),
        ("m < 1e9", [0, 1, 3, 4]),
        ("b", [0, 3]),
        ("not b", [1, 4]),
        ("b = false", [1, 4]),
        ("b is true", [0, 3]),
        ("b is not true", [1, 2, 4]),
        ('"Unit Price" > 3', [3, 4]),
        ('"unit price" > 3', [3, 4]),
        ("l is null", [1]),
        ("n = small", [0, 1, 3, 4]),
        ("n > x", [0]),
        ([("n", ">", 1)], [1, 4]),
        (("n", "==", 1), [0]),
        ([("n", ">", 1), ("s", "!=", "")], [1]),
        ([[("n", ">", 99)], [("s", "=", "a")]], [0, 4]),
        ([("n", "in", {1, 2})], [0, 1]),
        ([("n", "not in", [1, 2])], [3, 4]),
        ([("d", ">", date(2026, 1, 2))], [3, 4]),
        ([("tz", ">", datetime(2026, 1, 1, 2, tzinfo=UTC))], [3, 4]),
        ([("x", "=", math.nan)], []),
        ([("x", "in", [math.nan, 0.5])], [0]),
        ([], [0, 1, 2, 3, 4]),
        (pc.field("n") > 1, [1, 4]),
        (pc.field("cat") == "a", [0, 3]),
    ],
)
def test_rows_that_are_wanted(where: object, wanted: list[int]) -> None:
    assert rows(where) == wanted


@pytest.mark.parametrize(
    ("where", "reason", "said"),
    [
        ("amount > 1", Reason.UNKNOWN_COLUMN, "no column 'amount'"),
        ("smal > 1", Reason.UNKNOWN_COLUMN, "Did you mean small?"),
        ("n > 'a'", Reason.BAD_PREDICATE, "'n' is int64; 'a' is no value of it. Write a number without quotes."),
        ("s = 5", Reason.BAD_PREDICATE, "Write texts in quotes: '5'."),
        ("n between symmetric 1 and 2", Reason.BAD_PREDICATE, "no condition"),
        ("s like any ('a', 'b')", Reason.BAD_PREDICATE, "no condition"),
        ("b = 1", Reason.BAD_PREDICATE, "Write true or false."),
        ("d > '20.11.2026'", Reason.BAD_PREDICATE, "'2026-11-20'"),
        ("d > '2026-01-01 10:00'", Reason.BAD_PREDICATE, "is no value of it"),
        ("t > '2026-01-01T00:00:00Z'", Reason.BAD_PREDICATE, "without a zone"),
        ("t > date '2026-13-01'", Reason.BAD_PREDICATE, "no date"),
        ("l = 1", Reason.BAD_PREDICATE, "nested"),
        ("n = null", Reason.BAD_PREDICATE, "Write 'n is null'"),
        ("n != null", Reason.BAD_PREDICATE, "Write 'n is not null'"),
        ("n in (1, null)", Reason.BAD_PREDICATE, "or n is null"),
        ("n in (select 1)", Reason.BAD_PREDICATE, "no condition"),
        ("n + 1 > 2", Reason.BAD_PREDICATE, "no condition"),
        ("1 = 1", Reason.BAD_PREDICATE, "no condition"),
        ("lower(s) = 'a'", Reason.BAD_PREDICATE, "use `sql`"),
        ("a.b = 1", Reason.BAD_PREDICATE, '"a.b"'),
        ("n >", Reason.BAD_PREDICATE, "can't be read"),
        ("n > 1 limit 3", Reason.BAD_PREDICATE, "no condition"),
        ("n > 1 order by n", Reason.BAD_PREDICATE, "no condition"),
        ("n > 1; drop table x", Reason.BAD_PREDICATE, "no condition"),
        ("n > 1 union select 2", Reason.BAD_PREDICATE, "no condition"),
        ("n like 'a'", Reason.BAD_PREDICATE, "only text columns"),
        ("isnan(n)", Reason.BAD_PREDICATE, "only floats"),
        ("s > n", Reason.BAD_PREDICATE, "can't be compared"),
        ([("n", "~", 1)], Reason.BAD_PREDICATE, "'~' is no comparison"),
        ([("n", "=", None)], Reason.BAD_PREDICATE, "n is null"),
        ([("n", "in", 5)], Reason.BAD_PREDICATE, "Give a list"),
        ([("n", "in", "ab")], Reason.BAD_PREDICATE, "Give a list"),
        (["n"], Reason.BAD_PREDICATE, "says nothing of rows"),
        ({"n": 1}, Reason.BAD_PREDICATE, "says nothing of rows"),
        (pc.field("nope") > 1, Reason.BAD_PREDICATE, "does not fit"),
        (pc.field("n") > "a", Reason.BAD_PREDICATE, "does not fit"),
    ],
)
def test_what_is_no_condition_says_so(where: object, reason: Reason, said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)) as caught:
        predicate_of(where, TABLE.schema)
    assert caught.value.reason is reason
    assert caught.value.remedy


def test_columns_that_differ_in_case_have_to_be_written_exactly() -> None:
    schema = pa.schema([("a", pa.int64()), ("A", pa.int64())])
    assert columns_of(predicate_of("A = 1", schema)) == ("A",)
    with pytest.raises(DataError, match="Write it in the right case"):
        predicate_of("AA = 1 or aA = 1", pa.schema([("aa", pa.int64()), ("AA", pa.int64()), ("aA", pa.int64())]))
        predicate_of("Aa = 1", pa.schema([("aa", pa.int64()), ("AA", pa.int64())]))


# Against SQLite, which has its own idea of three-valued logic

TWO = pa.schema([("i", pa.int64()), ("s", pa.string()), ("f", pa.float64())])
ATOMS = st.one_of(
    st.builds("i {} {}".format, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.integers(-3, 3)),
    st.builds("i {} {}".format, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.sampled_from(["-1.5", "0.5"])),
    st.builds(
        "f {} {}".format, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.sampled_from(["-1.5", "0", "2"])
    ),
    st.builds(
        "s {} '{}'".format, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.sampled_from(["", "a", "ab", "b"])
    ),
    st.builds("s {} '{}'".format, st.sampled_from(["like", "not like"]), st.sampled_from(["a%", "%b", "_", "%", "a_"])),
    st.builds("i {} ({})".format, st.sampled_from(["in", "not in"]), st.sampled_from(["1", "0, 2", "-1, 1, 3"])),
    st.builds("{} is {}null".format, st.sampled_from(["i", "s", "f"]), st.sampled_from(["", "not "])),
    st.builds("i between {} and {}".format, st.integers(-3, 3), st.integers(-3, 3)),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda part: st.one_of(
        st.builds("({} and {})".format, part, part),
        st.builds("({} or {})".format, part, part),
        st.builds("not ({})".format, part),
    ),
    max_leaves=6,
)
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 3),
        st.none() | st.sampled_from(["", "a", "ab", "b", "ba", "é"]),
        st.none() | st.sampled_from([-1.5, 0.0, 0.5, 2.0]),
    ),
    max_size=8,
)


@given(CONDITIONS, ROWS)
@example("not (i in (1) or s like 'a%')", [(None, "b", None), (2, None, 0.0)])
def test_the_same_rows_as_sqlite(where: str, data: list[tuple[Any, ...]]) -> None:
    table = pa.table([pa.array([row[i] for row in data], TWO[i].type) for i in range(3)], schema=TWO)
    numbered = table.append_column("#", pa.array(range(len(data)), pa.int64()))
    predicate = predicate_of(where, TWO)
    assert predicate is not None
    db = sqlite3.connect(":memory:")
    db.execute("pragma case_sensitive_like = on")
    db.execute("create table t (n integer, i integer, s text, f real)")
    db.executemany("insert into t values (?, ?, ?, ?)", [(n, *row) for n, row in enumerate(data)])
    expected = [row[0] for row in db.execute(f"select n from t where {where} order by n")]
    assert numbered.filter(expression(predicate)).column("#").to_pylist() == expected
    assert columns_of(predicate) == tuple(
        dict.fromkeys(re.findall(r"\b[isf]\b(?! null)", re.sub("'[^']*'", "", where)))
    )


# Pruning

VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "i": (pa.int16(), st.integers(-5, 5)),
    "f": (pa.float64(), st.sampled_from([-1.5, -0.0, 0.0, 2.0, math.nan, math.inf, -math.inf])),
    "s": (pa.string(), st.sampled_from(["", "a", "ab", "b", "x" * 70, "x" * 69 + "y", "\U0010ffff" * 65])),
    "d": (pa.date32(), st.dates(date(2026, 1, 1), date(2026, 1, 5))),
    "t": (pa.timestamp("us", "UTC"), st.sampled_from([datetime(year, 1, 1, 23, tzinfo=UTC) for year in (1960, 2026)])),
    "m": (pa.decimal128(5, 2), st.sampled_from([Decimal("-9.99"), Decimal("0.10"), Decimal("1.00")])),
    "b": (pa.bool_(), st.booleans()),
}  # fmt: skip
SCHEMA = pa.schema([(name, kind) for name, (kind, _) in VALUES.items()])


def _atom(name: str) -> st.SearchStrategy[object]:
    values = VALUES[name][1]
    return st.one_of(
        st.tuples(st.just(name), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), values),
        st.tuples(st.just(name), st.sampled_from(["in", "not in"]), st.lists(values, min_size=1, max_size=3)),
        st.just(f"{name} is null"),
        *([st.sampled_from(["s like 'a%'", "s like 'xxx%y'", "s like '\\%%'", "s ilike 'A%'"])] if name == "s" else []),
        *([st.just("isnan(f)")] if name == "f" else []),
    )


PARTS = st.recursive(
    st.sampled_from(list(VALUES)).flatmap(_atom).map(lambda where: predicate_of(where, SCHEMA)),
    lambda part: st.one_of(
        st.lists(part, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(part, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        part.map(Not),
    ),
    max_leaves=5,
)
DATA = st.fixed_dictionaries({name: st.none() | values for name, (_, values) in VALUES.items()})


@given(PARTS, st.lists(DATA, min_size=1, max_size=6), st.sampled_from(sorted(VALUES)))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pruning_never_drops_a_row_that_matches(predicate: Predicate, data: Sequence[dict[str, Any]], key: str) -> None:
    """By the statistics that our writer takes from Parquet, and by one column's exact value."""
    table = pa.Table.from_pylist(list(data), SCHEMA)
    collected: list[Any] = []
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, SCHEMA, metadata_collector=collected) as writer:
        writer.write_table(table, row_group_size=4)
    stats = stats_of(collected[0], SCHEMA)
    ranges = {name: range_of(stats.get(name), len(data), SCHEMA.field(name).type) for name in SCHEMA.names}
    matched = table.filter(expression(predicate)).num_rows
    assert may_match(predicate, ranges) or matched == 0
    assert not must_match(predicate, ranges) or matched == len(data)
    for row in table.to_pylist():
        one = pa.Table.from_pylist([row], SCHEMA).filter(expression(predicate)).num_rows
        value = row[key]
        if value != value:  # noqa: PLR0124 - a partition column is no float
            continue
        exact = {**ranges, key: exactly(value, SCHEMA.field(key).type)}
        assert may_match(predicate, exact) or not one


@pytest.mark.parametrize(
    ("where", "ranges", "may", "must"),
    [
        ("n > 5", {"n": Range(1, 5, nulls=False)}, False, False),
        ("n > 5", {"n": Range(6, 9, nulls=False)}, True, True),
        ("n > 5", {"n": Range(6, 9, nulls=True)}, True, False),
        ("n > 5", {}, True, False),
        ("n != 5", {"n": Range(5, 5, nulls=True)}, False, False),
        ("x != 5", {"x": Range(5.0, 5.0, nulls=False, nan=True)}, True, False),
        ("not x > 5", {"x": Range(6.0, 7.0, nulls=False, nan=True)}, True, False),
        ("n is null", {"n": Range(1, 5, nulls=False)}, False, False),
        ("n is not null", {"n": Range(nulls=True, values=False)}, False, False),
        ("s like 'ab%'", {"s": Range("b", "c")}, False, False),
        ("s like 'ab%'", {"s": Range("a", "abx")}, True, False),
        ("s in ('a', 'z')", {"s": Range("b", "y")}, False, False),
        ("n > 1 and s = 'q'", {"n": Range(2, 3, nulls=False), "s": Range("a", "b")}, False, False),
        ("n > 1 or s = 'q'", {"n": Range(2, 3, nulls=False), "s": Range("a", "b")}, True, True),
        ("not (n > 1 or s = 'q')", {"n": Range(2, 3, nulls=False)}, False, False),
        ("n > 5", {"n": Range("a", "b", nulls=False)}, True, False),
    ],
)
def test_what_ranges_tell(where: str, ranges: dict[str, Range], may: bool, must: bool) -> None:
    predicate = predicate_of(where, TABLE.schema)
    assert predicate is not None
    assert (may_match(predicate, ranges), must_match(predicate, ranges)) == (may, must)


@pytest.mark.parametrize("name", [name for name in TABLE.schema.names if name not in ("l", "cat")])
def test_a_bound_is_of_its_columns_type(name: str) -> None:
    kind = TABLE.schema.field(name).type
    value = TABLE.column(name)[0]
    micro = value.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us", kind.tz)) if name == "tz" else value
    found = bound(_jsonable(micro.as_py(), micro.type), kind)
    assert found is not None
    assert plain(found) == plain(value)
    assert bound(None, kind) is None
    assert bound({"?": 1}, kind) is None


def test_an_expression_of_arrow_names_its_columns() -> None:
    predicate = predicate_of(pc.field("n") > pc.field("small"), TABLE.schema)
    assert isinstance(predicate, Arrow)
    assert {"n", "small"} <= set(columns_of(predicate))
