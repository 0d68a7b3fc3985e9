"""Tables that Spark and Hive made on S3 say `s3a://` for it, and are read all the same."""

from __future__ import annotations

import io

import pandas

import data_access as api
from data_access.metastore.base import DatabaseRecord, HiveColumn, PartitionChange, PartitionRecord, TableRecord
from data_access.names import TableName
from tests.data.servers.workspaces import MakeWorkspace


def test_a_table_on_s3a_is_read(workspaces: MakeWorkspace) -> None:
    workspace = workspaces("sqlite", "s3")
    place = f"{workspace.warehouse}/_raw/visits"  # an underscore above the table hides nothing of it
    hadoop = place.replace("s3://", "s3a://")
    workspace.metastore.create_database(DatabaseRecord("raw", f"{workspace.warehouse}/_raw", "zoe", ""))
    name = TableName("raw", "visits")
    keys = (HiveColumn("day", "string"),)
    workspace.metastore.create_table(TableRecord(name, hadoop, (HiveColumn("n", "bigint"),), keys))
    content = io.BytesIO()
    pandas.DataFrame({"n": [1, 2]}).to_parquet(content)
    workspace.storage.put(f"{place}/day=a/000000_0", content.getvalue())
    part = PartitionRecord(("a",), f"{hadoop}/day=a")
    workspace.metastore.change_partitions(name, PartitionChange(add=(part,)))
    assert api.load_dataframe("raw.visits", workspace=workspace)["n"].tolist() == [1, 2]
    assert api.sql("select sum(n) as n from raw.visits", workspace=workspace)["n"].tolist() == [3]
