"""Tables of Hive and Spark: folders are spelled as Hadoop spells them, formats are said in words."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

import data_access as api
from data_access.errors import DataError, Reason
from data_access.metastore.base import DatabaseRecord, HiveColumn, TableRecord
from data_access.names import TableName
from data_access.tables.foreign import _as_listed
from data_access.workspace import Workspace

NAME = TableName("raw", "visits")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = api.connect(metastore=f"sqlite:///{tmp_path}/c.sqlite", warehouse=str(tmp_path / "lake"), user="ann")
    made.metastore.create_database(DatabaseRecord("raw", f"file://{tmp_path}/raw", "zoe", None))
    return made


def table(location: str, format_: str = "parquet") -> TableRecord:
    return TableRecord(NAME, location, (HiveColumn("n", "bigint"),), (), {}, "zoe", None, None, format_)


@pytest.mark.parametrize(
    ("location", "listed"),
    [
        ("s3a://lake/_raw/x", "s3://lake/_raw/x"),
        ("s3n://lake/x", "s3://lake/x"),
        ("s3://lake/x", "s3://lake/x"),
        ("file:/srv/x", "file:///srv/x"),
        ("file:///srv/x", "file:///srv/x"),
    ],
)
def test_folders_are_spelled_as_the_storage_lists_them(location: str, listed: str) -> None:
    assert _as_listed(location) == listed


def test_a_folder_with_one_slash_is_read(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "_raw/visits"  # an underscore above the table hides nothing of it
    folder.mkdir(parents=True)
    pandas.DataFrame({"n": [1, 2]}).to_parquet(folder / "000000_0")
    workspace.metastore.create_table(table(f"file:{folder}"))
    assert api.load_dataframe("raw.visits", workspace=workspace)["n"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("format_", "words"),
    [
        ("org.apache.hadoop.mapred.TextInputFormat", r"text \(CSV or the like\)"),
        ("org.apache.hadoop.hive.ql.io.orc.OrcInputFormat", "ORC"),
        ("com.example.OddInputFormat", "Odd"),
    ],
)
def test_what_is_not_read_is_said_in_words(workspace: Workspace, format_: str, words: str) -> None:
    workspace.metastore.create_table(table("s3a://lake/raw/visits", format_))
    said = f"raw.visits is stored as {words}, .* these are in s3://lake/raw/visits"
    with pytest.raises(DataError, match=said) as caught:
        api.load_dataframe("raw.visits", workspace=workspace)
    assert caught.value.reason == Reason.NOT_SUPPORTED
