"""`load_dataframe` and `load_batches`: tables, and plain files, as frames."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from data_access.arguments import whole
from data_access.errors import DataError, Reason, naming
from data_access.names import TableName
from data_access.progress import progress
from data_access.tables.frames import into as as_frame
from data_access.tables.model import Anchor
from data_access.tables.plan import ReadPlan, plan
from data_access.tables.read import batches, empty, read
from data_access.tables.snapshot import open_snapshot
from data_access.workspace import Workspace, current

AsOf = Anchor | int | str | datetime | None
KINDS = ("pandas", "pandas-arrow", "polars", "arrow")
ROWS = 1_000_000


def load_dataframe(  # noqa: PLR0913 - the ways to say less than all
    namespace: str | os.PathLike[str] | Anchor,
    resource: str | None = None,
    *,
    partitions: object = None,
    columns: Sequence[str] | None = None,
    where: object = None,
    as_of: AsOf = None,
    into: str = "pandas",
    limit: int | None = None,
    verify: bool = False,
    workspace: Workspace | None = None,
) -> Any:
    """A table, or the part of it that is asked for, at one commit.

        load_dataframe("sales", "orders", partitions=["2026-11-20"], columns=["shop", "amount"], where="amount > 100")
        load_dataframe("sales.orders", as_of="before-migration", into="polars")
        load_dataframe("s3://bucket/folder/file.parquet")

    `partitions`: one value per partition column, `{"day": ["2026-11-20", "2026-11-21"]}`, or a list of tuples.
    `where`: SQL's text (`where.py` says what it takes), a pyarrow expression, or tuples. `as_of`: an anchor, a commit's
    number, a tag or an aware datetime. `into`: pandas, pandas-arrow, polars or arrow. `limit`: that many rows at most.
    `verify`: compare each file's sha256 with the commit's, not only its size.
    Rows come in the order in which they were stored, partition by partition.

    Raises DataError: unknown-database, unknown-table, unknown-commit, unknown-tag, expired, unknown-partition,
    bad-partition, unknown-column, bad-predicate, bad-argument, corrupt, forbidden, unreachable.
    """
    _check_kind(into)
    place = _place(namespace, resource)
    if place is not None:
        return _from_file(place, columns=columns, where=where, limit=limit, into=into)
    workspace = workspace or current()
    name, as_of = _named(namespace, resource, as_of)
    return as_frame(  # nothing here holds the Arrow table, so that `into` can free it column by column
        _table_of(workspace, name, _Asked(partitions, columns, where, as_of, limit, verify)),
        into,  # type: ignore[arg-type]
    )


def load_batches(  # noqa: PLR0913 - as `load_dataframe`
    namespace: str | Anchor,
    resource: str | None = None,
    *,
    partitions: object = None,
    columns: Sequence[str] | None = None,
    where: object = None,
    as_of: AsOf = None,
    into: str = "pandas",
    limit: int | None = None,
    rows: int = ROWS,
    workspace: Workspace | None = None,
) -> Iterator[Any]:
    """As `load_dataframe`, in frames of `rows` rows each (the last has fewer): for what does not fit into memory.

    All frames are of one commit, whatever is stored meanwhile. At least one frame comes, if need be without rows.
    """
    _check_kind(into)
    rows = whole(1, rows, "rows", "of rows in each frame")
    workspace = workspace or current()
    name, as_of = _named(namespace, resource, as_of)
    found = _plan(workspace, name, _Asked(partitions, columns, where, as_of, limit))
    if isinstance(found, pa.Table):
        pieces: Iterator[pa.RecordBatch] = iter(found.to_batches())
        nothing = found.slice(0, 0)
    else:
        pieces, nothing = batches(workspace, found), empty(found)
    return _frames(pieces, nothing, rows, into)


def table_arrow(  # noqa: PLR0913 - as `load_dataframe`
    workspace: Workspace,
    name: TableName,
    *,
    partitions: object = None,
    columns: Sequence[str] | None = None,
    where: object = None,
    as_of: AsOf = None,
    limit: int | None = None,
) -> pa.Table:
    """As Arrow, with the table's own types; what was read is noted for lineage."""
    return _table_of(workspace, name, _Asked(partitions, columns, where, as_of, limit))


