"""Storing a frame as a table: write where nobody looks, check, commit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from data_access.arguments import text
from data_access.errors import DataError, NotFoundError, Reason, UnknownOutcomeError, naming
from data_access.metastore.base import DatabaseRecord
from data_access.names import TableName
from data_access.tables import places
from data_access.tables.commit import Attempts
from data_access.tables.ids import ulid
from data_access.tables.model import Commit, DataFile, PartitionValues, Schema, Snapshot
from data_access.tables.namespaces import check_may_write
from data_access.tables.prepare import Proposal, monotonic
from data_access.tables.rebase import Append, Change, Replace, partition_named
from data_access.tables.snapshot import head_of, read_snapshot
from data_access.tables.target import Mode, Target, Values, check_mode, target_of
from data_access.workspace import Workspace, current

#: A larger patch of uncommitted code is not kept.
DIFF_BYTES = 256 * 1024

if TYPE_CHECKING:
    from data_access.checks.run import Stored


def store_dataframe(  # noqa: PLR0913 - a public verb; all but three are keywords
    frame: Any,
    namespace: str,
    resource: str | None = None,
    *,
    partitions: Values | str | None = None,
    partition_by: Sequence[str] | str | None = None,
    mode: Mode = "overwrite",
    checks: Any = None,
    message: str = "",
    comments: Mapping[str, str] | None = None,
    workspace: Workspace | None = None,
) -> Commit:
    """Store a frame as partitions of a table, or as the table; all or nothing. Returns the commit.

        store_dataframe(df, "sandbox_ann", "orders", partition_by=["day"])           # columns of df say which
        store_dataframe(df, "sandbox_ann", "orders", partitions=["2026-11-20"])      # all rows are of this one
        store_dataframe(df, "sandbox_ann", "prices")                                 # a table without partitions

    `frame`: pandas, Polars, Arrow, a DuckDB relation, or an iterator of any of them for what is larger than memory.
    `mode`: "overwrite" replaces the partitions that are stored and no others; "append" adds rows to them; "error"
    refuses when one is there. The first store makes the table from the frame's schema; later ones may add columns at
    the end and widen types. `checks` run besides the table's own, on what was written, before anybody can see it;
    those of a table's first store stay with it.

    Raises ForbiddenError, SchemaError, DataError (bad-name, bad-argument, bad-partition, already-there, checks-needed,
    foreign-table, disk-full), CheckFailedError, ConflictError (another store was first), UnreachableError; in all of
    them nothing was changed. UnknownOutcomeError: the answer was lost; history tells.
    """
    workspace = workspace or current()
    name = TableName.parse(namespace) if resource is None else TableName.of(namespace, resource)
    store = Store(name, check_mode(mode), message, checks)
    proposal = written(workspace, store, frame, partitions=partitions, partition_by=partition_by, comments=comments)
    attempts = Attempts(workspace, [proposal])
    with discarding(workspace, proposal, attempts):
        return attempts.run()[0]


@dataclass(frozen=True)
class Store:
    """What a call says besides the data."""

    name: TableName
    mode: Mode
    message: str
    checks: Any

    def __post_init__(self) -> None:
        text(self.message, "message")


def written(  # noqa: PLR0913
    workspace: Workspace,
    store: Store,
    frame: Any,
    *,
    partitions: Values | str | None,
    partition_by: Sequence[str] | str | None,
    comments: Mapping[str, str] | None,
) -> Proposal:
    """The data, written and checked, as a proposal to commit. Nothing is visible yet."""
    from data_access.progress import progress
    from data_access.tables.frames import source_of
    from data_access.tables.write import write_files

    began, now = monotonic(), workspace.now()
    production = check_may_write(workspace.user, store.name.database, workspace.settings).production
    with naming(store.name):
        base, root = _base(workspace, store.name)
        schema = None if base is None else base.commit.schema
        source = source_of(frame)
        target = target_of(
            store.name, schema, source, partitions=partitions, partition_by=partition_by, comments=comments
        )
        if target.fixed is not None:
            _check_new(store, target.schema, base, [target.fixed])
        id_ = ulid(now)
        with progress(workspace.settings, f"Storing {store.name}", rows=target.source.rows) as told:
            files = write_files(
                workspace, root, target.schema, target.source, batch=id_, fixed=target.fixed, progress=told
            )
    proposal = Proposal(
        store.name, root, base, Change(_intent(store.mode, target, files), target.schema), id_, "store", store.mode,
        store.message, began=began,
    )  # fmt: skip
    with discarding(workspace, proposal, None):
        _check_new(store, target.schema, base, {each.partition for each in files})
        return _documented(workspace, proposal, store, files, production=production)


def _base(workspace: Workspace, name: TableName) -> tuple[Snapshot | None, str]:
    """The table as it is, and its root; a sandbox that is not there yet is made."""
    try:
        record, head = head_of(workspace, name)
    except NotFoundError as error:
        if error.reason == Reason.UNKNOWN_DATABASE:
            _create_sandbox(workspace, name.database, error)
        elif error.reason != Reason.UNKNOWN_TABLE:
            raise
        location = workspace.metastore.database(name.database).location.rstrip("/")
        return None, f"{location}/{name.table}"
    return read_snapshot(workspace, record, head), record.root


def _create_sandbox(workspace: Workspace, database: str, missing: NotFoundError) -> None:
    if not database.startswith(workspace.settings.sandbox_prefix):
        raise missing  # who makes production databases is not for a store to decide
    record = DatabaseRecord(database, f"{workspace.warehouse}/{database}", workspace.user, "A sandbox")
    try:
        workspace.metastore.create_database(record)
    except DataError as error:
        if error.reason != Reason.ALREADY_THERE:
            raise


def _check_new(store: Store, schema: Schema, base: Snapshot | None, there: Iterable[PartitionValues]) -> None:
    """For mode="error". Raises DataError(already-there)."""
    if store.mode != "error" or base is None:
        return
    present = {each.partition for each in base.files}
    for each in there:
        if each in present:
            raise DataError(
                Reason.ALREADY_THERE,
                f'{partition_named(store.name, schema, each)} is there already, and mode="error" keeps what is there.',
                'mode="overwrite" replaces it, mode="append" adds to it.',
            )


def _intent(mode: Mode, target: Target, files: Sequence[DataFile]) -> Append | Replace:
    by_partition: dict[PartitionValues, tuple[DataFile, ...]] = {}
    if target.fixed is not None:
        by_partition[target.fixed] = ()  # an empty frame empties the partition that the call names
    for each in files:
        by_partition[each.partition] = (*by_partition.get(each.partition, ()), each)
    return Append(by_partition) if mode == "append" else Replace(by_partition)


def _documented(
    workspace: Workspace, proposal: Proposal, store: Store, files: Sequence[DataFile], *, production: bool
) -> Proposal:
    """With check results and with what the data were made from."""
    from data_access import provenance
    from data_access.checks.gate import Gate, first_set

    assert proposal.change.schema is not None
    rows = _rows_of(workspace, proposal, files)
    gate = Gate(workspace, store.name, rows, store.checks, production=production, change=proposal.change)
    records = gate(proposal.base)
    first = proposal.base is None and store.checks is not None
    code = provenance.code()
    if code.dirty_diff is not None:
        _keep_diff(workspace, proposal.root, code.dirty_diff, provenance.uncommitted())
    return replace(
        proposal,
        checks=records,
        recheck=gate,
        check_set=first_set(workspace, proposal.root, store.checks, proposal.change.schema) if first else None,
        inputs=provenance.inputs_now(),
        inputs_named=provenance.named_now(),
        code=code,
        environment=provenance.environment(),
    )


def _keep_diff(workspace: Workspace, root: str, sha256: str, diff: bytes) -> None:
    """Beside the manifests, once per content; a large one is named by its sha256 only."""
    if len(diff) > DIFF_BYTES or hashlib.sha256(diff).hexdigest() != sha256:  # it may change while we look
        return
    try:
        workspace.storage.put(f"{root}/{places.diff(sha256)}", diff, if_absent=True)
    except DataError as error:
        if error.reason != Reason.ALREADY_THERE:
            raise


def _rows_of(workspace: Workspace, proposal: Proposal, files: Sequence[DataFile]) -> Stored:
    """What was written, read back as a reader will get it, as often as it is called."""
    from data_access.checks.run import Stored
    from data_access.tables.plan import plan
    from data_access.tables.read import batches
    from data_access.tables.schema import arrow_schema

    assert proposal.change.schema is not None
    commit = Commit(
        table=proposal.name, number=0, id=proposal.id, parent=None, operation="store", mode=proposal.mode,
        at=datetime.now(UTC), by=workspace.user, message="", schema=proposal.change.schema, changed=(),
        rows=sum(each.rows for each in files), bytes=sum(each.size for each in files), files=len(files),
    )  # fmt: skip
    snapshot = Snapshot(commit, proposal.root, tuple(files))
    names = arrow_schema(proposal.change.schema).names
    return Stored(names, lambda columns: batches(workspace, plan(snapshot, columns=columns)))


@contextmanager
def discarding(workspace: Workspace, proposal: Proposal, attempts: Attempts | None) -> Iterator[None]:
    """Removes what was written for nothing, unless an answer was lost: then it may be committed all the same."""
    try:
        yield
    except DataError as error:
        if isinstance(error, UnknownOutcomeError) or (attempts is not None and attempts.unknown):
            raise
        discard(workspace, proposal, () if attempts is None else attempts.copied)
        raise


def discard(workspace: Workspace, proposal: Proposal, copied: Iterable[str] = ()) -> None:
    """Remove a proposal's files, which no commit names."""
    intent = proposal.change.intent
    assert isinstance(intent, Append | Replace)
    urls = [f"{proposal.root}/{each.path}" for files in intent.partitions.values() for each in files]
    with suppress(DataError):  # gc finds what stays
        workspace.storage.delete([*urls, *copied])
