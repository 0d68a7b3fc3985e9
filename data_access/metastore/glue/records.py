"""Between our records and Glue's structures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from data_access.metastore.base import DatabaseRecord, HiveColumn, PartitionRecord, TableRecord
from data_access.names import TableName

PARQUET = "org.apache.hadoop.hive.ql.io.parquet."
#: Who holds the table for a commit; see lease.py. Never shown to callers, never written by them.
LEASE = "remuda.lease"
#: Glue's databases have no owner; it is kept among their parameters.
OWNER = "remuda.owner"
#: As crawlers mark what they find, and Athena wants it.
OURS = {"EXTERNAL": "TRUE", "classification": "parquet"}


def to_database(record: DatabaseRecord) -> dict[str, Any]:
    parameters = dict(record.parameters) | ({OWNER: record.owner} if record.owner else {})
    found = {
        "Name": record.name, "LocationUri": record.location, "Description": record.comment, "Parameters": parameters,
    }  # fmt: skip
    return {key: value for key, value in found.items() if value}


def from_database(database: Mapping[str, Any]) -> DatabaseRecord:
    parameters = dict(database.get("Parameters") or {})
    return DatabaseRecord(
        database["Name"],
        database.get("LocationUri") or "",
        parameters.pop(OWNER, None),
        database.get("Description") or None,
        parameters,
    )


def to_table(record: TableRecord, lease: str | None = None) -> dict[str, Any]:
    """TableInput. `lease` is that of the table as it stands."""
    parameters = {**record.parameters, **OURS}
    parameters.pop(LEASE, None)
    if lease is not None:
        parameters[LEASE] = lease
    found = {
        "Name": record.name.table,
        "Description": record.comment,
        "Owner": record.owner,
        "StorageDescriptor": _descriptor(record.location, record.columns),
        "PartitionKeys": _columns(record.partition_keys),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
    }
    return {key: value for key, value in found.items() if value is not None}


def from_table(table: Mapping[str, Any]) -> TableRecord:
    sd, parameters = table.get("StorageDescriptor") or {}, dict(table.get("Parameters") or {})
    parameters.pop(LEASE, None)
    created = table.get("CreateTime")
    return TableRecord(
        TableName(table["DatabaseName"], table["Name"]),
        sd.get("Location") or "",
        _hive_columns(sd.get("Columns")),
        _hive_columns(table.get("PartitionKeys")),
        parameters,
        table.get("Owner") or None,
        table.get("Description") or None,
        created.astimezone(UTC) if isinstance(created, datetime) else None,
        _format(parameters, sd.get("InputFormat")),
        table.get("VersionId"),
    )


#: What GetTable answers and UpdateTable takes back.
_INPUT = (
    "Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor",
    "PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable",
)  # fmt: skip


def to_input(table: Mapping[str, Any], lease: str | None) -> dict[str, Any]:
    """TableInput of a table as Glue has it, with another lease (None: without)."""
    parameters = {key: value for key, value in (table.get("Parameters") or {}).items() if key != LEASE}
    if lease is not None:
        parameters[LEASE] = lease
    return {key: table[key] for key in _INPUT if key in table} | {"Parameters": parameters}


def lease_of(table: Mapping[str, Any]) -> str | None:
    return (table.get("Parameters") or {}).get(LEASE)


def to_partition(columns: Sequence[HiveColumn], record: PartitionRecord) -> dict[str, Any]:
    return {
        "Values": list(record.values),
        "StorageDescriptor": _descriptor(record.location, columns),
        "Parameters": dict(record.parameters),
    }


def from_partition(partition: Mapping[str, Any]) -> PartitionRecord:
    location = (partition.get("StorageDescriptor") or {}).get("Location") or ""
    return PartitionRecord(tuple(partition["Values"]), location, dict(partition.get("Parameters") or {}))


def _descriptor(location: str, columns: Sequence[HiveColumn]) -> dict[str, Any]:
    return {
        "Columns": _columns(columns),
        "Location": location,
        "InputFormat": f"{PARQUET}MapredParquetInputFormat",
        "OutputFormat": f"{PARQUET}MapredParquetOutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": f"{PARQUET}serde.ParquetHiveSerDe", "Parameters": {"serialization.format": "1"},
        },
    }  # fmt: skip


def _columns(columns: Sequence[HiveColumn]) -> list[dict[str, str]]:
    named = [{"Name": each.name, "Type": each.type, "Comment": each.comment} for each in columns]
    return [{key: value for key, value in each.items() if value} for each in named]


def _hive_columns(columns: Sequence[Mapping[str, str]] | None) -> tuple[HiveColumn, ...]:
    return tuple(HiveColumn(each["Name"], each.get("Type", ""), each.get("Comment") or None) for each in columns or ())


def _format(parameters: Mapping[str, str], input_format: str | None) -> str:
    if parameters.get("table_type", "").upper() == "ICEBERG":
        return "iceberg"
    if not input_format or input_format.startswith(PARQUET):
        return "parquet"
    return input_format
