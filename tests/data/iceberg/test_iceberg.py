"""Iceberg tables that pyiceberg makes in a real metastore load beside ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.table import Table

from data_access import browse, load_batches, load_dataframe, preview, sql, store_dataframe
from data_access.errors import CorruptError, DataError, NotFoundError, Reason
from data_access.iceberg import IcebergTable, load_arrow, properties, pushed
from data_access.names import TableName
from data_access.provenance import inputs_now
from data_access.tables.predicate import expression
from data_access.tables.where import predicate_of
from data_access.workspace import Workspace

DAY = datetime(2026, 11, 20, tzinfo=UTC)
ROWS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4, 5, None], pa.int64()),
        "shop": pa.array(["a", "b", "a", None, "c", "a"], pa.string()),
        "x": pa.array([0.5, float("nan"), None, 2.5, -1.0, 9.0], pa.float64()),
        "price": pa.array([Decimal("1.50"), None, Decimal("2.25"), Decimal("0.00"), Decimal("9.99"), Decimal("3.00")]),
        "day": pa.array([DAY.date(), DAY.date(), None, DAY.date(), DAY.date(), DAY.date()], pa.date32()),
        "at": pa.array([DAY + timedelta(hours=n) for n in range(6)], pa.timestamp("us", "UTC")),
    }
)


@dataclass(frozen=True)
class Lakehouse:
    """A workspace, a catalog of pyiceberg's over the same metastore, and `lake.orders` in it, with two snapshots."""

    workspace: Workspace
    catalog: Catalog
    orders: Table


def catalog_of(workspace: Workspace) -> Catalog:
    kind = workspace.metastore.kind
    where = {"uri": workspace.metastore.place, "hive.hive2-compatible": "true"} if kind == "hive" else {}
    if kind == "glue":
        where = {"glue.endpoint": workspace.settings.s3.endpoint or "", "glue.region": "us-east-1"}
    return load_catalog("test", **{"type": kind, "warehouse": workspace.warehouse, **where, **properties(workspace)})


# Of Hive 4.0.1, pyiceberg itself can't make a table: it calls `get_table`, which that server no longer has.
@pytest.fixture(params=["hive+s3", "glue+moto"])
def lakehouse(request: pytest.FixtureRequest, workspaces: Callable[..., Workspace]) -> Lakehouse:
    workspace = workspaces(*request.param.split("+"))
    catalog = catalog_of(workspace)
    catalog.create_namespace("lake", {"location": f"{workspace.warehouse}/lake"})
    orders = catalog.create_table("lake.orders", ROWS.schema, location=f"{workspace.warehouse}/lake/orders")
    orders.append(ROWS.slice(0, 4))
    orders.append(ROWS.slice(4))
    return Lakehouse(workspace, catalog, orders)


def loaded(lakehouse: Lakehouse, **how: Any) -> pa.Table:
    return load_dataframe("lake", "orders", into="arrow", workspace=lakehouse.workspace, **how)


def rows_of(table: pa.Table) -> list[str]:
    return sorted(map(repr, table.to_pylist()))


def test_it_loads_as_any_table(lakehouse: Lakehouse) -> None:
    assert rows_of(loaded(lakehouse)) == rows_of(ROWS)
    some = loaded(lakehouse, columns=["price", "id"], where="shop = 'a' and id < 3")
    assert some.column_names == ["price", "id"]
    assert some.to_pylist() == [{"price": Decimal("1.50"), "id": 1}]
    frame = load_dataframe("lake.orders", limit=2, workspace=lakehouse.workspace)
    assert len(frame) == 2
    batches = list(load_batches("lake.orders", into="arrow", rows=4, workspace=lakehouse.workspace))
    assert [each.num_rows for each in batches] == [4, 2]


def test_its_past_loads(lakehouse: Lakehouse) -> None:
    first, second = (each.snapshot_id for each in lakehouse.orders.snapshots())
    lakehouse.orders.manage_snapshots().create_tag(first, "before").commit()
    for as_of in (first, "before", f"lake.orders@1:{first}"):
        assert rows_of(loaded(lakehouse, as_of=as_of)) == rows_of(ROWS.slice(0, 4))
    assert loaded(lakehouse, as_of=second).num_rows == 6
    assert loaded(lakehouse, as_of=datetime.now(UTC)).num_rows == 6
    for missing in (7, "aftr", datetime(2020, 1, 1, tzinfo=UTC)):
        with pytest.raises(NotFoundError) as caught:
            loaded(lakehouse, as_of=missing)
        assert caught.value.reason is Reason.UNKNOWN_COMMIT


