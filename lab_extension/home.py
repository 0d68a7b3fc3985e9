"""How full the home is, and what a server does about it before it starts."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ENOUGH_BYTES = 20 * 1000**2
"""Below this much free space a start keeps its own files elsewhere: settings, history and signatures need a few MB."""
PROBE_BYTES = 64 * 1024
GIB = 1024**3


@dataclass(frozen=True)
class Usage:
    """Bytes of the file system that holds the home."""

    used: int
    total: int
    free: int

    @property
    def human(self) -> str:
        return f"{self.used / GIB:.2f} of {self.total / GIB:.2f} GiB"


@dataclass(frozen=True)
class Trouble:
    """Why the home cannot be written."""

    reason: str  # home-full, home-read-only, home-not-writable
    sentence: str
    remedy: str

    @property
    def message(self) -> str:
        return f"{self.sentence} {self.remedy}"

    @property
    def notice(self) -> str:
        """Short enough for Lab's notifications, which cut at 140 characters."""
        then = "Free some space, then restart the server." if self.reason == "home-full" else self.remedy
        return f"{self.sentence} {then}"


def usage(home: Path) -> Usage | None:
    """What the file system says; None when it says nothing. Per-user quotas that `df` does not show stay unseen."""
    try:
        numbers = os.statvfs(home)
    except OSError:
        return None
    total, free = numbers.f_blocks * numbers.f_frsize, numbers.f_bavail * numbers.f_frsize
    return Usage(used=total - numbers.f_bfree * numbers.f_frsize, total=total, free=free)


def trouble_with(home: Path) -> Trouble | None:
    """Try what a server will do: make a small file. Also sees quotas and used-up inodes, which `df` does not."""
    space = usage(home)
    problem = _write_problem(home)
    full = problem in (errno.ENOSPC, errno.EDQUOT) or (space is not None and space.free < ENOUGH_BYTES)
    if full:
        return Trouble(
            "home-full",
            f"Your home is full{f': {space.human} used' if space and space.free < ENOUGH_BYTES else ''}.",
            "Free some space in the file browser, in a terminal or with `remuda-env remove NAME`, then restart the "
            "server; until then settings and history are not kept.",
        )
    if problem == errno.EROFS:
        return Trouble("home-read-only", "Your home cannot be written: it is mounted read-only.", "Ask your admin.")
    if problem is not None:
        return Trouble(
            "home-not-writable",
            f"Your home {home} cannot be written: {os.strerror(problem)}.",
            "Ask your admin to check its owner and permissions.",
        )
    return None


def _write_problem(home: Path) -> int | None:
    try:
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
    except OSError as error:
        return error.errno
    return None


def keep_files_elsewhere(environ: MutableMapping[str, str], home: Path, *, minimal: bool) -> Path:
    """Point Jupyter's own files to local disk for this start; the folder used.

    `minimal` also leaves the person's configuration, extensions and packages out (REMUDA_RESCUE=1); otherwise they
    are still read from the home.
    """
    folder = Path(tempfile.mkdtemp(prefix="remuda-"))
    data = Path(environ.get("JUPYTER_DATA_DIR") or home / ".local/share/jupyter")
    environ["JUPYTER_RUNTIME_DIR"] = str(folder / "runtime")
    environ["JUPYTER_DATA_DIR"] = str(folder / "data")
    environ["JUPYTERLAB_WORKSPACES_DIR"] = str(folder / "workspaces")
    environ["IPYTHONDIR"] = str(folder / "ipython")
    if minimal:
        environ["JUPYTERHUB_DISABLE_USER_CONFIG"] = "1"
        environ["JUPYTER_CONFIG_DIR"] = str(folder / "config")
        environ["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
        environ["PYTHONNOUSERSITE"] = "1"
    else:
        environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, (environ.get("JUPYTER_PATH"), str(data))))
    for name in ("runtime", "data", "workspaces", "ipython"):
        (folder / name).mkdir(mode=0o700)
    return folder


def tell_kubernetes(trouble: Trouble, log: Path = Path("/dev/termination-log")) -> None:
    """Leave the reason where Kubernetes, and so the Hub, reads why a container ended. Nothing elsewhere."""
    if log.exists():
        with suppress(OSError):
            log.write_text(f"{trouble.reason}: {trouble.message}")
