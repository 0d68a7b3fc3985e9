"""A DuckDB of one query's own, that holds nothing but names for what the query reads."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from data_access.errors import DataError
from data_access.query.refusals import Known, refused
from data_access.query.scan import Scanned, Scans
from data_access.query.statement import Query, parse
from data_access.tables.model import Anchor

#: Refusals before anything is read, which a second try repeats.
_OF_NAMES = (duckdb.BinderException, duckdb.CatalogException)


class Source(Protocol):
    """What a scan reads: a schema, and rows when they are asked for (see `scan.Open`)."""

    @property
    def schema(self) -> pa.Schema: ...

    @property
    def anchor(self) -> Anchor | None:
        """What to note as an input; None of what has no commits."""
        ...

    def open(self, columns: list[str], filter_: pc.Expression | None) -> pa.Table | pa.RecordBatchReader: ...


class Engine:
    """Use once: `bind`, `run`, one of `table` and `batches`, `close`."""

    def __init__(self, threads: int | None) -> None:
        config: dict[str, Any] = {
            "temp_directory": str(Path(tempfile.gettempdir()) / f"data-access-{os.getpid()}"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if threads:
            config["threads"] = threads
        self._duckdb = duckdb.connect(config=config)
        self._duckdb.execute("set TimeZone = 'UTC'")
        self._duckdb.execute("set python_enable_replacements = false")  # frames come by `frames=`, not by luck
        self._catalogs: set[str] = set()
        self._columns: dict[tuple[str, ...], list[str]] = {}
        self.scans = Scans()

    def parse(self, text: str) -> Query:
        return parse(text, self._duckdb)

    def bind(self, words: tuple[str, ...], source: Source) -> None:
        """Give a source the name that the query uses, so that the query runs as it was written."""
        *path, name = words
        self._columns[tuple(word.lower() for word in words)] = list(source.schema.names)
        held = name if not path else f"source {'.'.join(words)}"
        with self._failing():
            self._duckdb.register(held, Scanned(".".join(words), source.schema, source.open, self.scans))
            if not path:
                return
            if len(path) == 2 and path[0] not in self._catalogs:
                self._catalogs.add(path[0])
                self._duckdb.execute(f"attach ':memory:' as {_quoted(path[0])}")
            where = ".".join(map(_quoted, path))
            self._duckdb.execute(f"create schema if not exists {where}")
            self._duckdb.execute(
                f"create view {where}.{_quoted(name)} as select * from temp.main.{_quoted(held)}"  # noqa: S608 - quoted
            )

    def run(self, query: Query, parameters: Any) -> duckdb.DuckDBPyRelation:
        with self._failing(query, parameters):
            return self._duckdb.sql(query.text, params=parameters)

    def _refused(self, error: duckdb.Error, query: Query | None, parameters: Any) -> DataError:
        if query is None:
            return refused(error)
        detail = self._detail(query.text, parameters) if isinstance(error, _OF_NAMES) else ""
        known = Known({name: self._columns.get(key, ()) for name, key in query.named.items()})
        return refused(error, query.text, detail, known)

    def _detail(self, text: str, parameters: Any) -> str:
        """The same refusal once more, as a statement: DuckDB's relations don't say where in the query it is."""
        try:
            self._duckdb.execute("set errors_as_json = true")
            self._duckdb.execute(text, parameters)
        except duckdb.Error as error:
            return str(error)
        return ""

    def table(self, relation: duckdb.DuckDBPyRelation) -> pa.Table:
        with self._failing():
            answer = relation.to_arrow_table()
        for i, kind in enumerate(relation.types):
            if _is_huge(kind) and _fits(answer.column(i)):
                answer = answer.set_column(i, answer.schema.field(i).name, answer.column(i).cast(pa.int64()))
        return answer

    def batches(self, relation: duckdb.DuckDBPyRelation, rows: int) -> Iterator[pa.RecordBatch]:
        with self._failing():
            yield from relation.to_arrow_reader(rows)

    def close(self) -> None:
        self._duckdb.close()

    @contextmanager
    def _failing(self, query: Query | None = None, parameters: Any = None) -> Iterator[None]:
        """What a scan raised is what is told; DuckDB and Arrow know only its text."""
        try:
            yield
        except Exception as error:
            if self.scans.failed is not None:
                raise self.scans.failed from error
            if isinstance(error, duckdb.Error):
                raise self._refused(error, query, parameters) from error
            raise


def _is_huge(kind: Any) -> bool:
    """DuckDB's sums of integers have 128 bits, and Arrow calls them decimals."""
    return str(kind) == "HUGEINT"


def _fits(column: pa.ChunkedArray) -> bool:
    span = pc.min_max(column).as_py()
    return span["min"] is None or (span["min"] >= -(2**63) and span["max"] < 2**63)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
