"""Frames through Parquet files and back, in memory: which files, which rows, and in which order."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_access.config import Settings
from data_access.errors import CorruptError, DataError, NotFoundError, Reason
from data_access.metastore.base import Metastore
from data_access.names import TableName
from data_access.progress import Progress
from data_access.tables import encode, plan, read, write
from data_access.tables.frames import source_of
from data_access.tables.model import Commit, DataFile, PartitionValues, Schema, Snapshot
from data_access.tables.schema import evolve, table_schema
from data_access.workspace import Workspace
from tests.fakes.data.storage import MemoryStorage

BATCH = "0" * 26


class CountingStorage(MemoryStorage):
    """A storage that remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, tuple[int | None, int | None]]] = []
        self.full_after: int | None = None
        self._noting = threading.Lock()

    def _note(self, what: str, url: str, span: tuple[int | None, int | None] = (None, None)) -> None:
        with self._noting:
            self.asked.append((what, url.rpartition("/")[2], span))

    def get(self, url: str, start: int | None = None, end: int | None = None) -> memoryview:
        self._note("get", url, (start, end))
        return super().get(url, start, end)

    def size(self, url: str) -> int:
        self._note("size", url)
        return super().size(url)

    def list(self, prefix: str) -> Iterator[Any]:
        self._note("list", prefix)
        return super().list(prefix)

    def put(self, url: str, data: bytes | memoryview, *, if_absent: bool = False) -> None:
        self._room(len(data))
        super().put(url, data, if_absent=if_absent)

    def write(self, url: str, write: Callable[[IO[bytes]], None]) -> None:
        self._room(0)
        super().write(url, write)  # puts

    def _room(self, size: int) -> None:
        if self.full_after is not None:
            with self._noting:
                self.full_after -= 1
            if self.full_after < 0:
                raise DataError(Reason.DISK_FULL, "There is no room left.", "Free some space.")


@pytest.fixture
def storage() -> CountingStorage:
    return CountingStorage()


@pytest.fixture
def workspace(storage: CountingStorage) -> Workspace:
    return _workspace(storage)


def _workspace(storage: CountingStorage) -> Workspace:
    no_metastore: Metastore = None  # type: ignore[assignment] - reads and writes of files need none
    return Workspace(Settings(threads=2, progress=False), no_metastore, storage, "ann", "s3://lake/wh")


def stored(
    workspace: Workspace, frame: Any, by: Sequence[str] = (), root: str = "t", schema: Schema | None = None, **how: Any
) -> Snapshot:
    source = source_of(frame)
    schema = schema or table_schema(source.schema, by)
    place = f"{workspace.warehouse}/{root}"
    return snapshot(place, schema, write.write_files(workspace, place, schema, source, batch=BATCH, **how))


def snapshot(root: str, schema: Schema, files: Sequence[DataFile]) -> Snapshot:
    commit = Commit(
        TableName("sales", "orders"), 42, "I" * 26, None, "store", "overwrite", datetime(2026, 1, 1, tzinfo=UTC), "ann",
        "", schema, (), sum(file.rows for file in files), sum(file.size for file in files), len(files),
    )  # fmt: skip
    return Snapshot(commit, root, tuple(files))


def loaded(workspace: Workspace, of: Snapshot, **how: Any) -> pa.Table:
    return read.read(workspace, plan.plan(of, **how))


def frame(rows: int = 1000, partitions: int = 5) -> pa.Table:
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "x": pa.array([i / 7 if i % 5 else None for i in range(rows)], pa.float64()),
            "day": pa.array([f"2026-01-{i * 7 % partitions + 1:02d}" if i % 11 else None for i in range(rows)]),
            "shop": pa.array([["a/b", "ü", "c=d"][i % 3] for i in range(rows)]),
            "tags": pa.array([[str(i), None] if i % 3 else None for i in range(rows)], pa.list_(pa.string())),
        }
    )


# Write


