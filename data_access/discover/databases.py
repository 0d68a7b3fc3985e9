"""Configured databases in `browse` and `where_is`: what they hold, in one question each."""

from __future__ import annotations

from data_access.discover.listing import Head, Listing, Section
from data_access.query.postgres import Postgres
from data_access.workspace import Workspace

_TABLES = (
    Head("table", "code"),
    Head("kind"),
    Head("rows (about)", "number"),
    Head("size", "size"),
    Head("owner"),
    Head("comment"),
)
_COLUMNS = (Head("column", "code"), Head("type", "code"), Head("comment"))


def browse_database(workspace: Workspace, name: str, table: str | None) -> Listing:
    """Raises NotFoundError, ForbiddenError, UnreachableError."""
    settings = workspace.settings.databases[name]
    database = Postgres(name, settings)
    try:
        if table is None:
            rows = tuple(
                (each["name"], each["kind"], each["rows"], each["size"], each["owner"], each["comment"])
                for each in database.tables()
            )
            note = f"sql() reads them as {name}.{rows[0][0]}." if rows else ""
            facts = {"at": database.place, "comment": settings.comment}
            return Listing(name, (Section("", _TABLES, rows),), {k: v for k, v in facts.items() if v}, note)
        schema, dot, short = table.partition(".")
        schema, short = (schema, short) if dot else ("public", table)
        described = database.described(schema, short)
        columns = tuple((each["name"], each["type"], each["comment"]) for each in described)
        return Listing(f"{name}.{schema}.{short}", (Section("Columns", _COLUMNS, columns),), {"at": database.place})
    finally:
        database.close()
