"""pandas frames come back equal in dtype, index and every value; what can't is refused before anything is written."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data_access.errors import Reason, SchemaError
from data_access.names import TableName
from data_access.tables.frames import into, source_of
from data_access.tables.schema import evolve
from tests.unit.data_access.types.through import read, schema_of, through_file, written


def _naive(*parts: int) -> dt.datetime:
    return dt.datetime(*parts)  # noqa: DTZ001 - without a zone is a case


S = pd.Series
BERLIN = "Europe/Berlin"
TAKEN = {
    "bool": S([True, False]),
    "int8": S([-128, 127], dtype="int8"),
    "int64": S([-(2**63), 2**63 - 1]),
    "float32": S([1.5, np.nan, -np.inf], dtype="float32"),
    "float64": S([5e-324, np.nan, np.inf, -0.0]),
    "Int8": S([1, None], dtype="Int8"),
    "Int64": S([2**53 + 1, None, -(2**63)], dtype="Int64"),
    "boolean": S([True, None], dtype="boolean"),
    "Float32": S([1.5, None], dtype="Float32"),
    "str": S(["", "日本", None]),
    "string": S(["a", None], dtype="string"),
    "string[python]": S(["a", None], dtype="string[python]"),
    "str[python]": S(["a", None], dtype=pd.StringDtype("python", na_value=np.nan)),
    "object of str": S(["a", None], dtype=object),
    "object of str and nan": S(["a", np.nan], dtype=object),
    "object of str and NA": S(["a", pd.NA], dtype=object),
    "object of bytes": S([b"\0", None], dtype=object),
    "object of int": S([1, None, 2**53 + 1], dtype=object),
    "object of float": S([1.5, None], dtype=object),
    "object of bool": S([True, None], dtype=object),
    "object of bool only": S([True, False], dtype=object),
    "object of date": S([dt.date(2026, 11, 20), None], dtype=object),
    "object of datetime": S([_naive(2026, 11, 20, 8)], dtype=object),
    "object of Timestamp": S([pd.Timestamp("2026-11-20", tz=BERLIN)], dtype=object),
    "object of Decimal": S([Decimal("1.20"), Decimal("-10.50"), None], dtype=object),
    "object of UUID": S([uuid.UUID(int=7)], dtype=object),
    "object of list": S([[1, 2], [], None]),
    "object of arrays": S([np.array([1, 2]), None]),
    "object of dict of lists": S([{"a": [1, 2]}, {"a": []}]),
    "object of dict": S([{"a": 1, "b": "x"}, {"b": None, "a": 2}]),
    "datetime64[s]": S(pd.date_range("2026", periods=2)).dt.as_unit("s"),
    "datetime64[us]": S([_naive(1, 1, 1), None, _naive(9999, 12, 31)], dtype="datetime64[us]"),
    "datetime64[ns]": S(pd.to_datetime(["1677-09-22", "2262-04-11"])).dt.as_unit("ns"),
    "datetime64[ns, Berlin]": S(pd.date_range("2026-10-25", periods=30, freq="h", tz=BERLIN)).dt.as_unit("ns"),
    "datetime64[us, +02:00]": S(pd.date_range("2026", periods=2, tz=dt.timezone(dt.timedelta(hours=2)))),
    "category": S(pd.Categorical(["b", "a", None], ["z", "b", "a"])),
    "ordered": S(pd.Categorical(["b", "a"], ["z", "b", "a"], ordered=True)),
    "category of int": S(pd.Categorical([20, 10, None], [20, 10])),
    "category of dates": S(pd.Categorical(pd.to_datetime(["2026-01-02", "2026-01-01"]))),
    "category of objects": S(pd.Categorical(["a"], pd.Index(["b", "a"], dtype=object))),
    "category of string": S(pd.Categorical(["a"], pd.Index(["b", "a"], dtype="string"))),
    "category without any": S(pd.Categorical([None, None], [])).astype(pd.CategoricalDtype(["a"])),
    "int64[pyarrow]": S([1, None], dtype="int64[pyarrow]"),
    "string[pyarrow]": S(["a", None], dtype=pd.ArrowDtype(pa.string())),
    "decimal[pyarrow]": S([Decimal("1.20")], dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
    "list[pyarrow]": S([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "dictionary[pyarrow]": S(["a", "b"], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
    "timestamp[pyarrow]": S([_naive(2026, 1, 1)], dtype=pd.ArrowDtype(pa.timestamp("ns", BERLIN))),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_column_comes_back_as_it_was(name: str) -> None:
    series = TAKEN[name]
    frame = pd.DataFrame({"x": series, "n": range(len(series))})
    back = through_file(frame, "pandas")
    if name == "object of arrays":
        assert [None if each is None else each.tolist() for each in back["x"]] == [[1, 2], None]
        assert isinstance(back["x"][0], np.ndarray)
        return
    pd.testing.assert_frame_equal(back, frame, check_exact=True)
    if isinstance(series.dtype, pd.CategoricalDtype):
        assert list(back["x"].cat.categories) == list(series.cat.categories)


@pytest.mark.parametrize("series", TAKEN.values(), ids=TAKEN.keys())
def test_no_rows_come_back_with_their_dtypes(series: pd.Series) -> None:
    frame = pd.DataFrame({"x": series}).iloc[:0]
    if frame["x"].dtype == object:  # nothing tells what it would hold
        with pytest.raises(SchemaError, match="without a type"):
            schema_of(frame)
    else:
        pd.testing.assert_frame_equal(through_file(frame, "pandas"), frame.reset_index(drop=True))


def test_a_nan_of_a_float_is_bit_for_bit_and_a_zero_keeps_its_sign() -> None:
    frame = pd.DataFrame({"x": [np.nan, -0.0, 0.0]})
    assert through_file(frame, "pandas")["x"].to_numpy().tobytes() == frame["x"].to_numpy().tobytes()


REFUSED = {
    "mixed": (S([1, "a", 2], dtype=object), "holds values of several types: 2 int (row 0: 1), 1 str (row 1: 'a')."),
    "int and float": (S([1, 2.5], dtype=object), "1 int (row 0: 1), 1 float (row 1: 2.5)"),
    "str and bytes": (S(["a", b"b"], dtype=object), "1 str (row 0: 'a'), 1 bytes (row 1: b'b')"),
    "date and datetime": (S([dt.date(2026, 1, 1), _naive(2026, 1, 1)], dtype=object), "1 date (row 0"),
    "dicts": (S([{"a": 1}, {"b": 1}]), "holds dicts with different keys (2 sets of them), and a struct has one."),
    "nulls": (S([None, None], dtype=object), "without a type: it holds nulls only"),
    "sparse": (S(pd.arrays.SparseArray([1, 0])), "Column 'x' is sparse. Make it dense"),
    "complex": (S([1 + 2j]), "Column 'x' is complex128, and Hive has no complex numbers."),
    "timedelta": (S(pd.to_timedelta([1], "s")), "a duration, and Hive has none. Store seconds"),
    "period": (S(pd.period_range("2026", periods=1)), "a period. Store its start: .dt.to_timestamp()."),
    "interval": (S(pd.cut([1, 2, 3], 2)), "a categorical whose categories are intervals"),
    "time": (S([dt.time(1)], dtype=object), "a time of day"),
    "float16": (S([1.0], dtype="float16"), "Cast it to float32"),
    "uint8": (S([1], dtype="UInt8"), "Cast it to int16"),
    "an int too large": (S([2**70], dtype=object), "(row 0), and a whole number is at most 9223372036854775807."),
}


@pytest.mark.parametrize(("series", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_says_which_and_why(series: pd.Series, says: str) -> None:
    with pytest.raises(SchemaError) as caught:
        schema_of(pd.DataFrame({"x": series}))
    assert caught.value.reason is Reason.UNSUPPORTED_TYPE
    assert says in str(caught.value)


def test_nanoseconds_that_would_be_lost_are_an_error_with_the_row() -> None:
    moments = pd.to_datetime([0, 1_000, 2_000, 2_001], unit="ns").as_unit("ns")
    frame = pd.DataFrame({"t": S(moments).dt.tz_localize("UTC")})
    with pytest.raises(SchemaError) as caught:
        written(frame, schema_of(frame))
    assert str(caught.value) == (
        "Column 't' can't keep the value of row 3, 1970-01-01 00:00:00.000002001Z, unchanged: it is"
        ' timestamp[ns, tz=UTC], and files keep microseconds. Round it: frame["t"].dt.floor("us"), or keep the'
        " nanoseconds as an int64 column."
    )


def test_a_time_beyond_a_columns_nanoseconds_is_an_error_when_it_is_stored_not_when_it_is_read() -> None:
    schema = schema_of(pa.table({"t": pa.array([1_000], pa.timestamp("ns"))}))
    far = pd.DataFrame({"t": S(pd.to_datetime(["2026-01-01", "2500-01-01"])).astype("datetime64[us]")})
    with pytest.raises(
        SchemaError, match=r"row 1, 2500-01-01 00:00:00.000000, unchanged: .* the table has timestamp\[ns"
    ):
        written(far, evolve(schema, source_of(far).schema, TableName("a", "b")))


def test_an_integer_beyond_2_53_is_no_float() -> None:
    schema = schema_of(pd.DataFrame({"x": [1.5]}))
    frame = pd.DataFrame({"x": [2**53, 2**53 + 1]})
    with pytest.raises(SchemaError, match=r"row 1, 9007199254740993, unchanged.*exact for whole numbers up to 2.53"):
        written(frame, evolve(schema, source_of(frame).schema, TableName("a", "b")))


def test_integers_with_nulls_never_become_floats() -> None:
    big = 2**53 + 1
    table = pa.table({"x": pa.array([big, None]), "b": pa.array([True, None]), "s": pa.array([None, "a"])})
    back = through_file(table, "pandas")
    assert str(back["x"].dtype) == "Int64"
    assert back["x"][0] == big
    assert str(back["b"].dtype) == "boolean"
    plain = pd.DataFrame({"x": [1, 2]})
    schema = schema_of(plain)
    later = pd.DataFrame({"x": pd.array([big, None], "Int64")})
    read_back = read(written(later, evolve(schema, source_of(later).schema, TableName("a", "b"))), schema, "pandas")
    assert read_back["x"][0] == big


class TestIndex:
    FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"], "t": pd.date_range("2026", periods=3)})

    @pytest.mark.parametrize("names", [["b"], ["t"], ["b", "t"]])
    def test_a_named_index_is_an_index_again(self, names: list[str]) -> None:
        frame = self.FRAME.set_index(names)
        assert [each.name for each in schema_of(frame).columns][-len(names) :] == names
        pd.testing.assert_frame_equal(through_file(frame, "pandas"), frame, check_freq=False)

    def test_a_named_range_is_kept_too(self) -> None:
        frame = self.FRAME.rename_axis("id")
        pd.testing.assert_frame_equal(through_file(frame, "pandas"), frame, check_index_type="equiv")

    def test_an_index_with_nulls_is_no_float(self) -> None:
        frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(pd.array([2**53 + 1, None], "Int64"), name="id"))
        pd.testing.assert_frame_equal(through_file(frame, "pandas"), frame)

    def test_one_that_counts_rows_is_left_out(self) -> None:
        for frame in (self.FRAME, self.FRAME.set_axis(pd.Index([0, 1, 2], dtype="int64")), self.FRAME[:0]):
            assert [each.name for each in schema_of(frame).columns] == ["a", "b", "t"]

    @pytest.mark.parametrize("frame", [FRAME[FRAME.a > 1], FRAME.set_axis([5, 6, 7])])
    def test_any_other_is_refused(self, frame: pd.DataFrame) -> None:
        with pytest.raises(SchemaError, match=r"index has no name \(\[.*\).*frame.reset_index\(drop=True\)"):
            schema_of(frame)

    def test_one_named_as_a_column_is_refused(self) -> None:
        with pytest.raises(SchemaError, match="index is named as a column is: a"):
            schema_of(self.FRAME.set_index("b").rename_axis("a"))

    def test_reading_without_the_index_column_gives_none(self) -> None:
        frame = self.FRAME.set_index("b")
        schema = schema_of(frame)
        back = read(written(frame, schema), schema, "pandas", columns=["a"])
        pd.testing.assert_frame_equal(back, frame[["a"]].reset_index(drop=True))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ([0, "b"], "Column names have to be texts, and 0 is not."),
        (["a", "a"], "There are several columns 'a'."),
        (pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]), "The frame's columns have 2 levels"),
    ],
)
def test_names_that_are_no_names(columns, says: str) -> None:
    with pytest.raises(SchemaError) as caught:
        schema_of(pd.DataFrame([[1, 2]], columns=columns))
    assert says in str(caught.value)


def test_attrs_and_the_name_of_the_columns_come_back() -> None:
    frame = pd.DataFrame({"a": [1], "x": S(["a"], dtype=object)})
    frame.attrs, frame.columns.name = {"source": "cash desk"}, "what"
    back = through_file(frame, "pandas")
    assert (back.attrs, back.columns.name) == (frame.attrs, "what")


def test_arrow_dtypes_throughout() -> None:
    back = through_file(pd.DataFrame({"a": [1, 2], "s": ["x", None]}), "pandas-arrow")
    assert [str(each) for each in back.dtypes] == ["int64[pyarrow]", "large_string[pyarrow]"]


def test_many_columns_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    frame = pd.DataFrame({f"c{each}": S(["a"], dtype=object if each % 2 else "str") for each in range(120)})
    pd.testing.assert_frame_equal(through_file(frame, "pandas"), frame)
    assert not recwarn.list


COUNTING = pa.proxy_memory_pool(pa.default_memory_pool())  # outlives all memory that it gave


def test_memory_of_the_table_is_given_back_column_by_column() -> None:
    """At most half as much again as the frame, though each column is copied, since it has several chunks."""
    rows, columns, before = 100_000, 16, pa.default_memory_pool()
    pool = COUNTING
    pa.set_memory_pool(pool)
    try:
        made = {f"c{each}": pa.chunked_array([_counted(rows // 4) for _ in range(4)]) for each in range(columns)}
        held = [pa.table(made)]
        del made
        size = pool.bytes_allocated()
        assert size >= rows * columns * 8
        frame = into(held.pop(), "pandas")
        assert frame.shape == (rows, columns)
        assert pool.max_memory() <= 1.5 * size
    finally:
        pa.set_memory_pool(before)


def _counted(rows: int) -> pa.Array:
    return pc.add(pa.nulls(rows, pa.int64()).fill_null(0), 1)