def test_every_row_goes_to_the_partition_of_its_values_null_too(workspace: Workspace, storage: CountingStorage) -> None:
    table = frame()
    made = stored(workspace, table, ["day", "shop"])
    assert sum(file.rows for file in made.files) == 1000
    assert len(made.files) == 18
    for file in made.files:
        day, shop = file.partition
        expected = [
            row["id"] for row in table.to_pylist() if row["day"] == day and row["shop"] == shop
        ]  # their order stays
        body = pq.read_table(pa.BufferReader(storage.objects[f"{made.root}/{file.path}"][0]))
        assert body.column("id").to_pylist() == expected
        assert body.schema.names == ["id", "x", "tags"]
    paths = [file.path for file in made.files]
    assert paths == sorted(paths)
    assert f"day=__HIVE_DEFAULT_PARTITION__/shop=a%2Fb/batch_id={BATCH}/part-00000.parquet" in paths


def test_what_the_manifest_says_of_a_file_is_so(workspace: Workspace, storage: CountingStorage) -> None:
    (file,) = stored(workspace, frame().drop(["day", "shop"])).files
    body = storage.objects[f"{workspace.warehouse}/t/{file.path}"][0]
    assert (file.size, file.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert file.footer == int.from_bytes(body[-8:-4], "little") + 8
    assert file.stats["id"] == encode.Stats(0, 999, 0)
    assert file.stats["x"] == encode.Stats(1 / 7, 999 / 7, 200)
    assert "tags" not in file.stats


def test_all_rows_go_to_a_partition_that_is_given(workspace: Workspace) -> None:
    table = frame().drop(["day"])
    schema = table_schema(frame().schema, ["day"])
    made = stored(workspace, table, schema=schema, fixed=("2026-11-20",))
    (file,) = made.files
    assert (file.partition, file.rows) == (("2026-11-20",), 1000)
    assert loaded(workspace, made).column("day").unique().to_pylist() == ["2026-11-20"]


def test_no_rows_make_no_files(workspace: Workspace) -> None:
    made = stored(workspace, frame().slice(0, 0), ["day"])
    assert made.files == ()
    assert loaded(workspace, made).schema.names == ["id", "x", "shop", "tags", "day"]
    assert loaded(workspace, made, where="id > 1").num_rows == 0


def test_rows_that_go_on_and_on_are_cut_into_files_of_one_order(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "FILE_BYTES", 100_000)
    monkeypatch.setattr(write, "_SMALLEST_SHARE", 50_000)
    monkeypatch.setattr(encode, "IN_MEMORY", 50_000)  # the larger ones go up while they are made
    monkeypatch.setattr(encode, "GROUP_BYTES", 40_000)
    table = frame(20_000).drop(["day", "shop"])
    made = stored(workspace, iter(table.to_batches(max_chunksize=1500)))
    assert len(made.files) > 4
    assert [file.path[-10:-8] for file in made.files] == [f"{i:02d}" for i in range(len(made.files))]
    assert loaded(workspace, made).equals(table)
    assert loaded(workspace, made, columns=["id"], where="id >= 19990").column("id").to_pylist() == list(
        range(19990, 20000)
    )


def test_more_than_memory_may_hold_is_written_in_several_goes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write.memory, "share", lambda *_: 150_000)
    held: list[int] = []
    original = write._Writing._relieve
    monkeypatch.setattr(write._Writing, "_relieve", lambda self: (held.append(self._bytes), original(self))[1])
    table = frame(20_000)
    made = stored(workspace, iter(table.to_batches(max_chunksize=1000)), ["day"])
    assert held
    assert max(held) < 200_000
    assert len(made.files) > 6
    got = loaded(workspace, made).sort_by("id").select(table.schema.names)
    assert got.equals(table)


@pytest.mark.parametrize("room", [0, 3])
def test_a_store_that_fails_leaves_nothing(workspace: Workspace, storage: CountingStorage, room: int) -> None:
    storage.full_after = room
    with pytest.raises(DataError) as caught:
        stored(workspace, frame(), ["day"])
    assert caught.value.reason is Reason.DISK_FULL
    assert storage.objects == {}


