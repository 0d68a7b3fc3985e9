"""Rows of the catalog's tables as records, and records as rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from data_access.metastore.base import HEAD, HiveColumn, PartitionChange, PartitionRecord, TableRecord
from data_access.metastore.sql.tables import PARTITIONS, TABLES, digest, dump
from data_access.names import TableName

T = TypeVar("T")
AT_ONCE = 1_000  # values in one statement; SQLite takes 32,766


def is_(name: TableName) -> tuple[Any, Any]:
    return TABLES.c.database == name.database, TABLES.c.name == name.table


def id_of(c: Connection, name: TableName, *, locked: bool = False) -> int | None:
    query = select(TABLES.c.id).where(*is_(name))
    return c.execute(query.with_for_update() if locked else query).scalar()


def columns_of(table: TableRecord) -> dict[str, str | None]:
    return {
        "location": table.location,
        "columns": dump([[each.name, each.type, each.comment] for each in table.columns]),
        "partition_keys": dump([[each.name, each.type, each.comment] for each in table.partition_keys]),
        "head": table.head,
        "parameters": dump({key: value for key, value in table.parameters.items() if key != HEAD}),
        "owner": table.owner,
        "comment": None if table.comment is None else dump(table.comment),
        "format": table.format,
    }


def record_of(row: Row[Any]) -> TableRecord:
    parameters: Mapping[str, str] = json.loads(row.parameters)
    return TableRecord(
        TableName(row.database, row.name),
        row.location,
        tuple(HiveColumn(*each) for each in json.loads(row.columns)),
        tuple(HiveColumn(*each) for each in json.loads(row.partition_keys)),
        parameters if row.head is None else {**parameters, HEAD: row.head},
        row.owner,
        None if row.comment is None else json.loads(row.comment),
        datetime.fromisoformat(row.created),
        row.format,
    )


def partition_of(row: Row[Any]) -> PartitionRecord:
    return PartitionRecord(tuple(json.loads(row.key_values)), row.location, json.loads(row.parameters))


def change_rows(c: Connection, table_id: int | None, change: PartitionChange) -> None:
    for some in chunks([digest(values) for values in change.drop]):
        c.execute(delete(PARTITIONS).where(PARTITIONS.c.table_id == table_id, PARTITIONS.c.digest.in_(some)))
    rows = [
        {
            "table_id": table_id,
            "digest": digest(each.values),
            "key_values": dump(list(each.values)),
            "location": each.location,
            "parameters": dump(dict(each.parameters)),
        }
        for each in (*change.add, *change.move)
    ]
    dialect = sqlite if c.dialect.name == "sqlite" else postgresql
    put = dialect.insert(PARTITIONS)
    new = {name: put.excluded[name] for name in ("key_values", "location", "parameters")}
    put = put.on_conflict_do_update(index_elements=["table_id", "digest"], set_=new)
    for written in chunks(rows):
        c.execute(put, written)


def chunks(items: Sequence[T]) -> Iterator[list[T]]:
    left = iter(items)
    while some := list(islice(left, AT_ONCE)):
        yield some
