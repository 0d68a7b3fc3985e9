"""A Hub as `make run` starts it, in a folder and on ports of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.people import Person, sse, wait_for
from tools.servers.process import free_port

__all__ = ["LocalHub", "Person", "free_port", "hub_with", "sse", "using", "wait_for"]
ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 120


def command_of(process: psutil.Process) -> list[str]:
    """Empty for one that has just ended."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def person_of(process: psutil.Process) -> str:
    """Whose server it belongs to; empty for the Hub's own and for one that has just ended."""
    try:
        return str(process.environ().get("JUPYTERHUB_USER", ""))
    except psutil.Error:
        return ""


@dataclass
class LocalHub:
    """`start` returns when the program says that it is ready; `said` is all it printed so far."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    said: str = ""
    _ready: threading.Event = field(default_factory=threading.Event)
    _reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write_settings(self, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "settings.yaml").write_text(text)

    def launch(self, **env: str) -> None:
        """Start the program without waiting for anything."""
        self.said, self._ready = "", threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.run"],
            cwd=ROOT,
            env={**os.environ, "PORT": str(self.port), "REMUDA_LOCAL": str(self.folder), **env},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def start(self, **env: str) -> LocalHub:
        self.launch(**env)
        assert self._ready.wait(READY_SECONDS), self.said
        assert "Remuda is ready" in self.said, self.said
        return self

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self.said += line
            if "Remuda is ready" in line:
                self._ready.set()
        self._ready.set()

    def wait_end(self, timeout: float = 90) -> int:
        assert self.process is not None
        status = self.process.wait(timeout)
        assert self._reader is not None
        self._reader.join(60)
        return status

    def interrupt(self) -> int:
        """Ctrl-C."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.wait_end()

    @property
    def hub(self) -> psutil.Process:
        """JupyterHub's own process."""
        found: list[psutil.Process] = []
        wait_for(lambda: found.extend(self.programs("jupyterhub_config.py")) or found)
        return found[0]

    def server_of(self, person: str) -> psutil.Process:
        """Waits for it: a process that has just been made is not yet what it will be."""
        found: list[psutil.Process] = []
        wait_for(lambda: found.extend(p for p in self.processes_of(person) if is_server(p)) or found)
        return found[0]

    def processes_of(self, person: str) -> list[psutil.Process]:
        """The server of `person` with all it has started."""
        return [p for p in self.processes() if person_of(p) == person]

    def programs(self, word: str) -> list[psutil.Process]:
        """Those whose command line has `word`."""
        return [p for p in self.processes() if word in " ".join(command_of(p))]

    def processes(self) -> list[psutil.Process]:
        """Everything that was started for this folder: Hub, proxy, servers, kernels."""
        found = []
        for process in psutil.process_iter():
            try:
                told = (process.environ(), process.cwd(), process.status())
            except psutil.Error:
                continue
            values = " ".join(told[0].values())
            ours = str(self.folder) in values or told[1].startswith(str(self.folder))
            if ours and told[2] != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                found.append(process)
        return found

    def left_behind(self) -> list[str]:
        """What has not ended a moment later: a kernel may outlive its server by as long as it takes to notice."""
        end = time.monotonic() + 20
        while (left := self.processes()) and time.monotonic() < end:
            psutil.wait_procs(left, timeout=0.5)
        return [f"{p.pid} {' '.join(command_of(p))}" for p in left]

    def spawner_states(self) -> list[dict[str, Any]]:
        """What the Hub's database holds about servers that run or start."""
        with contextlib.closing(sqlite3.connect(self.folder / "hub.sqlite")) as db:
            rows = db.execute("select state from spawners where server_id is not null").fetchall()
        return [json.loads(state) for (state,) in rows if state]

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / f"hub.config.SharedPasswordAuthenticator.{name}").read_text()

    def person(self, name: str) -> Person:
        return Person(self, name)

    def kill_everything(self) -> None:
        """For a test that failed half way."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()


def is_server(process: psutil.Process) -> bool:
    return any("singleuser" in word for word in command_of(process)[:3])


@contextlib.contextmanager
def using(hub: LocalHub) -> Iterator[LocalHub]:
    """Until it is ended as Ctrl-C ends it."""
    try:
        yield hub.start()
        assert hub.interrupt() == 0
        assert hub.left_behind() == []
    finally:
        hub.kill_everything()


@contextlib.contextmanager
def hub_with(settings: str, folder: Path) -> Iterator[LocalHub]:
    """One of its own, below `folder`."""
    hub = LocalHub(folder / "local")
    hub.write_settings(settings)
    with using(hub):
        yield hub