@dataclass(frozen=True)
class _Asked:
    """Which part of a table, as the person said it."""

    partitions: object = None
    columns: Sequence[str] | None = None
    where: object = None
    as_of: AsOf = None
    limit: int | None = None
    verify: bool = False


def _table_of(workspace: Workspace, name: TableName, asked: _Asked) -> pa.Table:
    found = _plan(workspace, name, asked)
    if isinstance(found, pa.Table):
        return found
    with progress(workspace.settings, f"Loading {name}", size=found.kept.bytes) as bar:
        return read(workspace, found, progress=bar, verify=asked.verify)


def _plan(workspace: Workspace, name: TableName, asked: _Asked) -> ReadPlan | pa.Table:
    """What to read; an Iceberg table's rows themselves, since pyiceberg plans and reads at once."""
    from data_access.provenance import note_read

    try:
        snapshot = open_snapshot(workspace, name, asked.as_of)
    except DataError as error:
        if error.reason is not Reason.FOREIGN_TABLE:
            raise
        return _iceberg(workspace, name, asked, error)
    with naming(name):
        found = plan(snapshot, partitions=asked.partitions, columns=asked.columns, where=asked.where, limit=asked.limit)
    note_read(found.anchor)
    return found


def _iceberg(workspace: Workspace, name: TableName, asked: _Asked, error: DataError) -> pa.Table:
    record = workspace.metastore.table(name)
    if record.format != "iceberg":
        raise error
    if asked.partitions is not None:
        raise DataError(
            Reason.NOT_SUPPORTED, f"{name} is an Iceberg table, whose partitions have no names.", "Say it with where=."
        ) from error
    from data_access.iceberg import load_arrow

    return load_arrow(workspace, record, asked.columns, asked.where, asked.as_of, limit=asked.limit)


def _named(namespace: str | os.PathLike[str] | Anchor, resource: str | None, as_of: AsOf) -> tuple[TableName, AsOf]:
    if isinstance(namespace, Anchor):
        return namespace.table, namespace if as_of is None else as_of
    text = os.fspath(namespace)
    if resource is not None:
        return TableName.of(text, resource), as_of
    table, at, _ = text.partition("@")
    return TableName.parse(table), Anchor.parse(text) if at and as_of is None else as_of


def _place(namespace: str | os.PathLike[str] | Anchor, resource: str | None) -> str | None:
    """A file's path or URL; None of a table's name."""
    if isinstance(namespace, Anchor) or resource is not None:
        return None
    text = os.fspath(namespace)
    lowered = text.lower()
    from data_access.location import FORMATS

    is_file = "://" in text or "/" in text or lowered.removesuffix(".gz").endswith(tuple(FORMATS))
    return text if is_file or not isinstance(namespace, str) else None


def _from_file(place: str, *, columns: Sequence[str] | None, where: object, limit: int | None, into: str) -> Any:
    from data_access.files import load
    from data_access.tables.predicate import expression
    from data_access.tables.where import predicate_of

    frame = load(place, None if where is not None else columns)
    if where is None and into == "pandas":
        return frame if limit is None else frame.head(limit)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    predicate = predicate_of(where, table.schema)
    if predicate is not None:
        table = table.filter(expression(predicate))
    if columns is not None:
        table = table.select(list(columns))
    return as_frame(table if limit is None else table.slice(0, limit), into)  # type: ignore[arg-type]


def _check_kind(into: str) -> None:
    if into not in KINDS:
        raise DataError(Reason.BAD_ARGUMENT, f"There is no into='{into}'.", f"There are {', '.join(KINDS)}.")


def _frames(pieces: Iterator[pa.RecordBatch], nothing: pa.Table, rows: int, into: str) -> Iterator[Any]:
    held: list[pa.RecordBatch] = []
    count, any_ = 0, False
    for piece in pieces:
        while piece.num_rows:
            part = piece.slice(0, rows - count)
            piece = piece.slice(part.num_rows)  # noqa: PLW2901 - what is left of it
            held.append(part)
            count += part.num_rows
            if count == rows:
                yield as_frame(_table(held, nothing), into)  # type: ignore[arg-type]
                held, count, any_ = [], 0, True
    if held or not any_:
        yield as_frame(_table(held, nothing), into)  # type: ignore[arg-type]


def _table(parts: list[pa.RecordBatch], nothing: pa.Table) -> pa.Table:
    return pa.Table.from_batches(parts, schema=nothing.schema)
