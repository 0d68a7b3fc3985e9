"""What a store means: of which partitions of which table, with which schema. Pure but for the frame's first look.

`partitions=` gives values, the same for all rows; `partition_by=` names columns of the frame, which say it row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from data_access.errors import DataError, Reason
from data_access.names import TableName, did_you_mean
from data_access.tables.frames import Source
from data_access.tables.model import Column, PartitionValues, Schema
from data_access.tables.partitions import canonical, canonical_value
from data_access.tables.schema import arrow_schema, evolve, table_schema

Mode = Literal["overwrite", "append", "error"]
Values = Mapping[str, object] | Sequence[object]


@dataclass(frozen=True)
class Target:
    """`fixed`: the one partition of all rows, () in a table without; None: the frame's columns say it."""

    schema: Schema
    fixed: PartitionValues | None
    source: Source


def check_mode(mode: str) -> Mode:
    """Raises DataError(bad-argument)."""
    if mode not in get_args(Mode):
        raise DataError(
            Reason.BAD_ARGUMENT, f"mode='{mode}' is none of overwrite, append and error.",
            did_you_mean(str(mode), get_args(Mode)),
        )  # fmt: skip
    return mode  # type: ignore[return-value]


def target_of(  # noqa: PLR0913 - what a call says
    name: TableName,
    now: Schema | None,
    source: Source,
    *,
    partitions: Values | str | None,
    partition_by: Sequence[str] | str | None,
    comments: Mapping[str, str] | None,
) -> Target:
    """Where the rows of `source` go; `now` is the table's schema, None where there is no table yet.

    Raises DataError(bad-partition, bad-argument, unknown-column), SchemaError.
    """
    by = _columns(partition_by)
    if comments is not None:
        check_comments(comments)
    if partitions is not None and (not isinstance(partitions, Mapping | Sequence) or isinstance(partitions, str)):
        partitions = [partitions]  # one value for one column, as people write it
    keys = _keys(name, now, partitions, by)
    frame = source.schema
    if partitions is None:
        _check_columns(name, frame, keys, exists=now is not None)
    else:
        if not keys:
            raise DataError(
                Reason.BAD_PARTITION, f"{name} has no partitions, but partitions= gives some.", "Leave it out."
            )
        frame = _with_keys(frame, keys, partitions, now)
    schema = table_schema(frame, keys, comments or {}) if now is None else evolve(now, frame, name)
    if now is not None and comments:
        schema = with_comments(schema, comments)
    if partitions is None:
        return Target(schema, None if keys else (), source)
    fixed = canonical(partitions, schema.partition_by)
    return Target(schema, fixed, _without_keys(source, schema.partition_by, fixed))


def _columns(partition_by: Sequence[str] | str | None) -> list[str] | None:
    if partition_by is None or isinstance(partition_by, str):
        return None if partition_by is None else [partition_by]
    by = list(partition_by) if isinstance(partition_by, Iterable) else [partition_by]
    if not all(isinstance(each, str) for each in by):
        raise DataError(
            Reason.BAD_ARGUMENT, f"partition_by={partition_by!r} names no columns.",
            "Give names of columns: partition_by=['day'].",
        )  # fmt: skip
    return by


def _keys(name: TableName, now: Schema | None, partitions: Values | None, by: list[str] | None) -> list[str]:
    """The partition columns, from the table or, at its first store, from the call."""
    if now is not None:
        keys = [each.name for each in now.partition_by]
        if by is not None and by != keys:
            is_by = f"is partitioned by {', '.join(keys)}" if keys else "has no partitions"
            raise DataError(
                Reason.BAD_PARTITION,
                f"{name} {is_by}, and that can't change: partition_by says {', '.join(by) or 'nothing'}.",
                "Leave partition_by out, or store under another name.",
            )
        return keys
    if by is not None:
        return by
    if isinstance(partitions, Mapping):
        return list(partitions)
    if partitions is not None:
        raise DataError(
            Reason.BAD_PARTITION,
            f"{name} does not exist yet, so partitions={list(partitions)!r} says no column's name.",
            "Name them at the first store: partitions={'day': '2026-11-20'}, or partition_by=['day'].",
        )
    return []


