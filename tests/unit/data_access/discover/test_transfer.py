"""Copies of files and folders: planned, verified, and never over something unasked."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas
import pytest

from data_access.config import Settings
from data_access.discover import copying, files, transfer
from data_access.discover.place import ObjectPlace
from data_access.discover.transfer import Plan, Transfer, folder_transfers, pending
from data_access.errors import CorruptError, DataError, NotFoundError, Reason
from data_access.storage.base import Entry
from data_access.storage.router import Router
from data_access.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    settings = Settings(progress=False)
    return Workspace(settings, None, Router(settings), "ann", f"file://{tmp_path}")  # type: ignore[arg-type]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for name in ("a.txt", "deep/b.txt", "deep/er/c d%20.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def below(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_goes_as_it_is(workspace: Workspace, source: Path, tmp_path: Path) -> None:
    done = copying.copy(source, f"{tmp_path}/out/", verify="sha256", workspace=workspace)
    assert below(tmp_path / "out") == below(source)
    assert (done.files, done.bytes, done.moved) == (3, sum(map(len, below(source))), False)
    assert "Copied" in str(done)


def test_a_file_into_a_folder_or_to_a_name(workspace: Workspace, source: Path, tmp_path: Path) -> None:
    copying.copy(source / "a.txt", f"{tmp_path}/out/", workspace=workspace)
    copying.copy(source / "a.txt", tmp_path / "out/renamed", workspace=workspace)
    assert below(tmp_path / "out") == {"a.txt": "a.txt", "renamed": "a.txt"}


def test_nothing_is_replaced_unasked(workspace: Workspace, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    copying.copy(source, out, workspace=workspace)
    (out / "a.txt").write_text("changed")
    (out / "deep/b.txt").unlink()
    with pytest.raises(DataError) as caught:
        copying.copy(source, out, workspace=workspace)
    assert caught.value.reason is Reason.ALREADY_THERE
    assert below(out)["a.txt"] == "changed"
    done = copying.copy(source, out, resume=True, workspace=workspace)
    assert (done.files, done.skipped) == (2, 1)
    assert below(out) == below(source)


def test_a_move_leaves_nothing_behind(workspace: Workspace, source: Path, tmp_path: Path) -> None:
    before = below(source)
    assert "Moved" in str(copying.move(source, tmp_path / "out", workspace=workspace))
    assert below(tmp_path / "out") == before
    assert not list(source.rglob("*.txt"))


class Lossy(Router):
    """Loses the last byte of whatever it copies."""

    def copy(self, source: str, target: str) -> None:
        self.put(target, bytes(self.get(source))[:-1])


class Flipping(Router):
    """Changes the last byte of whatever it copies."""

    def copy(self, source: str, target: str) -> None:
        self.put(target, bytes(self.get(source))[:-1] + b"!")


@pytest.mark.parametrize(("storage", "verify"), [(Lossy, "size"), (Flipping, "sha256")])
def test_a_move_that_is_not_proven_keeps_the_source(
    workspace: Workspace, source: Path, tmp_path: Path, storage: Any, verify: str
) -> None:
    before = below(source)
    broken = Workspace(workspace.settings, None, storage(workspace.settings), "ann", "")  # type: ignore[arg-type]
    with pytest.raises(CorruptError):
        copying.move(source, tmp_path / "out", verify=verify, workspace=broken)
    assert below(source) == before


def test_a_resumed_move_reads_what_was_there(workspace: Workspace, source: Path, tmp_path: Path) -> None:
    copying.copy(source, tmp_path / "out", workspace=workspace)
    (tmp_path / "out/a.txt").write_text("A.txt")  # the same size
    before = below(source)
    with pytest.raises(CorruptError):
        copying.move(source, tmp_path / "out", resume=True, workspace=workspace)
    assert below(source) == before


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        (("in", "in/deep"), Reason.BAD_ARGUMENT),
        (("in", "in"), Reason.BAD_ARGUMENT),
        (("in/a.txt", "in/a.txt"), Reason.BAD_ARGUMENT),
        (("missing", "out"), Reason.NOT_FOUND),
        (("in", "https://example.org/"), Reason.BAD_LOCATION),
    ],
)
@pytest.mark.usefixtures("source")
def test_what_makes_no_sense(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, places: tuple[str, str], reason: Reason
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        copying.copy(*places, workspace=workspace)
    assert caught.value.reason is reason


def test_files_of_a_table_are_not_moved(workspace: Workspace, tmp_path: Path) -> None:
    part = tmp_path / "wh/sales/orders/batch_id=01J/part-00000.parquet"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x")
    with pytest.raises(DataError, match="belongs to a table"):
        copying.move(tmp_path / "wh/sales", tmp_path / "out", workspace=workspace)
    assert part.exists()
    with pytest.raises(DataError, match="belongs to a table"):
        copying.move(part, tmp_path / "out/x", workspace=workspace)


def test_a_plan_keeps_what_follows_the_folder() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    entries = [Entry("s3://b/in/x/1", 1, now), Entry("s3://b/in/", 0, now), Entry("s3://b/in/2", 2, now)]
    assert folder_transfers(entries, "s3://b/in", "s3://c/out") == (
        Transfer("s3://b/in/2", "s3://c/out/2", 2),
        Transfer("s3://b/in/x/1", "s3://c/out/x/1", 1),
    )
    plan = Plan((Transfer("a", "b", 1), Transfer("c", "d", 2)), {"b": 1, "d": 1})
    assert pending(plan, overwrite=False, resume=True) == (Transfer("c", "d", 2),)
    assert pending(plan, overwrite=True, resume=False) == plan.transfers


def test_a_folder_that_is_not_written_as_one(workspace: Workspace, source: Path) -> None:
    plan = transfer.survey(
        workspace.storage, ObjectPlace(f"file://{source}", False), ObjectPlace("file:///nowhere", False)
    )
    assert len(plan.transfers) == 3


# The beginning of files

FRAME = pandas.DataFrame({"n": range(50_000), "text": [f"row {n}" for n in range(50_000)]})


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "jsonl", "jsonl.gz", "json"])
def test_the_first_rows(workspace: Workspace, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    frame = FRAME if ending != "json" else FRAME.head(100)
    if ending == "parquet":
        frame.to_parquet(path, row_group_size=1000)
    elif ending.startswith("csv"):
        frame.to_csv(path, index=False)
    else:
        frame.to_json(path, orient="records", lines="jsonl" in ending)
    found = files.beginning(workspace, str(path), 5)
    assert found.to_dict("list") == FRAME.head(5).to_dict("list")


@pytest.mark.parametrize("rows", [0, 3])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_short_file(workspace: Workspace, tmp_path: Path, ending: str, rows: int) -> None:
    path = tmp_path / f"x.{ending}"
    if ending == "parquet":
        FRAME.head(rows).to_parquet(path)
    elif ending == "csv":
        path.write_text(FRAME.head(rows).to_csv(index=False).rstrip("\n"))
    else:
        path.write_text(FRAME.head(rows).to_json(orient="records", lines=True))
    assert len(files.beginning(workspace, str(path), 10)) == rows


def test_a_broken_file_is_told(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"nothing of the kind")
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n")[:12] + b"broken")
    for name in ("x.parquet", "x.csv.gz"):
        with pytest.raises(DataError) as caught:
            files.beginning(workspace, str(tmp_path / name), 5)
        assert caught.value.reason is Reason.UNREADABLE
    with pytest.raises(NotFoundError):
        files.beginning(workspace, str(tmp_path / "none.csv"), 5)
