"""A bench that needs more disk than there is does not begin, and one that is over leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data import room
from bench.data.contenders import CONTENDERS
from bench.data.tasks import TASKS

ALL = [(task.name, contender) for task in TASKS for contender in CONTENDERS]


def test_ten_million_rows_of_everything_need_what_they_took_and_little_more() -> None:
    assert 27e9 <= room.needed(10_000_000, 10, ALL) <= 32e9


def test_fewer_rows_and_fewer_tasks_need_less() -> None:
    whole = room.needed(10_000_000, 10, ALL)
    assert room.needed(1_000_000, 10, ALL) < whole / 3
    assert room.needed(10_000_000, 10, [("load-1", "remuda")]) < whole / 8
    assert room.needed(10_000_000, 10, []) == 0


def test_history_is_counted_where_a_library_keeps_it() -> None:
    ours, theirs = (room.needed(1_000_000, 10, [("store-1", by)]) for by in ("remuda", "Polars"))
    assert ours - theirs == (room.STORES_AT_MOST - 1) * 1_000_000 * room.BYTES_PER_ROW


def test_every_task_and_contender_is_known() -> None:
    assert {task.name for task in TASKS if task.store} == set(room.STORE_SECONDS)
    assert set(room.KEEP_EVERY_STORE) <= set(CONTENDERS)
    reads = {task.name: {task.data.name, *(each.name for each in task.also)} for task in TASKS if not task.store}
    assert {name: set(room.READS.get(name, ())) for name in reads} == {
        name: found - {"tiny", "many"} for name, found in reads.items()
    }, "tiny and many are in the overhead"


def test_a_refusal_names_limit_actual_and_rows_that_fit() -> None:
    fitting = room.fitting(8 * 10**9, lambda rows: room.needed(rows, 10, ALL))
    assert fitting == 1_000_000
    said = room.refusal(27 * 10**9, 8 * 10**9, Path("/tables"), fitting)
    assert "take up to 27.0 GB, and 8.0 GB are to be had at /tables" in said
    assert "--rows 1e6" in said
    assert room.refusal(8, 8, Path("/tables"), 0) == ""
    assert room.fitting(10, lambda rows: room.needed(rows, 10, ALL)) == 0


def test_a_runs_tables_go_and_what_else_is_in_the_folder_stays(tmp_path: Path) -> None:
    for name in ("s3/objects/bench/a", "duckdb/b", "catalog.sqlite", "ready-t1-5", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 5000)
    assert 20_000 <= room.used(tmp_path) <= room.free(tmp_path)
    assert room.remove(tmp_path) >= 20_000
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]
    assert room.used(tmp_path) == 0


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_of_ones_own_goes_too(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "bench-data"
    if there:
        (folder / "s3").mkdir(parents=True)
    assert room.free(folder) > 0
    room.remove(folder)
    assert not folder.exists()
