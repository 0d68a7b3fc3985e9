"""Which tables a query names, and whether it is a query at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb
import sqlglot
from sqlglot import exp

from data_access.errors import DataError, Reason
from data_access.query.refusals import marked, refused

_FILE = re.compile(r"\.(parquet|pq|csv|tsv|jsonl?|ndjson)(\.(gz|zst))?$", re.IGNORECASE)
_EXPLAIN = re.compile(r"\s*explain\s+(analyze\s+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Reference:
    """A table as the query names it: one to three words, in the query's case; `start` and `end` in the query's text."""

    words: tuple[str, ...]
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    @property
    def is_file(self) -> bool:
        return len(self.words) == 1 and (bool(_FILE.search(self.words[0])) or "://" in self.words[0])

    @property
    def key(self) -> tuple[str, ...]:
        """SQL's names have no case; paths do."""
        return self.words if self.is_file else tuple(word.lower() for word in self.words)

    def __str__(self) -> str:
        return ".".join(self.words)


@dataclass(frozen=True)
class Query:
    """One SELECT (or the EXPLAIN of one), as it was written.

    `local` are the names that its WITH gives; `named` what its tables are called in it, in lower case.
    """

    text: str
    references: tuple[Reference, ...]
    local: frozenset[str] = frozenset()
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)


def parse(text: str, connection: duckdb.DuckDBPyConnection) -> Query:
    """Raises DataError(bad-query): syntax, more than one statement, or one that changes something.

    What kind of statement it is, DuckDB's own parser says, as it will run it; the names come from sqlglot's tree.
    """
    _check(text, connection)
    explain = _EXPLAIN.match(text)
    body = text[explain.end() :] if explain else text
    try:
        tree = sqlglot.parse_one(body, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise DataError(
            Reason.BAD_QUERY,
            f"The names of the query's tables can't be read: {_plain(str(error))}.",
            "Write that part in plainer SQL.",
        ) from error
    shift = explain.end() if explain else 0
    found: dict[tuple[str, ...], Reference] = {}
    named: dict[str, tuple[str, ...]] = {}
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier):
            reference = _reference(table, shift)
            found.setdefault(reference.key, reference)
            named.setdefault(table.alias_or_name.lower(), reference.key)
    local = frozenset(each.alias.lower() for each in tree.find_all(exp.CTE))
    return Query(text, tuple(found.values()), local, named)


def _check(text: str, connection: duckdb.DuckDBPyConnection) -> None:
    try:
        kinds = [statement.type.name for statement in connection.extract_statements(text)]
    except duckdb.Error as error:
        raise refused(error, text) from error
    if len(kinds) != 1:
        held = f"{len(kinds)} statements" if kinds else "no statement"
        raise DataError(Reason.BAD_QUERY, f"The text holds {held}; sql() runs one.", "Give one SELECT.")
    if kinds[0] == "MULTI":  # to find the values of a PIVOT, DuckDB makes a type of its own before
        raise DataError(
            Reason.BAD_QUERY,
            "This PIVOT does not say which values become columns.",
            "Name them: pivot … on column in ('a', 'b') using …",
        )
    if kinds[0] not in ("SELECT", "EXPLAIN"):
        raise DataError(
            Reason.BAD_QUERY,
            f"sql() only reads, and this is {kinds[0]}.",
            "Give a SELECT; store_dataframe, rollback and the like change tables.",
        )


def _reference(table: exp.Table, shift: int) -> Reference:
    parts = table.parts
    start, end = parts[0].meta.get("start"), parts[-1].meta.get("end")
    span = (start + shift, end + 1 + shift) if start is not None and end is not None else (0, 0)
    return Reference(tuple(part.name for part in parts), *span)


def mark(text: str, reference: Reference) -> str:
    """The line of the query that names it, with a mark below, as DuckDB shows it. Pure."""
    if not reference.end:
        return ""
    return f"\n{marked(text, reference.start, reference.end)}\n"


def _plain(text: str) -> str:
    """Without the terminal's escape sequences, on one line."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split()).rstrip(".")
