"""One storage over all: the URL's scheme says which answers."""

from __future__ import annotations

import io
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from data_access.config import Settings
from data_access.errors import DataError, Reason
from data_access.storage.base import Entry, Storage
from data_access.storage.local import LocalStorage

_S3 = ("s3", "s3a", "s3n")
#: What of the environment says where S3 is and who asks.
_SAYS = [
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_SKIP_SIGNATURE",
]
_PIECE = 16 * 1024**2


def _said() -> list[str | None]:
    return [os.environ.get(name) for name in _SAYS]


def url_of(place: str) -> str:
    """A path or a URL as a URL. What follows the scheme is literal: `%` and blanks mean themselves, as in Hive."""
    if "://" in place:
        return place
    return f"file://{Path(place).expanduser().absolute()}"


class Router:
    """The `Storage` of a workspace. S3's part is made when the first s3:// URL comes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._local = LocalStorage()
        self._s3: Storage | None = None
        self._said: list[str | None] = []
        self._lock = threading.Lock()

    def follow_environment(self) -> None:
        """Open S3 anew if the environment names another server or identity since: a notebook sets them when a first try
        was refused. Called once per call of a person's, not per request."""
        with self._lock:
            if self._s3 is not None and self._said != _said():
                self._s3 = None

    def backend(self, url: str) -> Storage:
        """Which storage a URL belongs to. Raises DataError(bad-location)."""
        scheme = url.partition("://")[0] if "://" in url else url.partition(":")[0]
        if scheme == "file":
            return self._local
        if scheme not in _S3:
            raise DataError(Reason.BAD_LOCATION, f"'{url}' is neither s3://… nor file://….", "Correct the place.")
        with self._lock:
            if self._s3 is None:
                from data_access.storage.s3 import S3Storage

                self._said = _said()
                self._s3 = S3Storage(self._settings.s3)
            return self._s3

    def get(self, url: str, start: int | None = None, end: int | None = None) -> memoryview:
        return self.backend(url).get(url, start, end)

    def get_ranges(self, url: str, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        return self.backend(url).get_ranges(url, ranges)

    def get_many(self, urls: Sequence[str]) -> list[memoryview]:
        storages = [self.backend(url) for url in urls]
        if len({id(storage) for storage in storages}) <= 1:
            return storages[0].get_many(urls) if urls else []
        found: dict[str, memoryview] = {}
        for storage in {id(storage): storage for storage in storages}.values():
            mine = [url for url, its in zip(urls, storages, strict=True) if its is storage]
            found.update(zip(mine, storage.get_many(mine), strict=True))
        return [found[url] for url in urls]

    def put(self, url: str, data: bytes | memoryview, *, if_absent: bool = False) -> None:
        self.backend(url).put(url, data, if_absent=if_absent)

    def write(self, url: str, write: Callable[[IO[bytes]], None]) -> None:
        self.backend(url).write(url, write)

    def copy(self, source: str, target: str) -> None:
        storage = self.backend(source)
        if storage is self.backend(target):
            storage.copy(source, target)
            return
        with Reading(storage, source) as opened:
            self.write(target, lambda file: shutil.copyfileobj(opened, file, _PIECE))

    def size(self, url: str) -> int:
        return self.backend(url).size(url)

    def delete(self, urls: Sequence[str]) -> None:
        storages = {id(self.backend(url)): self.backend(url) for url in urls}
        for storage in storages.values():
            storage.delete([url for url in urls if self.backend(url) is storage])

    def list(self, prefix: str) -> Iterator[Entry]:
        return self.backend(prefix).list(prefix)


class Reading(io.RawIOBase):
    """An object as a file to read from, in any order, a piece at a time: for what does not fit into memory."""

    def __init__(self, storage: Storage, url: str) -> None:
        super().__init__()
        self._storage, self._url = storage, url
        self._size = storage.size(url)
        self._at = self._from = 0
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at >= self._size:
            return 0
        if not self._from <= self._at < self._from + len(self._piece):
            end = min(self._size, self._at + max(_PIECE, len(buffer)))
            self._piece, self._from = self._storage.get(self._url, self._at, end), self._at
        offset = self._at - self._from
        count = min(len(buffer), len(self._piece) - offset)
        buffer[:count] = self._piece[offset : offset + count]
        self._at += count
        return count
