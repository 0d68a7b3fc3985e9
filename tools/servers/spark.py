"""PySpark in an environment of its own: 450 MB that the project's environment does without.

Its jars also are a Hive Metastore 2.3.10 (see hive.py).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tools.servers.cache import SERVERS, only_one
from tools.servers.errors import ServerError

VERSION = "4.3.0"
HOME = SERVERS / f"spark-{VERSION}"
PYTHON = HOME / "bin" / "python"
ROOT = Path(__file__).resolve().parents[2]


def jars() -> Path:
    return next((HOME / "lib").glob("python3*/site-packages/pyspark/jars"), HOME / "no-jars")


def fetched() -> bool:
    return (jars() / "hive-metastore-2.3.10.jar").exists() and PYTHON.exists()


def fetch() -> None:
    """From the package index, by uv. Raises ServerError."""
    with only_one("spark"):
        if fetched():
            return
        uv = next((path for path in (ROOT / ".venv/bin/uv", shutil.which("uv")) if path and Path(path).exists()), None)
        if uv is None:
            raise ServerError("There is no uv to install PySpark with.", "Run this through `make test`.")
        shutil.rmtree(HOME, ignore_errors=True)  # half of one
        for command in (
            [uv, "venv", "--quiet", "--python", sys.executable, HOME],
            [uv, "pip", "install", "--quiet", "--python", PYTHON, f"pyspark=={VERSION}"],
        ):
            if subprocess.run([str(part) for part in command], check=False).returncode != 0:
                shutil.rmtree(HOME, ignore_errors=True)
                raise ServerError(f"PySpark {VERSION} could not be installed.", "uv says above why.")
