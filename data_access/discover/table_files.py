"""A table's files as another table's: copied by the storage itself, and committed with what is known of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from data_access import provenance
from data_access.discover import transfer
from data_access.discover.transfer import Advanced, Transfer
from data_access.errors import NotFoundError, Reason
from data_access.names import TableName
from data_access.tables import places
from data_access.tables.commit import Attempts
from data_access.tables.ids import ulid
from data_access.tables.model import Commit, DataFile, PartitionValues, Snapshot
from data_access.tables.namespaces import check_may_write
from data_access.tables.partitions import path_of
from data_access.tables.prepare import Proposal
from data_access.tables.rebase import Change, Replace
from data_access.tables.snapshot import open_snapshot
from data_access.tables.store import discarding
from data_access.workspace import Workspace


@dataclass(frozen=True)
class Where:
    """The target as it is: its snapshot, if it is there, and its root."""

    base: Snapshot | None
    root: str


def fits(workspace: Workspace, source: Snapshot, target: TableName) -> Where | None:
    """None where rows have to be read: production and tables with checks look at them, and another schema casts them.

    Also where the target's database is still to be made, which a store does. Raises ForbiddenError.
    """
    if check_may_write(workspace.user, target.database, workspace.settings).production or source.commit.number == 0:
        return None
    try:
        base = open_snapshot(workspace, target)
    except NotFoundError as error:
        if error.reason != Reason.UNKNOWN_TABLE:
            return None
        location = workspace.metastore.database(target.database).location.rstrip("/")
        return Where(None, f"{location}/{target.table}")
    commit = base.commit
    if commit.number == 0 or commit.check_set is not None or commit.schema != source.commit.schema:
        return None
    return Where(base, base.root)


def copy_files(  # noqa: PLR0913, PLR0917
    workspace: Workspace, source: Snapshot, target: TableName, where: Where, message: str, advanced: Advanced
) -> Commit:
    """Raises ConflictError, CorruptError, and what storage raises; in all of them nothing was changed."""
    id_ = ulid(workspace.now())
    files = renamed(source, id_)
    proposal = Proposal(
        target,
        where.root,
        where.base,
        Change(Replace(by_partition(files.values())), source.commit.schema),
        id_,
        "store",
        "overwrite",
        message,
        inputs=(source.commit.anchor,),
        inputs_named=True,
        code=provenance.code(),
        environment=provenance.environment(),
    )
    transfers = [Transfer(f"{source.root}/{old}", f"{where.root}/{new.path}", new.size) for old, new in files.items()]
    attempts = Attempts(workspace, [proposal])
    with discarding(workspace, proposal, attempts):
        transfer.run(workspace.storage, transfers, deep=False, advanced=advanced)
        return attempts.run()[0]


def renamed(source: Snapshot, batch: str) -> dict[str, DataFile]:
    """Old path → the same file in a batch of its own. Pure."""
    keys = [column.name for column in source.commit.schema.partition_by]
    count: dict[PartitionValues, int] = defaultdict(int)
    found: dict[str, DataFile] = {}
    for file in source.files:
        folder, number = places.batch(path_of(keys, file.partition), batch), count[file.partition]
        count[file.partition] += 1
        found[file.path] = replace(file, path=f"{folder}/part-{number:05d}.parquet")
    return found


def by_partition(files: Iterable[DataFile]) -> Mapping[PartitionValues, tuple[DataFile, ...]]:
    found: dict[PartitionValues, list[DataFile]] = defaultdict(list)
    for file in files:
        found[file.partition].append(file)
    return {partition: tuple(each) for partition, each in found.items()}
