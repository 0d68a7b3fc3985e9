"""Where each name of a query leads: a table, a configured database, a frame or a file."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_access.errors import DataError, NotFoundError, Reason
from data_access.names import TableName, did_you_mean
from data_access.query.engine import Source
from data_access.query.postgres import DatabaseColumn, Postgres
from data_access.query.statement import Query, Reference, mark
from data_access.workspace import Workspace


class Given:
    """A frame of the caller's, or a file's."""

    anchor = None

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.schema = table.schema.remove_metadata()

    def open(self, columns: list[str], filter_: pc.Expression | None) -> pa.Table:
        return self._table.select(columns)


class DatabaseTable:
    """A table of a configured database."""

    anchor = None

    def __init__(self, database: Postgres, schema: str, table: str) -> None:
        self._database, self._schema, self._table = database, schema, table
        self._columns: tuple[DatabaseColumn, ...] = database.columns(schema, table)
        self.schema = pa.schema([(column.name, column.arrow) for column in self._columns])

    def open(self, columns: list[str], filter_: pc.Expression | None) -> pa.Table:
        wanted = tuple(column for column in self._columns if column.name in columns)
        return self._database.read(self._schema, self._table, wanted, filter_)


class Places:
    """Finds what a query's names mean, and closes what it opened."""

    def __init__(self, workspace: Workspace, frames: Mapping[str, Any], as_of: Mapping[str, Any]) -> None:
        self._workspace = workspace
        self._frames = {name.lower(): frame for name, frame in frames.items()}
        self._as_of = {str(TableName.parse(str(name))): when for name, when in as_of.items()}
        self._databases: dict[str, Postgres] = {}
        self._making = threading.Lock()

    def check(self, references: Iterable[Reference]) -> None:
        """Raises DataError(bad-argument) when `as_of` speaks of a table that the query does not read."""
        read = {str(reference).lower() for reference in references}
        for name in self._as_of:
            if name not in read:
                raise DataError(
                    Reason.BAD_ARGUMENT, f"as_of names {name}, which the query does not read.", did_you_mean(name, read)
                )

    def source(self, reference: Reference, query: Query) -> Source | None:
        """None for what DuckDB finds itself. Raises NotFoundError with near names and a mark in the query."""
        try:
            match reference.words:
                case (name,) if name.lower() in query.local and name.lower() not in self._frames:
                    return None
                case (name,):
                    return self._frame_or_file(reference, name)
                case (database, table):
                    return self._table(database, table)
                case (_, schema, table):
                    return DatabaseTable(self._database(reference), schema, table)
            raise DataError(
                Reason.BAD_QUERY,
                f"'{reference}' has {len(reference.words)} words.",
                "Write database.table, or name.schema.table of a configured database.",
            )
        except NotFoundError as error:
            raise NotFoundError(error.reason, f"{error.sentence}{mark(query.text, reference)}", error.remedy) from error

    def close(self) -> None:
        for database in self._databases.values():
            database.close()

    def _frame_or_file(self, reference: Reference, name: str) -> Source | None:
        frame = self._frames.get(name.lower())
        if frame is not None:
            from data_access.tables.frames import source_of

            given = source_of(frame)
            return Given(pa.Table.from_batches(given.batches, given.schema))
        if reference.is_file and "://" not in name:
            return None  # DuckDB reads files of this machine itself, and only what it needs of them
        if reference.is_file:
            from data_access.discover.files import read_file

            return Given(read_file(self._workspace, name))
        known = ", ".join(self._frames) or "none was given"
        if not name.isidentifier():
            raise NotFoundError(
                Reason.UNKNOWN_TABLE, f"'{name}' is neither a table nor a file whose ending says its format.",
                "Write database.table, or a path that ends in .parquet, .csv or .json; read_csv('…') takes any.",
            )  # fmt: skip
        raise NotFoundError(
            Reason.UNKNOWN_TABLE,
            f"'{name}' is no table: it has no database before it, and is none of frames= ({known}).",
            f"Write database.table, or pass a frame of yours as frames={{'{name}': {name}}}.",
        )

    def _table(self, database: str, table: str) -> Source:
        from data_access.query.lake import Lake

        if database.lower() in self._workspace.settings.databases and not self._is_ours(database.lower()):
            raise NotFoundError(
                Reason.UNKNOWN_TABLE,
                f"{database} is a database of its own, whose tables have three words.",
                f"Write {database}.public.{table}, or the schema that it is in.",
            )
        name = TableName.of(database, table)
        try:
            return Lake(self._workspace, name, self._as_of.get(str(name)))
        except DataError as error:
            if error.reason not in (Reason.FOREIGN_TABLE, Reason.NOT_SUPPORTED):
                raise
            record = self._workspace.metastore.table(name)
            if record.format != "iceberg":
                raise
            from data_access.iceberg import IcebergTable

            return IcebergTable(self._workspace, record, self._as_of.get(str(name)))

    def _is_ours(self, database: str) -> bool:
        try:
            self._workspace.metastore.database(database)
        except NotFoundError:
            return False
        return True

    def _database(self, reference: Reference) -> Postgres:
        name = reference.words[0]
        known = self._workspace.settings.databases
        if name not in known:
            lowered = {each.lower(): each for each in known}
            if name.lower() not in lowered:
                raise NotFoundError(
                    Reason.UNKNOWN_DATABASE, f"No database '{name}' is configured.", did_you_mean(name, known)
                )
            name = lowered[name.lower()]
        with self._making:  # sources are looked for by several threads, and share a connection
            if name not in self._databases:
                self._databases[name] = Postgres(name, known[name])
            return self._databases[name]
