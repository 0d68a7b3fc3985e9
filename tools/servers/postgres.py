"""PostgreSQL from the distribution's packages, on a free port of loopback, never as root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.servers.errors import ServerError
from tools.servers.process import ServerProcess, accepts, free_port

USER = "remuda"
TRIES = 3
#: A crash of the machine may lose what these tests wrote; nothing else may.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def programs() -> Path | None:
    """The folder with initdb and postgres of the newest version there is."""
    versions = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def fetched() -> bool:
    return programs() is not None


@dataclass
class PostgresServer:
    """Everybody on this machine may connect to it as anyone: it holds test data."""

    process: ServerProcess
    port: int
    bin: Path

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints, one row per line. Raises ServerError."""
        return self._psql("-tAc", statement, database=database)

    def run_file(self, script: Path, database: str) -> None:
        """Raises ServerError."""
        self._psql("-f", script.name, database=database, cwd=script.parent)

    def databases(self) -> list[str]:
        return self.sql("SELECT datname FROM pg_database").split()

    def create_database(self, name: str, template: str = "template1") -> None:
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def drop_database(self, name: str) -> None:
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def stop(self) -> None:
        self.process.stop()

    def _psql(self, *arguments: str, database: str, cwd: Path | None = None) -> str:
        command = [
            self.bin / "psql",
            "-qX",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            USER,
        ]
        done = subprocess.run(
            [*map(str, command), "-d", database, *arguments], cwd=cwd, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ServerError(f"PostgreSQL refuses: {done.stderr.strip()[-400:]}", "See the statement.")
        return done.stdout.strip()


def start(folder: Path | None = None, port: int | None = None) -> PostgresServer:
    """With its data in `folder`, which it may keep over restarts, else in one that goes with it. Raises ServerError."""
    bin_ = programs()
    if bin_ is None:
        raise ServerError("PostgreSQL is not installed.", "Debian and Ubuntu: apt-get install postgresql.")
    home = folder or Path(tempfile.mkdtemp(prefix="remuda-pg-"))
    home.mkdir(parents=True, exist_ok=True)
    prefix = _as_other_user(home)
    data = home / "data"
    if not (data / "PG_VERSION").exists():
        initdb = [bin_ / "initdb", "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run([*prefix, *map(str, initdb)], cwd="/", capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise ServerError(f"initdb failed: {made.stderr.strip()[-400:]}", "See what it says.")
    for left in reversed(range(TRIES)):
        try:
            return _start(home, bin_, prefix, port or free_port(), lasting=folder is not None)
        except ServerError:
            if port or not left:
                raise
    raise AssertionError("the last try raises")


def _start(home: Path, bin_: Path, prefix: list[str], port: int, *, lasting: bool) -> PostgresServer:
    settings = [
        "listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "max_connections=300",
        "shared_buffers=64MB", *(() if lasting else FAST),
    ]  # fmt: skip
    flags = [part for setting in settings for part in ("-c", setting)]
    process = ServerProcess(
        "postgres",
        home,
        [*prefix, str(bin_ / "postgres"), "-D", str(home / "data"), *flags],
        lambda: accepts(port) and _ready(bin_, port),
        ending=signal.SIGINT,  # fast shutdown: sessions are ended, nothing is lost
        remove=not lasting,
    )
    process.start()
    return PostgresServer(process, port, bin_)


def _ready(bin_: Path, port: int) -> bool:
    asked = [str(bin_ / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(asked, check=False).returncode == 0


def _as_other_user(home: Path) -> list[str]:
    """PostgreSQL refuses to run as root: then `home` goes to another user, and what is returned makes us that user."""
    if os.geteuid() != 0:
        return []
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(home, user.pw_uid, user.pw_gid)
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    raise ServerError("There is no user to run PostgreSQL as.", "Run this as another user than root.")
