"""The port to bytes: objects named by URL (`s3://bucket/key`, `file:///path`). No SDK is imported here.

What follows the scheme is literal, never percent-encoded: Hive writes its own escapes (`%2F`) into names.

Reads of known paths need one request each: nothing here lists or asks for a size unless that is the method's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol


@dataclass(frozen=True)
class Entry:
    """An object that was listed."""

    url: str
    size: int
    modified: datetime  # UTC


class Storage(Protocol):
    """Every method raises NotFoundError, ForbiddenError, UnreachableError, DataError(disk-full), naming the URL.

    Retries what is worth it (503, a cut connection) before it raises. Safe for threads. Buffers are bytes-like
    (`memoryview(…)` works, `pyarrow.py_buffer(…)` takes them without a copy).
    """

    def get(self, url: str, start: int | None = None, end: int | None = None) -> memoryview:
        """The object, or its bytes `start` ≤ i < `end`; a negative `start` alone counts from the end."""
        ...

    def get_ranges(self, url: str, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        """Several (start, end) of one object at once, near ones in one request; in the order asked."""
        ...

    def get_many(self, urls: Sequence[str]) -> list[memoryview]:
        """Whole objects, at once."""
        ...

    def put(self, url: str, data: bytes | memoryview, *, if_absent: bool = False) -> None:
        """All or nothing; readers see the old or the new. `if_absent`: raises DataError(already-there) if there."""
        ...

    def write(self, url: str, write: Callable[[IO[bytes]], None]) -> None:
        """For what is too large to hold: `write` gets a file open for writing; it appears whole, or not at all."""
        ...

    def copy(self, source: str, target: str) -> None:
        """Within one storage by the server itself (a hard link or a copy on disks); else through this machine."""
        ...

    def size(self, url: str) -> int: ...

    def delete(self, urls: Sequence[str]) -> None:
        """What is not there is no error."""
        ...

    def list(self, prefix: str) -> Iterator[Entry]:
        """Below a folder (`prefix` ends with `/`), at any depth. For `gc`, `browse` and `copy`; never for a read."""
        ...