def _check_columns(name: TableName, frame: pa.Schema, keys: Sequence[str], *, exists: bool) -> None:
    missing = [each for each in keys if each not in frame.names]
    if not missing:
        return
    if exists:
        raise DataError(
            Reason.BAD_PARTITION,
            f"{name} is partitioned by {', '.join(keys)}, and the frame has no column {', '.join(missing)}.",
            f"Say which partition it is: partitions={{{', '.join(f'{each!r}: …' for each in keys)}}}.",
        )
    raise DataError(
        Reason.BAD_PARTITION,
        f"partition_by names {', '.join(missing)}, which the frame has not.",
        did_you_mean(missing[0], frame.names),
    )


def _with_keys(frame: pa.Schema, keys: Sequence[str], partitions: Values, now: Schema | None) -> pa.Schema:
    """The frame's schema with columns for the values that the call gives."""
    known = None if now is None else arrow_schema(now)
    named = partitions if isinstance(partitions, Mapping) else dict(zip(keys, partitions, strict=False))
    for key in keys:
        if key not in frame.names:
            type_ = known.field(key).type if known is not None else _type_of(named.get(key))
            frame = frame.append(pa.field(key, type_))
    return frame


def _type_of(value: object) -> pa.DataType:
    """A partition column's type at the first store; null and anything odd are text, or refused by `canonical`."""
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64()
    if isinstance(value, date):
        return pa.date32()
    return pa.string()


def _without_keys(source: Source, keys: Sequence[Column], values: PartitionValues) -> Source:
    """The rows without partition columns, which must say what the call says: a frame that was loaded has them."""
    there = [(key, value) for key, value in zip(keys, values, strict=True) if key.name in source.schema.names]
    if not there:
        return source
    names = {key.name for key, _ in there}
    schema = pa.schema([each for each in source.schema if each.name not in names], source.schema.metadata)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in source.batches:
            for key, value in there:
                _check_column(batch.column(key.name), key, value)
            yield batch.select([each for each in batch.schema.names if each not in names])

    return replace(source, schema=schema, batches=batches())


def _check_column(column: pa.Array, key: Column, value: str | None) -> None:
    for each in pc.unique(column).to_pylist():
        found = canonical_value(each, key)
        if found != value:
            raise DataError(
                Reason.BAD_PARTITION,
                f"The frame's column '{key.name}' holds {found}, but partitions= says {value}.",
                f"Leave partitions= out: each row then goes to the partition that its '{key.name}' says.",
            )


def check_comments(comments: object) -> None:
    """Raises DataError(bad-argument)."""
    if not isinstance(comments, Mapping) or not all(isinstance(each, str) for each in comments.values()):
        raise DataError(
            Reason.BAD_ARGUMENT, f"comments={comments!r} says nothing of columns.",
            "Give a text for each column: comments={'amount': 'in EUR'}.",
        )  # fmt: skip


def with_comments(schema: Schema, comments: Mapping[str, str]) -> Schema:
    """The schema with these comments on its columns. Raises DataError(unknown-column)."""
    names = [each.name for each in (*schema.columns, *schema.partition_by)]
    check_comments(comments)
    for name in comments:
        if name not in names:
            raise DataError(
                Reason.UNKNOWN_COLUMN, f"The comment on '{name}' is on no column.", did_you_mean(name, names)
            )

    def commented(columns: tuple[Column, ...]) -> tuple[Column, ...]:
        return tuple(replace(each, comment=comments.get(each.name, each.comment)) for each in columns)

    return replace(schema, columns=commented(schema.columns), partition_by=commented(schema.partition_by))
