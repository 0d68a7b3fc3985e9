"""A plan's files as Arrow: fetched at once, decoded while others are on their way, in the order of the files.

Nothing is listed, and no size is asked for: paths and sizes are the manifest's. A small file is one request.
"""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from data_access.errors import CorruptError, NotFoundError, Reason
from data_access.storage.base import Storage
from data_access.tables import memory
from data_access.tables.model import DataFile
from data_access.tables.parquet_ranges import Pieces, footer_of, groups_of, leaves_of, spans_of
from data_access.tables.plan import FilePlan, ReadPlan
from data_access.tables.predicate import columns_of, expression
from data_access.tables.progress import Progress
from data_access.tables.schema import from_file
from data_access.workspace import Workspace

#: Small files that are decoded together: one conversion and one filter for all of them.
_BUNDLE_FILES, _BUNDLE_BYTES = 32, 8 * 1024**2
_AHEAD = 256 * 1024**2  # of encoded bytes that are fetched or wait for a core, at most
_FOOTERS_AHEAD = 8


def read(workspace: Workspace, plan: ReadPlan, *, progress: Progress | None = None, verify: bool = False) -> pa.Table:
    """All of it. `verify` compares every file's sha256 (and fetches whole files for it).

    Raises CorruptError when a file is not what was committed, or gone; storage's errors.
    """
    tables = list(_tables(workspace, plan, progress, verify))
    if not tables:
        return empty(plan)
    whole = pa.concat_tables(tables)
    if any(pa.types.is_dictionary(field.type) for field in whole.schema):
        whole = whole.unify_dictionaries()
    return whole if plan.limit is None else whole.slice(0, plan.limit)


def batches(
    workspace: Workspace, plan: ReadPlan, *, progress: Progress | None = None, verify: bool = False
) -> Iterator[pa.RecordBatch]:
    """The same, a piece at a time, in bounded memory; empty pieces are left out."""
    for table in _tables(workspace, plan, progress, verify):
        yield from table.to_batches()


def empty(plan: ReadPlan) -> pa.Table:
    """No rows, with the right columns, and categoricals with their categories."""
    nowhere = (None,) * len(plan.schema.partition_by)
    return from_file(_rows(0), plan.schema, plan.columns, partition=nowhere)


def _tables(workspace: Workspace, plan: ReadPlan, progress: Progress | None, verify: bool) -> Iterator[pa.Table]:
    left = plan.limit
    if left == 0:
        return
    decode = _Decoding(plan, verify)
    found: Iterator[tuple[pa.Table, int]]
    if not plan.decoded and not verify:  # of partition columns alone everything is known
        found = ((decode.known(file), file.file.size) for file in plan.files)
    elif len(plan.files) == 1 and (plan.files[0].whole or verify):  # no thread is started for one request
        file = plan.files[0]
        found = iter([(decode.bundle([file], [_get(workspace.storage, plan, file.file)]), file.file.size)])
    else:
        found = _Reading(workspace, plan, decode, verify).tables()
    for table, size in found:
        if progress is not None:
            progress.advance(size, table.num_rows)
        if not table.num_rows:
            continue
        yield table if left is None else table.slice(0, left)
        if left is not None:
            left -= table.num_rows
            if left <= 0:
                return


def _get(storage: Storage, plan: ReadPlan, file: DataFile, span: tuple[int, int] | None = None) -> memoryview:
    try:
        return storage.get(f"{plan.root}/{file.path}", *(span or ()))
    except NotFoundError as error:
        raise CorruptError(
            Reason.CORRUPT,
            f"{plan.root}/{file.path}, a file of {plan.anchor}, is not there: somebody removed it, or `gc` gave that"
            " commit up meanwhile.",
            "Load again; `history` shows which commits can be read, `rollback` makes one of them the present one.",
        ) from error