def test_it_joins_in_sql_and_its_snapshot_is_an_input(lakehouse: Lakehouse) -> None:
    shops = pa.table({"shop": ["a", "b"], "town": ["Ghent", "Liège"]})
    store_dataframe(shops, "sandbox_ann", "shops", workspace=lakehouse.workspace)
    query = (
        "select town, sum(o.id) as ids from lake.orders o join sandbox_ann.shops using (shop) where o.id > 1 group by 1"
    )
    assert sorted(sql(query, into="arrow", workspace=lakehouse.workspace).to_pylist(), key=str) == [
        {"town": "Ghent", "ids": 3},
        {"town": "Liège", "ids": 2},
    ]
    newest = lakehouse.orders.current_snapshot()
    assert newest is not None
    assert str(newest.snapshot_id) in {each.id for each in inputs_now() if each.table == TableName("lake", "orders")}
    first = lakehouse.orders.snapshots()[0].snapshot_id
    [[count]] = sql(
        "select count(*) from lake.orders", as_of={"lake.orders": first}, workspace=lakehouse.workspace
    ).to_numpy()
    assert count == 4


def test_it_is_shown_beside_the_others(lakehouse: Lakehouse) -> None:
    [row] = browse("lake", workspace=lakehouse.workspace).rows
    assert (row["table"], row["kind"]) == ("orders", "iceberg")
    assert len(preview("lake.orders", rows=3, workspace=lakehouse.workspace)) == 3


def test_a_file_that_is_gone_is_told(lakehouse: Lakehouse) -> None:
    [path, *_] = [task.file.file_path for task in lakehouse.orders.scan().plan_files()]
    lakehouse.workspace.storage.delete([path])
    with pytest.raises(CorruptError, match=r"lake\.orders"):
        loaded(lakehouse)


def test_writes_are_refused(lakehouse: Lakehouse) -> None:
    granted = replace(
        lakehouse.workspace, settings=lakehouse.workspace.settings.model_copy(update={"grants": {"lake": ("ann",)}})
    )
    with pytest.raises(DataError) as caught:
        store_dataframe(ROWS, "lake", "orders", workspace=granted)
    assert caught.value.reason is Reason.FOREIGN_TABLE
    assert lakehouse.orders.refresh().current_snapshot() == lakehouse.orders.current_snapshot()


CONDITIONS = st.sampled_from(
    [
        "id = 2", "id != 2", "id > 2", "id <= 3", "id in (1, 4)", "id is null", "id is not null", "not (id = 2)",
        "shop = 'a'", "shop > 'a'", "shop like 'a%'", "shop in ('a', 'c')", "x > 1", "x < 1", "x != 2.5", "isnan(x)",
        "not (x > 1)", "price >= 2.25", "price = 0", "day = '2026-11-20'", "at > '2026-11-20T02:00:00+00:00'",
        "not (shop is null)", "day is null",
    ]
)  # fmt: skip


@pytest.mark.parametrize("lakehouse", ["hive+s3"], indirect=True)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(CONDITIONS, min_size=1, max_size=3), word=st.sampled_from(["and", "or"]))
def test_what_is_pushed_loses_no_row(lakehouse: Lakehouse, parts: list[str], word: str) -> None:
    where = f" {word} ".join(f"({part})" for part in parts)
    wanted = predicate_of(where, ROWS.schema)
    assert wanted is not None
    record = lakehouse.workspace.metastore.table(TableName("lake", "orders"))
    assert rows_of(load_arrow(lakehouse.workspace, record, None, where)) == rows_of(ROWS.filter(expression(wanted)))


def test_less_is_read_where_less_is_asked(lakehouse: Lakehouse) -> None:
    record = lakehouse.workspace.metastore.table(TableName("lake", "orders"))
    table = IcebergTable(lakehouse.workspace, record)
    wanted = predicate_of("id = 5", table.schema)
    assert len(list(table._table.scan(row_filter=pushed(wanted)).plan_files())) == 1
    assert len(list(table._table.scan().plan_files())) == 2
