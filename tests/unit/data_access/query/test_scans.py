"""What DuckDB asks of a scan: understood or left alone, and never a row less than without pruning."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow.dataset import FileSystemDataset

from data_access.errors import DataError, Reason
from data_access.query.engine import Engine
from data_access.query.filters import Among, Both, Comparison, Either, Null, columns_in, understood
from data_access.query.lake import predicate_from
from data_access.query.scan import Scanned, Scans
from data_access.tables.predicate import expression

SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "small": pa.int8(),
        "x": pa.float64(),
        "s": pa.string(),
        "d": pa.date32(),
        "t": pa.timestamp("us"),
        "tz": pa.timestamp("us", "UTC"),
        "b": pa.bool_(),
        "money": pa.decimal128(10, 2),
    }
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    yield connection
    connection.close()


def asked(connection: duckdb.DuckDBPyConnection, where: str, table: pa.Table) -> list[pc.Expression]:
    """The filters that DuckDB hands to a scan."""
    found: list[pc.Expression] = []

    def open_(columns: list[str], filter_: pc.Expression | None) -> pa.Table:
        found.append(filter_)
        return table.select(columns)

    connection.register("t", Scanned("t", table.schema, open_, Scans()))
    connection.sql(f"select id from t where {where}").to_arrow_table()
    return found


ROW = SCHEMA.empty_table()


@pytest.mark.parametrize(
    ("where", "tree"),
    [
        ("id > 5", Comparison("id", ">", 5)),
        ("id <> 5 and id is not null", Both(Comparison("id", "!=", 5), Null("id", False))),
        ("id = 1 or s = 'a'", Either(Comparison("id", "==", 1), Comparison("s", "==", "a"))),
        ("id in (1, 2, 9)", Among("id", (1, 2, 9))),
        ("s = 'it''s \"quoted\" \\ (x) and y'", Comparison("s", "==", 'it\'s "quoted" \\ (x) and y')),
        ("s in ('a', 'b\"c')", Among("s", ("a", 'b"c'))),
        ("d >= '2026-11-20'", Comparison("d", ">=", date(2026, 11, 20))),
        ("t < '2026-11-20 10:00:00.5'", Comparison("t", "<", datetime.fromisoformat("2026-11-20T10:00:00.5"))),
        ("tz = '2026-11-20 10:00:00+02'", Comparison("tz", "==", datetime(2026, 11, 20, 8, tzinfo=UTC))),
        ("money >= 1.5", Comparison("money", ">=", Decimal("1.50"))),
        ("x is null", Null("x", True)),
    ],
)
def test_duckdbs_filters_are_understood(connection: duckdb.DuckDBPyConnection, where: str, tree: object) -> None:
    [filter_] = asked(connection, where, ROW)
    found = understood(filter_, SCHEMA)
    assert found == tree or (isinstance(tree, Both | Either) and {found.left, found.right} == {tree.left, tree.right})


@pytest.mark.parametrize(
    "where",
    [
        """s in ('a', 'x",\n  "y')""",  # Arrow's text of it is that of three values
        "id not in (1, 2)",
        f"id in ({', '.join(map(str, range(40)))})",  # Arrow leaves out the middle
    ],
)
def test_what_the_text_does_not_say_is_not_guessed(connection: duckdb.DuckDBPyConnection, where: str) -> None:
    [filter_] = asked(connection, where, ROW)
    assert filter_ is not None
    assert understood(filter_, SCHEMA) is None
    assert columns_in(filter_, SCHEMA) >= {where[: 1 if where[0] == "s" else 2]}


# As without pruning

TEXTS = st.sampled_from(["", "a", "b", "a'b", 'a"b', "Ä", "a\nb", 'x",\n  "y', "\\", "zz"])
NUMBERS = st.integers(-3, 3)
FLOATS = st.sampled_from([-1.5, 0.0, -0.0, 1.0, 2.5, math.nan, math.inf])
DAYS = st.integers(0, 3).map(lambda n: date(2026, 11, 18) + timedelta(n))
TIMES = st.integers(0, 3).map(lambda n: datetime.fromisoformat("2026-11-18") + timedelta(hours=n))
MONEY = st.integers(-200, 200).map(lambda n: Decimal(n) / 100)
VALUES = {
    "id": NUMBERS, "small": NUMBERS, "x": FLOATS, "s": TEXTS, "d": DAYS, "t": TIMES,
    "tz": TIMES.map(lambda each: each.replace(tzinfo=UTC)), "b": st.booleans(), "money": MONEY,
}  # fmt: skip


def literal(value: object) -> str:
    if isinstance(value, str | date):
        return "'" + str(value).replace("'", "''") + "'"
    return f"'{value}'::double" if isinstance(value, float) else str(value)


@st.composite
def conditions(draw: st.DrawFn, depth: int = 2) -> str:
    if depth and draw(st.booleans()):
        word = draw(st.sampled_from(["and", "or"]))
        return f"({draw(conditions(depth - 1))} {word} {draw(conditions(depth - 1))})"
    if draw(st.integers(0, 5)) == 0:
        return f"not ({draw(conditions(0))})"
    name = draw(st.sampled_from(list(VALUES)))
    value = VALUES[name].map(literal)
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return f"{name} is {draw(st.sampled_from(['', 'not ']))}null"
    if kind == 1:
        return f"{name} in ({', '.join(draw(st.lists(value, min_size=1, max_size=4)))})"
    if kind == 2:
        return f"{name} between {draw(value)} and {draw(value)}"
    return f"{name} {draw(st.sampled_from(['=', '<>', '<', '<=', '>', '>=']))} {draw(value)}"


ROWS = st.lists(st.fixed_dictionaries({name: st.none() | each for name, each in VALUES.items()}), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, where=conditions())
def test_a_query_answers_as_without_pruning(
    connection: duckdb.DuckDBPyConnection, rows: list[dict[str, object]], where: str
) -> None:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)

    def open_(columns: list[str], filter_: pc.Expression | None) -> pa.Table:
        tree = None if filter_ is None else understood(filter_, SCHEMA)
        kept = table if tree is None else table.filter(expression(predicate_from(tree, SCHEMA)))
        return kept.select(columns)

    connection.register("plain", table)
    connection.register("pruned", Scanned("pruned", SCHEMA, open_, Scans()))
    query = "select id, s, x from {} where {} order by all"
    expected = connection.sql(query.format("plain", where)).to_arrow_table()
    found = connection.sql(query.format("pruned", where)).to_arrow_table()
    assert repr(found.to_pylist()) == repr(expected.to_pylist())


def test_columns_come_through_subqueries_and_joins(connection: duckdb.DuckDBPyConnection) -> None:
    table = pa.Table.from_pylist([{"id": n, "s": str(n), "x": n / 2} for n in range(5)], schema=SCHEMA)
    scans = Scans()
    for name in ("a", "b"):
        connection.register(name, Scanned(name, SCHEMA, lambda columns, _: table.select(columns), scans))
    query = (
        "with every as (select * from a) select sum(x) as x from every join (select id from b where s = '3') using (id)"
    )
    assert connection.sql(query).fetchall() == [(1.5,)]
    columns = {name: set(columns) for name, columns, _ in scans.asked}
    assert columns == {"a": {"id", "x"}, "b": {"id"}}  # b's filter runs in the scan


def test_what_a_scan_raises_is_kept(connection: duckdb.DuckDBPyConnection) -> None:
    scans = Scans()

    def open_(columns: list[str], _: object) -> pa.RecordBatchReader:
        def broken() -> Iterator[pa.RecordBatch]:
            raise RuntimeError("cut")
            yield

        return pa.RecordBatchReader.from_batches(pa.schema([SCHEMA.field(name) for name in columns]), broken())

    connection.register("broken", Scanned("broken", SCHEMA, open_, scans))
    with pytest.raises(Exception, match="cut"):
        connection.sql("select id from broken").fetchall()
    assert str(scans.failed) == "cut"


def test_a_scan_that_goes_around_fails_loudly() -> None:
    around = Scanned("t", SCHEMA, lambda columns, _: ROW.select(columns), Scans())
    with pytest.raises(OSError, match="only read by scanner"):
        FileSystemDataset.scanner(around).to_table()


def test_errors_of_duckdb_have_a_reason() -> None:
    engine = Engine(1)
    with pytest.raises(DataError, match="does not run") as caught:
        engine.run(engine.parse("select nope\nfrom range(3)"), None)
    assert caught.value.reason is Reason.BAD_QUERY
    engine.close()
