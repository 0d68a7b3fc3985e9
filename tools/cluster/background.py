"""The policy enforcer as a background process: one at a time, known by its process id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tools.cluster.errors import ClusterError
from tools.cluster.settings import Settings

STOP_SECONDS = 5.0


@dataclass(frozen=True)
class PolicyProcess:
    """`start` and `stop` may be repeated."""

    settings: Settings

    @property
    def log(self) -> Path:
        return self.settings.state / "network-policy.log"

    @property
    def _pid_file(self) -> Path:
        return self.settings.state / "network-policy.pid"

    def start(self) -> str:
        """Always a new one: the code or the cluster may have changed since."""
        replaced = self.stop()
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tools.cluster", "network-policy", "--loop"],
                cwd=self.settings.root, env={**os.environ, "REMUDA_CLUSTER": self.settings.name},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._pid_file.write_text(f"{process.pid}\n")
        return f"{'restarted' if replaced else 'started'}, process {process.pid}"

    def stop(self) -> bool:
        """True when one was running and has ended."""
        pid = self.running()
        self._pid_file.unlink(missing_ok=True)
        if pid is None:
            return False
        os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _is_enforcer(pid):
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"The policy enforcer (process {pid}) does not end.", f"See {self.log}; kill -9 {pid}"
                )
            time.sleep(0.05)
        return True

    def running(self) -> int | None:
        """Its process id; None also when the id now belongs to another program."""
        try:
            pid = int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if _is_enforcer(pid) else None


def _is_enforcer(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # when it is our own child, do not take a zombie for a living process
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return b"network-policy" in command
