"""What later frames may do to a schema, and what the refusal shows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from data_access.errors import Reason, SchemaError
from data_access.names import TableName
from data_access.tables.evolution import merged
from data_access.tables.frames import source_of
from data_access.tables.schema import arrow_schema, evolve, table_schema, to_file
from tests.unit.data_access.types.through import column, read, schema_of, written

NAME = TableName("sales", "orders")
UTC = pa.timestamp("us", "UTC")

WIDENED = [
    (pa.int8(), [-128, None], pa.int16()),
    (pa.int8(), [127], pa.int64()),
    (pa.int16(), [2**15 - 1], pa.int32()),
    (pa.int32(), [-(2**31)], pa.int64()),
    (pa.int32(), [2**31 - 1, None], pa.float64()),
    (pa.float32(), [1.5, float("inf"), None], pa.float64()),
    (pa.decimal128(5, 2), [Decimal("999.99")], pa.decimal128(20, 2)),
    (pa.timestamp("s"), [1, None], pa.timestamp("ms")),
    (pa.binary(2), [b"ab"], pa.binary()),
]
STAYS = [
    (pa.int64(), pa.int8(), [1, None]),
    (pa.float64(), pa.float32(), [1.5]),
    (pa.float64(), pa.int64(), [2**53, None]),
    (pa.float32(), pa.int16(), [7]),
    (pa.decimal128(10, 2), pa.decimal128(5, 1), [Decimal("1.5")]),
    (pa.string(), pa.large_string(), ["a"]),
    (pa.string(), pa.string_view(), ["a"]),
    (pa.string(), pa.dictionary(pa.int8(), pa.string()), ["a", None]),
    (pa.dictionary(pa.int8(), pa.string()), pa.string(), ["a", None]),
    (pa.timestamp("ns"), pa.timestamp("us"), [1]),
    (UTC, pa.timestamp("ns", "Etc/UTC"), [1_000]),
    (pa.date32(), pa.date64(), [86_400_000]),
    (pa.list_(pa.int64()), pa.large_list(pa.int8()), [[1]]),
    (pa.struct([("a", pa.int64()), ("b", pa.string())]), pa.struct([("b", pa.string()), ("a", pa.int8())]),
     [{"b": "x", "a": 1}]),
    (pa.map_(pa.string(), pa.int64()), pa.map_(pa.string(), pa.int32()), [[("a", 1)]]),
    (pa.string(), pa.null(), [None]),
    (pa.struct([("a", pa.int8())]), pa.null(), [None]),
]  # fmt: skip
DIFFERS = [
    (pa.int64(), pa.float64(), 'If it is whole numbers with gaps: .astype("Int64").'),
    (pa.int64(), pa.string(), "Cast it to int64, or give it another name."),
    (pa.string(), pa.int64(), "Cast it to string"),
    (pa.date32(), pa.timestamp("us"), "Cast it to date,"),
    (pa.bool_(), pa.int8(), "Cast it to bool"),
    (pa.int8(), pa.uint8(), "Cast it to int16, which holds all its values"),
    (pa.decimal128(10, 2), pa.decimal128(12, 4), "Cast it to decimal(10, 2)"),
    (UTC, pa.timestamp("us"), "Give it its zone: .dt.tz_localize(…)."),
    (pa.timestamp("us"), UTC, "Take off its zone: .dt.tz_localize(None)."),
    (UTC, pa.timestamp("us", "Europe/Berlin"), 'Convert it: .dt.tz_convert("UTC").'),
    (pa.struct([("a", pa.int8())]), pa.struct([("a", pa.int8()), ("b", pa.int8())]), "Cast it to struct(a: int8)"),
    (pa.list_(pa.int8()), pa.list_(pa.int64()), "Cast it to list"),
]


@pytest.mark.parametrize(("old", "values", "new"), WIDENED, ids=str)
def test_a_wider_type_widens_the_table_and_old_files_are_read_by_it(old, values, new) -> None:
    before = pa.table({"x": column(values, old), "y": [1] * len(values)})
    first = schema_of(before)
    wider = evolve(first, pa.schema([("y", pa.int64()), ("x", new)]), NAME)
    assert arrow_schema(wider).field("x").type == new
    assert read(written(before, first), wider)["x"].combine_chunks().equals(column(values, old).cast(new))


@pytest.mark.parametrize(("table", "frame", "values"), STAYS, ids=str)
def test_a_frame_that_fits_leaves_the_table_as_it_is(table, frame, values) -> None:
    first = table_schema(pa.schema([("x", table)]), [])
    batch = pa.table({"x": column(values, frame)})
    after = evolve(first, batch.schema, NAME)
    assert arrow_schema(after).field("x").type.equals(arrow_schema(first).field("x").type)
    back = read(written(batch, after), after)
    assert back["x"].type.equals(arrow_schema(first).field("x").type)
    shown = pa.table({"x": column(values, frame)})["x"].to_pylist()
    assert [str(each) for each in back["x"].to_pylist()] == [str(each) for each in shown] or back[
        "x"
    ].to_pylist() == shown


@pytest.mark.parametrize(("table", "frame", "remedy"), DIFFERS, ids=str)
def test_anything_else_is_refused(table, frame, remedy) -> None:
    with pytest.raises(SchemaError) as caught:
        evolve(table_schema(pa.schema([("x", table)]), []), pa.schema([("x", frame)]), NAME)
    assert caught.value.reason is Reason.SCHEMA_MISMATCH
    assert remedy in str(caught.value)


def test_both_schemas_are_shown() -> None:
    now = table_schema(pa.schema([("Amount", pa.int64()), ("shop", pa.string()), ("day", pa.date32())]), ["day"])
    frame = pa.schema([("amount", pa.int64()), ("shop", pa.uint8()), ("new", pa.duration("s"))])
    with pytest.raises(SchemaError) as caught:
        evolve(now, frame, NAME)
    assert str(caught.value) == (
        "This frame does not fit sales.orders:\n"
        "  - column 'Amount' is 'amount' in the frame. Rename it.\n"
        "  - column 'shop' is string in the table and uint8 in the frame. Cast it to int16, which holds all its"
        ' values: pandas .astype("int16"), Polars .cast(pl.Int16).\n'
        "  - the new column 'new' is a duration, and Hive has none. Store seconds as a number: .dt.total_seconds().\n"
        "\n"
        "  column           the table  the frame\n"
        "  Amount           int64      –            ←\n"
        "  shop             string     uint8        ←\n"
        "  day (partition)  date       –\n"
        "  amount           –          int64        new\n"
        "  new              –          duration[s]  new\n"
        "\n"
        "Nothing was written. Columns may be added, and types widened; for more, store it under another name."
    )


def test_new_columns_go_to_the_end_and_are_null_before() -> None:
    before = pa.table({"b": [1], "day": [dt.date(2026, 11, 20)]})
    first = schema_of(before, ["day"])
    wider = evolve(first, pa.schema([("new", pa.string()), ("day", pa.date32()), ("b", pa.int64())]), NAME)
    assert [each.name for each in wider.columns] == ["b", "new"]
    assert arrow_schema(wider).names == ["b", "new", "day"]
    back = read(written(before.select(["b"]), first), wider, partition=("2026-11-20",))
    assert back.to_pylist() == [{"b": 1, "new": None, "day": dt.date(2026, 11, 20)}]


def test_a_missing_column_is_refused_and_nulls_that_are_meant_are_not() -> None:
    first = schema_of(pd.DataFrame({"a": [1], "b": ["x"]}))
    with pytest.raises(SchemaError, match=r"column 'b' is missing. If nulls are meant: frame.assign\(b=None\)"):
        evolve(first, source_of(pd.DataFrame({"a": [1]})).schema, NAME)
    meant = pd.DataFrame({"a": [1]}).assign(b=None)
    assert evolve(first, source_of(meant).schema, NAME) is first
    assert read(written(meant, first), first)["b"].to_pylist() == [None]


def test_a_name_that_differs_in_case_from_a_partition_column_is_no_new_column() -> None:
    first = table_schema(pa.schema([("a", pa.int8()), ("day", pa.date32())]), ["day"])
    with pytest.raises(SchemaError, match="column 'day' is 'Day' in the frame"):
        evolve(first, pa.schema([("a", pa.int8()), ("Day", pa.date32())]), NAME)


def test_partition_columns_never_widen() -> None:
    first = table_schema(pa.schema([("a", pa.int8()), ("shop", pa.int32())]), ["shop"])
    assert evolve(first, pa.schema([("a", pa.int8()), ("shop", pa.int16())]), NAME) is first
    with pytest.raises(SchemaError, match="column 'shop' is int32 in the table and int64 in the frame"):
        evolve(first, pa.schema([("a", pa.int8()), ("shop", pa.int64())]), NAME)


def _categorical(values, categories, *, ordered: bool) -> pd.DataFrame:
    return pd.DataFrame({"c": pd.Categorical(values, categories, ordered=ordered)})


def test_categories_grow_at_the_end() -> None:
    first = schema_of(_categorical(["b"], ["b", "a"], ordered=False))
    frame = _categorical(["c"], ["a", "c"], ordered=False)
    wider = evolve(first, source_of(frame).schema, NAME)
    assert list(read(written(frame, wider), wider, "pandas")["c"].cat.categories) == ["b", "a", "c"]


def test_text_in_a_categorical_column_adds_categories_when_it_is_read() -> None:
    first = schema_of(_categorical(["b"], ["b", "a"], ordered=False))
    frame = pa.table({"c": [f"n{each}" for each in range(200)]})  # more than int8 can count
    after = evolve(first, frame.schema, NAME)
    back = read(written(frame, after), after, "pandas")["c"]
    assert list(back) == frame["c"].to_pylist()
    assert list(back.cat.categories)[:2] == ["b", "a"]


def test_an_order_may_grow_but_not_change() -> None:
    first = schema_of(_categorical(["low"], ["low", "high"], ordered=True))
    middle = _categorical(["mid"], ["low", "mid", "high"], ordered=True)
    wider = evolve(first, source_of(middle).schema, NAME)
    assert list(read(written(middle, wider), wider, "pandas")["c"].cat.categories) == ["low", "mid", "high"]
    with pytest.raises(SchemaError, match="has its categories in another order"):
        evolve(wider, source_of(_categorical(["low"], ["high", "low"], ordered=True)).schema, NAME)
    strange = pa.table({"c": ["low", "huge"]})
    with pytest.raises(SchemaError, match="row 6, 'huge', is none of its categories: 'low', 'mid', 'high'"):
        to_file(strange, evolve(wider, strange.schema, NAME), first_row=5)


def test_pandas_dtypes_of_the_table_stay_and_new_columns_bring_theirs() -> None:
    first = schema_of(pd.DataFrame({"a": pd.array([1, None], "Int32")}))
    frame = pd.DataFrame({"a": pd.array([2**40, None], "Int64"), "n": pd.array([True, None], "boolean")})
    wider = evolve(first, source_of(frame).schema, NAME)
    pd.testing.assert_frame_equal(read(written(frame, wider), wider, "pandas"), frame)


def test_what_two_added_at_once_is_merged() -> None:
    first = table_schema(pa.schema([("a", pa.int32())]), [])
    mine = evolve(first, pa.schema([("a", pa.int64())]), NAME)
    theirs = evolve(first, pa.schema([("a", pa.int32()), ("b", pa.string())]), NAME)
    both = merged(mine, theirs, NAME)
    assert [(each.name, each.hive) for each in both.columns] == [("a", "bigint"), ("b", "string")]
    other = evolve(first, pa.schema([("a", pa.int32()), ("b", pa.bool_())]), NAME)
    with pytest.raises(SchemaError, match="column 'b' is string in the table and bool in the frame"):
        merged(both, other, NAME)


def test_the_same_frame_again_changes_nothing() -> None:
    frame = pd.DataFrame({"a": [1], "c": pd.Categorical(["x"])}).rename_axis("id")
    frame.index = frame.index.rename("id")
    first = schema_of(frame)
    assert evolve(first, source_of(frame).schema, NAME) is first
