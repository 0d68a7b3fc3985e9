"""What a stage of `make test` leans on: how to see that it is there, how to get it, and what to tell a person."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE_BIN = Path(os.environ.get("REMUDA_CACHE", Path.home() / ".cache" / "remuda")) / "bin"


@dataclass(frozen=True)
class Need:
    """`present` must be quick and without effect; `provide` may take minutes and reports by its exit status."""

    name: str
    present: Callable[[], bool]
    provide: Callable[[], bool]
    remedy: str


def _run(*command: str) -> bool:
    print("    $ " + " ".join(command), flush=True)
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _which(name: str) -> bool:
    return shutil.which(name, path=f"{CACHE_BIN}{os.pathsep}{os.environ.get('PATH', '')}") is not None


def _apt(*packages: str) -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    return _run("apt-get", "update", "-qq") and _run(
        "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages
    )


def _chromium() -> bool:
    return any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))


CHROMIUM = Need(
    "Chromium",
    _chromium,
    lambda: _apt("chromium", "fonts-dejavu-core", "fonts-noto-color-emoji"),
    "install it (Debian: apt-get install chromium) and run `make test` again",
)

HELM = Need(
    "Helm and the Kubernetes API server's binaries",
    lambda: all(_which(name) for name in ("helm", "kubectl", "etcd", "kube-apiserver")),
    lambda: _run(sys.executable, "-m", "tools.cluster", "tools"),
    "run `python -m tools.cluster tools`; it needs Go, or helm, kubectl, etcd and kube-apiserver on PATH",
)

CLUSTER = Need(
    "the kind cluster with the chart installed",
    lambda: False,  # `up` is repeatable and quick when nothing changed; what is installed must be this tree's
    lambda: _run(sys.executable, "-m", "tools.cluster", "up"),
    "`make up` must succeed first: it needs a Docker engine (or root on Debian, to install one)",
)
