"""A table's schema from a frame's: which types and names it takes. Pure, on Arrow schemas.

The types are in `hive_types`, what later frames may change in `evolution` and `fit`, casts of data in `casts`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa

from data_access.errors import DataError, Reason, SchemaError
from data_access.metastore.base import HiveColumn
from data_access.names import did_you_mean
from data_access.tables.casts import from_file, to_file
from data_access.tables.column_rules import RESERVED, check_names, logical_field, told
from data_access.tables.evolution import evolve
from data_access.tables.hive_types import Refused, rule
from data_access.tables.model import Schema
from data_access.tables.stored_schema import arrow_schema, file_schema, stored

__all__ = [
    "RESERVED",
    "arrow_schema",
    "evolve",
    "file_schema",
    "from_file",
    "hive_columns",
    "hive_partition_keys",
    "table_schema",
    "to_file",
]

PARTITION_TYPES = ("boolean", "tinyint", "smallint", "int", "bigint", "string", "date")


def table_schema(arrow: pa.Schema, partition_by: Sequence[str], comments: Mapping[str, str] | None = None) -> Schema:
    """The schema of a new table, from a frame's.

    Raises SchemaError(unsupported-type, bad-name), DataError(bad-partition, unknown-column).
    """
    comments = comments or {}
    _check_names(arrow)
    _check_partition_by(arrow, partition_by)
    _check_types(arrow, partition_by)
    for name in comments:
        if name not in arrow.names:
            raise DataError(
                Reason.UNKNOWN_COLUMN, f"The comment on '{name}' is on no column.", did_you_mean(name, arrow.names)
            )
    columns = [logical_field(field) for field in arrow if field.name not in partition_by]
    keys = [logical_field(arrow.field(name)).with_nullable(True) for name in partition_by]
    return stored(columns, keys, arrow.metadata, comments)


def hive_columns(schema: Schema) -> tuple[HiveColumn, ...]:
    """What the metastore lists: Hive knows lower case only; the files keep the frame's case."""
    return tuple(HiveColumn(column.name.lower(), column.hive, column.comment) for column in schema.columns)


def hive_partition_keys(schema: Schema) -> tuple[HiveColumn, ...]:
    """The partition columns as the metastore lists them."""
    return tuple(HiveColumn(column.name.lower(), column.hive, column.comment) for column in schema.partition_by)


def _check_names(arrow: pa.Schema) -> None:
    wrong = check_names(arrow.names)
    if wrong:
        raise SchemaError(Reason.BAD_NAME, *told(wrong))


def _check_types(arrow: pa.Schema, partition_by: Sequence[str]) -> None:
    wrong = [
        (f"Column '{field.name}' is {found.why}", found.remedy)
        for field in arrow
        if isinstance(found := rule(field.type), Refused)
    ]
    if wrong:
        raise SchemaError(Reason.UNSUPPORTED_TYPE, *told(wrong))
    for name in partition_by:
        taken = rule(arrow.field(name).type)
        hive = None if isinstance(taken, Refused) else taken.hive
        if hive not in PARTITION_TYPES:
            raise SchemaError(
                Reason.UNSUPPORTED_TYPE,
                f"Partition column '{name}' is {arrow.field(name).type}; partitions are texts, integers, dates or"
                " booleans, which have one way to be written in a path.",
                _partition_remedy(arrow.field(name)),
            )


def _partition_remedy(field: pa.Field) -> str:
    column = f"df[{json.dumps(field.name, ensure_ascii=False)}]"
    if pa.types.is_timestamp(field.type):
        return f"Partition by its day; in pandas: {column} = {column}.dt.date"
    if pa.types.is_floating(field.type) or pa.types.is_decimal(field.type):
        return f"Partition by a whole number; in pandas: {column} = {column}.astype('int64')"
    return "Partition by its text, in a column of its own."


def _check_partition_by(arrow: pa.Schema, partition_by: Sequence[str]) -> None:
    for name in partition_by:
        if name not in arrow.names:
            raise DataError(
                Reason.BAD_PARTITION,
                f"The frame has no column '{name}' to partition by.",
                did_you_mean(name, arrow.names),
            )
    if len(set(partition_by)) < len(partition_by):
        raise DataError(
            Reason.BAD_PARTITION, f"A column is named twice in partition_by={list(partition_by)}.", "Name it once."
        )
    if len(arrow) == len(partition_by):
        beside = f"Beside its partition columns ({', '.join(partition_by)}) the" if partition_by else "The"
        raise SchemaError(
            Reason.SCHEMA_MISMATCH,
            f"{beside} frame has no column.",
            "A table needs at least one column in its files.",
        )
