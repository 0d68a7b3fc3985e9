"""A table is dropped: at once for everybody, never under a hold, and its files only when nobody reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest

import data_access as da
from data_access.config import Settings
from data_access.discover import facts
from data_access.errors import ConflictError, DataError, ForbiddenError, NotFoundError, Reason
from data_access.metastore.base import DatabaseRecord
from data_access.names import TableName
from data_access.tables import commit, places, snapshot
from data_access.tables.pins import pin
from data_access.workspace import Workspace, connect
from tests.fakes.data.metastore import HIVE, MemoryMetastore

T = "sandbox_ann.orders"
NAME = TableName.parse(T)
FRAME = pandas.DataFrame({"day": ["19", "20", "20"], "x": [0.5, 1.5, 2.5]})


@pytest.fixture(params=["sqlite", "as Hive"])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    snapshot.forget()
    facts.forget()
    made = connect(Settings(metastore=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"{tmp_path}/lake", user="ann"))
    yield made if request.param == "sqlite" else replace(made, metastore=MemoryMetastore(HIVE))
    made.close()


def store(here: Workspace, x: float = 0.5, **more: Any) -> da.Commit:
    return da.store_dataframe(FRAME.assign(x=x), T, partition_by=["day"], workspace=here, **more)


def files(here: Workspace) -> set[str]:
    return {each.url for each in here.storage.list(f"{here.warehouse}/sandbox_ann/orders/") if ".parquet" in each.url}


def without_grace(here: Workspace) -> Workspace:
    return replace(here, settings=here.settings.model_copy(update={"gc_grace_hours": 0}))


def test_a_dropped_table_is_gone_and_its_files_go_after_the_grace(here: Workspace) -> None:
    store(here)
    last, before = store(here, 2.0), files(here)
    rows = da.load_batches(T, workspace=here)  # a load that has begun
    done = da.drop_table(T, workspace=here)
    assert done.anchor == last.anchor
    for told in (T, done.location, f'gc("{T}") removes them'):
        assert told in str(done)
    assert da.browse("sandbox_ann", workspace=here).rows == []
    for call in (da.history, da.drop_table, lambda table, workspace: da.load_dataframe(table, workspace=workspace)):
        with pytest.raises(NotFoundError, match=f"'{T}'"):
            call(T, workspace=here)
    assert sum(len(each) for each in rows) == 3
    waits = da.gc(T, workspace=here)
    assert waits.removed == ()
    assert "the table was dropped; a gc after " in repr(waits)
    assert files(here) == before
    planned = da.gc(T, dry_run=True, workspace=without_grace(here))
    assert files(here) == before
    assert planned.removed
    assert da.gc(T, workspace=without_grace(here)).removed == planned.removed
    left = [each.url for each in here.storage.list(f"{done.location}/")]
    assert all("/_remuda/code/" in each for each in left), left  # which is named by its content
    with pytest.raises(NotFoundError, match=f"'{T}'"):
        da.gc(T, workspace=here)


def test_a_table_of_the_same_name_is_another_one(here: Workspace) -> None:
    old = store(here)
    before = files(here)
    da.drop_table(T, workspace=here)
    new = da.store_dataframe(pandas.DataFrame({"day": ["20"], "y": ["z"]}), T, partition_by=["day"], workspace=here)
    assert (new.number, len(da.history(T, workspace=here))) == (1, 1)
    assert set(da.load_dataframe(T, workspace=here).columns) == {"day", "y"}
    assert not {f"{here.metastore.table(NAME).root}/{each.path}" for each in _files_of(here)} & before
    with pytest.raises(NotFoundError, match="Perhaps the table was dropped and made again"):
        da.load_dataframe(T, as_of=old.anchor, workspace=here)
    da.gc(T, keep_days=0, workspace=without_grace(here))
    assert not files(here) & before
    assert da.load_dataframe(T, workspace=here)["y"].tolist() == ["z"]


def _files_of(here: Workspace) -> tuple[Any, ...]:
    return snapshot.open_snapshot(here, NAME).files


def test_files_that_are_younger_than_the_drop_stay(here: Workspace) -> None:
    """Somebody else's program dropped the table that was made anew; the mark is of the one before."""
    store(here)
    root = da.drop_table(T, workspace=here).location
    old = files(here)
    mark = f"{root}/{places.DROPPED}"
    store(here, 3.0)
    new = files(here) - old
    for each in new:  # a later second than the mark's
        Path(each.removeprefix("file://")).touch()
    assert here.storage.list(mark)
    here.metastore.drop_table(NAME)
    da.gc(T, workspace=without_grace(here))
    assert files(here) == new


