"""Downloads: the only module of this package that speaks HTTP. What was cut is continued, not begun again.

While it runs, and after it broke, `<target>.part` holds what came and `<target>.part.json` of what (address, ETag,
length): the next download of the same goes on from there, if the server still has the same (RFC 9110, If-Range).
"""

from __future__ import annotations

import hashlib
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_access.discover.place import without_secrets
from data_access.errors import DataError, ForbiddenError, NotFoundError, Reason, UnreachableError

PIECE = 1024**2
TIMEOUT_S = 60
TRIES = 5


@dataclass(frozen=True)
class Downloaded:
    size: int
    sha256: str
    resumed_at: int  # bytes that were there already


@dataclass
class _State:
    """What `.part.json` says of `.part`."""

    url: str
    validator: str | None = None
    size: int | None = None

    @classmethod
    def read(cls, path: Path, url: str) -> _State | None:
        try:
            state = cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return state if state.url == url else None


def download(
    url: str,
    target: Path,
    *,
    began: Callable[[int | None], None],
    advanced: Callable[[int], None],
    wait: Callable[[float], None] = time.sleep,
) -> Downloaded:
    """Fetch into a file, which appears whole. `began` is told the size, `advanced` each piece's.

    Raises NotFoundError, ForbiddenError, UnreachableError, DataError(disk-full).
    """
    part, notes = target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.part.json")
    shown = without_secrets(url)
    known = _State.read(notes, hashlib.sha256(url.encode()).hexdigest())
    if known is None or known.validator is None:
        part.unlink(missing_ok=True)
        known = _State(hashlib.sha256(url.encode()).hexdigest())
    start = part.stat().st_size if part.exists() else 0
    failure: Exception | None = None
    told = False
    for tried in range(TRIES):
        if tried:
            wait(min(0.5 * 2**tried, 10))
        try:
            with _open(url, part.stat().st_size if part.exists() else 0, known.validator) as answer:
                at = _agree(answer, part, notes, known)
                if not told:
                    began(known.size)
                    advanced(at)
                    told = True
                _take(answer, part, at, advanced)
            if known.size is None or part.stat().st_size == known.size:
                return _finished(part, notes, target, start)
            failure = http.client.IncompleteRead(b"", known.size - part.stat().st_size)
        except urllib.error.HTTPError as error:
            if error.code == 416 and known.size is not None and part.exists() and part.stat().st_size == known.size:
                return _finished(part, notes, target, start)
            if error.code < 500 and error.code not in (408, 425, 429):
                raise _refused(error, shown) from None
            failure = error
        except (OSError, http.client.HTTPException) as error:
            if getattr(error, "errno", None) == 28:
                raise DataError(
                    Reason.DISK_FULL, f"There is no room left for {target}.", "Free some space; what came is kept."
                ) from error
            failure = error
    held = part.stat().st_size if part.exists() else 0
    raise UnreachableError(
        Reason.UNREACHABLE,
        f"{shown} broke off {TRIES} times: {_said(failure)}.",
        f"{held:,} bytes are kept in {part.name}; the same call again goes on from there." if held else "Try again.",
    ) from None


def _open(url: str, start: int, validator: str | None) -> Any:
    headers = {"Accept-Encoding": "identity", "User-Agent": "remuda-data-access"}
    if start and validator:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S)  # noqa: S310 - http(s)


def _agree(answer: Any, part: Path, notes: Path, known: _State) -> int:
    """Where in the file this answer goes, and what is known of the file from now on."""
    length = int(answer.headers["Content-Length"]) if answer.headers.get("Content-Length") else None
    strong = answer.headers.get("ETag")
    known.validator = strong if strong and not strong.startswith("W/") else answer.headers.get("Last-Modified")
    if answer.status == 206:
        span, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        at = int(span.partition("-")[0] or 0)
        known.size = int(total) if total.isdigit() else at + (length or 0)
    else:
        at, known.size = 0, length
    notes.write_text(json.dumps(vars(known)))
    return at if part.exists() and part.stat().st_size >= at else 0


def _take(answer: Any, part: Path, at: int, advanced: Callable[[int], None]) -> None:
    with part.open("r+b" if part.exists() else "wb") as file:
        file.truncate(at)
        file.seek(at)
        while piece := answer.read(PIECE):
            file.write(piece)
            advanced(len(piece))


def _finished(part: Path, notes: Path, target: Path, resumed_at: int) -> Downloaded:
    digest = hashlib.sha256()
    with part.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    size = part.stat().st_size
    part.replace(target)
    notes.unlink(missing_ok=True)
    return Downloaded(size, digest.hexdigest(), resumed_at)


def _refused(error: urllib.error.HTTPError, shown: str) -> DataError:
    if error.code in (404, 410):
        return NotFoundError(Reason.NOT_FOUND, f"{shown} is not there ({error.code}).", "Check the address.")
    if error.code in (401, 403, 407):
        return ForbiddenError(
            Reason.FORBIDDEN,
            f"{shown} may not be read ({error.code}).",
            "A signed address may have expired; get a new one.",
        )
    return UnreachableError(Reason.UNREACHABLE, f"{shown} answered {error.code}.", "Check the address.")


def _said(error: Exception | None) -> str:
    """Without the address, which an error of urllib may hold with its key."""
    reason = getattr(error, "reason", None)
    if isinstance(error, urllib.error.HTTPError):
        return f"it answered {error.code}"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection was cut"
    return str(reason if reason is not None else type(error).__name__).rstrip(".")