@dataclass(frozen=True)
class _Decoding:
    """From bytes to the rows that are wanted."""

    plan: ReadPlan
    verify: bool

    def bundle(self, files: Sequence[FilePlan], bodies: Sequence[memoryview]) -> pa.Table:
        """Whole files."""
        tables = []
        for file, body in zip(files, bodies, strict=True):
            self._check(file.file, body)
            with _corrupt(self.plan, file.file):
                opened = _open(pa.BufferReader(pa.py_buffer(body)))
                leaves = leaves_of(opened.schema_arrow, self.plan.decoded)
                read = opened.read_all(leaves, use_threads=False) if leaves else _rows(file.file.rows)
            tables.append((file, read))
        return _joined([self._finished(some, table) for some, table in _alike(tables)])

    def group(self, file: FilePlan, metadata: pq.FileMetaData, number: int, pieces: Pieces) -> pa.Table:
        """One row group."""
        with _corrupt(self.plan, file.file):
            opened = _open(pa.PythonFile(pieces, mode="r"), metadata)
            leaves = leaves_of(opened.schema_arrow, self.plan.decoded)
            rows = metadata.row_group(number).num_rows
            table = opened.read_row_group(number, leaves, use_threads=False) if leaves else _rows(rows)
        return self._finished(file, table)

    def known(self, file: FilePlan) -> pa.Table:
        """A file of which no column is wanted."""
        return self._finished(file, _rows(file.file.rows))

    def _finished(self, file: FilePlan, table: pa.Table) -> pa.Table:
        plan = self.plan
        if plan.residual is None or not file.filtered:
            return from_file(table, plan.schema, plan.columns, partition=file.file.partition)
        names = dict.fromkeys([*plan.columns, *columns_of(plan.residual)])
        full = from_file(table, plan.schema, list(names), partition=file.file.partition)
        return full.filter(expression(plan.residual)).select(list(plan.columns))

    def _check(self, file: DataFile, body: memoryview) -> None:
        if len(body) != file.size:
            raise _differs(self.plan, file, f"it has {len(body):,} bytes instead of {file.size:,}")
        if self.verify and file.sha256 and hashlib.sha256(body).hexdigest() != file.sha256:
            raise _differs(self.plan, file, "its sha256 is another")


@functools.cache
def _pool() -> pa.MemoryPool | None:
    """jemalloc, unless this process chose: the default, mimalloc, gives memory back and takes it again all the time.

    For 10 million rows of 20 columns: 1.1 s in the kernel instead of 8, and 2.5 GB at the peak instead of 3.0.
    """
    if "ARROW_DEFAULT_MEMORY_POOL" in os.environ or "jemalloc" not in pa.supported_memory_backends():
        return None
    return pa.jemalloc_memory_pool()


def _open(source: pa.NativeFile, metadata: pq.FileMetaData | None = None) -> pq.ParquetReader:
    reader = pq.ParquetReader(_pool())
    reader.open(source, metadata=metadata, pre_buffer=False)
    return reader


def _rows(count: int) -> pa.Table:
    """So many rows of nothing."""
    return pa.table({"": pa.nulls(count)})


def _alike(tables: list[tuple[FilePlan, pa.Table]]) -> Iterator[tuple[FilePlan, pa.Table]]:
    """Neighbours of one partition and one schema as one."""
    run: list[pa.Table] = []
    first: FilePlan | None = None
    for file, table in tables:
        if first is not None and (
            file.file.partition != first.file.partition
            or file.filtered != first.filtered
            or not table.schema.equals(run[0].schema)
        ):
            yield first, _joined(run)
            run, first = [], None
        run.append(table)
        first = first or file
    if first is not None:
        yield first, _joined(run)


def _joined(tables: list[pa.Table]) -> pa.Table:
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables)


class _corrupt:
    """What Arrow can't decode is not what was committed."""

    def __init__(self, plan: ReadPlan, file: DataFile) -> None:
        self._plan, self._file = plan, file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, pa.ArrowException | OSError):
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise _differs(self._plan, self._file, f"it can't be decoded ({first[:200]})") from error


def _differs(plan: ReadPlan, file: DataFile, how: str) -> CorruptError:
    return CorruptError(
        Reason.CORRUPT,
        f"{plan.root}/{file.path} is not the file that {plan.anchor} committed: {how}.",
        "It was changed or damaged in the storage. Restore it there, or `rollback` to a commit that does not have it.",
    )


