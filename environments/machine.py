"""What this machine can run."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

from environments.discovery import Machine


def this_machine() -> Machine:
    """Processor, C library, GPU and the Pythons of the image."""
    return Machine(arch=platform.machine(), glibc=glibc_version(), has_gpu=has_gpu(), pythons=image_pythons())


def glibc_version() -> str | None:
    """The C library's version, or None where it is not glibc."""
    try:
        name, _, version = os.confstr("CS_GNU_LIBC_VERSION").partition(" ")  # type: ignore[union-attr]
    except (ValueError, OSError, AttributeError):
        return None
    return version if name == "glibc" else None


def has_gpu() -> bool:
    """Whether a GPU's device file is here (NVIDIA's driver, AMD's, or WSL's)."""
    return any(Path("/dev", name).exists() for name in ("nvidiactl", "kfd", "dxg"))


def image_pythons() -> dict[str, Path]:
    """Interpreters outside the home by minor version: this one's, then those on the PATH."""
    found: dict[str, Path] = {}
    own = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    if own.exists():
        found[f"{sys.version_info.major}.{sys.version_info.minor}"] = own
    for folder in ("/usr/local/bin", "/usr/bin", "/opt/conda/bin"):
        try:
            names = os.listdir(folder)  # noqa: PTH208 - names only
        except OSError:
            continue
        for name in names:
            if match := re.fullmatch(r"python(3\.\d+)", name):
                found.setdefault(match[1], Path(folder, name))
    return found
