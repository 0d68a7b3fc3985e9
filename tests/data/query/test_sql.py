"""`sql` over real tables, a real PostgreSQL, frames and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_access import load_dataframe, sql, store_dataframe
from data_access.config import DatabaseSettings
from data_access.errors import DataError, ForbiddenError, NotFoundError, Reason, UnreachableError
from data_access.names import TableName
from data_access.provenance import inputs, inputs_now
from data_access.query.running import Asked, Running
from data_access.workspace import Workspace
from tools.servers.postgres import PostgresServer

Make = Callable[..., Workspace]
DAY = date(2026, 11, 20)


def orders() -> pa.Table:
    """Four days of fifty orders, with nulls and NaN."""
    return pa.table(
        {
            "id": pa.array(range(200), pa.int64()),
            "customer": pa.array([None if n % 11 == 0 else n % 10 for n in range(200)], pa.int32()),
            "amount": pa.array([float("nan") if n % 17 == 0 else n / 4 for n in range(200)], pa.float64()),
            "shop": pa.array([None if n % 13 == 0 else "abcd"[n % 4] for n in range(200)], pa.string()),
            "seen": pa.array([datetime(2026, 11, 17, tzinfo=UTC) + timedelta(hours=n) for n in range(200)]),
            "day": pa.array([DAY - timedelta(3 - n // 50) for n in range(200)], pa.date32()),
        }
    )


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    store_dataframe(orders(), "sandbox_ann", "orders", partition_by=["day"], workspace=workspace)
    return workspace


@pytest.fixture
def crm(postgres_server: PostgresServer, postgres_database: str) -> DatabaseSettings:
    script = """
    create type rank as enum ('gold', 'tin');
    create table customers (id int primary key, name text, country varchar(2), code char(4), credit numeric(12, 2),
                            ratio numeric, rank rank, tags text[], since timestamptz, "Odd ""Name" bigint);
    insert into customers select n, 'name ' || n, case when n % 2 = 0 then 'NL' else 'BE' end, 'c' || n, n + 0.25,
           n / 3.0, case when n < 5 then 'gold' else 'tin' end::rank, array['a', 'b'],
           timestamptz '2026-11-20 10:00+02' + n * interval '1 day', n from generate_series(0, 9) n;
    create view gold as select * from customers where rank = 'gold';
    create table secret (x int);
    do $$ begin create role guest login; exception when duplicate_object then null; end $$;
    """
    postgres_server.sql(script, postgres_database)
    return DatabaseSettings(url=postgres_server.url(postgres_database))


def with_crm(workspace: Workspace, crm: DatabaseSettings) -> Workspace:
    return replace(workspace, settings=workspace.settings.model_copy(update={"databases": {"crm": crm}}))


def rows(query: str, workspace: Workspace, **how: Any) -> list[dict[str, Any]]:
    return sql(query, into="arrow", workspace=workspace, **how).to_pylist()


class Counting:
    """A storage that counts the objects and bytes it hands out."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self.fetched: list[str] = []
        self.bytes = 0
        self.listed = 0

    def get(self, url: str, start: int | None = None, end: int | None = None) -> memoryview:
        return self._seen(url, self._storage.get(url, start, end))

    def get_ranges(self, url: str, ranges: Any) -> list[memoryview]:
        return [self._seen(url, each) for each in self._storage.get_ranges(url, ranges)]

    def get_many(self, urls: Any) -> list[memoryview]:
        return [self._seen(url, each) for url, each in zip(urls, self._storage.get_many(urls), strict=True)]

    def list(self, prefix: str) -> Any:
        self.listed += 1
        return self._storage.list(prefix)

    def _seen(self, url: str, data: memoryview) -> memoryview:
        self.fetched.append(url)
        self.bytes += len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    @property
    def parts(self) -> set[str]:
        return {url for url in self.fetched if url.endswith(".parquet")}


def test_frames_of_every_kind_come_out(shop: Workspace) -> None:
    query = "select shop, count(*) as n, sum(id) as ids from sandbox_ann.orders group by shop order by shop nulls last"
    expected = []
    for name in ("a", "b", "c", "d", None):
        ids = [each["id"] for each in orders().to_pylist() if each["shop"] == name]
        expected.append((name, len(ids), sum(ids)))
    frame = sql(query, workspace=shop)
    assert isinstance(frame, pandas.DataFrame)
    assert str(frame["ids"].dtype) == "int64"  # DuckDB's own sum has 128 bits
    assert frame["n"].tolist() == [n for _, n, _ in expected]
    assert isinstance(sql(query, into="polars", workspace=shop), polars.DataFrame)
    assert [tuple(each.values()) for each in rows(query, shop)] == expected


