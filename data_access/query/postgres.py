"""PostgreSQL as a place that `sql` joins with, by ADBC: the only module that speaks with it for queries.

One connection per query, in one read-only transaction at REPEATABLE READ: all scans of a query see the same moment.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from data_access.config import DatabaseSettings
from data_access.errors import DataError, ForbiddenError, NotFoundError, Reason, UnreachableError
from data_access.names import did_you_mean
from data_access.query.filters import Among, Both, Comparison, Either, Filter, Null, understood

CONNECT_TIMEOUT_S = 10

#: PostgreSQL's types whose values Arrow has as they are.
_AS_THEY_ARE: Mapping[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "text": pa.string(),
    "character varying": pa.string(),
    "date": pa.date32(),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "time without time zone": pa.time64("us"),
    "bytea": pa.binary(),
    "interval": pa.month_day_nano_interval(),
}
_COLUMNS = """
select a.attname as name, format_type(k.oid, null) as type, format_type(e.oid, null) as element,
       case when t.typtype = 'd' then t.typtypmod else a.atttypmod end as modifier
  from pg_attribute a
  join pg_class r on r.oid = a.attrelid
  join pg_namespace n on n.oid = r.relnamespace
  join pg_type t on t.oid = a.atttypid
  join pg_type k on k.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
  left join pg_type e on e.oid = k.typelem and k.typcategory = 'A'
 where n.nspname = $1 and r.relname = $2 and r.relkind in ('r', 'v', 'm', 'p', 'f')
   and a.attnum > 0 and not a.attisdropped
 order by a.attnum"""
_TABLES = """
select n.nspname || '.' || r.relname as name, obj_description(r.oid, 'pg_class') as comment,
       pg_get_userbyid(r.relowner)::text as owner,
       case r.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table'
       end as kind,
       case when r.reltuples >= 0 and r.relkind <> 'v' then r.reltuples::bigint end as rows,
       case when r.relkind in ('r', 'm') then pg_total_relation_size(r.oid) end as size
  from pg_class r join pg_namespace n on n.oid = r.relnamespace
 where r.relkind in ('r', 'v', 'm', 'p', 'f') and not r.relispartition
   and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
 order by 1"""
_DESCRIBED = """
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, col_description(r.oid, a.attnum) as comment
  from pg_attribute a join pg_class r on r.oid = a.attrelid join pg_namespace n on n.oid = r.relnamespace
 where n.nspname = $1 and r.relname = $2 and a.attnum > 0 and not a.attisdropped
 order by a.attnum"""


@dataclass(frozen=True)
class DatabaseColumn:
    """`select` is what the server is asked for; `compares` whether a filter means the same there as here."""

    name: str
    arrow: pa.DataType
    select: str
    compares: bool


class Postgres:
    """Connects at first use; `close` ends its transaction. Safe for threads, which take turns."""

    def __init__(self, name: str, settings: DatabaseSettings) -> None:
        parts = urlsplit(settings.url)
        if parts.scheme not in ("postgresql", "postgres"):
            raise DataError(
                Reason.BAD_CONFIGURATION,
                f"The database {name} is at a '{parts.scheme or '?'}://' address, and sql() reads PostgreSQL.",
                "Write databases: {name: {url: postgresql://host/db}} in the settings.",
            )
        self.name = name
        self.place = f"{name} (postgresql://{parts.hostname or ''}{parts.path})"
        self._url = settings.url + (
            ""
            if "connect_timeout" in parts.query
            else f"{'&' if parts.query else '?'}connect_timeout={CONNECT_TIMEOUT_S}"
        )
        self._secrets = [each for each in (parts.password, unquote(parts.password or "")) if each]
        self._turn = threading.Lock()
        self._connection: Any = None

    def columns(self, schema: str, table: str) -> tuple[DatabaseColumn, ...]:
        """Raises NotFoundError with near names."""
        found = self._ask(_COLUMNS, [schema, table]).to_pylist()
        if not found:
            raise self._unknown(schema, table)
        return tuple(_column(each["name"], each["type"], each["element"], each["modifier"]) for each in found)

    def tables(self) -> list[dict[str, Any]]:
        """name (with its schema), kind, rows (an estimate, or None), size in bytes, owner, comment."""
        return self._ask(_TABLES).to_pylist()

    def described(self, schema: str, table: str) -> list[dict[str, Any]]:
        """name, type and comment of each column. Raises NotFoundError with near names."""
        found = self._ask(_DESCRIBED, [schema, table]).to_pylist()
        if not found:
            raise self._unknown(schema, table)
        return found

    def _unknown(self, schema: str, table: str) -> NotFoundError:
        return NotFoundError(
            Reason.UNKNOWN_TABLE,
            f"{self.place} has no table {schema}.{table}.",
            did_you_mean(f"{schema}.{table}", [each["name"] for each in self.tables()]),
        )

    def read(
        self, schema: str, table: str, columns: tuple[DatabaseColumn, ...], filter_: pc.Expression | None
    ) -> pa.Table:
        """These columns, of the rows that pass as much of the filter as the server can be told."""
        answer = self._ask(select(schema, table, columns, filter_))
        fields = pa.schema([(column.name, column.arrow) for column in columns])
        try:
            return pa.table([answer.column(i).cast(each.type) for i, each in enumerate(fields)], schema=fields)
        except pa.ArrowException as error:
            raise DataError(
                Reason.BAD_QUERY,
                f"{schema}.{table} of {self.place} holds a value that has no place in Arrow: {error}.",
                "Leave that column out, or let a view there make a text of it.",
            ) from error

    def close(self) -> None:
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _ask(self, query: str, parameters: list[str] | None = None) -> pa.Table:
        import adbc_driver_manager
        from adbc_driver_postgresql import dbapi

        with self._turn:
            try:
                if self._connection is None:
                    self._connection = dbapi.connect(self._url, autocommit=True)
                    with self._connection.cursor() as cursor:
                        cursor.execute("begin transaction isolation level repeatable read, read only")
                        cursor.execute("set local standard_conforming_strings = on")
                with self._connection.cursor() as cursor:
                    cursor.execute(query, parameters)
                    return cursor.fetch_arrow_table()
            except adbc_driver_manager.Error as error:
                raise self._failed(error) from None  # libpq may say the whole address, with the password

    def _failed(self, error: Any) -> DataError:
        said = next((bytes(text).decode() for key, text in error.details or () if key == "PG_DIAG_MESSAGE_PRIMARY"), "")
        said = said or str(error).splitlines()[0]
        for secret in self._secrets:
            said = said.replace(secret, "***")
        state = error.sqlstate or ""
        if state.startswith("28") or state == "42501" or "authentication failed" in said or "no password" in said:
            return ForbiddenError(
                Reason.FORBIDDEN,
                f"{self.place} refused: {said}.",
                "A password belongs into ~/.pgpass or PGPASSWORD; ask that database's admin for the right to read.",
            )
        if not state or state.startswith(("08", "57", "53")):
            return UnreachableError(
                Reason.UNREACHABLE, f"{self.place} does not answer: {said}.", "Try again later, or check its address."
            )
        return DataError(Reason.BAD_QUERY, f"{self.place} said: {said}.", "Select fewer columns to find which one.")


def _column(name: str, kind: str, element: str | None, modifier: int) -> DatabaseColumn:
    quoted = _quoted(name)
    known = _AS_THEY_ARE.get(kind)
    if known is not None:
        return DatabaseColumn(name, known, quoted, compares=not pa.types.is_interval(known))
    if kind == "numeric":
        precision, scale = ((modifier - 4) >> 16) & 0xFFFF, (modifier - 4) & 0x7FF
        if modifier >= 4 and precision <= 38 and scale <= precision:
            return DatabaseColumn(name, pa.decimal128(precision, scale), f"{quoted}::text", compares=True)
        # Of any size and scale: no decimal of Arrow or DuckDB holds it; DuckDB's own reader makes the same of it.
        return DatabaseColumn(name, pa.float64(), f"{quoted}::double precision", compares=False)
    listed = _AS_THEY_ARE.get(element or "")
    if listed is not None and not pa.types.is_interval(listed):
        return DatabaseColumn(name, pa.list_(listed), quoted, compares=False)
    return DatabaseColumn(name, pa.string(), f"{quoted}::text", compares=False)


def select(schema: str, table: str, columns: tuple[DatabaseColumn, ...], filter_: pc.Expression | None) -> str:
    """The statement that the server gets. Pure."""
    wanted = ", ".join(column.select for column in columns) or "1"
    text = f"select {wanted} from {_quoted(schema)}.{_quoted(table)}"  # noqa: S608 - names are quoted
    tree = None
    if filter_ is not None:
        tree = understood(filter_, pa.schema([(column.name, column.arrow) for column in columns]))
    condition = None if tree is None else _condition(tree, {column.name: column for column in columns})
    return text if condition is None else f"{text} where {condition}"


def _condition(tree: Filter, columns: Mapping[str, DatabaseColumn]) -> str | None:
    """What lets pass all that the tree lets pass, perhaps more; None lets everything pass."""
    match tree:
        case Both(left, right):
            sides = [each for each in (_condition(left, columns), _condition(right, columns)) if each is not None]
            return f"({' and '.join(sides)})" if sides else None
        case Either(left, right):
            sides = [each for each in (_condition(left, columns), _condition(right, columns)) if each is not None]
            return f"({' or '.join(sides)})" if len(sides) == 2 else None
        case Null(name, is_null):
            return f"{_quoted(name)} is {'' if is_null else 'not '}null"
        case Among(name, values):
            literals = [_literal(value, columns[name], "==") for value in values]
            given = [each for each in literals if each is not None]
            return f"{_quoted(name)} in ({', '.join(given)})" if given and len(given) == len(literals) else None
        case Comparison(name, operator, value):
            literal = _literal(value, columns[name], operator)
            return None if literal is None else f"{_quoted(name)} {_SQL.get(operator, operator)} {literal}"


_SQL = {"==": "=", "!=": "<>"}


def _literal(value: Any, column: DatabaseColumn, operator: str) -> str | None:  # noqa: PLR0911 - a case each
    """None where the server might count otherwise than DuckDB."""
    kind = column.arrow
    if not column.compares:
        return None
    if pa.types.is_string(kind):
        # Order and inequality are the collation's there and the bytes' here; only equality lets enough pass.
        return "'" + value.replace("'", "''") + "'" if operator == "==" and "\0" not in value else None
    if pa.types.is_boolean(kind):
        return str(value).lower()
    if pa.types.is_floating(kind):
        return f"'{value!r}'::double precision"
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return str(value)
    if pa.types.is_timestamp(kind):
        return f"'{value.isoformat(sep=' ')}'::{'timestamptz' if kind.tz else 'timestamp'}"
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        return f"'{value.isoformat()}'::{'date' if pa.types.is_date(kind) else 'time'}"
    return None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
