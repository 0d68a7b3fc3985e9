"""Data frames in files of the home."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pandas
import pytest
from pandas.testing import assert_frame_equal

import data_access
from data_access.errors import DataError, Reason


@pytest.fixture
def frame() -> pandas.DataFrame:
    return pandas.DataFrame({"name": ["Ada", "Æsop", None], "n": [1, 2, 3], "x": [0.5, 1e-300, float("nan")]})


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "jsonl", "jsonl.gz", "json"])
def test_a_frame_goes_round(tmp_path: Path, frame: pandas.DataFrame, ending: str) -> None:
    path = tmp_path / f"data.{ending}"
    data_access.save(frame, path)
    assert_frame_equal(data_access.load(path), frame, check_dtype=ending == "parquet")
    assert list(data_access.load(str(path), columns=["x", "name"]).columns) == ["x", "name"]


def test_times_and_categories_survive_parquet(tmp_path: Path) -> None:
    times = pandas.to_datetime(["2026-01-31T09:30:00.000001Z", None])
    frame = pandas.DataFrame({"t": times, "c": pandas.Categorical(["a", "b"], categories=["b", "a"], ordered=True)})
    data_access.save(frame, tmp_path / "x.parquet")
    assert_frame_equal(data_access.load(tmp_path / "x.parquet"), frame)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing.csv", Reason.NOT_FOUND),
        ("no/folder.csv", Reason.NOT_FOUND),
        ("data.xlsx", Reason.UNKNOWN_FORMAT),
        ("data.parquet.gz", Reason.UNKNOWN_FORMAT),
        ("data", Reason.UNKNOWN_FORMAT),
        ("https://example.org/a.csv", Reason.BAD_LOCATION),
        ("s3://bucket", Reason.UNKNOWN_FORMAT),
        ("s3:///a.csv", Reason.BAD_LOCATION),
    ],
)
def test_what_cannot_be_loaded_says_why(
    tmp_path: Path, path: str, reason: Reason, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        data_access.load(path)
    assert caught.value.reason is reason
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["x.parquet", "x.json", "x.csv.gz"])
def test_rubbish_is_unreadable(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\x01rubbish")
    with pytest.raises(DataError) as caught:
        data_access.load(tmp_path / name)
    assert caught.value.reason is Reason.UNREADABLE


def test_a_column_that_is_not_there_is_named_beside_those_that_are(tmp_path: Path, frame: pandas.DataFrame) -> None:
    for name in ("x.parquet", "x.csv"):
        data_access.save(frame, tmp_path / name)
        with pytest.raises(DataError, match=r"no column 'nope'\. It has: name, n, x\."):
            data_access.load(tmp_path / name, columns=["n", "nope"])


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path: Path, frame: pandas.DataFrame) -> None:
    path = tmp_path / "x.parquet"
    data_access.save(frame, path)
    before = path.read_bytes()
    with pytest.raises(DataError) as caught:
        data_access.save(pandas.DataFrame({"mixed": [1, "a", object()]}), path)
    assert caught.value.reason is Reason.UNSAVABLE
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["x.parquet"]


def test_a_reader_of_the_old_file_is_not_disturbed(tmp_path: Path, frame: pandas.DataFrame) -> None:
    path = tmp_path / "x.csv"
    data_access.save(frame, path)
    with path.open() as reading:
        first = reading.readline()
        data_access.save(frame.head(0), path)
        assert first + reading.read() != path.read_text()


def test_links_and_permissions_stay(tmp_path: Path, frame: pandas.DataFrame) -> None:
    target = tmp_path / "real.csv"
    data_access.save(frame, target)
    target.chmod(0o640)
    (tmp_path / "link.csv").symlink_to("real.csv")
    data_access.save(frame.head(1), tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert len(data_access.load(target)) == 1


@pytest.mark.parametrize(
    "frame",
    [
        pandas.DataFrame({"a": [1]}, index=["x"]),
        pandas.DataFrame({"a": [1]}).rename_axis("key"),
        pandas.DataFrame([[1, 2]], columns=["a", "a"]),
        pandas.DataFrame([[1]], columns=[5]),
    ],
)
def test_what_would_be_lost_unseen_is_refused(tmp_path: Path, frame: pandas.DataFrame) -> None:
    with pytest.raises(DataError) as caught:
        data_access.save(frame, tmp_path / "x.parquet")
    assert caught.value.reason is Reason.UNSAVABLE
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_to_be_full(
    tmp_path: Path, frame: pandas.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("data_access.storage.local.os.fsync", full)
    with pytest.raises(DataError) as caught:
        data_access.save(frame, tmp_path / "x.csv")
    assert caught.value.reason is Reason.DISK_FULL
    assert list(tmp_path.iterdir()) == []


def test_importing_is_quick_and_brings_no_hub() -> None:
    script = (
        "import sys, data_access\n"
        "heavy = {'pandas', 'pyarrow', 'boto3', 'jupyterhub', 'profiles', 'spawner', 'hub_extensions', 'pydantic'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout == "[]\n"
