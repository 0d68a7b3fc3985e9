"""Several tables in one commit, where the metastore can: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from data_access.errors import DataError, Reason
from data_access.names import TableName
from data_access.tables.commit import Attempts, commit
from data_access.tables.ids import ulid
from data_access.tables.model import Commit
from data_access.tables.prepare import Proposal
from data_access.tables.rebase import Change, Replace
from data_access.tables.snapshot import head_of, read_snapshot
from data_access.tables.store import Store, discard, discarding, written
from data_access.tables.target import Mode, Values, check_mode
from data_access.workspace import Workspace, current


class Several:
    """Collects stores; see `several`. `commits` are there once the block is over, in the order of the calls."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._proposals: list[Proposal] = []
        self._over = False
        self.commits: tuple[Commit, ...] = ()

    def store_dataframe(  # noqa: PLR0913 - as the public verb
        self,
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
    ) -> None:
        """As `data_access.store_dataframe`, but visible only when the block ends. Writes and checks at once."""
        name = TableName.parse(namespace) if resource is None else TableName.of(namespace, resource)
        if self._over:
            raise DataError(
                Reason.BAD_ARGUMENT, f"The block of `with several()` is over, so {name} would never be committed.",
                "Store inside the block, or with data_access.store_dataframe.",
            )  # fmt: skip
        if any(each.name == name for each in self._proposals):
            raise DataError(
                Reason.BAD_ARGUMENT, f"{name} is stored twice in one commit.", "Store all its partitions in one call."
            )
        store = Store(name, check_mode(mode), message, checks)
        self._proposals.append(
            written(self._workspace, store, frame, partitions=partitions, partition_by=partition_by, comments=comments)
        )

    def _finish(self) -> None:
        if not self._proposals:
            return
        with self._discarding(None):
            proposals = [self._with_table(each) for each in self._proposals]
        attempts = Attempts(self._workspace, proposals)
        with self._discarding(attempts):
            self.commits = tuple(attempts.run())

    def _discard(self) -> None:
        """The block was left by an error: what it wrote is for nothing."""
        for each in self._proposals:
            discard(self._workspace, each)

    @contextmanager
    def _discarding(self, attempts: Attempts | None) -> Iterator[None]:
        with ExitStack() as stack:
            for each in self._proposals:
                stack.enter_context(discarding(self._workspace, each, attempts))
            yield

    def _with_table(self, proposal: Proposal) -> Proposal:
        """A table that is not there yet is made first, without rows: one call can't make several."""
        if proposal.base is not None:
            return proposal
        made = Proposal(
            proposal.name, proposal.root, None, Change(Replace({}), proposal.change.schema),
            ulid(self._workspace.now()), "create", proposal.mode, "made for a commit of several tables",
            check_set=proposal.check_set,
        )  # fmt: skip
        commit(self._workspace, made)
        record, head = head_of(self._workspace, proposal.name)
        return replace(proposal, base=read_snapshot(self._workspace, record, head))


@contextmanager
def several(workspace: Workspace | None = None) -> Iterator[Several]:
    """Stores to several tables that become visible together.

        with several() as commit:
            commit.store_dataframe(orders, "sandbox_ann", "orders")
            commit.store_dataframe(lines, "sandbox_ann", "order_lines")

    Nobody sees one without the other, and an error in the block leaves all as they were; tables that did not exist are
    made without rows just before. Where the metastore changes one table at a time (a Hive Metastore, Glue), this raises
    DataError(not-supported) before anything is written.
    """
    workspace = workspace or current()
    if not workspace.metastore.capabilities.several_tables:
        raise DataError(
            Reason.NOT_SUPPORTED,
            f"{workspace.metastore.place} changes one table at a time: several tables in one commit are not possible "
            "there.",
            "Store each table by itself, or use a catalog on SQLite or PostgreSQL. Nothing was written.",
        )
    collected = Several(workspace)
    try:
        yield collected
    except BaseException:
        collected._over = True
        collected._discard()
        raise
    collected._over = True
    collected._finish()
