"""Where fetched programs and archives lie, and how they get there: whole and checked, or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tools.servers.errors import ServerError

CACHE = Path(os.environ.get("REMUDA_CACHE", Path.home() / ".cache" / "remuda"))
BIN = CACHE / "bin"
SERVERS = CACHE / "servers"
CENTRAL = "https://repo1.maven.org/maven2"


@contextlib.contextmanager
def only_one(what: str) -> Iterator[None]:
    """Two that fetch the same thing at once: the second waits, and then finds it there."""
    SERVERS.mkdir(parents=True, exist_ok=True)
    with (SERVERS / f".{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target`, which becomes `target` when the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as parent:
        made = Path(parent) / "made"
        made.mkdir()
        yield made
        if target.exists():
            shutil.rmtree(target)
        made.rename(target)


def download(url: str, sha256: str, target: Path) -> Path:
    """The file at `url`, if it has this sha256. Does nothing when it is there. Raises ServerError."""
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    print(f"    {url}", file=sys.stderr, flush=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, part.open("wb") as file:
            while chunk := answer.read(1 << 20):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            raise ServerError(f"{url} has the sha256 {digest.hexdigest()}, not {sha256}.", "Do not use it.")
        part.rename(target)
    except (OSError, urllib.error.URLError) as error:
        raise ServerError(f"{url} could not be fetched: {error}.", "See that this machine reaches it.") from error
    finally:
        part.unlink(missing_ok=True)
    return target
