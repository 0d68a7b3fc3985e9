"""The environment that runs now: Python, platform, image, packages.

Packages are read from the names of `*.dist-info` folders: a thousand of them cost a millisecond, not a second, and an
install during the session is seen.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from data_access.tables.model import Environment

#: Which variable says the image, the most exact first.
IMAGE_VARIABLES = ("REMUDA_IMAGE", "JUPYTER_IMAGE_SPEC", "JUPYTER_IMAGE")
_SEPARATORS = re.compile(r"[-_.]+")
_lock = threading.Lock()


def environment() -> Environment:
    """Never raises."""
    packages = installed(sys.path)
    return Environment(
        python=platform.python_version(),
        platform=_platform(),
        image=image(os.environ),
        packages=packages,
        data_access=packages.get("remuda") or packages.get("remuda-data", ""),
    )


@lru_cache(maxsize=1)
def _platform() -> str:
    return platform.platform(terse=True)


def image(environ: Mapping[str, str]) -> str | None:
    """The container's image, where somebody said it."""
    return next((environ[name] for name in IMAGE_VARIABLES if environ.get(name)), None)


def installed(path: Sequence[str]) -> dict[str, str]:
    """Normalised name → version, of what an import would find: of two versions, the one that comes first."""
    found: dict[str, str] = {}
    with _lock:
        for folder in path:
            try:
                changed = Path(folder or ".").stat().st_mtime_ns
            except OSError:
                continue
            for name, version in _in_folder(str(Path(folder or ".").absolute()), changed):
                found.setdefault(name, version)
    return dict(sorted(found.items()))


@lru_cache(maxsize=64)
def _in_folder(folder: str, _changed: int) -> tuple[tuple[str, str], ...]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names alone, for every folder of sys.path
    except OSError:  # a zip file
        return ()
    found = []
    for name in names:
        stem, dot, kind = name.rpartition(".")
        if not dot or kind not in ("dist-info", "egg-info"):
            continue
        package, dash, version = stem.partition("-")
        if kind == "egg-info":
            version = _egg_version(Path(folder, name)) or version.partition("-")[0]
        elif not dash:
            continue
        found.append((_SEPARATORS.sub("-", package).lower(), version))
    return tuple(found)


def _egg_version(path: Path) -> str | None:
    try:
        return metadata.PathDistribution(path).version if path.is_dir() else None
    except (KeyError, OSError, TypeError):
        return None
