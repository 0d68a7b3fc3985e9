"""The commit of a change, in the order that makes it all or nothing.

    before    the data files are written, under a batch id that nobody knows
    lock      where the metastore has locks; the table is read again inside
    catch up  a commit whose writer crashed is applied for it
    rebase    pure: on top of what is there now, or a conflict
    manifest  an object that nobody knows yet
    swap      HEAD from the commit that was rebased on to this one: the commit point
    apply     partitions and APPLIED; a crash here is caught up by the next writer

An answer to `swap` that is lost leaves both possible. The head is read again: this commit's id is in its chain, or it
is not; a head that moved on without it can't take it any more, since the swap names the head it expects. No file is
removed while that is open.
"""

from __future__ import annotations

import os
import random
import socket
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from data_access.errors import ConflictError, DataError, NotFoundError, Reason, UnknownOutcomeError
from data_access.metastore.base import Lock, PartitionChange, Swap, TableRecord
from data_access.names import TableName
from data_access.tables import apply, prepare
from data_access.tables.model import Commit
from data_access.tables.prepare import Made, Proposal, make, plan_swap
from data_access.tables.snapshot import head_commit, is_committed, remember
from data_access.workspace import Workspace


@dataclass(frozen=True)
class Patience:
    """How often a commit is tried when others are quicker, and how it waits in between."""

    tries: int = 60
    first_s: float = 0.005
    most_s: float = 1.0
    sleep: Callable[[float], None] = time.sleep

    def wait(self, tried: int) -> None:
        """Twice as long each time, spread by chance so that two writers don't meet again."""
        most = min(self.most_s, self.first_s * 2 ** min(tried, 20))
        self.sleep(random.uniform(most / 2, most))  # noqa: S311 - no secret


PATIENCE = Patience()
_DROPPED = "Nothing of this call is in a table. Store again if there is to be one; history tells what is there now."


class AppliedLater(UserWarning):
    """A commit stands, but the metastore does not show its partitions yet."""


@dataclass(frozen=True)
class Done:
    """What is committed; `left` is still to be shown."""

    commit: Commit
    table: TableRecord
    left: PartitionChange


class _Again(Exception):
    """Somebody else was quicker, or the answer was lost: look again."""


def commit(workspace: Workspace, proposal: Proposal) -> Commit:
    """Commit, or raise and have changed nothing.

    Raises ConflictError (another commit is in the way), UnknownOutcomeError (only then may it have been committed all
    the same), CheckFailedError, NotFoundError, ForbiddenError, UnreachableError, DataError(disk-full).
    """
    return Attempts(workspace, [proposal]).run()[0]


