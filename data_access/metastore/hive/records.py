"""Between our records and Hive's structures. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from hive_metastore import ttypes

from data_access.metastore.base import DatabaseRecord, HiveColumn, PartitionRecord, TableRecord
from data_access.names import TableName

PARQUET = "org.apache.hadoop.hive.ql.io.parquet."
COMMENT = "comment"
#: External, and nothing that Hive does to the table ever touches files or looks for partitions by itself.
OURS = {"EXTERNAL": "TRUE", "external.table.purge": "false", "discover.partitions": "false"}
_SMALL = ("tinyint", "smallint", "int")
_WIDENING = ((*_SMALL, "bigint"), (*_SMALL, "double"), ("float", "double"))
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
#: Characters: part_key_val varchar(256) and part_name varchar(767), in Hive's schemas for every database.
LONGEST_VALUE, LONGEST_NAME = 256, 767


def kept_wide(now: Sequence[HiveColumn], wanted: Sequence[HiveColumn]) -> tuple[HiveColumn, ...]:
    """The columns wanted, with the type they have now where that is the wider one of the same kind."""
    kept = [
        HiveColumn(new.name, old.type, new.comment) if old.name == new.name and _wider(old.type, new.type) else new
        for old, new in zip(now, wanted, strict=False)
    ]
    return (*kept, *wanted[len(kept) :])


def _wider(type_: str, than: str) -> bool:
    for family in _WIDENING:
        if type_ in family and than in family:
            return family.index(type_) > family.index(than)
    decimals = [_DECIMAL.fullmatch(each) for each in (type_, than)]
    sizes = [(int(found[1]), int(found[2])) for found in decimals if found]
    return len(sizes) == 2 and sizes[0][1] == sizes[1][1] and sizes[0][0] > sizes[1][0]


def to_database(record: DatabaseRecord) -> ttypes.Database:
    return ttypes.Database(
        name=record.name,
        description=record.comment,
        locationUri=record.location,
        parameters=dict(record.parameters),
        ownerName=record.owner,
        ownerType=ttypes.PrincipalType.USER,
    )


def from_database(database: ttypes.Database) -> DatabaseRecord:
    return DatabaseRecord(
        database.name,
        database.locationUri or "",
        database.ownerName or None,
        database.description or None,
        dict(database.parameters or {}),
    )


def to_table(record: TableRecord) -> ttypes.Table:
    """As Spark, Hive and Trino read an external table of Parquet files."""
    parameters = {**record.parameters, **OURS}
    parameters.pop(COMMENT, None)
    if record.comment is not None:
        parameters[COMMENT] = record.comment
    return ttypes.Table(
        tableName=record.name.table,
        dbName=record.name.database,
        owner=record.owner,
        createTime=int((record.created or datetime.now(UTC)).timestamp()),
        sd=_descriptor(record.location, record.columns),
        partitionKeys=_fields(record.partition_keys),
        parameters=parameters,
        tableType="EXTERNAL_TABLE",
    )


def from_table(table: ttypes.Table) -> TableRecord:
    parameters = dict(table.parameters or {})
    sd = table.sd
    return TableRecord(
        TableName(table.dbName, table.tableName),
        (sd.location if sd else None) or "",
        _columns(sd.cols if sd else None),
        _columns(table.partitionKeys),
        parameters,
        table.owner or None,
        parameters.pop(COMMENT, None),
        datetime.fromtimestamp(table.createTime, UTC) if table.createTime else None,
        _format(parameters, sd.inputFormat if sd else None),
    )


def to_partition(name: TableName, columns: Sequence[HiveColumn], record: PartitionRecord) -> ttypes.Partition:
    return ttypes.Partition(
        values=list(record.values),
        dbName=name.database,
        tableName=name.table,
        sd=_descriptor(record.location, columns),
        parameters=dict(record.parameters),
    )


def from_partition(partition: ttypes.Partition) -> PartitionRecord:
    parameters = dict(partition.parameters or {})
    parameters.pop("transient_lastDdlTime", None)  # the server's own clock in every partition
    return PartitionRecord(tuple(partition.values), partition.sd.location or "", parameters)


def _descriptor(location: str, columns: Sequence[HiveColumn]) -> ttypes.StorageDescriptor:
    return ttypes.StorageDescriptor(
        cols=_fields(columns),
        location=location,
        inputFormat=f"{PARQUET}MapredParquetInputFormat",
        outputFormat=f"{PARQUET}MapredParquetOutputFormat",
        serdeInfo=ttypes.SerDeInfo(
            serializationLib=f"{PARQUET}serde.ParquetHiveSerDe", parameters={"serialization.format": "1"}
        ),
        compressed=False,
        numBuckets=-1,
        bucketCols=[],
        sortCols=[],
        parameters={},
        storedAsSubDirectories=False,
    )


def _fields(columns: Sequence[HiveColumn]) -> list[ttypes.FieldSchema]:
    return [ttypes.FieldSchema(column.name, column.type, column.comment) for column in columns]


def _columns(fields: Sequence[ttypes.FieldSchema] | None) -> tuple[HiveColumn, ...]:
    return tuple(HiveColumn(field.name, field.type, field.comment or None) for field in fields or ())


def _format(parameters: Mapping[str, str], input_format: str | None) -> str:
    if parameters.get("table_type", "").upper() == "ICEBERG":
        return "iceberg"
    if input_format is None or input_format.startswith(PARQUET):
        return "parquet"
    return input_format