def test_a_frame_that_fails_in_the_middle_leaves_nothing(workspace: Workspace, storage: CountingStorage) -> None:
    def parts() -> Iterator[pa.RecordBatch]:
        yield from frame().to_batches()
        raise RuntimeError("the query failed")

    with pytest.raises(RuntimeError, match="the query failed"):
        stored(workspace, pa.RecordBatchReader.from_batches(frame().schema, parts()), ["day"])
    assert storage.objects == {}


def test_dictionaries_only_where_values_repeat() -> None:
    table = pa.table({"a": list(range(100)), "b": [i % 3 for i in range(100)], "c": [[i] for i in range(100)]})
    assert encode.encoding_for(table, "zstd").dictionary == ("b", "c.list.element")


def test_progress_counts_all_rows(workspace: Workspace) -> None:
    counted = Progress("")
    made = stored(workspace, frame(), ["day"], progress=counted)
    assert (counted.rows, counted.bytes) == (1000, sum(file.size for file in made.files))  # as stored, not as in memory
    again = Progress("")
    read.read(workspace, plan.plan(made), progress=again)
    assert (again.rows, again.bytes) == (1000, sum(file.size for file in made.files))


KEYS = st.lists(
    st.tuples(
        st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8),
        st.none() | st.integers(-9, 9),
        st.none() | st.dates(date(1, 1, 1)),
    ),
    min_size=1,
    max_size=30,
)


@given(KEYS, st.integers(1, 40), st.sampled_from([["s"], ["i"], ["d"], ["s", "d"], ["i", "s", "d"]]))
@settings(max_examples=12, deadline=None)
def test_any_partition_values_come_back(rows: list[tuple[Any, ...]], size: int, by: list[str]) -> None:
    rows = [row for row in rows if row[0] != "__HIVE_DEFAULT_PARTITION__"]
    table = pa.table(
        {
            "n": pa.array(range(len(rows))),
            "s": pa.array([row[0] for row in rows], pa.string()),
            "i": pa.array([row[1] for row in rows], pa.int32()),
            "d": pa.array([row[2] for row in rows], pa.date32()),
        }
    )
    workspace = _workspace(CountingStorage())
    made = stored(
        workspace, iter(table.to_batches(max_chunksize=size)) if rows else table, by, root=os.urandom(4).hex()
    )
    got = loaded(workspace, made).select(table.schema.names).sort_by("n")
    assert got.equals(table)


# Read


def test_a_small_table_is_one_request_and_nothing_is_listed(workspace: Workspace, storage: CountingStorage) -> None:
    made = stored(workspace, frame())
    storage.asked.clear()
    assert loaded(workspace, made).equals(frame())
    assert storage.asked == [("get", "part-00000.parquet", (None, None))]


def test_many_small_files_are_one_request_each(workspace: Workspace, storage: CountingStorage) -> None:
    made = stored(workspace, frame(), ["day"])
    storage.asked.clear()
    loaded(workspace, made, columns=["id"])
    assert sorted(storage.asked) == [("get", "part-00000.parquet", (None, None))] * 6


def test_of_a_large_file_only_the_columns_that_are_wanted_are_fetched(
    workspace: Workspace, storage: CountingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "WORTH", 1000)
    monkeypatch.setattr(encode, "GROUP_BYTES", 160_000)
    for name in ("GAP", "PIECE"):
        monkeypatch.setattr(f"data_access.tables.parquet_ranges.{name}", 10_000)
    table = frame(20_000).drop(["day", "shop"])
    made = stored(workspace, table)
    (file,) = made.files
    storage.asked.clear()
    assert loaded(workspace, made, columns=["x"]).equals(table.select(["x"]))
    fetched = sum(span[1] - span[0] for _, _, span in storage.asked if span[0] is not None and span[1] is not None)
    assert {what for what, _, _ in storage.asked} == {"get"}
    assert ("get", "part-00000.parquet", (file.size - file.footer, file.size)) in storage.asked
    assert fetched < file.size * 0.6
    storage.asked.clear()
    assert loaded(workspace, made, columns=["x"], where="id < 10").num_rows == 10
    pruned = sum(span[1] - span[0] for _, _, span in storage.asked if span[0] is not None and span[1] is not None)
    assert pruned < fetched * 0.7  # the row groups that can't have such a row


