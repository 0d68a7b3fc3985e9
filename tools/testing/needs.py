"""What a stage of `make test` leans on: how to see that it is there, how to get it, and what to tell a person."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.servers import hive, postgres, versitygw

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


def _r_package(name: str) -> bool:
    return (
        subprocess.run(
            ["Rscript", "-e", f"stopifnot(requireNamespace('{name}'))"], check=False, capture_output=True
        ).returncode
        == 0
    )


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

JAVA = Need(
    "a Java Development Kit",
    hive.java,
    lambda: _apt("default-jdk-headless"),
    "install one, 17 or later (Debian: apt-get install default-jdk-headless), and run `make test` again",
)

POSTGRESQL = Need(
    "PostgreSQL",
    postgres.fetched,
    lambda: _apt("postgresql"),
    "install it (Debian: apt-get install postgresql) and run `make test` again",
)

R_LANGUAGE = Need(
    "R with reticulate, testthat and bit64",
    lambda: all(shutil.which("Rscript") and _r_package(name) for name in ("reticulate", "testthat", "bit64")),
    lambda: _apt("r-base-core", "r-cran-reticulate", "r-cran-testthat", "r-cran-bit64"),
    "install them (Debian: apt-get install r-base-core r-cran-reticulate r-cran-testthat r-cran-bit64)",
)

SERVERS = Need(
    "an S3 server, Hive Metastores and Spark",
    lambda: versitygw.fetched() and hive.fetched(),
    lambda: _run(sys.executable, "-m", "tools.servers", "fetch", "s3", "hive"),
    "run `python -m tools.servers fetch`; it needs Go, a JDK, the package index and Maven Central",
)

CLUSTER = Need(
    "the kind cluster with the chart installed",
    lambda: False,  # `up` is repeatable and quick when nothing changed; what is installed must be this tree's
    lambda: _run(sys.executable, "-m", "tools.cluster", "up"),
    "`make up` must succeed first: it needs a Docker engine (or root on Debian, to install one)",
)
