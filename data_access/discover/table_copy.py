"""Tables as sources and targets of `copy` and `move`: each is a commit that names what it was made from."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from data_access.discover import files, transfer
from data_access.discover.copying import Copied, How
from data_access.discover.place import ObjectPlace, Place, TablePlace, WebPlace
from data_access.errors import ConflictError, CorruptError, DataError, NotFoundError, Reason
from data_access.location import format_of
from data_access.names import TableName
from data_access.progress import progress
from data_access.storage.router import Reading
from data_access.tables.drop import check_not_held, drop
from data_access.tables.model import Commit, Snapshot
from data_access.tables.namespaces import check_may_write
from data_access.tables.snapshot import open_snapshot
from data_access.workspace import Workspace


def with_tables(workspace: Workspace, source: Place, target: Place, how: How, *, move: bool) -> Copied:
    """Raises what `copy` raises."""
    if isinstance(source, TablePlace) and isinstance(target, TablePlace):
        return _table_to_table(workspace, source, target, how, move=move)
    if isinstance(source, TablePlace):
        assert isinstance(target, ObjectPlace)
        if move:
            raise DataError(
                Reason.BAD_ARGUMENT,
                f"{source} would lose its history as {target}, so a table moves only to a table.",
                "Use copy(…) to export it.",
            )
        return _export(workspace, source, target, how)
    assert isinstance(target, TablePlace)
    if target.as_of is not None:
        raise _past(target)
    return _import(workspace, source, target, how, move=move)


def _table_to_table(workspace: Workspace, source: TablePlace, target: TablePlace, how: How, *, move: bool) -> Copied:
    if target.as_of is not None or (move and source.as_of is not None):
        raise _past(target if target.as_of is not None else source)
    if source.name == target.name:
        raise DataError(
            Reason.BAD_ARGUMENT,
            f"{source} and {target} are one table.",
            "rollback(table, commit) brings a past state back.",
        )
    if move:
        check_may_write(workspace.user, source.name.database, workspace.settings)
    snapshot = open_snapshot(workspace, source.name, source.as_of)
    if move:
        check_not_held(workspace, source.name, snapshot.root)
    _check_absent(workspace, target.name, how)
    commit = _stored(workspace, snapshot, target.name, how)
    _verify(workspace, snapshot, target.name, commit, how)
    note = ""
    if move:
        try:
            dropped = drop(workspace, source.name, snapshot.commit.anchor)
        except ConflictError as error:
            raise ConflictError(
                error.reason,
                error.sentence,
                f"{target} is commit {commit.number} of before, and {source} is untouched: move again.",
            ) from error
        note = f"Its history stays below {snapshot.root} until {dropped.until:%Y-%m-%d %H:%M} UTC."
    return Copied(str(source), str(target), len(snapshot.files), snapshot.commit.bytes, 0.0, commit=commit, note=note)


def _stored(workspace: Workspace, snapshot: Snapshot, target: TableName, how: How) -> Commit:
    """By the storage itself where nobody has to see the rows, else in batches through this machine."""
    from data_access.discover.table_files import copy_files, fits
    from data_access.provenance import inputs
    from data_access.tables.load import load_batches
    from data_access.tables.store import store_dataframe

    anchor, schema = snapshot.commit.anchor, snapshot.commit.schema
    message = how.message or f"copied from {anchor.table}, commit {anchor.number}"
    where = fits(workspace, snapshot, target)
    if where is not None:
        title = f"Copying {anchor.table}"
        with progress(workspace.settings, title, size=snapshot.commit.bytes, shown=how.progress) as bar:
            return copy_files(workspace, snapshot, target, where, message, bar.advance)
    with inputs(anchor):
        as_of = anchor if anchor.number else None  # a table of another program has only its present
        rows = load_batches(str(anchor.table), as_of=as_of, into="arrow", workspace=workspace)
        return store_dataframe(
            _reader(snapshot, rows),
            str(target),
            partition_by=[column.name for column in schema.partition_by] or None,
            message=message,
            comments={each.name: each.comment for each in (*schema.columns, *schema.partition_by) if each.comment},
            workspace=workspace,
        )


def _reader(snapshot: Snapshot, rows: Iterator[Any]) -> pa.RecordBatchReader:
    from data_access.tables.schema import arrow_schema

    def flat() -> Iterator[pa.RecordBatch]:
        for each in rows:
            yield from each.to_batches() if isinstance(each, pa.Table) else [each]

    return pa.RecordBatchReader.from_batches(arrow_schema(snapshot.commit.schema), flat())


def _verify(workspace: Workspace, source: Snapshot, target: TableName, commit: Commit, how: How) -> None:
    """By rows per partition; with verify="sha256" by every value, where the target has no other partitions."""
    found = open_snapshot(workspace, target, commit.number)
    there = _counts(found)
    for partition, count in _counts(source).items():
        if there.get(partition, 0) != count:
            where = f" in {', '.join(map(str, partition))}" if partition else ""
            raise CorruptError(
                Reason.CORRUPT,
                f"{target} has {there.get(partition, 0):,} rows{where} in commit {commit.number}, but "
                f"{source.commit.table} has {count:,}.",
                f"The source is untouched. rollback('{target}', {commit.number - 1}) takes the copy back; copy again.",
            )
    if how.deep:
        from data_access.tables.load import table_arrow

        def rows(each: Snapshot) -> pa.Table:
            name = each.commit.table
            return table_arrow(workspace, name, partitions=None, columns=None, where=None, as_of=each.commit.number)

        if there.keys() == _counts(source).keys() and not rows(found).equals(rows(source)):
            raise CorruptError(
                Reason.CORRUPT, f"{target} does not hold what {source.commit.table} does.", "Copy again."
            )


def _counts(snapshot: Snapshot) -> dict[Any, int]:
    counts: dict[Any, int] = {}
    for file in snapshot.files:
        counts[file.partition] = counts.get(file.partition, 0) + file.rows
    return counts


def _check_absent(workspace: Workspace, target: TableName, how: How) -> None:
    if how.overwrite:
        return
    try:
        workspace.metastore.table(target)
    except NotFoundError:
        return
    raise DataError(
        Reason.ALREADY_THERE,
        f"{target} is there already.",
        "overwrite=True replaces its partitions by the source's; its history keeps what it is now.",
    )


def _export(workspace: Workspace, source: TablePlace, target: ObjectPlace, how: How) -> Copied:
    """To one file by its ending, or to a folder with a folder per partition and no batches."""
    snapshot = open_snapshot(workspace, source.name, source.as_of)
    if target.folder:
        return _export_files(workspace, snapshot, target, how)
    kind, gzipped = format_of(target.url)
    if not how.overwrite and transfer.exists(workspace.storage, target.url):
        raise DataError(Reason.ALREADY_THERE, f"{target} is there already.", "overwrite=True replaces it.")
    from data_access.tables.load import load_batches, load_dataframe

    if kind == "parquet":
        rows = load_batches(str(source.name), as_of=snapshot.commit.anchor, into="arrow", workspace=workspace)
        workspace.storage.write(target.url, lambda file: _write_parquet(file, _reader(snapshot, rows)))
    else:
        from data_access import formats
        from data_access.location import Location

        frame = load_dataframe(str(source.name), as_of=snapshot.commit.anchor, workspace=workspace)
        formats.write(frame, workspace.storage, Location(str(target), kind, gzipped, target.url))
    return Copied(str(source), str(target), 1, workspace.storage.size(target.url), 0.0)


def _write_parquet(file: IO[bytes], rows: pa.RecordBatchReader) -> None:
    from pyarrow import parquet

    with parquet.ParquetWriter(file, rows.schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch)


def _export_files(workspace: Workspace, snapshot: Snapshot, target: ObjectPlace, how: How) -> Copied:
    """The files themselves, copied by the storage where it can."""
    plan = export_plan(snapshot, target.url)
    there = {entry.url: entry.size for entry in transfer.listed(workspace.storage, target.url)}
    found = transfer.Plan(plan, {each.target: there[each.target] for each in plan if each.target in there})
    left = transfer.pending(found, overwrite=how.overwrite, resume=how.resume)
    title, size = f"Copying {snapshot.commit.table}", sum(each.size for each in left)
    with progress(workspace.settings, title, size=size, shown=how.progress) as bar:
        transfer.run(workspace.storage, left, deep=how.deep, advanced=bar.advance)
    return Copied(
        str(snapshot.commit.table), str(target), len(left), sum(each.size for each in left), 0.0,
        skipped=len(plan) - len(left),
    )  # fmt: skip


def export_plan(snapshot: Snapshot, target: str) -> tuple[transfer.Transfer, ...]:
    """`day=2026-11-20/part-00000.parquet`: as Hive lays out, without the batch. Pure."""
    from data_access.tables.partitions import path_of

    keys = [column.name for column in snapshot.commit.schema.partition_by]
    counts: dict[str, int] = {}
    plan = []
    for file in snapshot.files:
        folder = f"{target.rstrip('/')}/{path_of(keys, file.partition)}".rstrip("/")
        number = counts[folder] = counts.get(folder, -1) + 1
        plan.append(transfer.Transfer(f"{snapshot.root}/{file.path}", f"{folder}/part-{number:05d}.parquet", file.size))
    return tuple(plan)


def _import(workspace: Workspace, source: Place, target: TablePlace, how: How, *, move: bool) -> Copied:
    """A file as a table: one commit."""
    from data_access.tables.store import store_dataframe

    _check_absent(workspace, target.name, how)
    with (
        tempfile.TemporaryDirectory(prefix="data-access-") if isinstance(source, WebPlace) else nullcontext("") as held
    ):
        origin, size = str(source), 0
        if isinstance(source, WebPlace):
            format_of(source.name)  # an ending that tells nothing is better told before the download
            place = ObjectPlace(f"file://{Path(held) / source.name}", folder=False)
            with progress(workspace.settings, f"Downloading {source.name}", shown=how.progress) as bar:
                transfer.fetch(
                    workspace.storage, source, place, sha256=how.sha256, began=bar.total, advanced=bar.advance
                )
        else:
            assert isinstance(source, ObjectPlace)
            place = source
        size = workspace.storage.size(place.url)
        message = how.message or f"copied from {origin}"
        commit = store_dataframe(
            _frame(workspace, place, origin), str(target.name), message=message, workspace=workspace
        )
    if move:
        assert isinstance(source, ObjectPlace)
        workspace.storage.delete([source.url])
    return Copied(origin, str(target), 1, size, 0.0, commit=commit)


def _frame(workspace: Workspace, place: ObjectPlace, origin: str) -> Any:
    """Parquet in batches, so that it may be larger than memory; text as a whole."""
    if format_of(place.url)[0] != "parquet":
        return files.read_file(workspace, place.url)
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(io.BufferedReader(Reading(workspace.storage, place.url)))
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            Reason.UNREADABLE, f"{origin} is no readable parquet file: {error}.", "Check how it was made."
        ) from error
    return pa.RecordBatchReader.from_batches(opened.schema_arrow, opened.iter_batches())


def _past(place: TablePlace) -> DataError:
    return DataError(Reason.BAD_ARGUMENT, f"{place} is a past commit, which nothing changes.", f"Write {place.name}.")
