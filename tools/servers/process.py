"""A server as a process of ours: a free port, a log, ready when it answers, gone when this process is."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.run.ports import any_free_port
from tools.servers.errors import ServerError

ROOT = Path(__file__).resolve().parents[2]
LAST_LINES = 15


def free_port() -> int:
    """Free a moment ago; whoever binds it must expect to find it taken."""
    return any_free_port(set())


def free_ports(count: int) -> tuple[int, ...]:
    """So many different ones."""
    found: set[int] = set()
    while len(found) < count:
        found.add(any_free_port(found))
    return tuple(found)


@dataclass
class ServerProcess:
    """`folder` is the server's own, and is removed with it when `remove` is set."""

    name: str
    folder: Path
    command: Sequence[str]
    answers: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    ending: signal.Signals = signal.SIGTERM
    remove: bool = False
    deadline_s: float = 60
    _guard: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """Of the server itself, not of its guard."""
        assert self._guard is not None
        children = Path(f"/proc/{self._guard.pid}/task/{self._guard.pid}/children").read_text().split()
        return int(children[0])

    @property
    def running(self) -> bool:
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Returns when the server answers. Raises ServerError with the end of its log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        guard = [
            sys.executable,
            "-m",
            "tools.servers.guard",
            str(int(self.ending)),
            str(self.folder if self.remove else ""),
        ]
        with self.log.open("ab") as log:
            self._guard = subprocess.Popen(
                [*guard, *map(str, self.command)],
                cwd=ROOT, env={**os.environ, **self.env}, stdin=subprocess.PIPE, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + self.deadline_s
        while not self.answers():
            if self._guard.poll() is not None or time.monotonic() > until:
                how = "ended" if self._guard.poll() is not None else f"does not answer after {self.deadline_s:.0f} s"
                said = self.tail()
                self.stop()
                raise ServerError(f"{self.name} {how}:\n{said}\n", f"Its log was {self.log}.")
            time.sleep(0.02)

    def stop(self) -> None:
        """In good order; may be repeated."""
        guard, self._guard = self._guard, None
        if guard is not None:
            assert guard.stdin is not None
            guard.stdin.close()
            guard.wait(30)

    def kill(self) -> None:
        """As a crash would: SIGKILL, at once."""
        assert self._guard is not None
        os.kill(self.pid, signal.SIGKILL)
        self._guard.wait(30)
        self._guard = None

    def tail(self) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-LAST_LINES:])
        except FileNotFoundError:
            return "(no log)"


def accepts(port: int) -> bool:
    """True when something listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
