"""Spark reads our tables through the Hive Metastore as any other table: no library of ours, no manifest."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd
import pyarrow as pa

import data_access
from data_access.workspace import Workspace
from tests.data.spark.conftest import Spark

TABLE = "sandbox_ann.orders"
UTC = dt.UTC


def stored(table: pa.Table | pd.DataFrame, on: Workspace, **options: object) -> None:
    data_access.store_dataframe(table, "sandbox_ann", "orders", workspace=on, **options)  # type: ignore[arg-type]


def test_every_plain_type_arrives(spark: Spark, on: Workspace) -> None:
    noon = dt.datetime(2026, 11, 20, 12, 30, 0, 123456)  # noqa: DTZ001 - naive is meant
    columns = {
        "yes": (pa.bool_(), True, True),
        "tiny": (pa.int8(), -128, -128),
        "small": (pa.int16(), 32767, 32767),
        "int": (pa.int32(), -(2**31), -(2**31)),
        "big": (pa.int64(), 2**63 - 1, 2**63 - 1),
        "single": (pa.float32(), 0.5, {"float": "0.5"}),
        "double": (pa.float64(), 0.1, {"float": "0.1"}),
        "money": (pa.decimal128(38, 18), Decimal("-12345678901234567890.123456789012345678"),
                  {"decimal": "-12345678901234567890.123456789012345678"}),
        "price": (pa.decimal128(9, 2), Decimal("1234567.89"), {"decimal": "1234567.89"}),
        "text": (pa.string(), "köln 🐎", "köln 🐎"),
        "large": (pa.large_string(), "", ""),
        "raw": (pa.binary(), b"\x00\xff", {"binary": "00ff"}),
        "day": (pa.date32(), dt.date(1969, 12, 31), {"date": "1969-12-31"}),
        "naive": (pa.timestamp("us"), noon, {"timestamp": "2026-11-20T12:30:00.123456"}),
        "aware": (pa.timestamp("us", "UTC"), noon.replace(tzinfo=UTC), {"timestamp": "2026-11-20T12:30:00.123456"}),
        "berlin": (pa.timestamp("ms", "Europe/Berlin"), dt.datetime(2026, 7, 1, 12, tzinfo=UTC),
                   {"timestamp": "2026-07-01T12:00:00"}),
        "nanos": (pa.timestamp("ns"), noon, {"timestamp": "2026-11-20T12:30:00.123456"}),
        "kind": (pa.dictionary(pa.int8(), pa.string()), "b", "b"),
        "list": (pa.list_(pa.int64()), [1, None, 3], [1, None, 3]),
        "struct": (pa.struct([("a", pa.int32()), ("b", pa.string())]), {"a": 1, "b": "x"}, [1, "x"]),
        "map": (pa.map_(pa.string(), pa.int64()), [("k", 1)], {"map": [["k", 1]]}),
    }  # fmt: skip
    table = pa.table({name: pa.array([value, None], type_) for name, (type_, value, _) in columns.items()})
    stored(table, on)
    answer = spark.sql(f"SELECT * FROM {TABLE} ORDER BY text IS NULL", TABLE)
    assert answer.columns == list(columns)
    full, empty = answer.rows
    assert dict(zip(columns, full, strict=True)) == {name: expected for name, (_, _, expected) in columns.items()}
    assert empty == [None] * len(columns)


def test_partitions_of_every_kind_arrive(spark: Spark, on: Workspace) -> None:
    days = [dt.date(2026, 11, 20), dt.date(1969, 12, 31), None, dt.date(2026, 11, 20)]
    shops = ["köln/süd", "a=b 100% 🐎", "'quoted' \"twice\"", None]
    numbers = [-7, 0, 2**62, None]
    table = pa.table({
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "day": pa.array(days, pa.date32()),
        "shop": pa.array(shops, pa.string()),
        "number": pa.array(numbers, pa.int64()),
    })  # fmt: skip
    stored(table, on, partition_by=["day", "shop", "number"])
    answer = spark.sql(f"SELECT id, day, shop, number FROM {TABLE} ORDER BY id", TABLE)
    expected = [
        [id_, None if day is None else {"date": day.isoformat()}, shop, number]
        for id_, day, shop, number in zip([1, 2, 3, 4], days, shops, numbers, strict=True)
    ]
    assert answer.rows == expected
    for where, found in {
        "day = DATE '2026-11-20'": [1, 4],
        "day < DATE '1970-01-01'": [2],
        "day IS NULL": [3],
        "shop = 'köln/süd'": [1],
        "shop IS NULL": [4],
        "number = -7": [1],
        "number > 1": [3],
        "number IS NULL": [4],
    }.items():
        assert spark.sql(f"SELECT id FROM {TABLE} WHERE {where} ORDER BY id").rows == [[id_] for id_ in found], where
    assert len(spark.sql(f"SHOW PARTITIONS {TABLE}").rows) == 4


def test_spark_follows_overwrite_append_and_rollback(spark: Spark, on: Workspace) -> None:
    def seen() -> list[list[object]]:
        return spark.sql(f"SELECT day, id FROM {TABLE} ORDER BY day, id", TABLE).rows

    def frame(day: str, *ids: int) -> pd.DataFrame:
        return pd.DataFrame({"id": ids, "day": day})

    stored(pd.concat([frame("mon", 1, 2), frame("tue", 3)], ignore_index=True), on, partition_by=["day"])
    assert seen() == [["mon", 1], ["mon", 2], ["tue", 3]]
    stored(frame("mon", 9), on, partition_by=["day"])
    assert seen() == [["mon", 9], ["tue", 3]]
    stored(frame("mon", 10), on, partition_by=["day"], mode="append")
    assert seen() == [["mon", 9], ["mon", 10], ["tue", 3]]
    stored(frame("wed", 4), on, partition_by=["day"])
    assert seen() == [["mon", 9], ["mon", 10], ["tue", 3], ["wed", 4]]
    data_access.rollback(TABLE, 1, workspace=on)
    assert seen() == [["mon", 1], ["mon", 2], ["tue", 3]]
    data_access.rollback(TABLE, 4, workspace=on)
    assert seen() == [["mon", 9], ["mon", 10], ["tue", 3], ["wed", 4]]
    data_access.drop_partitions(TABLE, ["mon"], workspace=on)
    assert seen() == [["tue", 3], ["wed", 4]]


def test_spark_follows_a_table_without_partitions(spark: Spark, on: Workspace) -> None:
    def seen() -> list[list[object]]:
        return spark.sql(f"SELECT id FROM {TABLE} ORDER BY id", TABLE).rows

    stored(pd.DataFrame({"id": [1, 2]}), on)
    stored(pd.DataFrame({"id": [3]}), on)
    assert seen() == [[3]]
    stored(pd.DataFrame({"id": [4]}), on, mode="append")
    assert seen() == [[3], [4]]
    data_access.rollback(TABLE, 1, workspace=on)
    assert seen() == [[1], [2]]


def test_columns_that_were_added_and_widened_arrive(spark: Spark, on: Workspace) -> None:
    first = pa.table({"id": pa.array([1], pa.int32()), "day": ["mon"]})
    stored(first, on, partition_by=["day"])
    wider = pa.table({"id": pa.array([2**40], pa.int64()), "added": ["new"], "day": ["tue"]})
    stored(wider, on, partition_by=["day"])
    answer = spark.sql(f"SELECT id, added, day FROM {TABLE} ORDER BY id", TABLE)
    assert answer.types == ["bigint", "string", "string"]
    assert answer.rows == [[1, None, "mon"], [2**40, "new", "tue"]]
    data_access.rollback(TABLE, 1, workspace=on)
    assert spark.sql(f"SELECT id FROM {TABLE}", TABLE).rows == [[1]]
