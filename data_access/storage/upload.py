"""A file to write to whose parts go up while later ones are made, in bounded memory. Pure of any SDK."""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

_AHEAD = 4  # parts that wait while others are on their way


class AbandonedError(Exception):
    """Stops an upload in the middle: the writer failed."""


class Upload(io.RawIOBase):
    """What is written in the `with` block appears as one object at its end; nothing does when the block raises.

    `small(data)` stores what fits into one part; `large(parts)` stores an iterator of parts, all or nothing.
    """

    def __init__(
        self, small: Callable[[memoryview], None], large: Callable[[Iterator[bytes]], None], part: int
    ) -> None:
        super().__init__()
        self._small, self._large, self._part = small, large, part
        self._buffer = bytearray()
        self._at = 0
        self._parts: queue.Queue[bytes | BaseException | None] = queue.Queue(_AHEAD)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        view = memoryview(data).cast("B")
        self._at += len(view)
        self._buffer += view
        while len(self._buffer) >= self._part:
            self._send(bytes(memoryview(self._buffer)[: self._part]))
            del self._buffer[: self._part]
        return len(view)

    def __enter__(self) -> Upload:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            if error is None:
                self._small(memoryview(bytes(self._buffer)))
            return
        if error is None and self._buffer:
            self._send(bytes(self._buffer))
        self._put(AbandonedError() if error is not None else None)
        self._thread.join()
        if error is None and self._failure is not None:
            raise self._failure

    def _send(self, part: bytes) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="upload", daemon=True)
            self._thread.start()
        self._put(part)

    def _put(self, part: bytes | BaseException | None) -> None:
        while self._thread is not None and self._thread.is_alive():
            try:
                self._parts.put(part, timeout=0.5)
            except queue.Full:
                continue  # the thread may have ended meanwhile
            return
        if self._failure is not None and isinstance(part, bytes):
            raise self._failure

    def _run(self) -> None:
        try:
            self._large(self._each())
        except AbandonedError:
            pass
        except BaseException as error:  # told in the writer's thread
            self._failure = error

    def _each(self) -> Iterator[bytes]:
        while (part := self._parts.get()) is not None:
            if isinstance(part, BaseException):
                raise part
            yield part
