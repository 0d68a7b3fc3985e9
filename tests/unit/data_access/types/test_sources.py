"""Whatever is called a frame becomes one stream of Arrow batches; the rest is refused by name."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from polars.testing import assert_frame_equal

from data_access.errors import DataError, Reason, SchemaError
from data_access.names import TableName
from data_access.tables.frames import into, source_of
from data_access.tables.schema import evolve, to_file
from tests.unit.data_access.types.through import read, schema_of, through_file, written

TABLE = pa.table({"a": [1, 2, 3], "s": ["x", None, "z"]})


class _Stream:
    """Only Arrow's C stream, as other libraries' frames have it."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return TABLE.__arrow_c_stream__(requested_schema)


class _Array:
    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return TABLE.combine_chunks().to_batches()[0].__arrow_c_array__(requested_schema)


def _relation() -> duckdb.DuckDBPyRelation:
    return duckdb.sql("SELECT * FROM (VALUES (1::BIGINT, 'x'), (2, NULL), (3, 'z')) t(a, s)")


SOURCES = {
    "pandas": (TABLE.to_pandas, "pandas", 3),
    "polars": (lambda: pl.from_arrow(TABLE), "polars", 3),
    "polars lazy": (lambda: pl.from_arrow(TABLE).lazy().filter(pl.col("a") > 0), "polars", None),
    "table": (lambda: TABLE, "arrow", 3),
    "batch": (lambda: TABLE.to_batches()[0], "arrow", 3),
    "reader": (TABLE.to_reader, "arrow", None),
    "dataset": (lambda: ds.dataset(TABLE), "arrow", None),
    "scanner": (lambda: ds.dataset(TABLE).scanner(), "arrow", None),
    "duckdb": (_relation, "duckdb", None),
    "stream": (_Stream, "tests", None),
    "array": (_Array, "tests", 3),
    "list": (lambda: [TABLE.slice(0, 2), TABLE.slice(2).to_pandas()], "arrow", None),
    "generator": (lambda: (pl.from_arrow(part) for part in TABLE.to_batches(max_chunksize=2)), "polars", None),
    "pandas chunks": (lambda: (TABLE.to_pandas()[at : at + 1] for at in range(3)), "pandas", None),
}  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "rows"), SOURCES.values(), ids=SOURCES.keys())
def test_every_kind_gives_its_rows(make, kind: str, rows: int | None) -> None:
    source = source_of(make())
    assert (source.kind, source.rows) == (kind, rows)
    assert source.schema.names == ["a", "s"]
    batches = [each for batch in source.batches for each in batch.to_pylist()]
    assert batches == TABLE.to_pylist()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (7, "A int is no frame."),
        ("a.csv", "A str is no frame."),
        ({"a": [1]}, "A dict is no frame. Give a pandas or Polars DataFrame"),
        (pd.Series([1]), "A Series is no frame. Make it one: series.to_frame('its name')."),
        (pl.Series([1]), "A Series is no frame."),
        ([], "The iterable of frames is empty"),
        ([[1, 2]], "A list is no frame."),
    ],
)
def test_what_is_no_frame(given: object, says: str) -> None:
    with pytest.raises(DataError) as caught:
        source_of(given)
    assert caught.value.reason is Reason.BAD_ARGUMENT
    assert says in str(caught.value)


def test_later_frames_have_to_fit_the_first() -> None:
    source = source_of([pa.table({"a": [1], "b": ["x"]}), pa.table({"b": [None], "a": pa.array([2], pa.int8())})])
    schema = schema_of(pa.table({"a": [1], "b": ["x"]}))
    assert [to_file(batch, schema).to_pylist() for batch in source.batches] == [
        [{"a": 1, "b": "x"}],
        [{"a": 2, "b": None}],
    ]
    with pytest.raises(
        SchemaError, match="Part 2 of the frames has other columns than the first: it lacks b and it adds c"
    ):
        list(source_of([pa.table({"a": [1], "b": [1]}), pa.table({"a": [1], "c": [1]})]).batches)
    with pytest.raises(SchemaError, match="Column 'a' is int64 in the first frame and double in part 3"):
        list(source_of([pa.table({"a": [1]}), pa.table({"a": [1]}), pa.table({"a": [1.5]})]).batches)