def test_what_is_held_is_not_dropped(here: Workspace) -> None:
    store(here)
    store(here, 2.0)
    da.tag(T, "q3", 1, workspace=here)
    held = da.anchor(T, workspace=here)
    kept = pin(here, held, holder="model churn@1")
    with pytest.raises(DataError, match="is held and was not dropped") as refused:
        da.drop_table(T, workspace=here)
    assert refused.value.reason == Reason.HELD
    for named in ("commit 1 by tag 'q3'", "commit 2 by anchor of ann", "commit 2 by anchor of model churn@1"):
        assert named in refused.value.sentence
    assert da.load_dataframe(T, workspace=here)["x"].tolist() == [2.0] * 3
    da.untag(T, "q3", workspace=here)
    da.release(held, workspace=here)
    here.storage.delete([f"{here.metastore.table(NAME).root}/{places.pin(kept)}"])
    da.drop_table(T, workspace=here)


def test_a_hold_just_before_the_drop_brings_the_table_back(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    store(here)
    drop = here.metastore.drop_table

    def held_first(name: TableName) -> None:
        da.anchor(T, workspace=here)
        drop(name)

    monkeypatch.setattr(here.metastore, "drop_table", held_first)
    with pytest.raises(DataError, match="is held and was not dropped: commit 1 by anchor of ann"):
        da.drop_table(T, workspace=here)
    assert len(da.load_dataframe(T, workspace=here)) == 3
    assert {each.values for each in here.metastore.partitions(NAME)} == {("19",), ("20",)}
    assert store(here, 5.0).number == 2


@pytest.mark.parametrize("anew", [False, True])
def test_who_was_at_work_is_told(here: Workspace, monkeypatch: pytest.MonkeyPatch, anew: bool) -> None:
    """The table goes, and is perhaps made anew, after a call's files are written and before its commit."""
    store(here)
    da.store_dataframe(FRAME, T, mode="append", workspace=here)
    real = commit.Attempts._once

    def dropped_first(attempts: commit.Attempts, locks: Any) -> Any:
        monkeypatch.setattr(commit.Attempts, "_once", real)
        here.metastore.drop_table(NAME)
        if anew:
            fresh = replace(here, metastore=_Unlocked(here.metastore))
            store(fresh, 7.0)
        return real(attempts, locks)

    for call in (
        lambda: da.store_dataframe(pandas.DataFrame({"day": ["30"], "x": [1.0]}), T, workspace=here),
        lambda: da.gc(T, keep_days=0, workspace=here),
        lambda: da.rollback(T, 1, workspace=here),
    ):
        for each in here.storage.list(f"{here.metastore.table(NAME).root}/{places.COMMITS}"):
            os.utime(each.url.removeprefix("file://"), (1e9, 1e9))  # so that gc has something to give up
        monkeypatch.setattr(commit.Attempts, "_once", dropped_first)
        with pytest.raises(ConflictError if anew else NotFoundError, match="was dropped meanwhile"):
            call()
        if anew:
            found = da.history(T, workspace=here)
            assert [each.number for each in found] == [1]
            assert da.load_dataframe(T, workspace=here)["x"].tolist() == [7.0] * 3
        else:
            store(here)
        da.store_dataframe(FRAME, T, mode="append", workspace=here)


class _Unlocked:
    """The same metastore for somebody whose lock expired."""

    def __init__(self, metastore: Any) -> None:
        self._metastore = metastore

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metastore, name)

    def lock(self, *_: Any) -> Any:
        from contextlib import nullcontext
        from types import SimpleNamespace

        return nullcontext(SimpleNamespace(check=lambda: None))


def test_who_may_drop(here: Workspace) -> None:
    store(here)
    with pytest.raises(ForbiddenError, match="another user's sandbox"):
        da.drop_table(T, workspace=replace(here, user="ben"))
    here.metastore.create_database(DatabaseRecord("sales", f"{here.warehouse}/sales"))
    with pytest.raises(ForbiddenError, match="production"):
        da.drop_table("sales.orders", workspace=here)
    with pytest.raises(NotFoundError, match="Did you mean orders"):
        da.drop_table("sandbox_ann.ordrs", workspace=here)
