"""What was loaded, so that a store can say what it was made from.

A session's loads are remembered for the whole process, the last thousand different ones. Inside `with inputs(...)` only
what is given there and what is loaded there counts; that scope is a context variable, so threads and tasks that run
other scopes at the same time don't mix.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from data_access.errors import DataError, Reason
from data_access.names import TableName
from data_access.tables.model import Anchor

if TYPE_CHECKING:
    from data_access.workspace import Workspace

MOST = 1_000


class _Reads:
    """Different anchors, the one that was read last at the end; the oldest are forgotten beyond `MOST`."""

    def __init__(self, anchors: tuple[Anchor, ...] = ()) -> None:
        self._anchors = dict.fromkeys(anchors)
        self._lock = threading.Lock()

    def note(self, anchor: Anchor) -> None:
        with self._lock:
            self._anchors.pop(anchor, None)
            self._anchors[anchor] = None
            while len(self._anchors) > MOST:
                del self._anchors[next(iter(self._anchors))]

    def all(self) -> tuple[Anchor, ...]:
        with self._lock:
            return tuple(self._anchors)

    def clear(self) -> None:
        with self._lock:
            self._anchors.clear()


_session = _Reads()
_scope: ContextVar[_Reads | None] = ContextVar("remuda_inputs", default=None)


def note_read(anchor: Anchor) -> None:
    """Called by every load."""
    (_scope.get() or _session).note(anchor)


def inputs_now() -> tuple[Anchor, ...]:
    """What a store records now: the scope's inputs, or without a scope the session's."""
    return (_scope.get() or _session).all()


def named_now() -> bool:
    """Whether `inputs_now` was said, by a scope; otherwise it is what the session happens to have loaded."""
    return _scope.get() is not None


def forget_reads() -> None:
    """What is stored from now on was not made from what was loaded until now; a notebook calls it between two tasks."""
    (_scope.get() or _session).clear()


@contextmanager
def inputs(*anchors_or_tables: Any, workspace: Workspace | None = None) -> Iterator[tuple[Anchor, ...]]:
    """Stores inside record these inputs, and what is loaded inside; nothing that was loaded before.

    Each is an anchor, its text, a commit, or a table's name, which means its present commit. `with inputs():` is an
    empty scope. Raises DataError(bad-argument), NotFoundError(unknown-table).
    """
    given = tuple(dict.fromkeys(_anchor(each, workspace) for each in anchors_or_tables))
    token = _scope.set(_Reads(given))
    try:
        yield given
    finally:
        _scope.reset(token)


@contextmanager
def unnoted() -> Iterator[None]:
    """Loads inside are nobody's inputs: a check that compares, a preview."""
    token = _scope.set(_Reads())
    try:
        yield
    finally:
        _scope.reset(token)


def _anchor(given: Any, workspace: Workspace | None) -> Anchor:
    found = getattr(given, "anchor", given)
    if isinstance(found, Anchor):
        return found
    if isinstance(found, str):
        try:
            return Anchor.parse(found)
        except ValueError:
            found = TableName.parse(found)
    if isinstance(found, TableName):
        from data_access.tables.snapshot import head_of
        from data_access.workspace import current

        _, head = head_of(workspace or current(), found)
        return Anchor(found, head.number, head.id)
    raise DataError(
        Reason.BAD_ARGUMENT,
        f"A {type(given).__name__} is no input.",
        "Give an anchor, a commit, or a table's name such as 'sales.orders'.",
    )