def test_a_first_part_of_nulls_only_takes_its_type_from_the_table() -> None:
    parts = [pa.table({"a": pa.nulls(1)}), pa.table({"a": ["x"]})]
    schema = evolve(schema_of(pa.table({"a": ["y"]})), source_of(parts).schema, TableName("a", "b"))
    assert [to_file(batch, schema)["a"].to_pylist() for batch in source_of(parts).batches] == [[None], ["x"]]


def test_parts_with_other_categories() -> None:
    parts = [pd.DataFrame({"c": pd.Categorical([each])}) for each in "abc"]
    schema = schema_of(parts)
    assert list(read(written(parts, schema), schema, "pandas")["c"]) == ["a", "b", "c"]


POLARS = pl.DataFrame(
    {
        "s": ["a", None],
        "c": ["x", "y"],
        "e": ["lo", "hi"],
        "l": [[1], None],
        "d": [dt.date(2020, 1, 1), None],
        "t": [dt.datetime(2020, 1, 1), None],  # noqa: DTZ001
        "z": [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), None],
        "dec": [Decimal("1.2"), None],
        "b": [b"a", None],
        "arr": [[1, 2], [3, 4]],
        "st": [{"a": 1}, {"a": None}],
        "f": [1.5, float("nan")],
        "lc": [["x"], ["y"]],
        "i8": [1, None],
        "bo": [True, None],
    },
    schema_overrides={
        "c": pl.Categorical,
        "e": pl.Enum(["lo", "mid", "hi"]),
        "t": pl.Datetime("ns"),
        "z": pl.Datetime("ms", "Europe/Berlin"),
        "arr": pl.Array(pl.Int64, 2),
        "lc": pl.List(pl.Categorical),
        "i8": pl.Int8,
        "f": pl.Float32,
    },
)


@pytest.mark.parametrize("name", POLARS.columns)
def test_polars_frames_come_back_as_they_were(name: str) -> None:
    frame = POLARS.select(name)
    assert_frame_equal(through_file(frame, "polars"), frame)
    assert_frame_equal(through_file(frame.lazy(), "polars"), frame)
    assert_frame_equal(through_file(frame.clear(), "polars"), frame.clear())


@pytest.mark.parametrize(
    ("dtype", "says"),
    [
        (pl.UInt8, "Polars .cast(pl.Int16)"),
        (pl.Time, "a time of day"),
        (pl.Duration, "a duration"),
        (pl.Null, "without a type"),
        (pl.Int128, "Polars' Int128"),
        (pl.Object, "Polars' Object"),
        (pl.Enum(["a", "b"]), None),
        (pl.List(pl.Enum(["a"])), "a list whose items are a categorical with an order"),
    ],
)
def test_polars_types_that_are_refused(dtype, says: str | None) -> None:
    frame = pl.DataFrame(schema={"x": dtype})
    if says is None:
        assert through_file(frame, "polars").schema == frame.schema
        return
    with pytest.raises(SchemaError, match="Column 'x'") as caught:
        schema_of(frame)
    assert says in str(caught.value)


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "pandas-arrow"])
def test_any_frame_can_be_read_as_any_other(kind: str) -> None:
    for frame in (POLARS, POLARS.select(pl.exclude("lc")).to_pandas(), POLARS.to_arrow()):
        assert len(through_file(frame, kind)) == 2


def test_an_unknown_kind() -> None:
    with pytest.raises(DataError, match=r"into='panda' is not known. Did you mean pandas"):
        into(TABLE, "panda")