def test_partition_columns_alone_need_no_file(workspace: Workspace, storage: CountingStorage) -> None:
    made = stored(workspace, frame(), ["day"])
    storage.asked.clear()
    days = loaded(workspace, made, columns=["day"]).column("day")
    assert sorted(days.to_pylist(), key=str) == sorted(frame().column("day").to_pylist(), key=str)
    assert storage.asked == []


@pytest.mark.parametrize(
    ("how", "files"),
    [
        ({"partitions": ["2026-01-01"]}, 1),
        ({"partitions": {"day": ["2026-01-01", "2026-01-02", None]}}, 3),
        ({"where": "day >= '2026-01-04'"}, 2),
        ({"where": "day is null"}, 1),
        ({"where": "day is null and id > 5000"}, 0),
        ({"where": "id < 3"}, 3),
        (
            {"where": "day in ('2026-01-01', '2026-01-05') and x > 1 and not (shop = 'ü')"},
            1,
        ),  # x is null in all of the first
        ({"where": "day = '1999-01-01'"}, 0),
        ({"where": "day = '2026-01-01' or id = 999"}, 2),
        ({"where": pa.compute.field("day") == "2026-01-01"}, 1),
        ({"where": (pa.compute.field("id") < 3) & pa.compute.field("day").is_valid()}, 2),
        ({"where": [("day", "=", "2026-01-01"), ("id", ">", 990)]}, 1),
    ],
)
def test_only_files_that_may_hold_a_wanted_row_are_fetched(
    workspace: Workspace, storage: CountingStorage, how: dict[str, Any], files: int
) -> None:
    made = stored(workspace, frame(), ["day"])
    everything = loaded(workspace, made)
    storage.asked.clear()
    got = loaded(workspace, made, **how)
    assert len(storage.asked) == files
    whole = plan.plan(dataclasses.replace(made, files=made.files), **how)
    rows = everything
    if "partitions" in how:
        wanted = how["partitions"]["day"] if isinstance(how["partitions"], dict) else how["partitions"]
        rows = rows.filter(pa.array([day in wanted for day in rows.column("day").to_pylist()]))
    if whole.predicate is not None:
        rows = rows.filter(plan.expression(whole.predicate))
    assert got.equals(rows)


def test_a_plan_says_what_it_leaves_out(workspace: Workspace) -> None:
    made = stored(workspace, frame(), ["day"])
    text = str(plan.plan(made, columns=["id"], where="day = '2026-01-02' and X > 1.5"))
    assert text.startswith(
        f"sales.orders@42:{'I' * 26}: 1 of 6 partitions, 1 of 6 files, 0.0 MiB of 0.0 MiB, 1 of 5 columns"
    )
    assert text.endswith("rows where day = '2026-01-02' and x > 1.5")


@pytest.mark.parametrize(
    ("how", "reason", "said"),
    [
        ({"columns": ["shops"]}, Reason.UNKNOWN_COLUMN, "Did you mean shop"),
        ({"columns": []}, Reason.BAD_ARGUMENT, "names no column"),
        ({"partitions": ["2026-01-09"]}, Reason.UNKNOWN_PARTITION, "2026-01-0"),
        ({"limit": -1}, Reason.BAD_ARGUMENT, "limit=-1"),
        ({"where": "nope = 1"}, Reason.UNKNOWN_COLUMN, "nope"),
    ],
)
def test_what_can_not_be_planned_says_why(workspace: Workspace, how: Any, reason: Reason, said: str) -> None:
    made = stored(workspace, frame(), ["day"])
    with pytest.raises(DataError, match=said) as caught:
        plan.plan(made, **how)
    assert caught.value.reason is reason


def test_columns_come_in_the_order_asked_and_in_any_case(workspace: Workspace) -> None:
    made = stored(workspace, frame(), ["day"])
    assert loaded(workspace, made, columns=["DAY", "x", "ID"]).schema.names == ["day", "x", "id"]


@pytest.mark.parametrize("limit", [0, 1, 250, 5000])
def test_a_limit(workspace: Workspace, limit: int) -> None:
    made = stored(workspace, frame(), ["day"])
    assert loaded(workspace, made, limit=limit).equals(loaded(workspace, made).slice(0, limit))


