"""A storage in memory, with S3's rules: strong reads, puts that are all or nothing, a clock of its own."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import IO

from data_access.errors import DataError, NotFoundError, Reason
from data_access.storage.base import Entry


class MemoryStorage:
    """See `data_access.storage.base.Storage`."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = threading.Lock()
        self.objects: dict[str, tuple[bytes, datetime]] = {}

    def get(self, url: str, start: int | None = None, end: int | None = None) -> memoryview:
        with self._lock:
            if url not in self.objects:
                raise NotFoundError(Reason.NOT_FOUND, f"{url} does not exist.", "Check the name.")
            return memoryview(self.objects[url][0])[start:end]

    def get_ranges(self, url: str, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        return [self.get(url, start, end) for start, end in ranges]

    def get_many(self, urls: Sequence[str]) -> list[memoryview]:
        return [self.get(url) for url in urls]

    def put(self, url: str, data: bytes | memoryview, *, if_absent: bool = False) -> None:
        with self._lock:
            if if_absent and url in self.objects:
                raise DataError(Reason.ALREADY_THERE, f"{url} is there already.", "Use another name.")
            self.objects[url] = (bytes(data), self._now())

    def write(self, url: str, write: Callable[[IO[bytes]], None]) -> None:
        body = io.BytesIO()
        write(body)
        self.put(url, body.getvalue())

    def copy(self, source: str, target: str) -> None:
        self.put(target, self.get(source))

    def size(self, url: str) -> int:
        return len(self.get(url))

    def delete(self, urls: Sequence[str]) -> None:
        with self._lock:
            for url in urls:
                self.objects.pop(url, None)

    def list(self, prefix: str) -> Iterator[Entry]:
        with self._lock:
            found = [
                Entry(url, len(data), modified)
                for url, (data, modified) in sorted(self.objects.items())
                if url.startswith(prefix)
            ]
        return iter(found)
