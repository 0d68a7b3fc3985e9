"""Any frame, stored and loaded by the public calls: what comes back is what was given, bit for bit."""

from __future__ import annotations

import datetime as dt
from itertools import count
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data_access import load_batches, load_dataframe, store_dataframe
from data_access.config import Settings
from data_access.errors import DataError, NotFoundError, Reason
from data_access.tables.partitions import NULL
from data_access.workspace import Workspace, connect
from tests.data.roundtrip.frames import TEXT, assert_same, tables
from tests.unit.data_access.types.test_arrow_types import TAKEN as ARROW
from tests.unit.data_access.types.test_pandas_frames import TAKEN as PANDAS
from tests.unit.data_access.types.test_sources import POLARS
from tests.unit.data_access.types.through import column

deep = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
_number = count()


@pytest.fixture(scope="module")
def ann(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One workspace for all examples: a catalog in a file, tables in a folder."""
    place: Path = tmp_path_factory.mktemp("roundtrip")
    workspace = connect(
        Settings(metastore=f"sqlite://{place}/catalog.sqlite", warehouse=str(place), user="ann", progress=False)
    )
    yield workspace
    workspace.close()


def stored(frame: object, workspace: Workspace, **how: object) -> str:
    """In a table of its own; its name."""
    table = f"t{next(_number)}"
    store_dataframe(frame, "sandbox_ann", table, workspace=workspace, **how)
    return table


def loaded(table: str, workspace: Workspace, into: str, **how: object):
    return load_dataframe("sandbox_ann", table, into=into, workspace=workspace, **how)


@deep
@given(table=tables())
def test_any_arrow_table(ann: Workspace, table: pa.Table) -> None:
    name = stored(table, ann)
    assert_same(loaded(name, ann, "arrow"), table)
    frames = list(load_batches("sandbox_ann", name, into="arrow", rows=2, workspace=ann))
    assert_same(pa.concat_tables(frames).unify_dictionaries(), table)


@deep
@given(table=tables(st.integers(1, 6)), data=st.data())
def test_any_arrow_table_in_parts_and_by_column(ann: Workspace, table: pa.Table, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, table.num_rows))
    name = stored((part for part in (table.slice(0, cut), table.slice(cut))), ann)
    some = data.draw(st.lists(st.sampled_from(table.column_names), min_size=1, unique=True))
    assert_same(loaded(name, ann, "arrow", columns=some), table.select(some))


@deep
@given(values=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=6))
def test_integers_in_pandas_whatever_is_null(ann: Workspace, values: list[int | None]) -> None:
    frame = pd.DataFrame({"x": pd.array(values, dtype="Int64"), "at": range(len(values))})
    pd.testing.assert_frame_equal(loaded(stored(frame, ann), ann, "pandas"), frame)


STRANGE = ["a/b", "50%", "a=b", " a", "a ", ".", "..", "日" * 100, "x" * 250]
PARTITION_VALUES = TEXT.filter(lambda text: text not in ("", NULL) and "\0" not in text)


@deep
@given(
    rows=st.lists(
        st.tuples(
            st.none() | PARTITION_VALUES | st.sampled_from(STRANGE),
            st.none() | st.dates(),
            st.none() | st.integers(-(2**31), 2**31 - 1),
            st.none() | st.booleans(),
        ),
        min_size=1,
        max_size=5,
    )
)  # fmt: skip
def test_any_partition_values(ann: Workspace, rows: list[tuple]) -> None:
    keys = {"shop": pa.string(), "day": pa.date32(), "number": pa.int32(), "flag": pa.bool_()}
    columns = {name: pa.array([row[at] for row in rows], type_) for at, (name, type_) in enumerate(keys.items())}
    table = pa.table({"row": pa.array(range(len(rows)), pa.int64()), **columns})
    name = stored(table, ann, partition_by=list(keys))
    back = loaded(name, ann, "arrow")
    assert back.schema.equals(table.schema)
    assert_same(back.sort_by("row"), table)
    row = rows[0]
    one = loaded(name, ann, "arrow", partitions=[row])
    assert_same(one.sort_by("row"), table.filter([each == row for each in rows]))
    again = table.slice(0, 1)
    store_dataframe(again, "sandbox_ann", name, workspace=ann)  # the same partition, by the frame's own columns
    after = loaded(name, ann, "arrow", partitions=dict(zip(keys, row, strict=True)))
    assert_same(after, again)


@pytest.mark.parametrize("value", ["x" * 300, "ä/" * 150, "日" * 300, "x" * 300 + "a"])
def test_values_longer_than_a_folders_name(ann: Workspace, value: str) -> None:
    other = value[:-1] + "b"
    table = pa.table({"row": [1, 2, 3], "shop": [value, other, value]})
    name = stored(table, ann, partition_by=["shop"])
    assert_same(loaded(name, ann, "arrow").sort_by("row"), table)
    assert loaded(name, ann, "arrow", partitions=[value])["row"].to_pylist() == [1, 3]


@pytest.mark.parametrize(("type_", "values", "hive"), ARROW, ids=lambda each: str(each)[:40])
def test_every_arrow_type(ann: Workspace, type_: pa.DataType, values: list, hive: str) -> None:
    del hive
    for given_ in (values, [], [None, None]):
        table = pa.table({"x": column(given_, type_), "at": pa.array(range(len(given_)), pa.int64())})
        assert_same(loaded(stored(table, ann), ann, "arrow"), table)


@pytest.mark.parametrize("name", [name for name in PANDAS if name != "object of arrays"])  # arrays have no equality
def test_every_pandas_dtype(ann: Workspace, name: str) -> None:
    frame = pd.DataFrame({"x": PANDAS[name], "at": range(len(PANDAS[name]))})
    table = stored(frame, ann)
    pd.testing.assert_frame_equal(loaded(table, ann, "pandas"), frame, check_exact=True)
    indexed = frame.set_index("at")
    pd.testing.assert_frame_equal(loaded(stored(indexed, ann), ann, "pandas"), indexed, check_exact=True)
    parts = list(load_batches("sandbox_ann", table, rows=1, workspace=ann))
    assert {str(part["x"].dtype) for part in parts} == {str(frame["x"].dtype)}


@pytest.mark.parametrize("name", [name for name in PANDAS if PANDAS[name].dtype != object])
def test_no_rows_keep_dtypes_and_categories(ann: Workspace, name: str) -> None:
    frame = pd.DataFrame({"x": PANDAS[name]}).iloc[:0]
    pd.testing.assert_frame_equal(loaded(stored(frame, ann), ann, "pandas"), frame.reset_index(drop=True))
    full = pd.DataFrame({"x": PANDAS[name], "at": range(len(PANDAS[name]))})
    none = loaded(stored(full, ann), ann, "pandas", where="at < 0")
    assert none["x"].dtype == full["x"].dtype


@pytest.mark.parametrize("name", POLARS.columns)
def test_every_polars_dtype(ann: Workspace, name: str) -> None:
    frame = POLARS.select(name)
    for each in (frame, frame.lazy(), frame.clear()):
        expected = each.collect() if isinstance(each, pl.LazyFrame) else each
        assert_frame_equal(loaded(stored(each, ann), ann, "polars"), expected)


def test_old_files_are_read_by_the_present_schema(ann: Workspace) -> None:
    """Three generations of a table's schema, in three partitions; and the past as it was."""
    first = pd.DataFrame({"a": pd.array([1], "int8"), "c": pd.Categorical(["x"]), "day": [dt.date(2026, 1, 1)]})
    second = pd.DataFrame({"b": ["new"], "a": [2**20], "c": pd.Categorical(["y"]), "day": [dt.date(2026, 1, 2)]})
    third = pd.DataFrame({"a": [2**40], "b": [None], "c": ["z"], "day": [dt.date(2026, 1, 3)]})
    table = stored(first, ann, partition_by=["day"])
    for each in (second, third):
        store_dataframe(each, "sandbox_ann", table, workspace=ann)
    now = loaded(table, ann, "pandas").sort_values("day", ignore_index=True)
    assert list(now["a"]) == [1, 2**20, 2**40]
    assert now["a"].dtype == "int64"
    assert now["b"].isna().tolist() == [True, False, True]
    assert list(now["c"].cat.categories) == ["x", "y", "z"]
    then = loaded(table, ann, "pandas", as_of=1)
    pd.testing.assert_frame_equal(then, first)


def test_a_refused_frame_leaves_the_table_as_it_was(ann: Workspace) -> None:
    table = stored(pd.DataFrame({"a": [1]}), ann)
    for bad in (pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": [1], "b": pd.to_timedelta([1], "s")}), [7]):
        with pytest.raises(DataError):
            store_dataframe(bad, "sandbox_ann", table, workspace=ann)
    late = (pa.table({"a": [2 + at if at < 3 else 2.5]}) for at in range(4))
    with pytest.raises(DataError, match="Column 'a' is int64 in the first frame and double in part 4"):
        store_dataframe(late, "sandbox_ann", table, workspace=ann)
    assert loaded(table, ann, "arrow").to_pylist() == [{"a": 1}]


def test_the_row_of_a_lost_nanosecond_is_the_frames(ann: Workspace) -> None:
    parts = [pa.table({"t": pa.array([1_000] * 10, pa.timestamp("ns"))}) for _ in range(3)]
    bad = pa.table({"t": pa.array([1_000, 1_001], pa.timestamp("ns"))})
    with pytest.raises(DataError, match=r"the value of row 31, 1970-01-01 00:00:00.000001001"):
        stored([*parts, bad], ann)


def test_near_partitions_are_named(ann: Workspace) -> None:
    table = stored(pd.DataFrame({"a": [1], "shop": ["berlin"]}), ann, partition_by=["shop"])
    with pytest.raises(NotFoundError, match=r"shop=belrin. Did you mean berlin") as caught:
        loaded(table, ann, "pandas", partitions=["belrin"])
    assert caught.value.reason is Reason.UNKNOWN_PARTITION
