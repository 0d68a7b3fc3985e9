"""A frame's rows into Parquet files of a new batch: streamed, split by partition, encoded and uploaded in parallel."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from data_access.errors import DataError
from data_access.tables import memory, places
from data_access.tables.encode import Encoded, Encoding, encoding_for, write_file
from data_access.tables.model import DataFile, PartitionValues, Schema
from data_access.tables.partitions import canonical, path_of
from data_access.tables.schema import file_schema, to_file
from data_access.tables.split import split
from data_access.workspace import Workspace

if TYPE_CHECKING:
    from data_access.progress import Progress
    from data_access.tables.frames import Source

#: Of a file before encoding; encoded it is about half.
FILE_BYTES = 512 * 1024**2
_SMALLEST_SHARE = 64 * 1024**2  # a file is not cut smaller than this to keep all cores at work


def write_files(  # noqa: PLR0913 - agreed with those who call it
    workspace: Workspace,
    root: str,
    schema: Schema,
    source: Source,
    *,
    batch: str,
    fixed: PartitionValues | None = None,
    progress: Progress | None = None,
) -> list[DataFile]:
    """Store all rows below `<root>/<partition>/batch_id=<batch>/`; what was written is removed when anything fails.

    Rows go to the partition of their values, or all to `fixed`. A partition's files keep the order of its rows. About a
    quarter of the machine's memory is used at most, beside the frame. No rows make no files. Raises DataError.
    """
    writing = _Writing(workspace, root, schema, batch, progress)
    try:
        with writing:
            writing.expect(source.rows)
            first_row = 0
            for rows in source.batches:
                writing.add(rows, fixed, first_row)
                first_row += rows.num_rows
            return writing.finish()
    except BaseException:
        writing.undo()
        raise


@dataclass
class _Pending:
    """A partition's rows that are in no file yet."""

    parts: list[pa.RecordBatch] = field(default_factory=list)
    bytes: int = 0
    files: int = 0  # begun so far


