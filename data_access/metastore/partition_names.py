"""Names of partitions as Hive makes them, and how long they may be. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from data_access.errors import DataError, Reason
from data_access.metastore.base import Capabilities, HiveColumn, PartitionRecord
from data_access.names import TableName

#: What Hive puts between `=` and `/` of a partition's name in place of these characters: %XX (FileUtils, Hive 2 to 4).
_ESCAPED = re.compile(r"[\x01-\x1f\"#%'*/:=?\\\x7f{\[\]^]")
_NULL = "__HIVE_DEFAULT_PARTITION__"


def escaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", text) or _NULL


def partition_name(keys: Sequence[HiveColumn], values: Sequence[str]) -> str:
    """The name by which a Hive Metastore finds a partition: `day=2026-11-20/shop=a%2Fb`."""
    return "/".join(f"{escaped(key.name.lower())}={escaped(value)}" for key, value in zip(keys, values, strict=True))


def check_lengths(
    able: Capabilities, table: TableName, keys: Sequence[HiveColumn], partitions: Iterable[PartitionRecord]
) -> None:
    """To be asked before a commit: what the metastore has no room for could not be shown to Hive after it.

    Raises DataError(bad-partition), naming key and value; the server would not say which.
    """
    if able.partition_value_length is None and able.partition_name_length is None:
        return
    for partition in partitions:
        for key, value in zip(keys, partition.values, strict=True):
            _check(table, f"'{key.name}'", value, able.partition_value_length)
        _check(table, "name", partition_name(keys, partition.values), able.partition_name_length)


def _check(table: TableName, what: str, text: str, most: int | None) -> None:
    if most is not None and len(text) > most:
        raise DataError(
            Reason.BAD_PARTITION,
            f"A partition of '{table}' has a {what} of {len(text)} characters ('{text[:40]}…'); "
            f"this metastore takes {most}.",
            "Partition by something shorter.",
        )
