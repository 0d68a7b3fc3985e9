"""What `make run` keeps between starts, all under one directory: settings, logins, homes, database, logs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.run.ports import Ports
from tools.run.steps import CannotRun

ADMIN = "admin"
# Letters and digits that nobody confuses when they copy a password by hand.
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"

FIRST_SETTINGS = """\
# Settings of the Hub on this computer. Edit, then start `make run` again; docs/reference/settings.md has every key.
mode: local

# Machines are only labels here: every server is a process on this computer, whatever machine was picked.
# `catalog` adds to, changes or hides the shipped machines:
#
# catalog:
#   profiles:
#     gpu: {enabled: false}
#     small-cpu: {purpose: Notebooks and small tables}
"""


@dataclass(frozen=True)
class Logins:
    """Passwords of the shared-password login: one for anybody, one for the administrator."""

    user_password: str
    admin_password: str


@dataclass(frozen=True)
class State:
    """Paths under `.remuda/local` (or REMUDA_LOCAL)."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / "settings.yaml"

    @property
    def this_start(self) -> Path:
        return self.folder / "this-start.yaml"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    @property
    def log(self) -> Path:
        return self.folder / "hub.log"

    @property
    def ports(self) -> Path:
        return self.folder / "ports.json"

    @property
    def proxy_pid(self) -> Path:
        return self.folder / "proxy.pid"

    def claim(self) -> int:
        """File descriptor of a lock that lasts as long as this process or the Hub it starts.

        Raises `CannotRun` when another one has it.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said = os.pread(lock, 200, 0).decode(errors="replace").strip()
            os.close(lock)
            pid = said.split(" ", maxsplit=1)[0]
            where = f" ({said})" if said else ""
            raise CannotRun(
                f"this Hub already runs{where}",
                f"open it, or stop it first: Ctrl-C where it runs, or kill {pid or 'its process'}",
            ) from None
        return lock

    def prepare(self) -> Logins:
        """First settings and secrets, where there are none; files that exist are never overwritten."""
        for name in ("secrets", "homes", "logs"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        if not self.settings.exists():
            self.settings.write_text(FIRST_SETTINGS, encoding="utf-8")
        self._secret("hub.config.JupyterHub.cookie_secret", secrets.token_hex(32))
        self._secret("hub.config.CryptKeeper.keys", secrets.token_hex(32))
        self._secret("hub.config.ConfigurableHTTPProxy.auth_token", secrets.token_hex(32))
        return Logins(
            self._secret("hub.config.SharedPasswordAuthenticator.user_password", readable_password(12)),
            self._secret("hub.config.SharedPasswordAuthenticator.admin_password", readable_password(32)),
        )

    def write_this_start(self, ports: Ports, proxy: Sequence[str]) -> None:
        """What differs from start to start; JSON, which is YAML."""
        database = f"sqlite:///{self.folder / 'hub.sqlite'}"
        settings = {
            "mode": "local",
            "local": {"homes": str(self.folder / "homes"), "logs": str(self.folder / "logs")},
            "proxy": {
                "bindUrl": ports.url,
                "apiUrl": f"http://127.0.0.1:{ports.proxy_api}",
                "command": list(proxy),
                "pidFile": str(self.proxy_pid),
            },
            "hub": {"internalUrl": ports.hub_url, "db": {"type": "sqlite", "url": database}},
        }
        self.this_start.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")

    def keep_last_log(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.log.replace(self.log.with_suffix(".log.1"))

    def _secret(self, name: str, value: str) -> str:
        """The secret of that name, made and kept readable for its owner alone if there is none."""
        file = self.secrets / name
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return file.read_text(encoding="utf-8").strip()
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(value)
        return value


def readable_password(characters: int) -> str:
    """Groups of four, such as `m4xk-9tqe-…`; five bits a character."""
    letters = [secrets.choice(ALPHABET) for _ in range(characters)]
    return "-".join("".join(letters[i : i + 4]) for i in range(0, characters, 4))