def test_answers_larger_than_memory_come_in_batches(shop: Workspace) -> None:
    batches = sql("select a.id from sandbox_ann.orders a, range(500)", into="batches", rows=10_000, workspace=shop)
    assert isinstance(batches, Iterator)
    sizes = [len(batch) for batch in batches]
    assert sum(sizes) == 100_000
    assert max(sizes) <= 12_288  # DuckDB's vectors have 2,048 rows


def test_only_what_is_needed_is_fetched(shop: Workspace) -> None:
    counting = Counting(shop.storage)
    counted = replace(shop, storage=counting)
    assert rows("with every as (select * from sandbox_ann.orders) select max(id) as id from every "
                "where day = '2026-11-20'", counted) == [{"id": 199}]  # fmt: skip
    assert len(counting.parts) == 1
    assert "day=2026-11-20" in next(iter(counting.parts))
    counting.fetched.clear()
    assert rows("select count(*) as n from sandbox_ann.orders where id between 60 and 70", counted) == [{"n": 11}]
    assert len(counting.parts) == 1  # by the ranges in the manifest
    assert not counting.listed


def test_a_past_commit_is_read(shop: Workspace) -> None:
    more = orders().slice(0, 10).set_column(0, "id", pa.array(range(1000, 1010), pa.int64()))
    commit = store_dataframe(more, "sandbox_ann", "orders", mode="append", workspace=shop)
    count = "select count(*) as n from sandbox_ann.orders"
    assert rows(count, shop) == [{"n": 210}]
    assert rows(count, shop, as_of={"Sandbox_Ann.orders": 1}) == [{"n": 200}]
    assert rows(count, shop, as_of={"sandbox_ann.orders": commit.anchor}) == [{"n": 210}]
    with pytest.raises(DataError) as caught:
        rows(count, shop, as_of={"sandbox_ann.order": 1})
    assert caught.value.reason is Reason.BAD_ARGUMENT
    assert "sandbox_ann.orders" in caught.value.remedy


def test_what_was_read_is_an_input(shop: Workspace) -> None:
    with inputs():
        rows("select count(*) as n from sandbox_ann.orders", shop)
        assert {(each.table, each.number) for each in inputs_now()} >= {(TableName("sandbox_ann", "orders"), 1)}


@pytest.mark.parametrize("params", [{"least": 150, "shop": "a"}, None])
def test_parameters(shop: Workspace, params: dict[str, Any] | None) -> None:
    query = "select count(*) as n from sandbox_ann.orders where id >= {} and shop = {}"
    expected = [{"n": sum(each["id"] >= 150 and each["shop"] == "a" for each in orders().to_pylist())}]
    if params is None:
        assert rows(query.format("?", "?"), shop, params=[150, "a"]) == expected
    else:
        assert rows(query.format("$least", "$shop"), shop, params=params) == expected


def test_files_are_read(shop: Workspace, tmp_path: Path) -> None:
    frame = pandas.DataFrame({"id": [1, 2], "note": ["x", "y"]})
    frame.to_parquet(tmp_path / "notes.parquet")
    frame.to_csv(tmp_path / "notes.csv", index=False)
    shop.storage.put(f"{shop.warehouse}/notes.csv", (tmp_path / "notes.csv").read_bytes())
    for place in (f"{tmp_path}/notes.parquet", f"{tmp_path}/notes.csv", f"{shop.warehouse}/notes.csv"):
        found = rows(f"select note from '{place}' join sandbox_ann.orders using (id) order by 1", shop)
        assert found == [{"note": "x"}, {"note": "y"}]


def test_frames_are_joined_and_only_when_given(shop: Workspace) -> None:
    towns = polars.DataFrame({"shop": ["a"], "town": ["Ghent"]})
    query = "select count(*) as n from sandbox_ann.orders join towns using (shop)"
    assert rows(query, shop, frames={"towns": towns}) == [{"n": orders()["shop"].to_pylist().count("a")}]
    with pytest.raises(NotFoundError, match="frames="):
        rows(query, shop)


