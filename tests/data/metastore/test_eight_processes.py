"""Eight processes commit to one table of a real metastore: no commit is lost, and a killed one holds nobody up."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from data_access.tables.load import load_dataframe
from data_access.tables.log import history
from data_access.tables.store import store_dataframe
from data_access.workspace import Workspace

WRITER = Path(__file__).with_name("writer.py")
WRITERS = 8
#: In all. REMUDA_COMMITS=1000 takes some minutes on two cores.
COMMITS = int(os.environ.get("REMUDA_COMMITS", "160"))
TABLE = "sandbox_ann.hammered"


Start = Callable[[Workspace, str, int], subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Makes a writer that waits for its go. None outlives the test."""
    made: list[subprocess.Popen[str]] = []

    def make(workspace: Workspace, name: str, commits: int) -> subprocess.Popen[str]:
        command = [sys.executable, str(WRITER), workspace.settings.model_dump_json(), name, str(commits)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=Path(__file__).parent,
        )
        made.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield make
    for process in made:
        if process.poll() is None:
            process.kill()
            process.communicate()


def go(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("metastore", ["hive", "postgresql", "sqlite"])
def test_no_commit_is_lost(workspaces: Callable[..., Workspace], start: Start, metastore: str) -> None:
    workspace = workspaces(metastore, "local")
    store_dataframe(pa.table({"turn": [-1], "writer": ["first"]}), TABLE, partition_by=["writer"], workspace=workspace)
    each = COMMITS // WRITERS
    writers = {f"w{number}": start(workspace, f"w{number}", each) for number in range(WRITERS)}
    started = time.monotonic()
    go(*writers.values())
    told: dict[int, str] = {}
    seconds: list[float] = []
    for name, process in writers.items():
        lines = process.communicate(timeout=1500)[0].splitlines()
        assert process.returncode == 0
        done = [line.split() for line in lines if line != "again"]
        assert len(done) == each, name
        told |= {int(number): id_ for number, id_, _ in done}
        seconds += [float(took) for _, _, took in done]
    total = time.monotonic() - started
    commits = history(TABLE, limit=None, workspace=workspace)
    assert [commit.number for commit in commits] == list(range(each * WRITERS + 1, 0, -1))
    assert {commit.number: commit.id for commit in commits[:-1]} == told, "what a writer was told is what the table has"
    assert len({commit.message for commit in commits[:-1]}) == each * WRITERS, "each store once"
    rows = load_dataframe(TABLE, into="arrow", workspace=workspace).to_pylist()
    last = {row["writer"]: row["turn"] for row in rows}
    assert last == {"first": -1, **dict.fromkeys(writers, each - 1)}
    shown = {partition.values[0] for partition in workspace.metastore.partitions(commits[0].table)}
    assert shown == set(last)
    seconds.sort()
    middle, rate = seconds[len(seconds) // 2], each * WRITERS / total
    print(
        f"{metastore}: {len(seconds)} commits, {rate:.1f} per second, p50 {middle:.2f} s, longest {seconds[-1]:.2f} s"
    )


@pytest.mark.parametrize("metastore", ["hive"])
def test_killed_writers_hold_nobody_up_for_long(
    workspaces: Callable[..., Workspace], start: Start, metastore: str
) -> None:
    """Killed wherever they happened to be, in the lock or waiting for it; the next store goes through."""
    workspace = workspaces(metastore, "local")
    store_dataframe(pa.table({"turn": [-1], "writer": ["first"]}), TABLE, partition_by=["writer"], workspace=workspace)
    victims = [start(workspace, f"victim{number}", 1000) for number in range(4)]
    go(*victims)
    for victim in victims:
        assert victim.stdout is not None
        victim.stdout.readline()  # each has had its first turn
    for victim in victims:
        victim.kill()
        victim.communicate()
    started = time.monotonic()
    commit = store_dataframe(
        pa.table({"turn": [0], "writer": ["heir"]}), TABLE, partition_by=["writer"], workspace=workspace
    )
    waited = time.monotonic() - started
    print(f"{metastore}: the store after four were killed took {waited:.1f} s")
    assert waited < 40
    commits = history(TABLE, limit=None, workspace=workspace)
    assert [each.number for each in commits] == list(range(commit.number, 0, -1))
    shown = {each.values[0]: each.location for each in workspace.metastore.partitions(commit.table)}
    rows = load_dataframe(TABLE, into="arrow", workspace=workspace).to_pylist()
    assert set(shown) == {row["writer"] for row in rows}
