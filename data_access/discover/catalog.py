"""`browse`: databases, their tables, and one table in full."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from data_access.config import Settings
from data_access.discover import facts, words
from data_access.discover.facts import ColumnFacts, DatabaseFacts, TableFacts
from data_access.discover.listing import Head, Listing, Section
from data_access.metastore.base import TableRecord
from data_access.names import TableName
from data_access.tables import snapshot
from data_access.tables.model import Column, DataFile, PartitionValues, Snapshot
from data_access.tables.partitions import typed
from data_access.workspace import Workspace

#: Tables whose manifests are read for one listing; the rest is named in the note.
SHOWN = 200
PARTITIONS_SHOWN = 50

_DATABASES = (
    Head("database", "code"), Head("kind"), Head("tables", "number"), Head("changed", "time"), Head("owner"),
    Head("comment"),
)  # fmt: skip
_TABLES = (
    Head("table", "code"), Head("rows", "number"), Head("size", "size"), Head("columns", "number"),
    Head("partitioned by", "code"), Head("changed", "time"), Head("by"), Head("kind"), Head("comment"),
)  # fmt: skip
_COLUMNS = (
    Head("column", "code"), Head("type", "code"), Head("exact_type", "hidden"), Head("partition"), Head("comment")
)  # fmt: skip


def browse(database: str | None = None, table: str | None = None, *, workspace: Workspace | None = None) -> Listing:
    """What there is: all databases, the tables of one, or one table with its columns and partitions.

        browse()   browse("sales")   browse("sales", "orders")   browse("sales.orders")   browse("crm")

    In a notebook a table to look at, in a shell text; `.to_frame()` and `.rows` give the values. Configured databases
    (`settings.databases`) are there, too. Raises NotFoundError with near names.
    """
    from data_access.workspace import current

    workspace = workspace or current()
    if database is not None and table is None and "." in database:
        database, _, table = database.partition(".")
    if database is None:
        return _all(workspace)
    if database in workspace.settings.databases:
        from data_access.discover.databases import browse_database

        return browse_database(workspace, database, table)
    if table is None:
        return _tables(workspace, database.lower())
    return _table(workspace, TableName.of(database, table))


def kind_of(database: str, settings: Settings, user: str) -> str:
    if not database.startswith(settings.sandbox_prefix):
        return "production"
    return "your sandbox" if database == f"{settings.sandbox_prefix}{user}".lower() else "sandbox"


def _all(workspace: Workspace) -> Listing:
    rows = [_database_row(workspace, each) for each in facts.databases(workspace)]
    rows += [
        (name, "postgresql", None, None, None, settings.comment)
        for name, settings in sorted(workspace.settings.databases.items())
    ]
    note = (
        'browse("name") shows the tables of one.' if rows else "Nothing is stored yet: store_dataframe makes a first."
    )
    return Listing("Databases", (Section("", _DATABASES, tuple(rows)),), note=note, now=workspace.now())


def _database_row(workspace: Workspace, each: DatabaseFacts) -> tuple[Any, ...]:
    newest = max((known.changed for known in map(facts.of_record, each.tables) if known.changed), default=None)
    kind = kind_of(each.record.name, workspace.settings, workspace.user)
    count = None if each.trouble else len(each.tables)
    return each.record.name, kind, count, newest, each.record.owner, each.trouble or each.record.comment


def _tables(workspace: Workspace, name: str) -> Listing:
    workspace.metastore.database(name)  # an unknown one is told with near names
    [found] = facts.databases(workspace, [name])
    shown = facts.with_commits(workspace, found.tables[:SHOWN])
    section = Section("", _TABLES, tuple(map(_table_row, shown)))
    left = len(found.tables) - len(shown)
    about = {
        "kind": kind_of(name, workspace.settings, workspace.user),
        "owner": found.record.owner or "",
        "rows": words.number(sum(each.rows or 0 for each in shown)),
        "size": words.size(sum(each.bytes or 0 for each in shown)),
        "location": found.record.location,
        "comment": found.record.comment or "",
    }
    note = found.trouble or (
        f"{words.counted(left, 'more table')} not shown: search(…) finds the rest." if left else ""
    )
    return Listing(name, (section,), {key: value for key, value in about.items() if value}, note, workspace.now())


def _table_row(each: TableFacts) -> tuple[Any, ...]:
    keys = ", ".join(each.partition_by) or None
    kind = {"table": None, "foreign": "of another program"}.get(each.kind, each.kind)
    return (
        each.name.table, each.rows, each.bytes, len(each.columns), keys, each.changed, each.by or each.owner, kind,
        each.trouble or each.comment,
    )  # fmt: skip


def _table(workspace: Workspace, name: TableName) -> Listing:
    record = workspace.metastore.table(name)
    known = facts.of_record(record)
    sections: list[Section] = []
    about: dict[str, str] = {}
    if known.commit is not None:
        found = snapshot.open_snapshot(workspace, name)
        known = facts.of_commit(known, found.commit)
        about, partitions = _about_commit(workspace, record, found), partitions_of(found)
    else:
        partitions = None
        about = {"kind": known.kind, "size": words.size(known.bytes), "rows": words.number(known.rows)}
    sections.append(columns_section(known.columns))
    if partitions is not None and known.partition_by:
        sections.append(partitions)
    about |= {"owner": known.owner, "location": known.location, "comment": known.comment}
    return Listing(
        str(name),
        tuple(sections),
        {key: value for key, value in about.items() if value},
        known.trouble,
        workspace.now(),
    )


def _about_commit(workspace: Workspace, record: TableRecord, found: Snapshot) -> dict[str, str]:
    from data_access.tables.tags import tags

    commit = found.commit
    named = [tag for tag, anchor in tags(str(record.name), workspace=workspace).items()]
    failed = [each.name for each in commit.checks if not each.passed]
    return {
        "rows": words.number(commit.rows),
        "size": words.size(commit.bytes),
        "files": words.number(commit.files),
        "changed": f"{words.ago(commit.at, workspace.now())} by {commit.by}"
        + f": {commit.message}" * bool(commit.message),
        "commit": str(commit.number),
        "tags": ", ".join(named),
        "checks": f"{', '.join(failed)} failed" if failed else f"{len(commit.checks)} passed" if commit.checks else "",
    }


def columns_section(columns: tuple[ColumnFacts, ...]) -> Section:
    rows = tuple(
        (each.name, each.type, each.exact_type, "yes" if each.is_partition else None, each.comment) for each in columns
    )
    return Section("Columns", _COLUMNS, rows)


def _order(values: PartitionValues, keys: tuple[Column, ...]) -> list[tuple[bool, Any]]:
    """Nulls before all; numbers as numbers, so that 9 comes before 10."""
    return [(value is not None, 0 if value is None else value) for value in typed(values, keys)]


def partitions_of(found: Snapshot) -> Section:
    """The last ones by their values; dates and numbers are what most tables are partitioned by. Pure."""
    files: dict[tuple[str | None, ...], list[DataFile]] = defaultdict(list)
    for file in found.files:
        files[file.partition].append(file)
    keys = [column.name for column in found.commit.schema.partition_by]
    ordered = sorted(files, key=lambda values: _order(values, found.commit.schema.partition_by), reverse=True)
    rows = tuple(
        (
            *(value if value is not None else "null" for value in values),
            sum(file.rows for file in files[values]),
            sum(file.size for file in files[values]),
            len(files[values]),
        )
        for values in ordered[:PARTITIONS_SHOWN]
    )
    heads = (
        *(Head(key, "code") for key in keys),
        Head("rows", "number"),
        Head("size", "size"),
        Head("files", "number"),
    )
    left = len(ordered) - len(rows)
    return Section("Partitions", heads, rows, f"{left:,} more, of {len(ordered):,}." if left else "")
