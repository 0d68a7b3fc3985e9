"""Start the Hub, wait until people can use it, and end everything it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tools.run.ports import Ports
from tools.run.state import State
from tools.run.steps import TAIL_LINES, CannotRun

READY_SECONDS = 120.0
STOP_SECONDS = 75  # above the spawner's own patience with a server that ignores its signals
HEALTH = "/hub/health/remuda"


@dataclass
class RunningHub:
    """The Hub's process and what ends it."""

    root: Path
    python: Path
    state: State
    ports: Ports
    process: subprocess.Popen[bytes] | None = None
    ready: bool = False
    asked_to_stop: bool = False

    def start(self, lock: int) -> None:
        """The Hub gets its own session: Ctrl-C reaches only us, and we end it in order."""
        self.state.keep_last_log()
        bin_folder = self.python.parent
        env = {
            **{key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}},
            "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}",
            "VIRTUAL_ENV": str(bin_folder.parent),
            "REMUDA_SETTINGS": f"{self.state.settings}{os.pathsep}{self.state.this_start}",
            "REMUDA_SECRETS": str(self.state.secrets),
        }
        command = [str(self.python), "-m", "jupyterhub", "-f", str(self.root / "config" / "jupyterhub_config.py")]
        for caught in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
            signal.signal(caught, self._on_signal)
        with self.state.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.state.folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock,),
            )
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{self.process.pid} {self.ports.url}".encode(), 0)

    def wait_ready(self) -> None:
        """Until the Hub answers through the proxy. Raises `CannotRun` if it ends or takes too long."""
        assert self.process is not None
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise CannotRun(
                    f"the Hub ended with status {self.process.returncode} while it started",
                    f"correct what its log says and start again; the whole log: {self.state.log}",
                    self.log_tail(),
                )
            # The Hub itself first: a proxy that is asked before the Hub is there fills the log with complaints.
            if answers(self.ports.hub_url + HEALTH) and answers(self.ports.url + HEALTH):
                return
            time.sleep(0.1)
        raise CannotRun(
            f"the Hub did not answer within {READY_SECONDS:.0f} seconds",
            f"look at {self.state.log}",
            self.log_tail(),
        )

    def wait_end(self) -> int:
        """Exit status for `make`: 0 after Ctrl-C, 1 when the Hub ended by itself."""
        assert self.process is not None
        self.ready = True
        if self.asked_to_stop:  # while it was starting
            self._end_in_order()
        status = self.process.wait()
        signal.alarm(0)
        stop_leftover_proxy(self.state.proxy_pid)
        if self.asked_to_stop:
            return 0
        print(f"\nThe Hub ended by itself (status {status}). Its log: {self.state.log}", file=sys.stderr)
        print("Servers that were running go on; `make run` takes them up again.", file=sys.stderr)
        return 1

    def give_up(self) -> None:
        """End a Hub that never became ready."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        stop_leftover_proxy(self.state.proxy_pid)

    def _end_in_order(self) -> None:
        """SIGTERM: the Hub stops servers and proxy, then itself. The alarm ends its patience with a stuck server."""
        assert self.process is not None
        say("\nStopping servers, Hub and proxy …\n")
        self.process.terminate()
        signal.alarm(STOP_SECONDS)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.process is None:
            return
        if number == signal.SIGALRM or (number == signal.SIGINT and self.asked_to_stop):
            say("Ending the Hub by force.\n")
            self.process.kill()
        elif not self.asked_to_stop:
            self.asked_to_stop = True
            # Before it is ready a SIGTERM would end the Hub at once, and leave proxy and servers behind.
            if self.ready:
                self._end_in_order()

    def log_tail(self) -> str:
        lines = self.state.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])


def say(text: str) -> None:
    """Like print, but may be called from a signal handler."""
    os.write(sys.stdout.fileno(), text.encode())


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def stop_leftover_proxy(pid_file: Path) -> None:
    """End a proxy whose Hub is gone. Only a process that really is our proxy is touched."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return
    if "configurable-http-proxy" in command_of(pid):
        try:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline and "configurable-http-proxy" in command_of(pid):
                time.sleep(0.05)
        except ProcessLookupError:
            pass
    pid_file.unlink(missing_ok=True)


def command_of(pid: int) -> str:
    """Command line of a process; empty when it is gone or a zombie."""
    proc = Path("/proc", str(pid))
    if Path("/proc/self").exists():
        try:
            return (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    said = subprocess.run(
        ["ps", "-o", "stat=", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return "" if said.startswith("Z") else said
