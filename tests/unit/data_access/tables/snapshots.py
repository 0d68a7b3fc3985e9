"""Commits and snapshots for tests of decisions, as short as they can be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from data_access.names import TableName
from data_access.tables.model import Commit, DataFile, Schema, Snapshot
from data_access.tables.stored_schema import stored

NAME = TableName("sales", "orders")


def schema_of(*columns: tuple[str, pa.DataType], partition_by: tuple[str, ...] = ("p",)) -> Schema:
    keys = [pa.field(name, pa.string()) for name in partition_by]
    return stored([pa.field(*each) for each in columns], keys, None, {})


SCHEMA = schema_of(("x", pa.int64()))
WIDER = schema_of(("x", pa.int64()), ("y", pa.int64()))
OTHER = schema_of(("x", pa.int64()), ("z", pa.string()))
ID = "01M7YYKPPFRJ3EJK8Z04Z06KP3"
ROOT = "s3://lake/sales/orders"
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def file(partition: str, batch: str, part: int = 0, text: str | None = None) -> DataFile:
    sha256 = hashlib.sha256((text or f"{partition}{batch}{part}").encode()).hexdigest()
    return DataFile((partition,), f"p={partition}/batch_id={batch}/part-{part:05d}.parquet", 10, 1, sha256, 4)


def commit(files: tuple[DataFile, ...] = (), schema: Schema = SCHEMA, **members: Any) -> Commit:
    given = {
        "table": NAME, "number": 1, "id": ID, "parent": None, "operation": "store", "mode": "overwrite", "at": AT,
        "by": "ann", "message": "", "schema": schema, "changed": (), "rows": sum(each.rows for each in files),
        "bytes": sum(each.size for each in files), "files": len(files),
    }  # fmt: skip
    return Commit(**{**given, **members})


def snapshot(partitions: Mapping[str, str], schema: Schema = SCHEMA, **members: Any) -> Snapshot:
    """{"a": "B1"}: partition a is batch B1, of one file."""
    files = tuple(file(partition, batch) for partition, batch in partitions.items())
    return Snapshot(commit(files, schema, **members), ROOT, files)