class _Writing:
    def __init__(self, workspace: Workspace, root: str, schema: Schema, batch: str, progress: Progress | None) -> None:
        self._storage, self._settings = workspace.storage, workspace.settings
        self._root, self._schema, self._batch, self._progress = root, schema, batch, progress
        self._file_schema = file_schema(schema)
        self._keys = tuple(column.name for column in schema.partition_by)
        self._budget = memory.share(1 / 4, 256 * 1024**2, 4 * 1024**3)
        self._threads = self._settings.threads or memory.cores()
        self._encoders = ThreadPoolExecutor(self._threads, thread_name_prefix="encode")
        self._uploads = ThreadPoolExecutor(self._settings.s3.connections, thread_name_prefix="upload")
        self._upload_room = threading.BoundedSemaphore(4 * self._settings.s3.connections)
        self._pending: dict[PartitionValues, _Pending] = {}
        self._bytes = 0  # of what is pending
        self._width = 0.0  # bytes of a row
        self._rows: int | None = None  # in all, where that is known
        self._busy: dict[Future[DataFile], int] = {}
        self._sent: list[Future[None]] = []
        self._failure: BaseException | None = None  # of an upload
        self._done: list[DataFile] = []
        self._urls: list[str] = []
        self._encoding: Encoding | None = None
        self._canonical: dict[tuple[object, ...], PartitionValues] = {}

    def __enter__(self) -> _Writing:
        return self

    def __exit__(self, *_: object) -> None:
        self._encoders.shutdown(wait=True, cancel_futures=True)
        self._uploads.shutdown(wait=True, cancel_futures=True)

    def expect(self, rows: int | None) -> None:
        self._rows = rows

    def add(self, rows: pa.RecordBatch, fixed: PartitionValues | None, first_row: int) -> None:
        if not rows.num_rows:
            return
        columns = to_file(rows, self._schema, first_row=first_row)
        if self._encoding is None:
            self._encoding = encoding_for(pa.Table.from_batches([columns]), self._settings.compression)
        self._width = columns.nbytes / columns.num_rows  # of each part too slow to ask for, where there are many
        if fixed is not None or not self._keys:
            self._put(fixed or (), columns)
        else:
            for values, part in split(columns, [rows.column(key) for key in self._keys], self._known):
                self._put(values, part)
        if self._bytes > self._budget:
            self._relieve()

    def finish(self) -> list[DataFile]:
        # The largest first: so that all cores are at work until the end.
        for values in sorted(self._pending, key=lambda each: -self._pending[each].bytes):
            self._emit(values, self._pending[values].bytes)
        while self._busy:
            self._collect()
        for sent in self._sent:
            sent.result()
        order = {values: path_of(self._keys, values) for values in {file.partition for file in self._done}}
        return sorted(self._done, key=lambda file: (order[file.partition], file.path))

    def undo(self) -> None:
        """Nothing of it was committed, so nobody can be reading it."""
        with suppress(DataError):
            self._storage.delete(self._urls)

    def _known(self, values: tuple[object, ...]) -> PartitionValues:
        if values not in self._canonical:
            self._canonical[values] = canonical(values, self._schema.partition_by)
        return self._canonical[values]

    def _put(self, values: PartitionValues, rows: pa.RecordBatch) -> None:
        pending = self._pending.setdefault(values, _Pending())
        size = max(1, int(self._width * rows.num_rows))
        pending.parts.append(rows)
        pending.bytes += size
        self._bytes += size
        wanted = self._file_bytes()
        while pending.bytes >= 1.5 * wanted:
            self._emit(values, wanted)

    def _relieve(self) -> None:
        """More is pending than memory should hold: the largest partitions get a file now."""
        for values in sorted(self._pending, key=lambda each: -self._pending[each].bytes):
            if self._bytes <= self._budget // 2:
                return
            self._emit(values, self._pending[values].bytes)

    def _emit(self, values: PartitionValues, size: int) -> None:
        """Files of about `size` bytes together from the start of a partition's rows."""
        pending = self._pending[values]
        if not pending.bytes:
            return
        whole = pa.Table.from_batches(pending.parts)
        width = pending.bytes / whole.num_rows
        rows = whole.num_rows if size >= pending.bytes else max(1, int(size / width))
        each = -(-rows // max(1, round(rows * width / self._file_bytes())))
        for start in range(0, rows, each):
            count = min(each, rows - start)
            self._start(values, pending.files, whole.slice(start, count), int(count * width))
            pending.files += 1
        left = whole.num_rows - rows
        self._bytes -= pending.bytes - int(left * width)
        pending.parts, pending.bytes = whole.slice(rows).to_batches() if left else [], int(left * width)

    def _file_bytes(self) -> int:
        """So that there are about two files per core, where they are not too small for that."""
        total = FILE_BYTES if self._rows is None else self._rows * self._width
        return int(min(FILE_BYTES, max(_SMALLEST_SHARE, total / (2 * self._threads))))

    def _start(self, values: PartitionValues, part: int, table: pa.Table, size: int) -> None:
        while self._busy and sum(self._busy.values()) > self._budget:
            self._collect()
        path = f"{places.batch(path_of(self._keys, values), self._batch)}/part-{part:05d}.parquet"
        self._urls.append(f"{self._root}/{path}")
        self._busy[self._encoders.submit(self._encode, values, path, table, size)] = size
        while len(self._busy) > 4 * self._threads:  # tables that wait hold memory
            self._collect()

    def _encode(self, values: PartitionValues, path: str, table: pa.Table, size: int) -> DataFile:
        assert self._encoding is not None
        known = write_file(self._storage, f"{self._root}/{path}", table, size, self._encoding, self._upload)
        return _data_file(values, path, known)

    def _upload(self, url: str, data: Any) -> None:
        self._upload_room.acquire()

        def put() -> None:
            try:
                self._storage.put(url, data)
            except BaseException as error:
                self._failure = error
                raise
            finally:
                self._upload_room.release()

        self._sent.append(self._uploads.submit(put))

    def _collect(self) -> None:
        done, _ = wait(self._busy, return_when=FIRST_COMPLETED)
        for future in done:
            del self._busy[future]
            file = future.result()
            self._done.append(file)
            if self._progress is not None:
                self._progress.advance(file.size, file.rows)
        if self._failure is not None:
            raise self._failure


def _data_file(values: PartitionValues, path: str, known: Encoded) -> DataFile:
    return DataFile(values, path, known.size, known.rows, known.sha256, known.footer, known.stats)
