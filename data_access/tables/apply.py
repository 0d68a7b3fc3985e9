"""Making the metastore show a commit's partitions: what comes after the commit point, and again after a crash.

Everything here may be done twice. Whoever changed partitions ends with a compare-and-swap of `APPLIED` against the head
it worked from: if the head has moved, its work may have undone a newer commit's, and it looks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from data_access.errors import ConflictError, DataError, Reason, UnknownOutcomeError
from data_access.metastore.base import APPLIED, Lock, PartitionChange, PartitionRecord, Swap, TableRecord
from data_access.names import TableName
from data_access.tables.rebase import partition_change, shown
from data_access.tables.snapshot import commit_by_number, head_in, open_commit, read_snapshot
from data_access.workspace import Workspace

#: How often the head may move while partitions are put right.
TRIES = 20


def applied_number(record: TableRecord) -> int | None:
    """The last commit whose partitions the metastore shows; None when that can't be told."""
    try:
        return int(record.parameters[APPLIED])
    except (KeyError, ValueError):
        return None


def is_applied(record: TableRecord) -> bool:
    return applied_number(record) == head_in(record).number


def applied(record: TableRecord) -> TableRecord:
    """The record once its head is applied."""
    return replace(record, parameters={**record.parameters, APPLIED: str(head_in(record).number)})


def catch_up(workspace: Workspace, record: TableRecord, lock: Lock) -> TableRecord:
    """The table's record with its head applied: a writer that crashed after its commit is finished for it.

    Called under the table's lock before anything else is committed. Raises ConflictError when the head moves
    meanwhile, UnknownOutcomeError; then the caller reads again.
    """
    if is_applied(record):
        return record
    return _shown(workspace, record, pending(workspace, record), lock)


def pending(workspace: Workspace, record: TableRecord) -> PartitionChange:
    """From what the metastore shows to what the head says."""
    head = head_in(record)
    after = shown(record.root, read_snapshot(workspace, record, head).files)
    number = applied_number(record)
    if number is None or not 0 <= number <= head.number:
        return repair(workspace, record, after)
    before: Mapping[tuple[str, ...], PartitionRecord] = {}
    if number:
        commit = commit_by_number(workspace, record, number)
        if number in read_snapshot(workspace, record, head).commit.expired:
            return repair(workspace, record, after)  # its list of files may be gone
        before = shown(record.root, open_commit(workspace, record.root, commit).files)
    return partition_change(before, after)


def repair(
    workspace: Workspace, record: TableRecord, after: Mapping[tuple[str, ...], PartitionRecord]
) -> PartitionChange:
    """From what the metastore really shows, all of it: for gc, and where nobody knows what was applied."""
    there = {each.values: each for each in workspace.metastore.partitions(record.name)}
    return partition_change(there, after)


def finish(workspace: Workspace, record: TableRecord, change: PartitionChange, lock: Lock) -> None:
    """After a commit: show its partitions. Raises DataError; the commit stands, and the next writer does this again."""
    if record.version is not None:
        record = workspace.metastore.table(record.name)  # the swap gave it another version
    try:
        _shown(workspace, record, change, lock)
    except ConflictError:
        _settle(workspace, record.name, change)


def _shown(workspace: Workspace, record: TableRecord, change: PartitionChange, lock: Lock) -> TableRecord:
    metastore, done = workspace.metastore, applied(record)
    lock.check()
    if metastore.capabilities.partitions_with_swap:
        metastore.swap(Swap(str(head_in(record)), done, change))
    else:
        if change:
            metastore.change_partitions(record.name, change)
        metastore.swap(Swap(str(head_in(record)), done))
    return metastore.table(record.name) if record.version is not None else done


def _settle(workspace: Workspace, name: TableName, change: PartitionChange) -> None:
    """The head moved while this writer changed partitions: those it touched are made what the present head says."""
    touched = [*(each.values for each in (*change.add, *change.move)), *change.drop]
    metastore = workspace.metastore
    for _ in range(TRIES):
        record = metastore.table(name)
        head = head_in(record)
        all_ = shown(record.root, read_snapshot(workspace, record, head).files)
        there = {each.values: each for each in metastore.partitions_of(name, touched)}
        wrong = partition_change(there, {values: all_[values] for values in touched if values in all_})
        due = _together(wrong, PartitionChange() if is_applied(record) else pending(workspace, record), set(touched))
        try:
            if metastore.capabilities.partitions_with_swap:
                metastore.swap(Swap(str(head), applied(record), due))
            else:
                if due:
                    metastore.change_partitions(name, due)
                metastore.swap(Swap(str(head), applied(record)))
        except (ConflictError, UnknownOutcomeError):
            continue
        return
    raise DataError(
        Reason.CONFLICT,
        f"The head of {name} moved {TRIES} times while its partitions were brought up to date.",
        "The next store, or gc, does it.",
    )


def _together(seen: PartitionChange, due: PartitionChange, touched: set[tuple[str, ...]]) -> PartitionChange:
    """What is wrong with partitions that were looked at, and what is due for the others."""
    return PartitionChange(
        add=(*seen.add, *(each for each in due.add if each.values not in touched)),
        move=(*seen.move, *(each for each in due.move if each.values not in touched)),
        drop=(*seen.drop, *(each for each in due.drop if each not in touched)),
    )
