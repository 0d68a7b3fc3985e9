"""versitygw: an S3 server in one program, which keeps objects as files (https://github.com/versity/versitygw)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tools.servers.cache import BIN, only_one
from tools.servers.errors import ServerError
from tools.servers.process import ServerProcess, free_port

VERSION = "v1.8.0"
PROGRAM = BIN / "versitygw"
ACCESS_KEY, SECRET_KEY, REGION = "remuda", "remuda-secret", "us-east-1"  # of a server on loopback that holds test data
TRIES = 3


def fetched() -> bool:
    return PROGRAM.exists()


def fetch() -> None:
    """Built by Go from the module proxy, about two minutes. Raises ServerError."""
    with only_one("versitygw"):
        if fetched():
            return
        if shutil.which("go") is None:
            raise ServerError("versitygw has to be built, and there is no Go.", "Install Go 1.25 or later.")
        BIN.mkdir(parents=True, exist_ok=True)
        built = subprocess.run(
            ["go", "install", "-trimpath", "-ldflags=-s -w", f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"],
            env={**os.environ, "CGO_ENABLED": "0", "GOBIN": str(BIN)}, check=False,
        )  # fmt: skip
        if built.returncode != 0:
            raise ServerError("versitygw could not be built.", "Go says above why.")


@dataclass
class S3Server:
    """`credentials` is what a client needs beside the endpoint, as environment variables of the AWS SDKs."""

    process: ServerProcess
    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    region: str = REGION

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def stop(self) -> None:
        self.process.stop()


def start(folder: Path | None = None, port: int | None = None) -> S3Server:
    """With its data in `folder`; without one, in a temporary folder that goes with the server. Raises ServerError."""
    fetch()
    for left in reversed(range(TRIES)):
        try:
            return _start(folder, port or free_port())
        except ServerError:  # somebody else was quicker to take the port
            if port or not left:
                raise
    raise AssertionError("the last try raises")


def _start(folder: Path | None, port: int) -> S3Server:
    home = folder or Path(tempfile.mkdtemp(prefix="remuda-s3-"))
    for part in ("objects", "iam"):
        (home / part).mkdir(parents=True, exist_ok=True)
    # Not --keep-alive: with it about a fifth of pyarrow's multipart completions fail.
    command = [
        str(PROGRAM), "--port", f"127.0.0.1:{port}", "--region", REGION, "--health", "/healthz", "--quiet",
        "--iam-dir", str(home / "iam"), "--iam-cache-disable", "posix", str(home / "objects"),
    ]  # fmt: skip
    keys = {"ROOT_ACCESS_KEY_ID": ACCESS_KEY, "ROOT_SECRET_ACCESS_KEY": SECRET_KEY}
    endpoint = f"http://127.0.0.1:{port}"
    process = ServerProcess(
        "versitygw", home, command, lambda: _healthy(endpoint), env=keys, remove=folder is None, deadline_s=20
    )
    process.start()
    return S3Server(process, endpoint)


def _healthy(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
