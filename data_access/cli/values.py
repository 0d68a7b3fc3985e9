"""What `--json` gives of tables, commits and lineage: numbers, times and booleans as they are, never as people read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_access.provenance.lineage import Origin
    from data_access.tables.model import Commit, PartitionDelta, PartitionValues, Schema, Snapshot
    from data_access.workspace import Workspace


def table_value(workspace: Workspace, table: str) -> dict[str, Any]:
    """One table: what `ls` shows of it, with all its partitions."""
    from data_access.discover import facts
    from data_access.names import TableName
    from data_access.tables import snapshot
    from data_access.tables.tags import tags

    record = workspace.metastore.table(TableName.parse(table))
    known, found, more = facts.of_record(record), None, {}
    if known.commit is not None:
        found = snapshot.open_snapshot(workspace, record.name)
        commit = found.commit
        known = facts.of_commit(known, commit)
        failed = [each.name for each in commit.checks if not each.passed]
        more = {
            "anchor": str(commit.anchor), "message": commit.message,
            "tags": {name: anchor.number for name, anchor in tags(str(record.name), workspace=workspace).items()},
            "checks": {"passed": len(commit.checks) - len(failed), "failed": failed},
        }  # fmt: skip
    columns = [
        {
            "column": each.name, "type": each.type, "exact_type": each.exact_type, "partition": each.is_partition,
            "comment": each.comment or None,
        }
        for each in known.columns
    ]  # fmt: skip
    return {
        "name": record.name, "kind": known.kind, "rows": known.rows, "size": known.bytes, "files": known.files,
        "changed": known.changed, "by": known.by, "commit": known.commit, **more, "owner": known.owner or None,
        "location": known.location, "comment": known.comment or None, "trouble": known.trouble or None,
        "columns": columns, "partitions": [] if found is None else _partitions(found),
    }  # fmt: skip


def _partitions(found: Snapshot) -> list[dict[str, Any]]:
    """In their values' order; none where the table has no partitions."""
    from data_access.tables.rebase import by_partition

    schema = found.commit.schema
    if not schema.partition_by:
        return []
    return [
        {
            **named(schema, values), "rows": sum(each.rows for each in files),
            "size": sum(each.size for each in files), "files": len(files),
        }
        for values, files in by_partition(found).items()
    ]  # fmt: skip


def named(schema: Schema, values: PartitionValues) -> dict[str, Any]:
    """A partition as column → value, of the column's type."""
    from data_access.tables.partitions import typed

    keys = schema.partition_by
    return dict(zip((each.name for each in keys), typed(values, keys), strict=True))


def commit_value(commit: Commit) -> dict[str, Any]:
    """A commit: what `history` shows, and its schema as name → type."""
    return {
        "table": commit.table, "number": commit.number, "id": commit.id, "anchor": str(commit.anchor),
        "at": commit.at, "by": commit.by, "operation": commit.operation, "mode": commit.mode,
        "message": commit.message, "rows": commit.rows, "bytes": commit.bytes, "files": commit.files,
        "changed": [_delta(commit.schema, each) for each in commit.changed],
        "inputs": [str(each) for each in commit.inputs], "checks": commit.checks, "restores": commit.restores,
        "columns": {each.name: each.arrow for each in (*commit.schema.columns, *commit.schema.partition_by)},
    }  # fmt: skip


def _delta(schema: Schema, each: PartitionDelta) -> dict[str, Any]:
    return {"partition": named(schema, each.partition), "what": each.what, "rows": each.rows, "bytes": each.bytes}


def origin_value(origin: Origin) -> dict[str, Any]:
    """A table in a tree of lineage, with what it was made from."""
    commit = origin.commit
    return {
        "anchor": str(origin.anchor), "at": commit and commit.at, "by": commit and commit.by,
        "rows": None if commit is None else commit.rows, "note": origin.note or None,
        "inputs": [origin_value(each) for each in origin.inputs],
    }  # fmt: skip