@pytest.mark.parametrize("workspace", ["sqlite+s3"], indirect=True)
def test_tables_and_a_database_are_joined(shop: Workspace, crm: DatabaseSettings) -> None:
    query = """
        select c.country, count(*) as n, sum(c.credit) as credit
        from sandbox_ann.orders o join crm.public.customers c on o.customer = c.id
        where o.day = '2026-11-20' and c.country = 'NL' group by all
    """
    expected = [each for each in orders().to_pylist() if each["day"] == DAY and each["customer"] in (0, 2, 4, 6, 8)]
    credit = sum((Decimal(each["customer"]) + Decimal("0.25") for each in expected), Decimal(0))
    assert rows(query, with_crm(shop, crm)) == [{"country": "NL", "n": len(expected), "credit": credit}]


def test_the_database_does_its_part(workspaces: Make, crm: DatabaseSettings) -> None:
    workspace = with_crm(workspaces(), crm)
    query = (
        "select name from crm.public.customers where country = 'NL' and credit > 4 and since < '2026-11-28' and id <> 6"
    )
    running = Running(Asked(query, None, {}, {}), workspace)
    database = running._places._databases["crm"]
    asked: list[str] = []
    ask = database._ask
    database._ask = lambda text, parameters=None: (asked.append(text), ask(text, parameters))[1]  # type: ignore[method-assign]
    assert running.table().to_pylist() == [{"name": "name 4"}]
    [statement] = asked
    assert all(part in statement for part in ("\"country\" = 'NL'", '"credit" > 4.00', "timestamptz", '"id" <> 6'))
    assert "tags" not in statement


def test_every_type_of_the_database_comes(workspaces: Make, crm: DatabaseSettings) -> None:
    workspace = with_crm(workspaces(), crm)
    [row] = rows("select * from crm.public.customers where id = 3", workspace)
    assert row == {
        "id": 3, "name": "name 3", "country": "BE", "code": "c3", "credit": Decimal("3.25"), "ratio": 1.0,
        "rank": "gold", "tags": ["a", "b"], "since": datetime(2026, 11, 23, 8, tzinfo=UTC), 'Odd "Name': 3,
    }  # fmt: skip
    assert rows('select sum("Odd ""Name") as s from crm.public.gold', workspace) == [{"s": 10}]
    assert rows("select count(*) as n from crm.public.customers where code = 'c3' or rank = 'tin'", workspace) == [
        {"n": 6}
    ]


def test_all_scans_of_a_database_see_one_moment(
    workspaces: Make, crm: DatabaseSettings, postgres_server: PostgresServer, postgres_database: str
) -> None:
    workspace = with_crm(workspaces(), crm)
    query = "select (select count(*) from crm.public.customers) as a, (select count(*) from crm.public.gold) as b"
    running = Running(Asked(query, None, {}, {}), workspace)  # the schemas are read: the transaction has begun
    postgres_server.sql("delete from customers", postgres_database)
    assert running.table().to_pylist() == [{"a": 10, "b": 5}]
    assert rows(query, workspace) == [{"a": 0, "b": 0}]


def test_the_database_can_only_be_read(workspaces: Make, crm: DatabaseSettings) -> None:
    workspace = with_crm(workspaces(), crm)
    running = Running(Asked("select 1 from crm.public.customers", None, {}, {}), workspace)
    with pytest.raises(DataError, match="read-only"):
        running._places._databases["crm"]._ask("delete from customers")


def refused(query: str, workspace: Workspace, kind: type[DataError], reason: Reason) -> str:
    with pytest.raises(kind) as caught:
        rows(query, workspace)
    assert caught.value.reason is reason
    return str(caught.value)


def test_names_that_are_not_there(workspaces: Make, crm: DatabaseSettings) -> None:
    workspace = with_crm(workspaces(), crm)
    store_dataframe(orders(), "sandbox_ann", "orders", workspace=workspace)
    said = refused("select 1\nfrom sandbox_ann.ordrs", workspace, NotFoundError, Reason.UNKNOWN_TABLE)
    assert "orders" in said
    assert "LINE 2: from sandbox_ann.ordrs\n             ^^^^^^^^^^^^^^^^^" in said
    assert "crm" in refused("from crmm.public.customers", workspace, NotFoundError, Reason.UNKNOWN_DATABASE)
    assert "public.customers" in refused("from crm.public.custmers", workspace, NotFoundError, Reason.UNKNOWN_TABLE)
    assert "crm.public.customers" in refused("from crm.customers", workspace, NotFoundError, Reason.UNKNOWN_TABLE)
    refused("from nodb.orders", workspace, NotFoundError, Reason.UNKNOWN_DATABASE)
    refused("from a.b.c.d", workspace, DataError, Reason.BAD_QUERY)
    assert "amount" in refused("select amont from sandbox_ann.orders", workspace, DataError, Reason.BAD_QUERY)


