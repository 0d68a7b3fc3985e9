"""How IPython shows a DataError: the person's own lines and the message, without the frames of libraries.

IPython asks an exception for `_render_traceback_`. The frames that are left are drawn by IPython itself, in its colours
and in the mode of `%xmode`; with `%xmode Verbose`, or afterwards with `%tb Verbose`, all of them are there.
"""

from __future__ import annotations

import copy
import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

_HINT = "%tb Verbose shows every step to it."
_MOST = 3  # own frames that are shown: the outermost and the last ones


def rendered(error: BaseException) -> list[str]:
    """The lines that IPython is to print. Raises RuntimeError outside IPython: nobody else asks."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None:
        raise RuntimeError("This is for IPython.")
    draw: Any = shell.InteractiveTB
    kept = _own(list(_frames(error.__traceback__)))
    if draw.mode in ("Verbose", "Docs") or not kept:
        return list(draw.structured_traceback(type(error), error, error.__traceback__, tb_offset=1))
    alone = copy.copy(error)  # what it was raised from stays with the error itself
    return [*draw.structured_traceback(type(error), alone, _chain(kept), tb_offset=0), f"\n{_HINT}"]


def _frames(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _own(frames: list[TracebackType]) -> list[TracebackType]:
    """Frames of cells and of the person's files; where a library alone called us, the one that did."""
    ours = str(Path(__file__).parent)
    apart = (ours, *_shells())
    own = [each for each in frames if not _of_library(each) and not _below(each, apart)]
    if not own:
        before = [each for each in frames if not _below(each, apart)]
        own = before[-1:]
    return own if len(own) <= _MOST else [own[0], *own[-(_MOST - 1) :]]


def _below(frame: TracebackType, folders: tuple[str, ...]) -> bool:
    name = frame.tb_frame.f_code.co_filename
    return any(name.startswith(f"{folder}/") for folder in folders)


def _of_library(frame: TracebackType) -> bool:
    """Python's own, or a package's: of this environment, of the home (`--user`), of a distribution."""
    name = frame.tb_frame.f_code.co_filename
    return (
        name.startswith("<frozen ")
        or "/site-packages/" in name
        or "/dist-packages/" in name
        or _below(frame, (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")))
    )


def _shells() -> tuple[str, ...]:
    """Where IPython and its kernel lie: they run the cell."""
    specs = [find_spec(each) for each in ("IPython", "ipykernel")]
    return tuple(str(Path(each.origin).parent) for each in specs if each is not None and each.origin)


def _chain(frames: list[TracebackType]) -> TracebackType | None:
    linked: TracebackType | None = None
    for each in reversed(frames):
        linked = TracebackType(linked, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return linked
