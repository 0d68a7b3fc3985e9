"""Which tables a query names, and what is no query."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from data_access.errors import DataError, Reason
from data_access.query.engine import Engine
from data_access.query.statement import Query, Reference, mark


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(1)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (
            "select * from sales.orders o join crm.public.customers c using (id)",
            {"sales.orders", "crm.public.customers"},
        ),
        ("from Sales.Orders", {"Sales.Orders"}),
        ("select * from a.b, A.B", {"a.b"}),
        ("with o as (select * from sales.orders) select * from o where day = $day", {"sales.orders", "o"}),
        ("select (select max(x) from a.b) from c.d where exists (from e.f)", {"a.b", "c.d", "e.f"}),
        ("select * from (pivot a.b on x in ('u', 'v') using sum(y))", {"a.b"}),
        ("select * from range(3), unnest([1])", set()),
        ("select * from 's3://lake/x y.parquet'", {"s3://lake/x y.parquet"}),
        ('select * from "default"."Odd Name"', {"default.Odd Name"}),
        ("explain select * from a.b", {"a.b"}),
        ("select * from a.b positional join c.d", {"a.b", "c.d"}),
        ("(select 1 from a.b) union by name select 2 from c.d", {"a.b", "c.d"}),
        ("values (1)", set()),
    ],
)
def test_the_tables_of_a_query(engine: Engine, query: str, names: set[str]) -> None:
    assert {str(each) for each in engine.parse(query).references} == names


@pytest.mark.parametrize(
    "query",
    [
        "insert into a.b select 1", "delete from a.b", "update a.b set x = 1", "drop table a.b",
        "create table x(y int)", "copy a.b to 'x.csv'",
        "attach 'x.db'", "set threads = 1", "call f()", "install httpfs", "pivot a.b on x",
        "select 1; select 2", "", "begin", "pragma version", "vacuum", "export database 'x'", "use x",
    ],
)  # fmt: skip
def test_only_one_query_is_run(engine: Engine, query: str) -> None:
    with pytest.raises(DataError) as caught:
        engine.parse(query)
    assert caught.value.reason is Reason.BAD_QUERY
    assert caught.value.remedy


def test_a_slip_is_shown_where_it_is(engine: Engine) -> None:
    with pytest.raises(DataError, match=r"LINE 2: where\n +\^\^\^\^\^"):
        engine.parse("select x from a.b where\nwhere")


def test_a_table_is_marked_where_it_is_named(engine: Engine) -> None:
    query = "select *\nfrom sales.orders o\n  join crm.public.customers c using (id)"
    reference = next(each for each in engine.parse(query).references if len(each.words) == 3)
    assert mark(query, reference) == (
        "\nLINE 3:   join crm.public.customers c using (id)\n               ^^^^^^^^^^^^^^^^^^^^\n"
    )
    assert mark("select 1", Reference(("a", "b"))) == ""


def test_names_have_no_case_and_paths_do() -> None:
    assert Reference(("Sales", "ORDERS")).key == ("sales", "orders")
    assert Reference(("Data/X.parquet",)).key == ("Data/X.parquet",)
    assert Query("select 1", ()).local == frozenset()
