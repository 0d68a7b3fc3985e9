"""Partition columns are not in the files and come back from the partition's values, with their types."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from data_access.errors import DataError, Reason, SchemaError
from data_access.tables.partitions import canonical
from data_access.tables.schema import arrow_schema, file_schema, hive_partition_keys, table_schema
from tests.unit.data_access.types.through import column, read, schema_of, written

TAKEN = [
    (pa.int8(), -7, "tinyint"),
    (pa.int64(), 2**63 - 1, "bigint"),
    (pa.bool_(), True, "boolean"),
    (pa.date32(), dt.date(2026, 11, 20), "date"),
    (pa.date64(), dt.date(2026, 11, 20), "date"),
    (pa.string(), "日 /=%", "string"),
    (pa.large_string(), "x" * 300, "string"),
    (pa.string_view(), "a", "string"),
    (pa.dictionary(pa.int8(), pa.string()), "a", "string"),
    (pa.dictionary(pa.int16(), pa.int32()), 5, "int"),
]


@pytest.mark.parametrize(("type_", "value", "hive"), TAKEN, ids=str)
@pytest.mark.parametrize("rows", [0, 3])
def test_they_come_back_with_their_types(type_: pa.DataType, value: object, hive: str, rows: int) -> None:
    for each in (value, None):
        table = pa.table({"k": column([each] * rows, type_), "a": pa.array(range(rows), pa.int64())})
        schema = schema_of(table, ["k"])
        assert file_schema(schema).names == ["a"]
        assert hive_partition_keys(schema)[0].type == hive
        back = read(written(table, schema), schema, partition=canonical([each], schema.partition_by))
        assert back.column_names == ["a", "k"]
        assert back["k"].type == arrow_schema(schema).field("k").type
        assert back["k"].to_pylist() == [each] * rows
        assert read(written(table, schema), schema, columns=["k"], partition=(None,)).column_names == ["k"]


def test_a_categorical_has_all_its_categories_in_every_partition() -> None:
    frame = pd.DataFrame({"k": pd.Categorical(["b"], ["c", "b", "a"], ordered=True), "a": [1]})
    schema = schema_of(frame, ["k"])
    back = read(written(frame, schema), schema, "pandas", partition=("a",))
    assert back["k"].dtype == frame["k"].dtype
    assert list(back["k"]) == ["a"]


def test_without_the_partitions_values_they_are_left_out() -> None:
    table = pa.table({"k": ["x"], "a": [1]})
    schema = schema_of(table, ["k"])
    assert read(written(table, schema), schema).column_names == ["a"]


@pytest.mark.parametrize(
    "type_", [pa.float64(), pa.timestamp("us"), pa.decimal128(5, 2), pa.binary(), pa.list_(pa.int8())]
)
def test_types_that_have_more_than_one_way_to_be_written(type_: pa.DataType) -> None:
    with pytest.raises(
        SchemaError, match=r"Partition column 'k' is .*which have one way to be written in a path"
    ) as caught:
        table_schema(pa.schema([("k", type_), ("a", pa.int8())]), ["k"])
    assert caught.value.reason is Reason.UNSUPPORTED_TYPE


@pytest.mark.parametrize(
    "values",
    [
        pd.to_datetime(["2026-11-20 10:00"]),
        pd.to_datetime(["2026-11-20 10:00"]).tz_localize("Europe/Amsterdam"),
        [2026.0],
        [Decimal("7")],
    ],
)
def test_the_line_that_is_offered_makes_it_a_partition(values: object) -> None:
    df = pd.DataFrame({"my day": values, "a": 1})
    with pytest.raises(SchemaError, match="in pandas: ") as caught:
        table_schema(pa.Schema.from_pandas(df), ["my day"])
    exec(caught.value.remedy.partition("in pandas: ")[2], {"df": df})
    assert table_schema(pa.Schema.from_pandas(df), ["my day"]).partition_by[0].hive in ("date", "bigint")


@pytest.mark.parametrize(
    ("by", "says"),
    [
        (["dya"], "The frame has no column 'dya' to partition by. Did you mean day?"),
        (["day", "day"], "A column is named twice"),
        (["day", "a"], "Beside its partition columns (day, a) the frame has no column."),
    ],
)
def test_wrong_columns(by: list[str], says: str) -> None:
    with pytest.raises(DataError) as caught:
        table_schema(pa.schema([("day", pa.date32()), ("a", pa.int8())]), by)
    assert says in str(caught.value)


def test_a_comment_on_no_column() -> None:
    with pytest.raises(DataError, match=r"The comment on 'ammount' is on no column. Did you mean amount"):
        table_schema(pa.schema([("amount", pa.int8())]), [], {"ammount": "in euro"})
