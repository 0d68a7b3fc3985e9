"""One query from its text to its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from data_access.provenance import note_read
from data_access.query.engine import Engine
from data_access.query.places import Places
from data_access.workspace import Workspace

#: Tables whose schemas are asked for at once.
AT_ONCE = 8


@dataclass(frozen=True)
class Asked:
    """What a call of `sql` says besides the form of its answer."""

    text: str
    params: Any
    as_of: Mapping[str, Any]
    frames: Mapping[str, Any]


class Running:
    """Made: every name is found, every schema known, the query bound. Then one of `table` and `batches`."""

    def __init__(self, asked: Asked, workspace: Workspace) -> None:
        self._engine = Engine(workspace.settings.threads)
        self._places = Places(workspace, asked.frames, asked.as_of)
        try:
            query = self._engine.parse(asked.text)
            self._places.check(query.references)
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sql") as pool:
                sources = list(pool.map(lambda each: self._places.source(each, query), query.references))
            for reference, source in zip(query.references, sources, strict=True):
                if source is not None:
                    self._engine.bind(reference.words, source)
                    if source.anchor is not None:  # here, since scans run in threads, where nobody's inputs() is open
                        note_read(source.anchor)
            self._relation = self._engine.run(query, asked.params)
        except BaseException:
            self._close()
            raise

    def table(self) -> pa.Table:
        try:
            return self._engine.table(self._relation)
        finally:
            self._close()

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._engine.batches(self._relation, rows)
        finally:
            self._close()

    def _close(self) -> None:
        self._engine.close()
        self._places.close()
