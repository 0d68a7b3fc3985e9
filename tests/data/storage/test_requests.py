"""How many requests a load makes: files are known from the manifest, so nothing is listed or asked for size."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

import data_access
from data_access.errors import CorruptError, UnreachableError
from data_access.tables import snapshot
from data_access.workspace import Workspace
from tests.data.servers.s3 import S3Place
from tests.data.storage.bad_server import BadServer, Trouble, bad_server

TABLE = pa.table(
    {"id": range(1000), "x": [i / 3 for i in range(1000)], "day": [f"2026-01-{i % 20 + 1:02d}" for i in range(1000)]}
)


@pytest.fixture
def between(moto_s3: S3Place) -> Iterator[BadServer]:
    with bad_server(moto_s3.endpoint) as found:
        yield found


@pytest.fixture
def lake(workspaces: Callable[..., Workspace], between: BadServer) -> Workspace:
    s3 = {"endpoint": between.endpoint, "region": "us-east-1", "path_style": True}
    return workspaces("sqlite", "moto", s3=s3)


def requests(between: BadServer, call: Callable[[], Any]) -> Counter[str]:
    snapshot._cache.clear()  # as a process that has read nothing yet
    between.seen.clear()
    call()
    listed = [each for each in between.seen if "list-type" in each or "prefix=" in each]
    assert not listed
    return Counter(each.split()[0] for each in between.seen)


def test_a_small_table_is_a_manifest_and_a_file(lake: Workspace, between: BadServer) -> None:
    data_access.store_dataframe(TABLE, "sandbox_ann", "small", workspace=lake)
    load = lambda **how: data_access.load_dataframe("sandbox_ann", "small", workspace=lake, into="arrow", **how)  # noqa: E731
    assert requests(between, load) == {"GET": 2}
    assert requests(between, lambda: load(columns=["x"], where="id < 10")) == {"GET": 2}
    assert load(columns=["x"], where="id < 10").num_rows == 10
    between.seen.clear()
    load()
    assert between.seen == [each for each in between.seen if each.startswith("GET") and "part-" in each]
    assert len(between.seen) == 1  # the manifest is known by now


def test_of_partitions_only_those_asked_for_are_fetched(lake: Workspace, between: BadServer) -> None:
    data_access.store_dataframe(TABLE, "sandbox_ann", "days", partition_by=["day"], workspace=lake)
    load = lambda **how: data_access.load_dataframe("sandbox_ann", "days", workspace=lake, into="arrow", **how)  # noqa: E731
    assert requests(between, load)["GET"] in (21, 22)  # 20 files, a manifest, and its list of files where it is long
    assert requests(between, lambda: load(partitions=["2026-01-07"]))["GET"] <= 3
    assert requests(between, lambda: load(where="day = '2026-01-07' and id < 500"))["GET"] <= 3
    assert requests(between, lambda: load(columns=["day"]))["GET"] <= 2


def test_a_store_lists_nothing_and_puts_each_file_once(lake: Workspace, between: BadServer) -> None:
    store = lambda: data_access.store_dataframe(  # noqa: E731
        TABLE, "sandbox_ann", "days", partition_by=["day"], workspace=lake
    )
    store()
    found = requests(between, store)
    assert found["PUT"] <= 22
    assert found["GET"] <= 3
    assert set(found) <= {"GET", "PUT"}


def test_a_load_survives_a_busy_server_and_cut_answers(lake: Workspace, between: BadServer) -> None:
    data_access.store_dataframe(TABLE, "sandbox_ann", "days", partition_by=["day"], workspace=lake)
    between.troubles = [Trouble("part-", 5, status=503), Trouble("part-", 5, cut_after=100)]
    got = data_access.load_dataframe("sandbox_ann", "days", workspace=lake, into="arrow")
    assert got.sort_by("id").select(TABLE.schema.names).equals(TABLE)


def test_what_was_committed_is_read_when_a_store_failed(lake: Workspace, between: BadServer) -> None:
    data_access.store_dataframe(TABLE, "sandbox_ann", "days", partition_by=["day"], workspace=lake)
    between.troubles = [Trouble("PUT", 999, status=503)]
    with pytest.raises(UnreachableError, match="503 SlowDown"):
        data_access.store_dataframe(TABLE.slice(0, 10), "sandbox_ann", "days", workspace=lake)
    between.troubles = []
    got = data_access.load_dataframe("sandbox_ann", "days", workspace=lake, into="arrow")
    assert got.num_rows == 1000


def test_a_file_that_somebody_changed_is_named(lake: Workspace, between: BadServer) -> None:
    commit = data_access.store_dataframe(TABLE, "sandbox_ann", "small", workspace=lake)
    (file,) = [entry for entry in lake.storage.list(f"{lake.warehouse}/") if entry.url.endswith(".parquet")]
    lake.storage.put(file.url, b"PAR1 something else PAR1")
    with pytest.raises(CorruptError) as caught:
        data_access.load_dataframe("sandbox_ann", "small", workspace=lake)
    assert file.url in str(caught.value)
    assert str(commit.anchor) in str(caught.value)


def test_threads_may_load_at_once(lake: Workspace) -> None:
    data_access.store_dataframe(TABLE, "sandbox_ann", "days", partition_by=["day"], workspace=lake)
    rows: list[int] = []

    def load() -> None:
        rows.append(data_access.load_dataframe("sandbox_ann", "days", workspace=lake, into="arrow").num_rows)

    threads = [threading.Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows == [1000] * 6


@pytest.mark.parametrize("into", ["pandas", "polars", "arrow", "pandas-arrow"])
def test_batches_are_frames_of_the_size_asked_for(lake: Workspace, into: str) -> None:
    data_access.store_dataframe(TABLE, "sandbox_ann", "days", partition_by=["day"], workspace=lake)
    frames = list(
        data_access.load_batches("sandbox_ann", "days", where="id < 730", rows=300, into=into, workspace=lake)
    )
    assert [len(frame) for frame in frames] == [300, 300, 130]
    (nothing,) = data_access.load_batches("sandbox_ann", "days", where="id < 0", into=into, workspace=lake)
    assert len(nothing) == 0
