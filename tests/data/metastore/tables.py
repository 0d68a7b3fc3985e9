"""Databases, tables and partitions to test with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from data_access.metastore.base import (
    HEAD,
    ROOT,
    DatabaseRecord,
    HiveColumn,
    Metastore,
    PartitionChange,
    PartitionRecord,
    Swap,
    TableRecord,
)
from data_access.names import TableName

ORDERS = TableName("sales", "orders")
COLUMNS = (HiveColumn("id", "bigint", "Größe & co. 🐎"), HiveColumn("amount", "decimal(10,2)"))
KEYS = (HiveColumn("day", "string", "of the order"), HiveColumn("shop", "string"))


def orders(place: Path, name: TableName = ORDERS, head: str = "0:start:0000") -> TableRecord:
    root = f"file://{place}/{name.database}.db/{name.table}"
    parameters = {HEAD: head, ROOT: root, "note": "ü = ß; \"'"}
    return TableRecord(name, root, COLUMNS, KEYS, parameters, owner="ann", comment="Bestellungen – alle")


def make_orders(metastore: Metastore, place: Path, name: TableName = ORDERS) -> TableRecord:
    """A database `sales` and a table in it."""
    if name.database not in metastore.databases():
        metastore.create_database(DatabaseRecord(name.database, f"file://{place}/{name.database}.db"))
    table = orders(place, name)
    metastore.create_table(table)
    return table


def with_head(table: TableRecord, head: str) -> TableRecord:
    return replace(table, parameters={**table.parameters, HEAD: head})


def to_head(table: TableRecord, head: str, change: PartitionChange = PartitionChange()) -> Swap:  # noqa: B008 - frozen
    """From what `table` says to `head`."""
    assert table.head is not None
    return Swap(table.head, with_head(table, head), change)


def partition(place: Path, *values: str, batch: str = "a") -> PartitionRecord:
    return PartitionRecord(values, f"file://{place}/parts/{abs(hash(values))}/batch_id={batch}", {"rows": "3"})
