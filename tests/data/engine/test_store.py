"""Stores by their public verbs, on a real catalog and real files; and what they say of bad input."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

import data_access as da
from data_access import provenance
from data_access.checks import not_null, set_checks
from data_access.config import Settings
from data_access.errors import (
    CheckFailedError,
    ConflictError,
    CorruptError,
    DataError,
    ForbiddenError,
    NotFoundError,
    Reason,
    SchemaError,
    UnreachableError,
)
from data_access.metastore.base import HEAD, DatabaseRecord, HiveColumn, PartitionChange, PartitionRecord, TableRecord
from data_access.names import TableName
from data_access.tables import commit, places, snapshot
from data_access.tables.model import Code
from data_access.workspace import Workspace, connect
from tests.fakes.data.metastore import HIVE, MemoryMetastore

T = "sandbox_ann.orders"
NAME = TableName.parse(T)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Workspace]:
    snapshot.forget()
    grants = {"sales": ("ann",)}
    made = connect(
        Settings(metastore=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"{tmp_path}/lake", user="ann", grants=grants)
    )
    yield made
    made.close()


@pytest.fixture
def frame() -> pandas.DataFrame:
    return pandas.DataFrame(
        {"day": ["2026-11-19", "2026-11-20", "2026-11-20"], "shop": [1, 2, 3], "x": [0.5, 1.5, 2.5]}
    )


def load(here: Workspace, **more: Any) -> pandas.DataFrame:
    return da.load_dataframe(T, workspace=here, **more).sort_values("shop", ignore_index=True)


def store(here: Workspace, frame: Any, **more: Any) -> da.Commit:
    return da.store_dataframe(frame, T, workspace=here, **more)


def objects(here: Workspace) -> set[str]:
    return {each.url for each in here.storage.list(f"{here.warehouse}/") if "/batch_id=" in each.url}


# What is stored is what is loaded


def test_a_first_store_makes_sandbox_table_and_commit(here: Workspace, frame: pandas.DataFrame) -> None:
    made = store(here, frame, partition_by="day", message="first", comments={"x": "in EUR"})
    assert (made.number, made.operation, made.by, made.message, made.rows) == (1, "create", "ann", "first", 3)
    assert_frame_equal(load(here)[list(frame)], frame)
    record = here.metastore.table(NAME)
    assert {each.name: each.comment for each in record.columns} == {"shop": None, "x": "in EUR"}
    assert {each.values for each in here.metastore.partitions(NAME)} == {("2026-11-19",), ("2026-11-20",)}
    assert made.environment is not None


def test_modes_and_partitions(here: Workspace, frame: pandas.DataFrame) -> None:
    store(here, frame, partition_by=["day"])
    one = pandas.DataFrame({"shop": [9], "x": [9.5]})
    replaced = store(here, one, partitions=["2026-11-20"])
    assert [(each.partition, each.what) for each in replaced.changed] == [(("2026-11-20",), "replaced")]
    assert list(load(here)["shop"]) == [1, 9]
    store(here, one.assign(shop=10), partitions={"day": "2026-11-20"}, mode="append")
    assert list(load(here)["shop"]) == [1, 9, 10]
    store(here, one.assign(shop=11), partitions="2026-11-21", mode="error")
    with pytest.raises(DataError) as there:
        store(here, one, partitions=["2026-11-21"], mode="error")
    assert there.value.reason == Reason.ALREADY_THERE
    assert str(there.value).startswith(f"{T} (day=2026-11-21) is there already")
    with pytest.raises(DataError, match="is there already"):
        store(here, frame, mode="error")  # found out by the rows
    emptied = store(here, one.iloc[:0], partitions=["2026-11-20"])
    assert [each.what for each in emptied.changed] == ["removed"]
    assert list(load(here)["shop"]) == [1, 11]
    assert store(here, frame.iloc[:0]).changed == ()
    assert list(load(here)["shop"]) == [1, 11]


def test_a_partition_that_was_loaded_can_be_stored_again(here: Workspace, frame: pandas.DataFrame) -> None:
    store(here, frame, partition_by=["day"])
    part = load(here, partitions=["2026-11-20"])
    store(here, part.assign(x=0.0), partitions=["2026-11-20"])
    assert list(load(here)["x"]) == [0.5, 0.0, 0.0]
    with pytest.raises(DataError, match="The frame's column 'day' holds 2026-11-20, but partitions= says 2026-11-19"):
        store(here, part, partitions=["2026-11-19"])


@pytest.mark.parametrize("value", [date(2026, 11, 20), 7, True, "a/b ü"])
def test_partitions_that_the_first_call_names(here: Workspace, value: object) -> None:
    store(here, pandas.DataFrame({"shop": [1]}), partitions={"key": value})
    assert load(here)["key"].tolist() == [value]


def test_a_table_without_partitions(here: Workspace, frame: pandas.DataFrame) -> None:
    store(here, frame)
    store(here, frame.assign(shop=[4, 5, 6]), mode="append")
    assert list(load(here)["shop"]) == [1, 2, 3, 4, 5, 6]
    folder = here.metastore.table(NAME).location
    assert len(list(here.storage.list(f"{folder}/"))) == 2, "Hive and Spark read both files in one folder"
    store(here, frame.iloc[:0])
    assert load(here).empty
    assert list(load(here, as_of=1)["shop"]) == [1, 2, 3]
    with pytest.raises(DataError, match="has no partitions, but partitions= gives some"):
        store(here, frame, partitions=["x"])


def test_more_than_memory_comes_in_pieces(here: Workspace) -> None:
    pieces = (pandas.DataFrame({"day": [f"d{piece % 3}"] * 100, "shop": range(100)}) for piece in range(9))
    made = store(here, pieces, partition_by=["day"])
    assert made.rows == 900
    assert len(made.changed) == 3


def test_columns_are_added_at_the_end_and_anything_else_is_refused(here: Workspace, frame: pandas.DataFrame) -> None:
    store(here, frame, partition_by=["day"])
    store(here, frame.assign(note="new").iloc[:1])
    assert load(here)["note"].isna().tolist() == [False, True, True]
    with pytest.raises(SchemaError, match="column 'x'") as refused:
        store(here, frame.assign(note="n", x="text"))
    assert "bigint" in str(refused.value) or "float64" in str(refused.value)
    assert da.history(T, workspace=here)[0].number == 2
    changed = da.diff(f"{T}@1", workspace=here)
    assert [(each.name, each.before, each.after) for each in changed.columns] == [("note", None, "string")]


# History


def test_history_rollback_tags_anchors_and_diff(here: Workspace, frame: pandas.DataFrame) -> None:
    first = store(here, frame, partition_by=["day"])
    held = da.anchor(T, workspace=here)
    store(here, frame.assign(x=9.0).iloc[1:].reset_index(drop=True))
    da.tag(T, "bad", note="wrong prices", workspace=here)
    back = da.rollback(T, 1, message="prices were wrong", workspace=here)
    assert (back.operation, back.restores, back.number) == ("rollback", 1, 3)
    assert list(load(here)["x"]) == [0.5, 1.5, 2.5]
    assert list(load(here, as_of="bad")["x"]) == [0.5, 9.0, 9.0]
    assert_frame_equal(load(here, as_of=held), load(here, as_of=str(first.anchor)))
    told = repr(da.history(T, workspace=here))
    for each in ("rolled back to 1", "replaced 1 partition", "created 2 partitions", "prices were wrong", "ann"):
        assert each in told
    assert "<table" in da.history(T, workspace=here)._repr_html_()
    found = da.diff(f"{T}@1", f"{T}@bad", rows=True, keys="shop", workspace=here)
    assert [(each.partition, each.what, each.rows) for each in found.partitions] == [
        (("2026-11-20",), "changed", (2, 2))
    ]
    assert found.rows is not None
    assert found.rows.changed is not None
    assert found.rows.changed["shop"].to_pylist() == [2, 3]
    assert found.rows.added.num_rows == found.rows.removed.num_rows == 0
    assert "2 changed" in repr(found)
    assert not da.diff(f"{T}@1", f"{T}@3", workspace=here)
    assert da.release(held, workspace=here) == 1


def test_a_time_names_the_commit_that_was_present_then(here: Workspace, frame: pandas.DataFrame) -> None:
    moment = [datetime(2026, 11, 20, 12, tzinfo=UTC)]
    clocked = replace(here, now=lambda: moment[0])
    for hour in range(3):
        moment[0] = datetime(2026, 11, 20, 12 + hour, tzinfo=UTC)
        store(clocked, frame.assign(x=float(hour)))
    assert set(load(here, as_of=datetime(2026, 11, 20, 13, 30, tzinfo=UTC))["x"]) == {1.0}
    assert set(load(here, as_of="2026-11-20T15:00+02:00")["x"]) == {1.0}
    with pytest.raises(DataError, match="it has no time zone"):
        load(here, as_of="2026-11-20T13:30")
    with pytest.raises(NotFoundError, match="its first commit is of 2026-11-20 12:00:00 UTC"):
        load(here, as_of=datetime(2026, 11, 19, tzinfo=UTC))


def test_old_commits_are_found_without_a_walk(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(150):
        store(here, pandas.DataFrame({"shop": [number]}))
    snapshot.forget()
    fetched: list[str] = []
    get = type(here.storage).get
    monkeypatch.setattr(
        type(here.storage), "get", lambda self, url, *rest: fetched.append(url) or get(self, url, *rest)
    )
    found = snapshot.open_snapshot(here, NAME, 10)
    assert found.commit.number == 10
    assert len(fetched) == 4, "the present one, two steps of 64, and the one"
    assert [each.number for each in da.history(T, limit=None, workspace=here)] == list(range(150, 0, -1))


def test_gc_keeps_what_is_held_and_tells_the_rest(here: Workspace, frame: pandas.DataFrame, tmp_path: Path) -> None:
    none = replace(here, settings=here.settings.model_copy(update={"gc_grace_hours": 0}))
    for number in range(4):
        store(here, frame.assign(x=float(number)), partition_by=["day"])
    da.tag(T, "keep", 2, workspace=here)
    before = objects(here)
    planned = da.gc(T, keep_days=0, dry_run=True, workspace=none)
    assert planned.given_up == (1, 3)
    assert objects(here) == before
    done = da.gc(T, keep_days=0, workspace=none)
    assert done.given_up == (1, 3)
    assert {each.folder for each in done.removed} == {each.folder for each in planned.removed}
    assert len(objects(here)) == 4
    assert set(load(here, as_of="keep")["x"]) == {1.0}
    with pytest.raises(NotFoundError, match="was given up by gc") as gone:
        load(here, as_of=1)
    assert gone.value.reason == Reason.EXPIRED
    with pytest.raises(NotFoundError, match="was given up by gc"):
        da.rollback(T, 3, workspace=here)
    assert "(gone)" in repr(da.history(T, workspace=here))
    assert [each.number for each in da.history(T, workspace=here)] == [5, 4, 3, 2, 1]


def test_several_tables_are_seen_together_or_not(here: Workspace, frame: pandas.DataFrame) -> None:
    store(here, frame)
    with da.several(here) as both:
        both.store_dataframe(frame.assign(x=1.0), T)
        both.store_dataframe(frame, "sandbox_ann.lines", partition_by=["day"])
        assert set(load(here)["x"]) == {0.5, 1.5, 2.5}
    assert [each.table.table for each in both.commits] == ["orders", "lines"]
    assert set(load(here)["x"]) == {1.0}
    with pytest.raises(DataError, match="has no column day"), da.several(here) as both:
        both.store_dataframe(frame.assign(x=2.0), T)
        both.store_dataframe(frame[["x"]], "sandbox_ann.lines")
    assert set(load(here)["x"]) == {1.0}
    hive = replace(here, metastore=MemoryMetastore(HIVE))
    with pytest.raises(DataError, match="changes one table at a time") as refused, da.several(hive):
        raise AssertionError("the block must not begin")
    assert refused.value.reason == Reason.NOT_SUPPORTED


def test_anchors_of_several_tables_are_of_one_moment(here: Workspace, frame: pandas.DataFrame) -> None:
    other = "sandbox_ann.lines"
    with da.several(here) as both:
        both.store_dataframe(frame.assign(x=0.0), T)
        both.store_dataframe(frame.assign(x=0.0), other)
    stop = threading.Event()

    def write() -> None:
        number = 0.0
        while not stop.is_set():
            number += 1
            with da.several(here) as pair:
                pair.store_dataframe(frame.assign(x=number), T)
                pair.store_dataframe(frame.assign(x=number), other)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            first, second = da.anchor(T, other, workspace=here)
            one, two = (da.load_dataframe(each, workspace=here)["x"][0] for each in (first, second))
            assert one == two
    finally:
        stop.set()
        writer.join()


# Writers at once, in threads


def _at_once(works: list[Callable[[], Any]]) -> list[Any]:
    ready = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(index: int) -> None:
        ready.wait()
        try:
            results[index] = works[index]()
        except DataError as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_disjoint_stores_and_appends_at_once_all_succeed(here: Workspace, frame: pandas.DataFrame) -> None:
    store(here, frame, partition_by=["day"])
    one = frame[["shop", "x"]].iloc[:1]
    works = [lambda n=n: store(here, one.assign(shop=100 + n), partitions=[f"2026-12-0{n}"]) for n in range(1, 4)]
    works += [
        lambda n=n: store(here, one.assign(shop=200 + n), partitions=["2026-11-20"], mode="append") for n in range(3)
    ]
    results = _at_once(works)
    assert all(isinstance(each, da.Commit) for each in results), results
    assert sorted(load(here)["shop"]) == [1, 2, 3, 101, 102, 103, 200, 201, 202]
    assert {each.number for each in results} == set(range(2, 8))


def test_first_stores_at_once(here: Workspace, frame: pandas.DataFrame) -> None:
    one = frame[["shop", "x"]].iloc[:1]
    results = _at_once([lambda n=n: store(here, one.assign(shop=n), partitions={"day": f"d{n}"}) for n in range(3)])
    assert all(isinstance(each, da.Commit) for each in results), results
    assert sorted(load(here)["shop"]) == [0, 1, 2]


def test_appends_at_once_may_each_bring_a_category(here: Workspace, frame: pandas.DataFrame) -> None:
    def coloured(colour: str) -> pandas.DataFrame:
        return frame.iloc[:1].assign(colour=pandas.Categorical([colour]))

    store(here, coloured("red"), partition_by=["day"])
    colours = ["blue", "green", "white", "black"]
    results = _at_once([lambda each=each: store(here, coloured(each), mode="append") for each in colours])
    assert all(isinstance(each, da.Commit) for each in results), results
    found = load(here)["colour"]
    assert sorted(found) == sorted(["red", *colours])
    assert sorted(found.cat.categories) == sorted(["red", *colours])


def test_of_overwrites_of_one_partition_at_once_none_is_lost_unseen(here: Workspace, frame: pandas.DataFrame) -> None:
    store(here, frame, partition_by=["day"])
    one = frame[["shop", "x"]].iloc[:1]
    results = _at_once([lambda n=n: store(here, one.assign(shop=n), partitions=["2026-11-20"]) for n in range(50, 54)])
    done = [each for each in results if isinstance(each, da.Commit)]
    assert done
    assert all(isinstance(each, da.Commit | ConflictError) for each in results), results
    last = max(done, key=lambda each: each.number)
    winner = 50 + results.index(last)
    assert sorted(load(here)["shop"]) == [1, winner]
    assert [each.number for each in da.history(T, workspace=here)] == list(range(len(done) + 1, 0, -1))


# Bad input: a clear error, and what was committed before is still read


def bad(here: Workspace, frame: pandas.DataFrame) -> list[tuple[Callable[[], Any], type[DataError], Reason, str]]:
    one = frame[["shop", "x"]]
    return [
        (lambda: store(here, one, partitions=["x", "y"]), DataError, Reason.BAD_PARTITION,
         r"2 values for 1 partition column \(day\)"),
        (lambda: store(here, one, partitions={"dey": "x"}), DataError, Reason.BAD_PARTITION,
         r"'dey' is no partition column\. Did you mean day\?"),
        (lambda: store(here, one, partitions=[""]), DataError, Reason.BAD_PARTITION, "can't hold an empty text"),
        (lambda: store(here, one), DataError, Reason.BAD_PARTITION,
         r"by day, and the frame has no column day\. Say which partition it is: partitions=\{'day': …\}"),
        (lambda: store(here, frame, partition_by=["shop"]), DataError, Reason.BAD_PARTITION,
         "is partitioned by day, and that can't change: partition_by says shop"),
        (lambda: da.store_dataframe(one, "sandbox_ann.fresh", partition_by="dey", workspace=here), DataError,
         Reason.BAD_PARTITION, r"partition_by names dey, which the frame has not"),
        (lambda: da.store_dataframe(one, "sandbox_ann.fresh", partitions=["x"], workspace=here), DataError,
         Reason.BAD_PARTITION, r"does not exist yet, so partitions=\['x'\] says no column's name"),
        (lambda: store(here, frame, mode="owerwrite"), DataError, Reason.BAD_ARGUMENT,
         r"mode='owerwrite' is none of .* Did you mean overwrite\?"),
        (lambda: store(here, {"a": 1}), DataError, Reason.BAD_ARGUMENT, "A dict is no frame"),
        (lambda: da.store_dataframe(frame, "Sandbox Ann", "x", workspace=here), DataError, Reason.BAD_NAME,
         "'Sandbox Ann' is no name for a database"),
        (lambda: da.store_dataframe(frame, "sandbox_bob", "x", workspace=here), ForbiddenError, Reason.FORBIDDEN,
         r"'sandbox_bob' is another user's sandbox.*Store to your sandbox, 'sandbox_ann'"),
        (lambda: da.store_dataframe(frame, "finance", "x", workspace=here), ForbiddenError, Reason.FORBIDDEN,
         "'finance' is a production database, and 'ann' is not among those who may write it"),
        (lambda: da.store_dataframe(frame, "sales", "x", workspace=here), NotFoundError, Reason.UNKNOWN_DATABASE,
         "There is no database 'sales'"),
        (lambda: store(here, frame, comments={"xx": "what"}), DataError, Reason.UNKNOWN_COLUMN, "on no column"),
        (lambda: store(here, frame.assign(x=[object()] * 3)), SchemaError, Reason.UNSUPPORTED_TYPE, ""),
        (lambda: store(here, frame, checks=[not_null("nix")]), CheckFailedError, Reason.CHECK_FAILED, "nix"),
        (lambda: da.load_dataframe("sandbox_ann.order", workspace=here), NotFoundError, Reason.UNKNOWN_TABLE,
         r"Did you mean orders\?"),
        (lambda: da.history("orders", workspace=here), DataError, Reason.BAD_NAME, "'orders' names no table"),
        (lambda: da.rollback(T, 7, workspace=here), NotFoundError, Reason.UNKNOWN_COMMIT,
         "has no commit 7: it has 1 to 1"),
        (lambda: da.rollback(T, "v2", workspace=here), NotFoundError, Reason.UNKNOWN_TAG,
         r"has no tag 'v2'\. There are: v1\."),
        (lambda: load(here, as_of="sandbox_ann.orders@1:01M7YYKPPFRJ3EJK8Z04Z06KP3"), NotFoundError,
         Reason.UNKNOWN_COMMIT, "has no commit 1:01M7YYKPPFRJ3EJK8Z04Z06KP3; its present one is 1:"),
        (lambda: load(here, as_of="sandbox_ann.lines@1"), DataError, Reason.BAD_ARGUMENT, "names another table"),
        (lambda: da.tag(T, "0 spaces", workspace=here), DataError, Reason.BAD_NAME,
         r"no name for a tag.*Perhaps 'spaces'"),
        (lambda: da.untag(T, "v9", workspace=here), NotFoundError, Reason.UNKNOWN_TAG, "has no tag 'v9'"),
        (lambda: da.drop_partitions(T, ["2026-11-29"], workspace=here), NotFoundError, Reason.UNKNOWN_PARTITION,
         "2026-11-29"),
        (lambda: da.diff(T, workspace=here), DataError, Reason.BAD_ARGUMENT, r"Write sales\.orders@41"),
        (lambda: da.anchor(workspace=here), DataError, Reason.BAD_ARGUMENT, "names no table"),
    ]  # fmt: skip


@pytest.mark.parametrize("which", range(27))
def test_bad_input_is_told_and_changes_nothing(here: Workspace, frame: pandas.DataFrame, which: int) -> None:
    store(here, frame, partition_by=["day"])
    da.tag(T, "v1", workspace=here)
    cases = bad(here, frame)
    assert len(cases) == 27
    call, kind, reason, told = cases[which]
    before = objects(here)
    with pytest.raises(kind, match=f"(?s){told}") as error:
        call()
    assert error.value.reason == reason
    assert error.value.remedy
    assert objects(here) == before, "what was written for nothing is removed"
    assert_frame_equal(load(here)[list(frame)], frame)


def test_production_needs_a_grant_and_checks(here: Workspace, frame: pandas.DataFrame) -> None:
    here.metastore.create_database(DatabaseRecord("sales", f"{here.warehouse}/sales"))
    with pytest.raises(DataError, match="is a production table without any check") as needed:
        da.store_dataframe(frame, "sales", "orders", workspace=here)
    assert needed.value.reason == Reason.CHECKS_NEEDED
    assert not objects(here)
    da.store_dataframe(frame, "sales", "orders", checks=[not_null("x")], workspace=here)
    with pytest.raises(CheckFailedError):
        da.store_dataframe(frame.assign(x=None), "sales", "orders", workspace=here)
    assert da.history("sales.orders", workspace=here)[0].number == 1


def test_checks_stop_a_store_before_anybody_sees_it(here: Workspace, frame: pandas.DataFrame) -> None:
    store(here, frame)
    set_checks("sandbox_ann", "orders", [not_null("shop")], workspace=here)
    before = objects(here)
    with pytest.raises(CheckFailedError) as failed:
        store(here, pa.table({"day": ["x"], "shop": pa.array([None], pa.int64()), "x": [1.0]}))
    assert failed.value.results
    assert objects(here) == before
    assert list(load(here)["shop"]) == [1, 2, 3]


def test_a_full_disk_and_a_server_that_breaks_off(here: Workspace, frame: pandas.DataFrame) -> None:
    store(here, frame, partition_by=["day"])
    before = objects(here)
    for error in (
        DataError(Reason.DISK_FULL, "There is no room left.", "Free some."),
        UnreachableError(Reason.UNREACHABLE, "S3 answered 503.", "Try again later."),
    ):
        for at in ("manifest", "data"):
            with pytest.raises(type(error), match=str(error)):
                store(replace(here, storage=_Failing(here.storage, error, at)), frame.assign(x=7.0))
            assert objects(here) == before
            assert_frame_equal(load(here)[list(frame)], frame)


class _Failing:
    """A storage whose puts of manifests, or of data, fail."""

    def __init__(self, storage: Any, error: Exception, at: str) -> None:
        self._storage, self._error, self._at = storage, error, at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def put(self, url: str, data: Any, *, if_absent: bool = False) -> None:
        self._fail(url)
        self._storage.put(url, data, if_absent=if_absent)

    def write(self, url: str, write: Any) -> None:
        self._fail(url)
        self._storage.write(url, write)

    def _fail(self, url: str) -> None:
        if (places.COMMITS in url) == (self._at == "manifest"):
            raise self._error


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda data: data[:-40], "is cut off or damaged"),
        (lambda data: data.replace(b'"ann"', b'"eve"'), "its content has another sha256 than it says"),
        (lambda data: b'{"format-version": 2}', "is no manifest of this module"),
    ],
)
def test_a_corrupt_manifest_is_told_and_older_commits_are_read(
    here: Workspace, frame: pandas.DataFrame, spoil: Callable[[bytes], bytes], told: str
) -> None:
    first = store(here, frame)
    second = store(here, frame.assign(x=2.0))
    url = f"{here.metastore.table(NAME).root}/{places.manifest(second.number, second.id)}"
    good = bytes(here.storage.get(url))
    here.storage.put(url, spoil(good))
    snapshot.forget()
    for call in (lambda: load(here), lambda: store(here, frame), lambda: da.gc(T, workspace=here)):
        with pytest.raises(CorruptError, match=told) as corrupt:
            call()
        assert url in str(corrupt.value)
    assert first.anchor
    here.storage.delete([url])
    with pytest.raises(CorruptError, match=r"is committed, but its object .* is gone"):
        load(here)
    here.storage.put(url, good)
    assert set(load(here)["x"]) == {2.0}


def test_another_manifest_under_the_heads_name_is_found(here: Workspace, frame: pandas.DataFrame) -> None:
    """One that is whole in itself, but not what the metastore says was committed."""
    made = store(here, frame)
    from data_access.tables.manifest import decode, decode_files, encode

    root = here.metastore.table(NAME).root
    url = f"{root}/{places.manifest(1, made.id)}"
    read, where = decode(here.storage.get(url), url)
    forged = encode(replace(read, by="eve"), decode_files(read, where, None, url))
    here.storage.put(url, forged.manifest)
    snapshot.forget()
    with pytest.raises(CorruptError, match=r"has the digest .*, but was committed with"):
        load(here)


def test_a_head_that_somebody_wrote_by_hand(here: Workspace, frame: pandas.DataFrame) -> None:
    store(here, frame)
    record = here.metastore.table(NAME)
    here.metastore.drop_table(NAME)
    here.metastore.create_table(replace(record, parameters={**record.parameters, HEAD: "the last one"}))
    with pytest.raises(CorruptError, match="is 'the last one', which is no commit"):
        load(here)


def test_tables_of_other_programs_are_read_and_not_written(
    here: Workspace, frame: pandas.DataFrame, tmp_path: Path
) -> None:
    store(here, frame)
    for day, rows in frame.groupby("day"):
        folder = tmp_path / "theirs" / f"day={day}"
        folder.mkdir(parents=True)
        rows.drop(columns="day").to_parquet(folder / "part-0.parquet", index=False)
        (folder / "_SUCCESS").touch()
    name = TableName("sandbox_ann", "theirs")
    columns = (HiveColumn("shop", "bigint", "which"), HiveColumn("x", "double"))
    url = (tmp_path / "theirs").as_uri()
    here.metastore.create_table(TableRecord(name, url, columns, (HiveColumn("day", "string"),), {"by": "spark"}))
    parts = [PartitionRecord((day,), f"{url}/day={day}") for day in frame["day"].unique()]
    here.metastore.change_partitions(name, PartitionChange(add=tuple(parts)))
    found = da.load_dataframe(str(name), workspace=here).sort_values("shop", ignore_index=True)
    assert_frame_equal(found[list(frame)], frame, check_dtype=False)
    part = da.load_dataframe(str(name), partitions=["2026-11-20"], where="x > 2", workspace=here)
    assert part["shop"].tolist() == [3]
    for call in (
        lambda: da.store_dataframe(frame, str(name), workspace=here),
        lambda: da.history(str(name), workspace=here),
        lambda: da.load_dataframe(str(name), as_of=1, workspace=here),
    ):
        with pytest.raises(DataError, match="another program") as refused:
            call()
        assert refused.value.reason == Reason.FOREIGN_TABLE


def test_a_commit_whose_partitions_cannot_be_shown_stands(frame: pandas.DataFrame, here: Workspace) -> None:
    hive = replace(here, metastore=MemoryMetastore(HIVE))
    store(hive, frame, partition_by=["day"])

    def refuse(*_: Any) -> None:
        raise UnreachableError(Reason.UNREACHABLE, "The metastore does not answer.", "Try again.")

    hive.metastore.change_partitions, kept = refuse, hive.metastore.change_partitions  # type: ignore[method-assign]
    with pytest.warns(commit.AppliedLater, match="is committed and load_dataframe reads it, but Hive, Spark and Trino"):
        store(hive, frame.assign(x=3.0))
    assert set(load(hive)["x"]) == {3.0}
    hive.metastore.change_partitions = kept  # type: ignore[method-assign]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        da.history(T, workspace=hive)
    head = snapshot.open_snapshot(hive, NAME)
    assert {each.location for each in hive.metastore.partitions(NAME)} == {
        f"{head.root}/{each.batch}" for each in head.files
    }


def test_a_store_that_took_longer_than_gc_waits_is_refused(here: Workspace, frame: pandas.DataFrame) -> None:
    slow = replace(here, settings=here.settings.model_copy(update={"gc_grace_hours": 1e-9}))
    with pytest.raises(DataError, match="gc may remove unfinished ones after 1e-09 h") as refused:
        store(slow, frame)
    assert refused.value.reason == Reason.EXPIRED


def test_code_that_was_not_committed_lies_beside_the_commit(
    here: Workspace, frame: pandas.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = b"--- a/report.py\n+++ b/report.py\n"
    digest = hashlib.sha256(patch).hexdigest()
    monkeypatch.setattr(provenance, "code", lambda: Code("0" * 40, None, digest))
    monkeypatch.setattr(provenance, "uncommitted", lambda: patch)
    for _ in range(2):
        assert store(here, frame).code.dirty_diff == digest
    root = here.metastore.table(NAME).root
    assert bytes(here.storage.get(f"{root}/{places.diff(digest)}")) == patch


def test_an_error_in_a_commit_of_several_tables_leaves_nothing(here: Workspace, frame: pandas.DataFrame) -> None:
    store(here, frame)
    before = objects(here)
    with pytest.raises(ZeroDivisionError), da.several(here) as both:
        both.store_dataframe(frame.assign(x=1.0), T)
        raise ZeroDivisionError
    with pytest.raises(DataError, match="is stored twice in one commit"), da.several(here) as both:
        both.store_dataframe(frame, T)
        both.store_dataframe(frame, T)
    with pytest.raises(ConflictError, match="was changed meanwhile"), da.several(here) as both:
        both.store_dataframe(frame.assign(x=2.0), T)
        both.store_dataframe(frame, "sandbox_ann.lines")
        store(here, frame.assign(x=3.0))
    assert set(load(here)["x"]) == {3.0}
    assert da.load_dataframe("sandbox_ann.lines", workspace=here).empty
    assert len(objects(here) - before) == 2, "the store in between, and the mark of the empty table"


def test_gc_says_first_what_keeps_a_file_longest(here: Workspace, frame: pandas.DataFrame) -> None:
    """Commit 1 is held, commit 2 has its file too and is given up within the grace."""
    store(here, frame)
    held = da.anchor(T, workspace=here)
    da.comment(T, {"x": "in EUR"}, workspace=here)
    store(here, frame.assign(x=9.0))
    first = f"batch_id={held.id}"
    early = da.gc(T, dry_run=True, workspace=here)
    assert early.given_up == ()
    assert "No commit is given up: 2 were replaced within 30 days (keep_days=30; until " in repr(early)
    [reason] = [each.reason for each in early.kept if each.folder.endswith(first)]
    assert reason.startswith("commit 1: anchor of ann")
    assert "; commit 2 until " in reason
    planned = da.gc(T, keep_days=0, dry_run=True, workspace=here)
    done = da.gc(T, keep_days=0, workspace=here)
    assert planned.given_up == done.given_up == (2,)
    for report in (planned, done):
        [reason] = [each.reason for each in report.kept if each.folder.endswith(first)]
        assert reason.startswith("commit 1: anchor of ann")
        assert "given up" not in reason
        assert report.removed == ()
    da.release(held, workspace=here)
    [reason] = [
        each.reason
        for each in da.gc(T, keep_days=0, workspace=here).kept
        if each.folder.endswith(first) and "_remuda" not in each.folder
    ]
    assert reason.startswith("commit 2 is given up; a gc after ")
    assert reason.endswith(" removes it (the grace is 168 h)")
