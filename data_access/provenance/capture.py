"""The code that runs now, as a commit records it.

A kernel lives for days while its code changes, so what is known is asked again after a while: after two seconds, or
after fifty times what asking took, so that a huge repository costs 2 % of the time at most.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from data_access.provenance import git, notebook
from data_access.tables.model import Code


@dataclass(frozen=True)
class _Captured:
    code: Code
    diff: bytes
    valid_until: float  # time.monotonic()


_lock = threading.Lock()
_last: _Captured | None = None


def code() -> Code:
    """Git's commit, remote and changes of the folder of the notebook or script (else the working directory).

    What its repository ignores is not that repository's code: of a notebook in such a folder no commit is known, and a
    script there (`.venv/bin/…`) leaves it to the working directory. Never raises; what is not known is None.
    """
    return _current().code


def uncommitted() -> bytes:
    """The patch whose sha256 is `code().dirty_diff`: what was changed since the commit; b"" when nothing was."""
    return _current().diff


def _current() -> _Captured:
    global _last  # noqa: PLW0603 - one per process is the point
    with _lock:
        if _last is None or time.monotonic() > _last.valid_until:
            began = time.monotonic()
            found, diff = captured()
            ended = time.monotonic()
            _last = _Captured(found, diff, ended + max(2.0, 50 * (ended - began)))
        return _last


def _state(book: Path | None, started: Path | None) -> git.GitState | None:
    place = book or started
    if place is not None and not git.ignored(place):
        return git.state_of(place.parent)
    if book is not None or git.ignored(Path.cwd()):
        return None
    return git.state_of(Path.cwd())


def captured() -> tuple[Code, bytes]:
    """Asked anew: the code, and the patch of what is not committed."""
    try:
        book, started = notebook.notebook(), notebook.script()
        state = _state(book, started)
    except OSError:  # such as a working directory that was removed
        return Code(), b""
    found = Code(
        git_commit=state.commit if state else None,
        git_remote=state.remote if state else None,
        dirty_diff=state.diff_sha256 if state else None,
        notebook=str(book) if book else None,
        notebook_sha256=notebook.sha256_of(book) if book else None,
        script=str(started) if started else None,
    )
    return found, state.diff if state else b""
