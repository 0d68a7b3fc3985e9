"""Tables that other programs made: no commits, no manifests, only what the metastore says now. They can be loaded.

Their files are found by listing each partition's folder, and their rows and sizes by each file's footer: this is the
only read that lists. Nothing pins such a table: whoever overwrites it overwrites it under its readers.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from data_access.errors import DataError, Reason
from data_access.metastore.base import HiveColumn, TableRecord
from data_access.storage.base import Entry
from data_access.tables.model import Commit, DataFile, Schema, Snapshot
from data_access.tables.partitions import canonical, from_hive
from data_access.tables.schema import table_schema
from data_access.workspace import Workspace

#: A footer of a usual file is in its last so many bytes.
TAIL = 64 * 1024
_SIMPLE = {
    "boolean": pa.bool_(), "tinyint": pa.int8(), "smallint": pa.int16(), "int": pa.int32(), "bigint": pa.int64(),
    "float": pa.float32(), "double": pa.float64(), "string": pa.string(), "binary": pa.binary(), "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}  # fmt: skip
_HADOOP = ("s3a://", "s3n://")
#: Names of Hive's input formats, in words.
_FORMATS = {"text": "text (CSV or the like)", "orc": "ORC", "avro": "Avro", "sequencefile": "sequence files"}
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")


def snapshot(workspace: Workspace, record: TableRecord, as_of: object = None) -> Snapshot:
    """The table as it is now, as commit 0. Raises DataError(foreign-table, not-supported, unsupported-type)."""
    if record.format == "iceberg":  # who loads it asks pyiceberg, which also knows its past
        raise DataError(
            Reason.FOREIGN_TABLE,
            f"{record.name} is an Iceberg table: its snapshots are Iceberg's own.",
            "Load it with load_dataframe or sql, or use the program that made it.",
        )
    if as_of is not None:
        raise DataError(
            Reason.FOREIGN_TABLE,
            f"{record.name} was made by another program and has no history here: as_of={as_of!r} can't be read.",
            "Leave as_of out; load_dataframe then reads what is there now.",
        )
    if record.format != "parquet":
        raise DataError(
            Reason.NOT_SUPPORTED,
            f"{record.name} is stored as {_in_words(record.format)}, and tables of other programs are read as Parquet "
            "only.",
            f"Read it with the program that made it; load_dataframe reads a single CSV, JSON or Parquet file by its "
            f"path, and these are in {_as_listed(record.location)}.",
        )
    folders = list(_folders(workspace, record))
    entries = [(values, entry) for values, location in folders for entry in _data(workspace, location)]
    root = _common(record, [entry.url for _, entry in entries])
    with ThreadPoolExecutor(workspace.settings.s3.connections) as pool:
        footers = list(pool.map(lambda each: _footer(workspace, each[1]), entries))
    schema = _schema(record, [metadata for metadata, _ in footers])
    files = tuple(
        DataFile(
            canonical(from_hive(values), schema.partition_by), entry.url.removeprefix(f"{root}/"), entry.size,
            metadata.num_rows, "", length,
        )
        for (values, entry), (metadata, length) in zip(entries, footers, strict=True)
    )  # fmt: skip
    return Snapshot(_commit(record, schema, files, [entry.modified for _, entry in entries]), root, files)


def _in_words(format_: str) -> str:
    simple = format_.rpartition(".")[2].removesuffix("InputFormat")
    return _FORMATS.get(simple.lower(), simple)


def _folders(workspace: Workspace, record: TableRecord) -> Iterator[tuple[tuple[str, ...], str]]:
    if not record.partition_keys:
        yield (), _as_listed(record.location)
        return
    for each in workspace.metastore.partitions(record.name):
        yield each.values, _as_listed(each.location)


def _as_listed(location: str) -> str:
    """A folder as the storage spells it: Hadoop says `s3a://` for `s3://`, and `file:/` for `file:///`."""
    if location.startswith(_HADOOP):
        return f"s3://{location.partition('://')[2]}"
    if location.startswith("file:/") and not location.startswith("file://"):
        return f"file://{location.removeprefix('file:')}"
    return location


def _data(workspace: Workspace, location: str) -> list[Entry]:
    """Hive's rule: names that begin with _ or . are not data, and neither is what is in folders of such names."""
    location = f"{location.rstrip('/')}/"
    return sorted(
        (
            each
            for each in workspace.storage.list(location)
            if each.size and not any(part[:1] in ("_", ".") for part in each.url.removeprefix(location).split("/"))
        ),
        key=lambda each: each.url,
    )


def _common(record: TableRecord, urls: list[str]) -> str:
    """The folder that all files are below; partitions may lie anywhere."""
    root = _as_listed(record.location).rstrip("/")
    for url in urls:
        while not url.startswith(f"{root}/"):
            root = root.rpartition("/")[0]
            if root.endswith(":/") or not root:
                raise DataError(
                    Reason.NOT_SUPPORTED,
                    f"The partitions of {record.name} lie in different buckets: {record.location} and {url}.",
                    "Load the files of one of them by their path.",
                )
    return root


def _footer(workspace: Workspace, entry: Entry) -> tuple[pq.FileMetaData, int]:
    """A file's metadata, and the length of its footer and tail."""
    tail = bytes(workspace.storage.get(entry.url, -min(TAIL, entry.size)))
    length = int.from_bytes(tail[-8:-4], "little") + 8
    if tail[-4:] != b"PAR1" or length > entry.size:
        raise DataError(Reason.UNREADABLE, f"{entry.url} is no Parquet file.", "Read it with the program that made it.")
    if length > len(tail):
        tail = bytes(workspace.storage.get(entry.url, -length))
    return pq.read_metadata(io.BytesIO(b"PAR1" + tail[-length:])), length


def _schema(record: TableRecord, footers: list[pq.FileMetaData]) -> Schema:
    """The columns that the metastore says, with the files' types where those are known, in the metastore's order.

    Comments are the metastore's. A column that no file has is null everywhere, of its Hive type.
    """
    known: dict[str, pa.Field] = {}
    for footer in footers[:1] + footers[-1:]:  # the last may be newer
        known |= {field.name.lower(): field for field in footer.schema.to_arrow_schema()}
    fields = [known.get(each.name.lower()) or pa.field(each.name, _arrow(record, each)) for each in record.columns]
    keys = [pa.field(each.name, _arrow(record, each)) for each in record.partition_keys]
    comments = {
        field.name: each.comment
        for field, each in zip([*fields, *keys], [*record.columns, *record.partition_keys], strict=True)
        if each.comment
    }
    return table_schema(pa.schema([*fields, *keys]), [each.name for each in keys], comments)


def _arrow(record: TableRecord, column: HiveColumn) -> pa.DataType:
    type_ = column.type.lower()
    if decimal := _DECIMAL.fullmatch(type_):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    if type_.startswith(("varchar", "char")):
        return pa.string()
    if type_ not in _SIMPLE:
        raise DataError(
            Reason.UNSUPPORTED_TYPE,
            f"The column '{column.name}' of {record.name} is a {column.type}, and no file says how it is stored.",
            "Read it with the program that made it.",
        )
    return _SIMPLE[type_]


def _commit(record: TableRecord, schema: Schema, files: tuple[DataFile, ...], times: list[datetime]) -> Commit:
    return Commit(
        table=record.name, number=0, id="foreign", parent=None, operation="store", mode="",
        at=max(times, default=record.created or datetime.fromtimestamp(0, UTC)), by=record.owner or "", message="",
        schema=schema, changed=(), rows=sum(each.rows for each in files), bytes=sum(each.size for each in files),
        files=len(files),
    )  # fmt: skip