def test_batches_are_the_same_rows(workspace: Workspace) -> None:
    made = stored(workspace, frame(), ["day"])
    whole = plan.plan(made, where="id >= 100")
    assert pa.Table.from_batches(read.batches(workspace, whole)).equals(read.read(workspace, whole))


def test_a_column_that_older_files_do_not_have_is_null_there(workspace: Workspace) -> None:
    old = pa.table({"a": pa.array([1, 2], pa.int32()), "k": ["p", "q"]})
    first = stored(workspace, old, ["k"])
    new = pa.table({"a": pa.array([2**40], pa.int64()), "b": [0.5], "k": ["r"]})
    wider = evolve(first.commit.schema, new.schema, TableName("sales", "orders"))
    second = stored(workspace, new, root="t", schema=wider)
    both = snapshot(first.root, wider, [*first.files, *second.files])
    got = loaded(workspace, both)
    assert got.select(["a", "b", "k"]).to_pylist() == [
        {"a": 1, "b": None, "k": "p"},
        {"a": 2, "b": None, "k": "q"},
        {"a": 2**40, "b": 0.5, "k": "r"},
    ]
    assert loaded(workspace, both, columns=["b"]).to_pylist() == [{"b": None}, {"b": None}, {"b": 0.5}]
    assert loaded(workspace, both, where="b is null").num_rows == 2
    assert loaded(workspace, both, where=f"a = {2**40}").num_rows == 1


def _damage(storage: MemoryStorage, made: Snapshot, how: Callable[[bytes], bytes]) -> None:
    url = f"{made.root}/{made.files[0].path}"
    storage.put(url, how(bytes(storage.get(url))))


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    ("how", "verify"),
    [
        (lambda body: body[:-100], False),
        (lambda body: body + b"x", False),
        (lambda body: b"\0" * len(body), False),
        (lambda body: body[:200] + bytes([body[200] ^ 1]) + body[201:], True),
    ],
)
def test_a_file_that_is_not_what_was_committed_is_named(  # noqa: PLR0917
    workspace: Workspace,
    storage: CountingStorage,
    how: Callable[[bytes], bytes],
    verify: bool,
    large: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if large:
        monkeypatch.setattr(plan, "WHOLE", 0)
    made = stored(workspace, frame(), ["day"])
    if large and verify is False:
        _damage(storage, made, lambda body: how(body) if len(how(body)) <= len(body) else b"\0" * len(body))
    else:
        _damage(storage, made, how)
    with pytest.raises(CorruptError) as caught:
        read.read(workspace, plan.plan(made), verify=verify)
    assert f"{made.root}/{made.files[0].path}" in str(caught.value)
    assert "sales.orders@42" in str(caught.value)


def test_a_file_that_is_gone_is_named(workspace: Workspace, storage: CountingStorage) -> None:
    made = stored(workspace, frame(), ["day"])
    storage.delete([f"{made.root}/{made.files[3].path}"])
    with pytest.raises(CorruptError, match="is not there") as caught:
        loaded(workspace, made)
    assert made.files[3].path in str(caught.value)
    assert isinstance(caught.value.__cause__, NotFoundError)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.0, 1e-300])
def test_floats_stay_bit_for_bit(workspace: Workspace, value: float) -> None:
    table = pa.table({"x": pa.array([value, None, 1.0])})
    got = loaded(workspace, stored(workspace, table)).column("x")
    assert (
        got.combine_chunks().buffers()[1].to_pybytes()[:8] == table.column("x").chunk(0).buffers()[1].to_pybytes()[:8]
    )


def test_partition_values_are_known_to_predicates(workspace: Workspace) -> None:
    table = pa.table({"n": range(6), "d": pa.array([date(2026, 1, i % 3 + 1) for i in range(6)])})
    made = stored(workspace, table, ["d"])
    assert loaded(workspace, made, where="d > '2026-01-02'").column("n").to_pylist() == [2, 5]
    values: set[PartitionValues] = {file.partition for file in made.files}
    assert values == {("2026-01-01",), ("2026-01-02",), ("2026-01-03",)}