class _Reading:
    """Many files at once: fetches and decodes ahead of what is taken, within bounds."""

    def __init__(self, workspace: Workspace, plan: ReadPlan, decode: _Decoding, verify: bool) -> None:
        self._storage, self._plan, self._decode, self._verify = workspace.storage, plan, decode, verify
        self._fetchers = ThreadPoolExecutor(workspace.settings.s3.connections, thread_name_prefix="fetch")
        self._decoders = ThreadPoolExecutor(workspace.settings.threads or memory.cores(), thread_name_prefix="decode")
        self._ahead = max(2 * _BUNDLE_BYTES, min(_AHEAD, plan.kept.bytes // 4))

    def tables(self) -> Iterator[tuple[pa.Table, int]]:
        """Each with the bytes that were fetched for it."""
        waiting: deque[tuple[Future[pa.Table], int]] = deque()
        flying = 0
        try:
            for started, size in self._started():
                waiting.append((started, size))
                flying += size
                while flying > self._ahead and len(waiting) > 1:
                    future, done = waiting.popleft()
                    flying -= done
                    yield future.result(), done
            while waiting:
                future, done = waiting.popleft()
                yield future.result(), done
        finally:
            self._fetchers.shutdown(wait=False, cancel_futures=True)
            self._decoders.shutdown(wait=False, cancel_futures=True)

    def _started(self) -> Iterator[tuple[Future[pa.Table], int]]:
        """Every unit of work in order, begun when it is asked for."""
        for files in _bundles(self._plan.files, self._verify):
            if files[0].whole or self._verify:
                yield self._bundle(files), sum(file.file.size for file in files)
                continue
            footers: deque[Future[pq.FileMetaData]] = deque()
            ahead = iter(files)
            for file in files:
                while len(footers) < _FOOTERS_AHEAD and (next_file := next(ahead, None)) is not None:
                    footers.append(self._fetchers.submit(self._footer, next_file))
                yield from self._groups(file, footers.popleft().result())

    def _bundle(self, files: Sequence[FilePlan]) -> Future[pa.Table]:
        calls = [(lambda file=file: _get(self._storage, self._plan, file.file)) for file in files]
        return self._all(calls, lambda bodies: self._decode.bundle(files, bodies))

    def _footer(self, file: FilePlan) -> pq.FileMetaData:
        size = file.file.size
        tail = _get(self._storage, self._plan, file.file, (size - file.file.footer, size))
        with _corrupt(self._plan, file.file):
            return footer_of(tail, file.file)

    def _groups(self, file: FilePlan, metadata: pq.FileMetaData) -> Iterator[tuple[Future[pa.Table], int]]:
        leaves = leaves_of(metadata.schema.to_arrow_schema(), self._plan.decoded)
        predicate = self._plan.residual if file.filtered else None
        for group in groups_of(metadata, self._plan, file.file, predicate):
            spans = spans_of(metadata, group, leaves)
            yield self._group(file, metadata, group, spans), sum(end - start for start, end in spans)

    def _group(
        self, file: FilePlan, metadata: pq.FileMetaData, group: int, spans: list[tuple[int, int]]
    ) -> Future[pa.Table]:
        calls = [(lambda span=span: _get(self._storage, self._plan, file.file, span)) for span in spans]

        def decode(bodies: Sequence[memoryview]) -> pa.Table:
            pieces = Pieces(file.file.size, [(span[0], body) for span, body in zip(spans, bodies, strict=True)])
            return self._decode.group(file, metadata, group, pieces)

        return self._all(calls, decode)

    def _all(
        self, calls: Sequence[Callable[[], memoryview]], then: Callable[[Sequence[memoryview]], pa.Table]
    ) -> Future[pa.Table]:
        """Fetch all at once; decode when the last has come."""
        result: Future[pa.Table] = Future()
        bodies: list[memoryview | None] = [None] * len(calls)
        left, lock = len(calls), threading.Lock()

        def decode() -> None:
            try:
                result.set_result(then(bodies))  # type: ignore[arg-type]
            except BaseException as error:
                result.set_exception(error)

        def came(place: int, future: Future[memoryview]) -> None:
            nonlocal left
            if future.cancelled():
                return
            error = future.exception()
            with lock:
                left -= 1
                last = left == 0
                if error is not None:
                    if not result.done():
                        result.set_exception(error)
                    return
            bodies[place] = future.result()
            if last and not result.done():
                try:
                    self._decoders.submit(decode)
                except RuntimeError as ended:  # nobody reads on
                    result.set_exception(ended)

        for place, call in enumerate(calls):
            self._fetchers.submit(call).add_done_callback(lambda future, place=place: came(place, future))
        return result


def _bundles(files: Sequence[FilePlan], verify: bool) -> Iterator[list[FilePlan]]:
    """Neighbours that are fetched the same way; of whole ones no more than decode well together."""
    run: list[FilePlan] = []
    size = 0
    for file in files:
        whole = file.whole or verify
        full = whole and (len(run) >= _BUNDLE_FILES or size >= _BUNDLE_BYTES)
        if run and (full or whole != (run[0].whole or verify)):
            yield run
            run, size = [], 0
        run.append(file)
        size += file.file.size
    if run:
        yield run