def test_databases_that_do_not_answer_or_refuse(
    workspaces: Make, crm: DatabaseSettings, postgres_server: PostgresServer
) -> None:
    guest = DatabaseSettings(url=crm.url.replace("postgresql://", "postgresql://guest:geheim%20wort@", 1).replace(
        f"@{crm.url.split('://')[1].split('@')[0]}@", "@"
    ))  # fmt: skip
    workspace = with_crm(workspaces(), guest)
    assert "geheim" not in refused("from crm.public.secret", workspace, ForbiddenError, Reason.FORBIDDEN)
    nowhere = DatabaseSettings(url="postgresql://ann:geheim@127.0.0.1:1/db")
    said = refused("from crm.public.x", with_crm(workspace, nowhere), UnreachableError, Reason.UNREACHABLE)
    assert "geheim" not in said
    assert "127.0.0.1" in said


# As without pruning

CONDITIONS = st.sampled_from(
    [
        "id < 60", "id >= 150", "id in (3, 77, 198)", "id <> 5", "id between 40 and 120", "customer = 3",
        "customer is null", "customer is not null", "amount > 20", "amount <= 20", "amount = 2.5", "isnan(amount)",
        "shop = 'a'", "shop > 'b'", "shop in ('a', 'zz')", "shop is null", "shop like 'a%'", "day = '2026-11-19'",
        "day < '2026-11-19'", "day in ('2026-11-17', '2026-11-20')", "day is null", "seen >= '2026-11-19 05:00:00+00'",
        "id % 2 = 0", "not (shop = 'a')", "not (amount > 20)", "coalesce(customer, 0) = 0", "day <> '2026-11-20'",
        "id not in (1, 2)", "false",
    ]
)  # fmt: skip
SHAPES = st.sampled_from(
    [
        "select * from {t} where {w} order by id",
        "select day, shop, count(*) as n, sum(customer) as s, max(seen) as m from {t} where {w} group by all "
        "order by all",
        "with q as (select * from {t}) select id, amount from q where {w} order by id limit 7",
        "select a.id, b.id as b from {t} a left join (select * from {t} where {w}) b on a.customer = b.id order by all",
        "select count(*) as n from {t} a where exists (select 1 from {t} where {w} and id = a.id + 1)",
        "select id from {t} where {w} union all select -id from {t} where not ({w}) order by 1",
        "select day, count(*) over (partition by day) as n from {t} where {w} qualify n > 3 order by all",
    ]
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    from data_access.config import Settings
    from data_access.workspace import connect

    home = tmp_path_factory.mktemp("sql")
    workspace = connect(
        Settings(metastore=f"sqlite://{home}/c.sqlite", warehouse=f"{home}/w", user="ann", progress=False)
    )
    store_dataframe(orders(), "sandbox_ann", "orders", partition_by=["day"], workspace=workspace)
    yield workspace
    workspace.close()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=SHAPES, parts=st.lists(CONDITIONS, min_size=1, max_size=3), word=st.sampled_from([" and ", " or "]))
def test_a_query_answers_as_over_whole_tables(stored: Workspace, shape: str, parts: list[str], word: str) -> None:
    where = f"({word.join(parts)})"
    whole = load_dataframe("sandbox_ann", "orders", into="arrow", workspace=stored)
    import duckdb

    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.register("whole", whole)
    expected = connection.sql(shape.format(t="whole", w=where)).to_arrow_table().to_pylist()
    found = rows(shape.format(t="sandbox_ann.orders", w=where), stored)
    assert list(map(plain, found)) == list(map(plain, expected))


def plain(row: dict[str, Any]) -> str:
    """Sums are 64 bits here and 128 there."""
    return repr({name: int(each) if isinstance(each, Decimal) else each for name, each in row.items()})
