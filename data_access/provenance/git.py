"""What git says about a folder: the commit, the remote, and what is not committed. The only module that runs git.

No fsmonitor, hook, external diff or text conversion of the repository's configuration is run, and nothing is written
into it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

#: Seconds that one git command may take; a repository on a slow network disk is not worth more.
PATIENCE_S = 5
#: Files that git does not know yet are part of the diff where they are code, and small.
_CODE = {".py", ".ipynb", ".r", ".rmd", ".sql", ".sh", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".json", ".txt", ".md"}
_MOST_BYTES, _MOST_FILES = 256 * 1024, 100
_QUIET = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "core.quotePath=false")


@dataclass(frozen=True)
class GitState:
    """`commit` is None before the first one. `diff` is a patch against it, with small new files of code; b"": clean."""

    commit: str | None
    remote: str | None
    diff: bytes

    @property
    def diff_sha256(self) -> str | None:
        return hashlib.sha256(self.diff).hexdigest() if self.diff else None


def state_of(folder: Path) -> GitState | None:
    """None where there is no repository, no git, or no answer in time."""
    try:
        status = _git(folder, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal")
        commit, changed, new = _status(status.decode(errors="replace"))
        top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
        diff = _diff(top, commit, new) if changed or new else b""
        return GitState(commit, _remote(folder), diff)
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return None


def ignored(path: Path) -> bool:
    """Whether the repository around a file or folder ignores it: what lies there is not that repository's code.

    False where there is no repository, no git, or no answer in time.
    """
    folder = path if path.is_dir() else path.parent
    try:
        _git(folder, "check-ignore", "--quiet", "--", str(path))
    except (OSError, subprocess.SubprocessError):  # 1: not ignored, or tracked all the same; 128: no repository
        return False
    return True


def _git(folder: Path, *arguments: str, **environ: str) -> bytes:
    """Raises CalledProcessError, TimeoutExpired, OSError."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(  # noqa: S603 - arguments are ours and names that git gave
        ["git", *_QUIET, "-C", str(folder), *arguments],  # noqa: S607 - the git that this user has
        env={**clean, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_S,
        check=True,
    ).stdout


def _status(text: str) -> tuple[str | None, bool, list[str]]:
    """(commit, whether known files changed, new files), of `status --porcelain=v2 --branch -z`."""
    commit, changed, new = None, False, []
    for line in text.split("\0"):
        if line.startswith("# branch.oid "):
            oid = line.removeprefix("# branch.oid ")
            commit = None if oid == "(initial)" else oid
        elif line[:2] in ("1 ", "2 ", "u "):
            changed = True
        elif line.startswith("? "):
            new.append(line[2:])
    return commit, changed, new


def _diff(top: Path, commit: str | None, new: list[str]) -> bytes:
    """Against the last commit. New files are named in a copy of the index, so that the diff has them."""
    added = [name for name in new if _is_code(top / name)][:_MOST_FILES]
    how = ("diff", "--binary", "--no-ext-diff", "--no-textconv", "--no-color", *([commit] if commit else []))
    if not added:
        return _git(top, *how) if commit else b""
    with tempfile.TemporaryDirectory(prefix="remuda-") as folder:
        index = Path(folder, "index")
        known = Path(_git(top, "rev-parse", "--git-path", "index").decode().rstrip("\n"))
        if (top / known).is_file():
            shutil.copyfile(top / known, index)
        apart = {"GIT_INDEX_FILE": str(index), "GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": ""}
        objects = (top / _git(top, "rev-parse", "--git-path", "objects").decode().rstrip("\n")).resolve()
        apart["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(objects)
        _git(top, "add", "--intent-to-add", "--", *added, **apart)
        return _git(top, *how, **apart)


def _is_code(path: Path) -> bool:
    return path.suffix.lower() in _CODE and path.is_file() and path.stat().st_size <= _MOST_BYTES


def _remote(folder: Path) -> str | None:
    try:
        lines = _git(folder, "config", "--get-regexp", r"^remote\..*\.url$").decode().splitlines()
    except subprocess.CalledProcessError:
        return None
    urls = dict(line.partition(" ")[::2] for line in lines)
    url = urls.get("remote.origin.url") or next(iter(urls.values()), None)
    return without_credentials(url) if url else None


def without_credentials(url: str) -> str:
    """A remote without user, password and query; the user of an ssh address is no secret and stays. Pure."""
    if "://" not in url:  # git@host:path, or a folder
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    kept = f"{user.partition(':')[0]}{at}" if parts.scheme in ("ssh", "git+ssh") else ""
    return urlunsplit((parts.scheme, kept + host, parts.path, "", ""))
