"""Many files at once: fetched and decoded ahead of what is taken, within bounds."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from data_access.errors import CorruptError, NotFoundError, Reason
from data_access.storage.base import Storage
from data_access.tables import memory
from data_access.tables.decode import Decoding, corrupt
from data_access.tables.model import DataFile
from data_access.tables.parquet_ranges import Pieces, footer_of, groups_of, leaves_of, spans_of
from data_access.tables.plan import FilePlan, ReadPlan
from data_access.workspace import Workspace

#: Small files that are decoded together: one conversion and one filter for all of them.
_BUNDLE_FILES, _BUNDLE_BYTES = 32, 8 * 1024**2
_AHEAD = 256 * 1024**2  # of encoded bytes that are fetched or wait for a core, at most
_FOOTERS_AHEAD = 8
_AT_ONCE = 4 * 1024**2


def fetched(storage: Storage, plan: ReadPlan, file: DataFile, span: tuple[int, int] | None = None) -> memoryview:
    """A file's bytes, all or these. Raises CorruptError when it is gone."""
    with gone(plan, file):
        return storage.get(f"{plan.root}/{file.path}", *(span or ()))


@contextmanager
def gone(plan: ReadPlan, file: DataFile) -> Iterator[None]:
    """A file that was committed and is not there."""
    try:
        yield
    except NotFoundError as error:
        raise CorruptError(
            Reason.CORRUPT,
            f"{plan.root}/{file.path}, a file of {plan.anchor}, is not there: somebody removed it, or `gc` gave that"
            " commit up meanwhile.",
            "Load again; `history` shows which commits can be read, `rollback` makes one of them the present one.",
        ) from error


class _Footers:
    """Of large files that were read before, in this process: a file never changes. The least used are forgotten."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._known: OrderedDict[tuple[str, str], pq.FileMetaData] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, url: str, sha256: str) -> pq.FileMetaData | None:
        if not sha256:  # of a table that others made: its files may change
            return None
        with self._lock:
            if (url, sha256) in self._known:
                self._known.move_to_end((url, sha256))
            return self._known.get((url, sha256))

    def put(self, url: str, sha256: str, metadata: pq.FileMetaData) -> None:
        if not sha256:
            return
        with self._lock:
            if (url, sha256) not in self._known:
                self._held += metadata.serialized_size
            self._known[url, sha256] = metadata
            while self._held > self._most:
                self._held -= self._known.popitem(last=False)[1].serialized_size


_footers = _Footers(most=16 * 1024**2)


class Fetching:
    """Many files at once: fetches and decodes ahead of what is taken, within bounds."""

    def __init__(self, workspace: Workspace, plan: ReadPlan, decode: Decoding, verify: bool) -> None:
        self._storage, self._plan, self._decode, self._verify = workspace.storage, plan, decode, verify
        self._fetchers = ThreadPoolExecutor(workspace.settings.s3.connections, thread_name_prefix="fetch")
        self._decoders = ThreadPoolExecutor(workspace.settings.threads or memory.cores(), thread_name_prefix="decode")
        self._ahead = max(2 * _BUNDLE_BYTES, min(_AHEAD, plan.kept.bytes // 4))

    def at_once(self) -> tuple[pa.Table, int] | None:
        """Of one file a few columns of one row group: no threads of ours are worth it. None when it is more."""
        file = self._plan.files[0]
        metadata = self._footer(file)
        groups = list(groups_of(metadata, self._plan, file.file, self._plan.residual if file.filtered else None))
        if len(groups) != 1:
            return None
        spans = spans_of(metadata, groups[0], leaves_of(metadata.schema.to_arrow_schema(), self._plan.decoded))
        size = sum(end - start for start, end in spans)
        if size > _AT_ONCE:
            return None
        with gone(self._plan, file.file):
            bodies = self._storage.get_ranges(f"{self._plan.root}/{file.file.path}", spans)
        pieces = Pieces(file.file.size, [(span[0], body) for span, body in zip(spans, bodies, strict=True)])
        return self._decode.group(file, metadata, groups[0], pieces), size

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
        calls = [(lambda file=file: fetched(self._storage, self._plan, file.file)) for file in files]
        return self._all(calls, lambda bodies: self._decode.bundle(files, bodies))

    def _footer(self, file: FilePlan) -> pq.FileMetaData:
        known = _footers.get(f"{self._plan.root}/{file.file.path}", file.file.sha256)
        if known is None:
            known = self._fetched_footer(file)
            _footers.put(f"{self._plan.root}/{file.file.path}", file.file.sha256, known)
        return known

    def _fetched_footer(self, file: FilePlan) -> pq.FileMetaData:
        size = file.file.size
        tail = fetched(self._storage, self._plan, file.file, (size - file.file.footer, size))
        with corrupt(self._plan, file.file):
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
        calls = [(lambda span=span: fetched(self._storage, self._plan, file.file, span)) for span in spans]

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
            self._fetchers.submit(call).add_done_callback(partial(came, place))
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
