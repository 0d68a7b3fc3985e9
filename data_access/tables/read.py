"""A plan's files as Arrow: fetched at once, decoded while others are on their way, in the order of the files.

Nothing is listed, and no size is asked for: paths and sizes are the manifest's. A small file is one request.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from data_access.progress import Progress
from data_access.tables.decode import Decoding, no_columns
from data_access.tables.fetch import Fetching, fetched
from data_access.tables.plan import ReadPlan
from data_access.tables.schema import from_file
from data_access.workspace import Workspace

_THREADS_FROM = 256 * 1024  # bytes: below that, a thread costs more than it helps


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
    return from_file(no_columns(0), plan.schema, plan.columns, partition=nowhere)


def _tables(workspace: Workspace, plan: ReadPlan, progress: Progress | None, verify: bool) -> Iterator[pa.Table]:
    left = plan.limit
    if left == 0:
        return
    decode = Decoding(plan, verify)
    found: Iterator[tuple[pa.Table, int]]
    if not plan.decoded and not verify:  # of partition columns alone everything is known
        found = ((decode.known(file), file.file.size) for file in plan.files)
    elif len(plan.files) == 1 and (plan.files[0].whole or verify):  # no thread is started for one request
        file = plan.files[0]
        body = fetched(workspace.storage, plan, file.file)
        found = iter([(decode.bundle([file], [body], threads=len(body) > _THREADS_FROM), file.file.size)])
    else:
        fetching = Fetching(workspace, plan, decode, verify)
        one = fetching.at_once() if len(plan.files) == 1 else None
        found = fetching.tables() if one is None else iter([one])
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
