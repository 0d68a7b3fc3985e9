"""Every type that a table takes comes back bit for bit; every other is refused, with a sentence and a remedy."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_access.errors import Reason, SchemaError
from data_access.tables.hive_types import Refused, rule
from data_access.tables.schema import hive_columns, table_schema
from tests.unit.data_access.types.through import column, read, schema_of, through_file, written

MIN, MAX = -(2**63), 2**63 - 1
TAKEN = [
    (pa.bool_(), [True, None, False], "boolean"),
    (pa.int8(), [-128, 127, None], "tinyint"),
    (pa.int16(), [-(2**15), 2**15 - 1], "smallint"),
    (pa.int32(), [-(2**31), 2**31 - 1], "int"),
    (pa.int64(), [MIN, MAX, 2**53 + 1, None], "bigint"),
    (pa.float32(), [1.5, float("inf"), -0.0, None], "float"),
    (pa.float64(), [5e-324, 1.7976931348623157e308, float("-inf"), -0.0, 0.1, None], "double"),
    (pa.decimal32(5, 2), [Decimal("-999.99")], "decimal(5,2)"),
    (pa.decimal64(18, 0), [Decimal(10**18 - 1)], "decimal(18,0)"),
    (pa.decimal128(38, 10), [Decimal("1234567890123456789012345678.0123456789"), None], "decimal(38,10)"),
    (pa.string(), ["", "a", "日本\0", None], "string"),
    (pa.large_string(), ["a", None], "string"),
    (pa.string_view(), ["a", "longer than twelve bytes", None], "string"),
    (pa.binary(), [b"", b"\0\xff", None], "binary"),
    (pa.large_binary(), [b"a"], "binary"),
    (pa.binary_view(), [b"a"], "binary"),
    (pa.binary(2), [b"ab", None], "binary"),
    (pa.date32(), [dt.date(1, 1, 1), dt.date(9999, 12, 31), None], "date"),
    (pa.date64(), [-86_400_000, 86_400_000], "date"),
    (pa.timestamp("s"), [0, -1, None], "timestamp"),
    (pa.timestamp("ms", "Europe/Berlin"), [1], "timestamp"),
    (pa.timestamp("us", "+02:00"), [MIN, MAX], "timestamp"),
    (pa.timestamp("ns"), [-9223372036854775000, 9223372036854775000, None], "timestamp"),  # 1677 and 2262
    (pa.timestamp("ns", "UTC"), [1_000], "timestamp"),
    (pa.list_(pa.int8()), [[1, None], [], None], "array<tinyint>"),
    (pa.large_list(pa.string()), [["a"]], "array<string>"),
    (pa.list_(pa.float32(), 2), [[1, 2], None, [3, None]], "array<float>"),
    (pa.list_(pa.field("item", pa.int8(), nullable=False)), [[1]], "array<tinyint>"),
    (pa.list_(pa.list_(pa.timestamp("ns"))), [[[1_000], []]], "array<array<timestamp>>"),
    (pa.list_(pa.dictionary(pa.int32(), pa.string())), [["a", "b"]], "array<string>"),
    (pa.struct([("Aa", pa.int8()), ("b", pa.list_(pa.date32()))]), [{"Aa": 1, "b": []}, None],
     "struct<aa:tinyint,b:array<date>>"),
    (pa.map_(pa.string(), pa.int32()), [[("a", 1), ("b", None)], [], None], "map<string,int>"),
    (pa.dictionary(pa.int8(), pa.string()), ["b", "a", None, "b"], "string"),
    (pa.dictionary(pa.uint8(), pa.int64()), [7, MAX], "bigint"),
    (pa.dictionary(pa.int16(), pa.string_view()), ["a"], "string"),
    (pa.dictionary(pa.int32(), pa.timestamp("ns")), [1_000], "timestamp"),
    (pa.uuid(), [b"0123456789abcdef", None], "binary"),
    (pa.json_(), ['{"a": 1}', None], "string"),
    (pa.fixed_shape_tensor(pa.float32(), [2]), [[1.0, 2.0]], "array<float>"),
]  # fmt: skip

REFUSED = [
    (pa.uint8(), "uint8, and Hive has no unsigned integers. Cast it to int16, which holds all its values: pandas"),
    (pa.uint16(), "Cast it to int32, which holds all its values"),
    (pa.uint32(), "Cast it to int64, which holds all its values"),
    (pa.uint64(), "Cast it to int64 if its values fit, else to decimal128(20, 0)."),
    (pa.float16(), "float16, which Hive and Spark can't read. Cast it to float32"),
    (pa.null(), "without a type: it holds nulls only. Give it one, or drop it"),
    (pa.duration("us"), "a duration, and Hive has none. Store seconds as a number: .dt.total_seconds()."),
    (pa.time32("s"), "a time of day, and Hive has none. Store it as text"),
    (pa.time64("ns"), "a time of day"),
    (pa.month_day_nano_interval(), "an interval of the calendar"),
    (pa.decimal256(40, 2), "a decimal of 40 digits; Hive has 38. Cast it to decimal128 with 38 or fewer."),
    (pa.decimal128(5, -2), "a decimal of scale -2; Hive has none below 0"),
    (pa.dense_union([pa.field("a", pa.int8())]), "a union of several types. Store one column per type."),
    (pa.run_end_encoded(pa.int32(), pa.int8()), "run-end encoded. Cast it to the type of its values."),
    (pa.list_view(pa.int8()), "has no place in a Hive table"),
    (pa.list_(pa.uint8()), "a list whose items are uint8, and Hive has no unsigned integers"),
    (pa.list_(pa.null()), "a list whose items are without a type"),
    (pa.map_(pa.string(), pa.duration("s")), "a map whose values are a duration"),
    (pa.map_(pa.struct({"a": pa.int8()}), pa.int8()), "Hive's keys are plain values"),
    (pa.struct([]), "a struct without fields"),
    (pa.struct([("a", pa.int8()), ("A", pa.int8())]), "a struct with two fields 'a' (Hive ignores case)"),
    (pa.struct([("a:b", pa.int8())]), "a struct with a field 'a:b', and Hive can't have ':' in a name"),
    (pa.struct([("a", pa.float16())]), "a struct whose field 'a' is float16"),
    (pa.list_(pa.dictionary(pa.int8(), pa.string(), ordered=True)), "a categorical with an order"),
    (pa.dictionary(pa.int8(), pa.float16()), "a categorical whose categories are float16"),
    (pa.dictionary(pa.int8(), pa.string(), ordered=True), "ordered categorical whose order is not known"),
    (pa.bool8(), "the extension type arrow.bool8"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "values", "hive"), TAKEN, ids=lambda each: str(each)[:40])
def test_what_is_taken_comes_back_bit_for_bit(type_: pa.DataType, values: list, hive: str) -> None:
    field = pa.field("x", type_, metadata={"unit": "€"})
    table = pa.table({"x": column(values, type_)}, schema=pa.schema([field], metadata={"made": "by me"}))
    back = through_file(table, "arrow")
    assert back.schema.equals(table.schema, check_metadata=True)
    assert back.equals(table)
    assert [each.type for each in hive_columns(schema_of(table))] == [hive]


@pytest.mark.parametrize(("type_", "values", "hive"), TAKEN, ids=lambda each: str(each)[:40])
def test_no_rows_and_only_nulls_come_back_too(type_: pa.DataType, values: list, hive: str) -> None:
    for table in (pa.table({"x": column([], type_)}), pa.table({"x": pa.chunked_array([pa.nulls(3, type_)])})):
        assert through_file(table, "arrow").equals(table)


@pytest.mark.parametrize(("type_", "says"), REFUSED, ids=lambda each: str(each)[:40])
def test_what_is_refused_says_why_and_what_to_do(type_: pa.DataType, says: str) -> None:
    with pytest.raises(SchemaError) as caught:
        table_schema(pa.schema([("x", type_)]), [])
    assert caught.value.reason is Reason.UNSUPPORTED_TYPE
    assert str(caught.value).startswith("Column 'x' is ")
    assert says in str(caught.value)
    assert caught.value.remedy


def test_several_refusals_are_told_at_once() -> None:
    with pytest.raises(
        SchemaError, match=r"2 columns can't be stored:\n  - Column 'a' is uint8.*\n  - Column 'b' is a dur"
    ):
        table_schema(pa.schema([("a", pa.uint8()), ("b", pa.duration("s"))]), [])


def test_timestamps_are_int64_microseconds_and_decimals_fixed_bytes_in_the_file() -> None:
    table = pa.table(
        {
            "t": pa.array([1_000], pa.timestamp("ns", "Europe/Berlin")),
            "d": pa.array([Decimal("1.5")], pa.decimal64(5, 1)),
            "c": pa.array(["a"]).dictionary_encode(),
        }
    )
    file = pq.ParquetFile(io.BytesIO(written(table, schema_of(table))))
    physical = {each.name: each for each in (file.schema.column(place) for place in range(3))}
    assert physical["t"].physical_type == "INT64"
    assert "isAdjustedToUTC=true, timeUnit=microseconds" in str(physical["t"].logical_type)
    assert physical["d"].physical_type == "FIXED_LEN_BYTE_ARRAY"
    assert str(physical["c"].logical_type) == "String"


def test_a_categorical_keeps_its_order_and_categories_that_no_row_has() -> None:
    indices, categories = pa.array([2, 0, None], pa.int8()), pa.array(["z", "m", "a"])
    for ordered in (True, False):
        table = pa.table({"c": pa.DictionaryArray.from_arrays(indices, categories, ordered=ordered)})
        back = through_file(table, "arrow")
        assert back.equals(table)
        assert back["c"].chunk(0).dictionary.equals(categories)
        assert back["c"].type.ordered is ordered


def test_categories_of_chunks_that_differ_are_made_one() -> None:
    chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "b"]).dictionary_encode()]
    back = through_file(pa.table({"c": pa.chunked_array(chunks)}), "arrow")
    assert back["c"].to_pylist() == ["a", "b", "c", "b"]
    assert back["c"].chunk(0).dictionary.to_pylist() == ["a", "b", "c"]


def test_too_many_categories_are_not_kept_in_the_schema() -> None:
    many = pa.array([f"category number {each}" for each in range(5_000)]).dictionary_encode()
    table = pa.table({"c": many})
    schema = schema_of(table)
    assert len(schema.ipc) < 10_000
    assert read(written(table, schema), schema)["c"].to_pylist() == many.to_pylist()


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["a", "a"], "There are several columns 'a'. Rename or drop all but one."),
        (["a", "A"], "Columns 'a' and 'A' differ in case only, which Hive ignores."),
        (["Batch_ID"], "Column 'Batch_ID' has the name of the folders of batches."),
        (["a,b"], "Column 'a,b' can't have that name: Hive can't have ',' in a name."),
        (["a.b"], "Hive can't have '.' in a name"),
        (["a\n"], "a name is neither empty nor begins or ends with a space"),
        ([""], "a name is neither empty"),
        (["x" * 129], "it has 129 characters; metastores keep 128"),
    ],
)
def test_names_that_hive_can_not_have(names: list[str], says: str) -> None:
    with pytest.raises(SchemaError) as caught:
        table_schema(pa.schema([(name, pa.int8()) for name in names]), [])
    assert caught.value.reason is Reason.BAD_NAME
    assert says in str(caught.value)


def test_hive_sees_lower_case_and_files_keep_the_frames() -> None:
    table = pa.table({"Größe (cm)": [1], "B": [2]})
    schema = schema_of(table, comments={"B": "bees"})
    assert [(each.name, each.comment) for each in hive_columns(schema)] == [("größe (cm)", None), ("b", "bees")]
    assert pq.read_schema(io.BytesIO(written(table, schema))).names == ["Größe (cm)", "B"]


def test_the_rule_is_total() -> None:
    for type_, _ in REFUSED[:-2]:
        assert isinstance(rule(type_), Refused)
