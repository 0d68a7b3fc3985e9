"""Types of columns in words, from Arrow's texts and from Hive's."""

from __future__ import annotations

import pyarrow as pa
import pytest

from data_access.type_words import in_words


@pytest.mark.parametrize(
    ("arrow", "said"),
    [
        (pa.int64(), "int64"), (pa.float64(), "float64"), (pa.float32(), "float32"), (pa.large_string(), "string"),
        (pa.date32(), "date"), (pa.date64(), "date"), (pa.time64("us"), "time[us]"), (pa.duration("s"), "duration[s]"),
        (pa.timestamp("us", "UTC"), "timestamp[us, tz=UTC]"), (pa.decimal256(40, 2), "decimal(40, 2)"),
        (pa.binary(16), "binary[16]"), (pa.null(), "null"),
        (pa.dictionary(pa.int8(), pa.large_string()), "categorical of string"),
        (pa.dictionary(pa.int32(), pa.int64(), ordered=True), "ordered categorical of int64"),
        (pa.list_(pa.field("el", pa.int8(), nullable=False)), "list of int8"),
        (pa.list_(pa.float32(), 3), "list[3] of float32"),
        (pa.list_(pa.timestamp("us", "UTC")), "list of timestamp[us, tz=UTC]"),
        (pa.map_(pa.string(), pa.decimal128(3, 1)), "map of string to decimal(3, 1)"),
        (
            pa.large_list(pa.struct([("a", pa.int8()), ("b", pa.map_(pa.string(), pa.list_(pa.date32())))])),
            "list of struct(a: int8, b: map of string to list of date)",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_arrows_types(arrow: pa.DataType, said: str) -> None:
    assert in_words(str(arrow)) == said


@pytest.mark.parametrize(
    ("hive", "said"),
    [
        ("bigint", "int64"), ("double", "float64"), ("decimal(10,2)", "decimal(10, 2)"), ("boolean", "bool"),
        ("array<struct<a:int,b:map<string,double>>>", "list of struct(a: int32, b: map of string to float64)"),
        ("varchar(10)", "varchar(10)"), ("uniontype<int,string>", "uniontype<int,string>"), ("", ""),
    ],
)  # fmt: skip
def test_hives_types_are_the_same_words_and_unknown_ones_are_left(hive: str, said: str) -> None:
    assert in_words(hive) == said