class Attempts:
    """The tries of one commit, of one table or of several in one swap.

    What earlier tries made is used again: to the same head goes the same manifest, byte for byte.
    """

    def __init__(self, workspace: Workspace, proposals: Sequence[Proposal]) -> None:
        self._workspace = workspace
        self._proposals = sorted(proposals, key=lambda each: each.name)  # one order of locks for all
        self._order = [each.name for each in proposals]
        self.copied: dict[str, str] = {}  # target URL → sha256; left to whoever gives the commit up
        self._made: dict[tuple[TableName, str | None], Made] = {}  # by the head it stands on
        self._swapped: set[tuple[TableName, str | None]] = set()  # heads that a swap of ours named
        #: An answer was lost at some time; then files of this commit are left to gc, whatever comes of it.
        self.unknown = False
        self._open = False  # the lost answer's question is not yet decided

    def run(self) -> list[Commit]:
        done: list[Done] = []
        cause: Exception | None = None
        for tried in range(PATIENCE.tries):
            if tried:
                PATIENCE.wait(tried)
            try:
                with ExitStack() as locks:
                    held = [self._lock(locks, each.name) for each in self._proposals]
                    done = self._once(held)
                    self._finish(done, held)
            except _Again as again:
                cause = again
            except DataError as error:
                if not done:  # else it is committed, and only a lock could not be given back
                    cause = self._bearable(error)
            if done:
                by_name = {each.commit.table: each.commit for each in done}
                return [by_name[name] for name in self._order]
        raise self._given_up() from cause

    def _bearable(self, error: DataError) -> DataError:
        """While a lost answer's question is open, a server that does not answer is asked again; else it is raised."""
        if self._open and error.reason in (Reason.UNREACHABLE, Reason.LOCKED):
            return error
        if self._open:
            raise self._given_up() from error
        raise error

    def _given_up(self) -> DataError:
        names = " and ".join(str(each.name) for each in self._proposals)
        if self._open:
            return UnknownOutcomeError(
                Reason.UNKNOWN_OUTCOME,
                f"The answer to the commit of {names} was lost, and {self._workspace.metastore.place} could not be "
                "asked afterwards.",
                f"Nothing was removed. Look with history whether commit {self._proposals[0].id} is there; store again "
                "if it is not.",
            )
        return ConflictError(
            Reason.CONFLICT,
            f"Others committed to {names} quicker than this call in each of {PATIENCE.tries} tries, the most it makes.",
            "Nothing of this call is in the table. Store again when fewer write to it at once.",
        )

    def _lock(self, locks: ExitStack, name: TableName) -> Lock:
        owner = f"{self._workspace.user}@{socket.gethostname()}:{os.getpid()}"
        wait_s = self._workspace.settings.lock_wait_s
        try:
            return locks.enter_context(self._workspace.metastore.lock(name, owner, wait_s))
        except NotFoundError as error:  # where a lock is the table's own, and it was dropped while we waited
            if error.reason == Reason.UNKNOWN_TABLE:
                raise _Again from error
            raise

    def _once(self, locks: Sequence[Lock]) -> list[Done]:
        pairs = list(zip(self._proposals, locks, strict=True))
        records = {each.name: self._current(each, lock) for each, lock in pairs}
        if done := self._found(records):
            return done
        made = [self._make(each, records[each.name]) for each in self._proposals]
        planned = [plan_swap(self._workspace, each, records[each.commit.table]) for each in made]
        for each, lock in pairs:
            self._in_time(each)
            try:
                lock.check()
            except ConflictError as error:
                raise _Again from error
        self._swap([swap for swap, _ in planned], records)
        for one in made:
            remember(one.root, one.commit, one.files, one.digest)
        return [Done(each.commit, swap.table, left) for each, (swap, left) in zip(made, planned, strict=True)]

    def _current(self, proposal: Proposal, lock: Lock) -> TableRecord | None:
        """The table's record, with all that is committed applied; None: there is no such table."""
        try:
            record = self._workspace.metastore.table(proposal.name)
        except NotFoundError as error:
            if error.reason != Reason.UNKNOWN_TABLE:
                raise
            if proposal.base is None:
                return None
            raise NotFoundError(Reason.UNKNOWN_TABLE, f"{proposal.name} was dropped meanwhile.", _DROPPED) from error
        try:
            record = apply.catch_up(self._workspace, record, lock)
        except (ConflictError, UnknownOutcomeError) as error:
            raise _Again from error
        if proposal.base is not None and not self._goes_on(record, proposal.base.commit):
            raise ConflictError(
                Reason.CONFLICT, f"{proposal.name} was dropped meanwhile, and another was made of that name.", _DROPPED
            )
        return record

    def _goes_on(self, record: TableRecord, base: Commit) -> bool:
        """Is the table still the one that the call began with?"""
        head = head_commit(self._workspace, record)
        steps = head.number - base.number
        if 0 < steps <= len(head.ancestors):
            return head.ancestors[steps - 1].partition(":")[0] == base.id
        return head.id == base.id if steps <= 0 else is_committed(self._workspace, record, base.number, base.id)

    def _found(self, records: dict[TableName, TableRecord | None]) -> list[Done]:
        """What an earlier try's swap committed, though it was answered otherwise, or not at all."""
        found = []
        for (name, _), made in self._made.items():
            record = records[name]
            if record and is_committed(self._workspace, record, made.commit.number, made.commit.id):
                found.append(Done(made.commit, record, PartitionChange()))  # `_current` has applied it
        standing = {(name, None if record is None else record.head) for name, record in records.items()}
        self._open = self._open and not found and bool(standing & self._swapped)
        return found if len(found) == len(self._proposals) else []

    def _make(self, proposal: Proposal, record: TableRecord | None) -> Made:
        key = (proposal.name, None if record is None else record.head)
        if key not in self._made:
            self._made[key] = make(self._workspace, proposal, record, self.copied)
        return self._made[key]

    def _swap(self, swaps: Sequence[Swap], records: dict[TableName, TableRecord | None]) -> None:
        """The commit point. Raises _Again when it was not, or when that can't be told."""
        metastore = self._workspace.metastore
        self._swapped |= {(name, None if record is None else record.head) for name, record in records.items()}
        try:
            if len(swaps) > 1:
                metastore.swap_many(swaps)
            elif records[swaps[0].table.name] is None:
                metastore.create_table(swaps[0].table)
            else:
                metastore.swap(swaps[0])
        except UnknownOutcomeError as error:
            self.unknown = self._open = True
            raise _Again from error
        except ConflictError as error:
            raise _Again from error
        except DataError as error:
            if error.reason in (Reason.ALREADY_THERE, Reason.UNKNOWN_TABLE):
                raise _Again from error
            raise

    def _finish(self, done: Sequence[Done], locks: Sequence[Lock]) -> None:
        by_name = {each.name: lock for each, lock in zip(self._proposals, locks, strict=True)}
        for each in done:
            if not each.left:
                continue
            try:
                apply.finish(self._workspace, each.table, each.left, by_name[each.commit.table])
            except DataError as error:
                warnings.warn(
                    f"{each.commit.anchor} is committed and load_dataframe reads it, but Hive, Spark and Trino see its "
                    f"partitions only after the table's next store or gc: {error.sentence}",
                    AppliedLater,
                    stacklevel=5,
                )

    def _in_time(self, proposal: Proposal) -> None:
        """gc takes files that no commit names for a crashed writer's once they are older than the grace."""
        grace = self._workspace.settings.gc_grace_hours
        took = (prepare.monotonic() - proposal.began) / 3600
        share = 0.1 if proposal.operation == "gc" else 0.9  # see `gc_rules.recently_given_up`
        if grace and took > share * grace:
            raise DataError(
                Reason.EXPIRED,
                f"This commit to {proposal.name} took {took:.1f} h; gc may remove unfinished ones after {grace:g} h.",
                "Store in smaller parts, or have gc_grace_hours raised above the longest job.",
            )
