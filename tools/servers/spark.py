"""PySpark in an environment of its own: 450 MB that the project's environment does without.

Its jars also are a Hive Metastore 2.3.10 (see hive.py).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tools.servers.cache import CENTRAL, SERVERS, download, only_one
from tools.servers.errors import ServerError

VERSION = "4.3.0"
HOME = SERVERS / f"spark-{VERSION}"
PYTHON = HOME / "bin" / "python"
ROOT = Path(__file__).resolve().parents[2]


def jars() -> Path:
    return next((HOME / "lib").glob("python3*/site-packages/pyspark/jars"), HOME / "no-jars")


def _s3a() -> dict[str, str]:
    """Path at Maven Central → sha256: what Maven resolves for hadoop-aws 3.5.0 (without Hadoop) with the modules s3,
    s3-transfer-manager and sts 2.35.4 of AWS's SDK, less what Spark has."""
    lines = Path(__file__).with_name("s3a.sha256").read_text().splitlines()
    return {path: sha256 for sha256, path in (line.split() for line in lines)}


def s3a_jars() -> list[Path]:
    """What Spark lacks to read S3."""
    return [SERVERS / "s3a" / path.rpartition("/")[2] for path in _s3a()]


def fetched() -> bool:
    return installed() and all(jar.exists() for jar in s3a_jars())


def installed() -> bool:
    return (jars() / "hive-metastore-2.3.10.jar").exists() and PYTHON.exists()


def fetch() -> None:
    """PySpark from the package index, by uv, and the jars for S3 from Maven Central. Raises ServerError."""
    with only_one("spark"):
        if not installed():
            _install()
        for (path, sha256), jar in zip(_s3a().items(), s3a_jars(), strict=True):
            download(f"{CENTRAL}/{path}", sha256, jar)


def _install() -> None:
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
