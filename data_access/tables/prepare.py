"""From a proposal and the table as it is to a commit whose objects are stored, and the swap that makes it the head.

Nothing here is visible to anybody: the shell in `commit.py` swaps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from data_access.arguments import text
from data_access.errors import ConflictError, CorruptError, DataError, NotFoundError, Reason
from data_access.metastore.base import APPLIED, HEAD, ROOT, Head, PartitionChange, Swap, TableRecord
from data_access.metastore.partition_names import check_lengths
from data_access.names import TableName
from data_access.tables import manifest, places
from data_access.tables.ids import ulid
from data_access.tables.manifest import ANCESTORS
from data_access.tables.model import Anchor, CheckRecord, Code, Commit, DataFile, Environment, Operation, Snapshot
from data_access.tables.rebase import Change, Conflict, Copy, Rebased, partition_change, rebase, shown
from data_access.tables.schema import hive_columns, hive_partition_keys
from data_access.tables.snapshot import head_in, read_snapshot
from data_access.workspace import Workspace


def monotonic() -> float:
    """Seconds, by a clock that nobody sets."""
    return time.monotonic()


@dataclass(frozen=True)
class Proposal:
    """What a call wants committed, whatever others do meanwhile."""

    name: TableName
    root: str
    base: Snapshot | None  # the table when the call began; None: there was none
    change: Change
    id: str
    operation: Operation
    mode: str
    message: str
    inputs: tuple[Anchor, ...] = ()
    inputs_named: bool | None = None
    code: Code = field(default_factory=Code)
    environment: Environment | None = None
    checks: tuple[CheckRecord, ...] = ()
    restores: int | None = None
    #: Of a first store and of the operation "checks"; every other commit keeps its parent's.
    check_set: str | None = None
    #: Called where the head is not the base any more, since checks may look at the rest of the table, and the table
    #: may have others now; gives the results, or raises CheckFailedError.
    recheck: Callable[[Snapshot], tuple[CheckRecord, ...]] | None = None
    #: `monotonic()` before the first file was written: gc leaves what is younger than its grace.
    began: float = field(default_factory=lambda: monotonic())  # noqa: PLW0108 - looked up when it is called

    def __post_init__(self) -> None:
        text(self.message, "message")  # a manifest with anything else in its place could never be read again


@dataclass(frozen=True)
class Made:
    """A commit whose objects are stored, on top of one head."""

    commit: Commit
    root: str
    files: tuple[DataFile, ...]
    digest: str  # of its manifest
    change: PartitionChange


def make(workspace: Workspace, proposal: Proposal, record: TableRecord | None, copied: dict[str, str]) -> Made:
    """Rebase, copy, and put the manifest. `copied` (target URL → sha256) is added to.

    Raises ConflictError, NotFoundError(expired), CheckFailedError, CorruptError.
    """
    head = None if record is None else read_snapshot(workspace, record, head_in(record))
    if record is not None and record.root != proposal.root:
        raise ConflictError(
            Reason.CONFLICT,
            f"{proposal.name} lies at {record.root} now, not at {proposal.root} as when this call began.",
            "Store again: it was dropped and made anew.",
        )
    root = f"{proposal.root}/"
    made_before = {url.removeprefix(root): sha256 for url, sha256 in copied.items() if url.startswith(root)}
    outcome = rebase(proposal.name, proposal.base, head, proposal.change, made_before, ulid(workspace.now()))
    if isinstance(outcome, Conflict):
        kind = NotFoundError if outcome.reason == Reason.EXPIRED else ConflictError
        raise kind(outcome.reason, outcome.sentence, outcome.remedy)
    _copy(workspace, proposal, outcome, copied)
    commit = _commit(workspace, proposal, head, record, outcome)
    encoded = manifest.encode(commit, outcome.files)
    if encoded.files is not None:
        _put(workspace, f"{root}{places.file_list(commit.number, commit.id)}", encoded.files)
    _put(workspace, f"{root}{places.manifest(commit.number, commit.id)}", encoded.manifest)
    return Made(commit, proposal.root, outcome.files, encoded.digest, _change(proposal.root, head, commit, outcome))


def _change(root: str, head: Snapshot | None, commit: Commit, outcome: Rebased) -> PartitionChange:
    touched = {each.partition for each in commit.changed}
    before = () if head is None else tuple(file for file in head.files if file.partition in touched)
    after = tuple(file for file in outcome.files if file.partition in touched)
    return partition_change(shown(root, before), shown(root, after))


def _commit(
    workspace: Workspace, proposal: Proposal, head: Snapshot | None, record: TableRecord | None, outcome: Rebased
) -> Commit:
    parent = None if head is None else head.commit
    ancestors: tuple[str, ...] = ()
    if parent is not None and record is not None:
        ancestors = (f"{parent.id}:{head_in(record).digest}", *parent.ancestors)[:ANCESTORS]
    check_set, checks = _checks(proposal, head)
    return Commit(
        table=proposal.name,
        number=1 if parent is None else parent.number + 1,
        id=proposal.id,
        parent=None if parent is None else parent.id,
        operation=proposal.operation if parent is not None else "create",
        mode=proposal.mode,
        at=workspace.now(),
        by=workspace.user,
        message=proposal.message,
        schema=outcome.schema,
        changed=outcome.changed,
        rows=sum(each.rows for each in outcome.files),
        bytes=sum(each.size for each in outcome.files),
        files=len(outcome.files),
        inputs=proposal.inputs,
        inputs_named=proposal.inputs_named if proposal.inputs else None,
        code=proposal.code,
        environment=proposal.environment,
        checks=checks,
        check_set=check_set,
        restores=proposal.restores,
        expired=outcome.expired,
        ancestors=ancestors,
    )


def _checks(proposal: Proposal, head: Snapshot | None) -> tuple[str | None, tuple[CheckRecord, ...]]:
    """The set of checks from this commit on, and the results of this commit's own.

    Raises ConflictError where another commit changed the set that this one changes.
    """
    if head is None:
        return proposal.check_set, proposal.checks
    now = head.commit.check_set
    before = None if proposal.base is None else proposal.base.commit.check_set
    if proposal.operation == "checks":
        if now != before:
            raise ConflictError(
                Reason.CONFLICT,
                f"The checks of {proposal.name} were changed meanwhile; the last commit is {head.commit.number}.",
                "Look at get_checks(…), and decide again.",
            )
        return proposal.check_set, proposal.checks
    moved = proposal.base is None or head.commit.id != proposal.base.commit.id
    if proposal.recheck is not None and moved:
        return now, proposal.recheck(head)
    return now, proposal.checks


def plan_swap(workspace: Workspace, made: Made, record: TableRecord | None) -> tuple[Swap, PartitionChange]:
    """What the metastore is told, and which partitions are left to show after it.

    Raises DataError(bad-partition) for a partition that the metastore has no room for: it could never be shown.
    """
    commit, root = made.commit, made.root
    able, keys = workspace.metastore.capabilities, hive_partition_keys(commit.schema)
    check_lengths(able, commit.table, keys, made.change.add)
    with_swap = able.partitions_with_swap and record is not None
    at_once = with_swap or not made.change
    parameters: Mapping[str, str] = {
        **({} if record is None else record.parameters),
        HEAD: str(Head(commit.number, commit.id, made.digest)),
        ROOT: root,
        APPLIED: str(commit.number if at_once else commit.number - 1),
    }
    new = TableRecord(
        commit.table,
        root if commit.schema.partition_by else _location(workspace, made),
        hive_columns(commit.schema),
        keys,
        parameters,
        owner=workspace.user,
    )
    if record is not None:
        new = replace(
            record, location=new.location, columns=new.columns, partition_keys=new.partition_keys,
            parameters=parameters,
        )  # fmt: skip
    expected = "" if record is None or record.head is None else record.head
    swap = Swap(expected, new, made.change if with_swap else PartitionChange())
    return swap, PartitionChange() if at_once else made.change


def _location(workspace: Workspace, made: Made) -> str:
    """Where Hive and Spark read a table without partitions: its one folder, which is there even when empty."""
    if made.files:
        return f"{made.root}/{made.files[0].batch}"
    empty = f"{made.root}/{places.batch('', made.commit.id)}"
    workspace.storage.put(f"{empty}/_empty", b"")
    return empty


def _copy(workspace: Workspace, proposal: Proposal, outcome: Rebased, copied: dict[str, str]) -> None:
    """Files of a partition that is appended to, by the storage itself."""
    by_path = {each.path: each.sha256 for each in outcome.files}

    def copy(each: Copy) -> None:
        source, target = f"{proposal.root}/{each.source}", f"{proposal.root}/{each.target}"
        try:
            workspace.storage.copy(source, target)
        except NotFoundError as error:
            raise CorruptError(
                Reason.CORRUPT,
                f"{source} is committed to {proposal.name}, but its object is gone.",
                "Restore it from the storage's own versions, or overwrite the partition.",
            ) from error
        copied[target] = by_path[each.target]

    if len(outcome.copies) == 1:
        copy(outcome.copies[0])
    elif outcome.copies:
        with ThreadPoolExecutor(min(len(outcome.copies), workspace.settings.s3.connections)) as pool:
            list(pool.map(copy, outcome.copies))


def _put(workspace: Workspace, url: str, data: bytes) -> None:
    """An object that is written once. One that is there already is ours, from a try whose answer was lost."""
    storage = workspace.storage
    try:
        storage.put(url, data, if_absent=True)
    except DataError as error:
        if error.reason != Reason.ALREADY_THERE:
            raise
        if bytes(storage.get(url)) != data:
            raise CorruptError(
                Reason.CORRUPT, f"{url} is there with another content.", "Store again: it gets another name."
            ) from error
