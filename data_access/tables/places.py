"""Where things of a table lie below its root. Pure; the drawing is in `model.py`."""

from __future__ import annotations

import re

from data_access.tables.ids import is_ulid

#: Everything that is not data.
OWN = "_remuda/"
COMMITS = "_remuda/commits/"
TAGS = "_remuda/tags/"
PINS = "_remuda/pins/"
CODE = "_remuda/code/"
CHECKS = "_remuda/checks/"
#: Says that the table was dropped; when it was, is its own time.
DROPPED = "_remuda/dropped.json"
#: Where gc asks the storage what time it is.
CLOCK = "_remuda/clock/"

_COMMIT = re.compile(r"_remuda/commits/(\d{8,})-([0-9A-Z]{26})\.(json|files\.arrow)")
_BATCH = re.compile(r"(?:^|/)batch_id=([0-9A-Z]{26})/")


def manifest(number: int, id_: str) -> str:
    return f"{COMMITS}{number:08d}-{id_}.json"


def file_list(number: int, id_: str) -> str:
    return f"{COMMITS}{number:08d}-{id_}.files.arrow"


def diff(sha256: str) -> str:
    """The changes to the code that were not committed to Git when data were stored."""
    return f"{CODE}{sha256}.diff"


def tag(name: str) -> str:
    return f"{TAGS}{name}.json"


def pin(id_: str) -> str:
    return f"{PINS}{id_}.json"


def batch(partition_path: str, id_: str) -> str:
    """A batch's folder; `partition_path` is empty in a table without partitions."""
    return f"{partition_path}/batch_id={id_}" if partition_path else f"batch_id={id_}"


def commit_of(path: str) -> tuple[int, str] | None:
    """Number and id in the name of a manifest or its file list; None of anything else."""
    match = _COMMIT.fullmatch(path)
    return (int(match[1]), match[2]) if match and is_ulid(match[2]) else None


def batch_of(path: str) -> str | None:
    """The batch that a data file belongs to; None of anything else."""
    match = _BATCH.search(path)
    return match[1] if match and is_ulid(match[1]) else None
