"""uv: an index's hashes of packages, and fresh environments from them. The only module that runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from data_access.errors import DataError, Reason, UnreachableError

_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
_NO_CONNECTION = re.compile(
    r"Failed to fetch|error sending request|Could not connect|timed out|dns error|network connectivity is disabled",
    re.IGNORECASE,
)


class UvError(Exception):
    """What uv said, without credentials."""

    def __init__(self, said: str) -> None:
        self.said = _CREDENTIALS.sub("", said).strip()
        super().__init__(self.said)

    @property
    def offline(self) -> bool:
        return bool(_NO_CONNECTION.search(self.said))

    @property
    def sentence(self) -> str:
        """Its first line that says something."""
        lines = [line.strip() for line in self.said.splitlines() if line.strip()]
        told = [line.removeprefix("cause: ") for line in lines if line.startswith("cause:")] or lines
        return told[0].removeprefix("error: ") if told else "uv said nothing"


def binary() -> str | None:
    """Where uv is: the package's, or on PATH."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return shutil.which("uv")


def run(*arguments: str, stdin: str | None = None, timeout_s: float = 600) -> str:
    """Its standard output. Raises UvError; DataError(not-installed) without uv."""
    uv = binary()
    if uv is None:
        raise DataError(Reason.NOT_INSTALLED, "uv is not installed here.", "Run `pip install uv` in this environment.")
    environ = {
        key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    }
    try:
        done = subprocess.run(  # noqa: S603 - the program is uv, and no shell reads the arguments
            [uv, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env=environ | {"UV_NO_PROGRESS": "1", "NO_COLOR": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise UvError(f"uv {arguments[0]} did not end within {timeout_s:.0f} s; timed out") from error
    except OSError as error:
        raise DataError(Reason.NOT_INSTALLED, f"{uv} can't be run: {error}.", "Install uv again.") from error
    if done.returncode != 0:
        raise UvError(done.stderr or done.stdout)
    return done.stdout


def hashes(pinned: Sequence[str]) -> str:
    """A lock in pip's format for these `name==version`, with every hash that the index knows. Raises UvError."""
    return run(
        "pip", "compile", "-", "--no-deps", "--generate-hashes", "--no-header", "--no-annotate", "--quiet",
        "--python", sys.executable, stdin="\n".join(pinned), timeout_s=180,
    )  # fmt: skip


def make(folder: Path, python: str) -> Path:
    """A fresh, empty environment; `python` is a version. The path of its interpreter. Raises UvError."""
    run("venv", str(folder), "--python", python, "--no-project", "--quiet")
    return folder / "bin" / "python"


def install(python: Path, lock: Path, *, hashed: bool, offline: bool) -> None:
    """What the lock says and nothing else, from wheels. Raises UvError."""
    more = (["--require-hashes"] if hashed else []) + (["--offline"] if offline else [])
    run("pip", "install", "--python", str(python), "--no-deps", "--quiet", "-r", str(lock), *more, timeout_s=3600)


def unreachable(error: UvError, doing: str) -> UnreachableError:
    """No index, or nothing of it in the cache."""
    return UnreachableError(
        Reason.UNREACHABLE,
        f"{doing} needs packages that are not in uv's cache, and the package index does not answer: {error.sentence}.",
        "Try again with a connection, or name a mirror in UV_DEFAULT_INDEX.",
    )
