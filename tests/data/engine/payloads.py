"""Tables whose files are short texts: the protocol without Parquet. Real proposals through the real engine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from data_access.names import TableName
from data_access.tables import places
from data_access.tables.commit import Attempts
from data_access.tables.ids import ulid
from data_access.tables.model import Column, Commit, DataFile, PartitionValues, Schema, Snapshot
from data_access.tables.partitions import path_of
from data_access.tables.prepare import Proposal
from data_access.tables.rebase import Append, Change, Replace
from data_access.tables.store import discarding
from data_access.workspace import Workspace

SCHEMA = Schema((Column("x", "string", "string"),), (Column("p", "string", "string"),), "")
FLAT = Schema((Column("x", "string", "string"),), (), "")

#: What is in a table: partition → texts of its files, sorted.
Content = dict[PartitionValues, tuple[str, ...]]


def put_file(  # noqa: PLR0917
    workspace: Workspace, root: str, schema: Schema, values: PartitionValues, batch: str, text: str
) -> DataFile:
    folder = places.batch(path_of([each.name for each in schema.partition_by], values), batch)
    path = f"{folder}/part-00000.parquet"
    workspace.storage.put(f"{root}/{path}", text.encode())
    return DataFile(values, path, len(text.encode()), 1, hashlib.sha256(text.encode()).hexdigest(), 0)


def proposed(  # noqa: PLR0917
    workspace: Workspace,
    name: TableName,
    base: Snapshot | None,
    root: str,
    texts: Mapping[PartitionValues, str | None],
    mode: str = "overwrite",
    schema: Schema = SCHEMA,
) -> Proposal:
    """Files written, and what to do with them; a text None empties its partition."""
    id_ = ulid(workspace.now())
    files = {
        values: () if text is None else (put_file(workspace, root, schema, values, id_, text),)
        for values, text in texts.items()
    }
    intent = Append(files) if mode == "append" else Replace(files)
    return Proposal(name, root, base, Change(intent, schema), id_, "store", mode, "")


def committed(workspace: Workspace, proposal: Proposal) -> Commit:
    """As `store_dataframe` ends: what was written for nothing is removed, unless an answer was lost."""
    attempts = Attempts(workspace, [proposal])
    with discarding(workspace, proposal, attempts):
        return attempts.run()[0]


def content(workspace: Workspace, snapshot: Snapshot) -> Content:
    """Every file read. Raises what storage raises when one is gone."""
    found: dict[PartitionValues, list[str]] = {}
    for each in snapshot.files:
        found.setdefault(each.partition, []).append(
            bytes(workspace.storage.get(f"{snapshot.root}/{each.path}")).decode()
        )
    return {values: tuple(sorted(texts)) for values, texts in found.items()}
