"""What counts as activity beside messages and clicks, so that nobody's work is stopped because nobody looks at it.

Jupyter Server notes a kernel's messages and what passes through an open terminal. A cell that computes silently for an
hour, and a program in a terminal whose tab is closed, say nothing: they are looked for here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psutil

#: Programs that wait for a person: alone in a terminal they are no work, however long they have been open.
WAITING = {
    *("sh", "bash", "dash", "zsh", "fish", "ksh", "tcsh", "csh", "xonsh", "login", "sudo", "su", "screen", "tmux"),
    *("less", "more", "most", "man", "vi", "vim", "nvim", "nano", "emacs", "pico", "mc", "watch"),
    *("top", "htop", "btop", "nvtop", "ssh-agent", "gpg-agent"),
}


def kernels_at_work(kernels: Any) -> bool:
    """Whether any kernel runs a cell."""
    found = (kernels.get_kernel(kernel) for kernel in kernels.list_kernel_ids())
    return any(getattr(kernel, "execution_state", "") == "busy" for kernel in found)


def shells_of(terminals: Any) -> tuple[int, ...]:
    """The process of each terminal; `terminals` is the server's manager of them, or None."""
    found = getattr(terminals, "terminals", None) or {}
    return tuple(terminal.ptyproc.pid for terminal in list(found.values()))


def terminals_at_work(shells: Iterable[int]) -> bool:
    """Whether a program that does not wait for somebody runs in one of these shells, in front or behind."""
    for shell in shells:
        try:
            programs = psutil.Process(shell).children(recursive=True)
        except psutil.Error:
            continue
        if any(map(_works, programs)):
            return True
    return False


def _works(program: psutil.Process) -> bool:
    """A stopped one (Ctrl-Z) does not."""
    try:
        idle = program.status() in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE, psutil.STATUS_TRACING_STOP}
        return not idle and program.name().partition(":")[0].lstrip("-") not in WAITING
    except psutil.Error:
        return False
