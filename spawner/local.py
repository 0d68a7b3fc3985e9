"""The same machines as local processes, for `make run`: the choice is real, the hardware is this computer's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from subprocess import DEVNULL, STDOUT
from typing import Any
from uuid import uuid4

import psutil
from jupyterhub.spawner import LocalProcessSpawner
from jupyterhub.utils import random_port
from sqlalchemy.orm import object_session
from traitlets import Unicode, default

from profiles.lease import EndReason
from profiles.plan import MachinePlan
from spawner.answering import ask_once
from spawner.machine import CatalogMixin
from spawner.refused import FailedStart

#: How often a starting server is tried; a refused try costs 0.2 ms, and the server itself takes about 600 ms.
READY_EVERY_S = 0.03
LOG_TAIL_LINES = 12
#: For kernels and terminals of a stopped server to end by themselves.
LAST_SECONDS = 5.0
#: In a server's environment: which start it is of, kept before there is a process whose number could be kept.
START = "REMUDA_LOCAL_START"
#: Passed on from the Hub: what a process needs to find programs, words, certificates and the network; no secrets.
PASSED_ON = [
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "UV_SYSTEM_CERTS",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
]


class LocalWorkbenchSpawner(CatalogMixin, LocalProcessSpawner):
    """One process per server, one home per person. No isolation between people: they share the Hub's account."""

    homes = Unicode("homes", help="Directory that holds every person's home.").tag(config=True)
    logs = Unicode("logs", help="Directory of the servers' own logs, one file per server.").tag(config=True)

    #: Creation time of `pid`, so that another process that got the number later is never taken for the server.
    pid_created: float = 0.0
    #: This start's `START`. With it but without a `pid`, the Hub was killed while it made the process.
    start_mark: str = ""

    @default("env_keep")
    def _env_keep_default(self) -> list[str]:
        return list(PASSED_ON)

    @default("options_form")
    def _no_form(self) -> str:
        return ""

    @property
    def home_folder(self) -> Path:
        """One for all profiles and named servers of a person."""
        return Path(self.homes).absolute() / folder_name(self.user.name)

    @property
    def log_file(self) -> Path:
        server = f"--{folder_name(self.name)}" if self.name else ""
        return Path(self.logs).absolute() / f"{folder_name(self.user.name)}{server}.log"

    # Start.

    async def start(self) -> tuple[str, int]:
        """Address of the server, which then answers. Raises `RefusedStart`, or `FailedStart` with its last words."""
        plan = self.choose() if self.catalog is not None else None
        if plan is not None:
            self.begin_machine(plan)
            await self.pass_gate(plan)
        self.home_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.port = random_port()  # a new one for each start: the last one may be somebody else's by now
        self._plan = plan
        self.start_mark = self.spawn_id or str(uuid4())
        self._save_early(self.ip or "127.0.0.1", self.port)
        with self.log_file.open("wb") as log:
            own = {"cwd": self.home_folder, "stdin": DEVNULL, "stdout": log, "stderr": STDOUT}
            self.popen_kwargs = {**self.popen_kwargs, **own}
            address: tuple[str, int] = await super().start()
        self.pid_created = created_at(self.pid)
        self._save_early(*address)
        seconds = plan.start_timeout.seconds if plan is not None else self.start_timeout
        try:
            await asyncio.wait_for(self._answering(*address), seconds)
        except TimeoutError:
            self.failure = too_slow(seconds, self.log_file)
            raise FailedStart(self.failure, log_message=tail(self.log_file)) from None
        now = datetime.now(UTC)
        self.machine_is_up(now)
        await self.tell_gate_it_began(now)
        return address

    def _save_early(self, host: str, port: int) -> None:
        """A Hub killed from here on finds the process again: JupyterHub itself saves only after `start` returns."""
        if getattr(self, "orm_spawner", None) is None or self.server is None:
            return
        self.server.ip, self.server.port = host, port
        self._save_state()

    def _save_state(self) -> None:
        self.orm_spawner.state = self.get_state()
        session = object_session(self.orm_spawner)
        if session is not None:
            session.commit()

    async def _answering(self, host: str, port: int) -> None:
        """Until the server answers a request; JupyterHub's own check would look only after its first backoff."""
        base = self.server.base_url if self.server is not None else "/"
        while await ask_once(f"http://{host}:{port}{base}api") is None:
            status = self.proc.poll() if self.proc is not None else 0
            if status is not None:
                self.failure = ended_at_start(status, self.log_file)
                raise FailedStart(self.failure, log_message=tail(self.log_file))
            await asyncio.sleep(READY_EVERY_S)

    def make_preexec_fn(self, name: str) -> Callable[[], None] | None:
        """None: no other account to change into, and without it Python starts the process by vfork."""
        return None

    # Stop.

    async def stop(self, now: bool = False) -> None:
        """Ends what the server started, too: on a cluster the pod's end does that; here a kernel would linger."""
        self.note_reason(self.told_reason or EndReason.STOPPED)
        family = descendants(self.pid)
        await super().stop(now=now)
        await asyncio.to_thread(end, family)

    # Environment.

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        home = str(self.home_folder)
        env.update(USER=self.user.name, LOGNAME=self.user.name, HOME=home, SHELL=os.environ.get("SHELL", "/bin/sh"))
        plan: MachinePlan | None = getattr(self, "_plan", None)
        if plan is not None and self.machine is not None:
            env.update({name: self._filled(value) for name, value in plan.env.items()})
            env["REMUDA_PROFILE"] = plan.profile_id
            env["REMUDA_MACHINE"] = json.dumps(self.machine.to_dict(), separators=(",", ":"))
            if plan.rescue:
                env["REMUDA_RESCUE"] = "1"
        if self.start_mark:
            env[START] = self.start_mark
        return env

    def _filled(self, value: str) -> str:
        """`{username}` and its like, as on a cluster; braces that are no template stay."""
        try:
            return value.format(**self.template_namespace())
        except (KeyError, IndexError, ValueError, AttributeError):
            return value

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        """The server runs under the Hub's account and can read them where they are."""
        return paths

    # State, and whose process a number is.

    def get_state(self) -> dict[str, Any]:
        state = super().get_state()
        if self.pid:
            state["pid_created"] = self.pid_created
        if self.start_mark:
            state["start_mark"] = self.start_mark
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.pid_created = float(state.get("pid_created") or 0.0)
        self.start_mark = str(state.get("start_mark") or "")

    def clear_state(self) -> None:
        """LocalProcessSpawner clears as soon as it finds the process gone, and not before."""
        self.note_end(datetime.now(UTC), EndReason.ENDED)
        super().clear_state()
        self.pid_created = 0.0
        self.start_mark = ""

    async def poll(self) -> int | None:
        """A Hub that was killed while it made the process left its mark, and the process bears it."""
        if self.proc is None and not self.pid and self.start_mark:
            found = await asyncio.to_thread(process_of_start, self.start_mark)
            if found is not None:
                self.pid, self.pid_created = found.pid, created_at(found.pid)
                self._save_state()
        status: int | None = await super().poll()
        return status

    async def _signal(self, sig: int) -> bool:
        if self.proc is None and not same_process(self.pid, self.pid_created):
            return False
        return bool(await super()._signal(sig))

    # Progress.

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Two sentences are enough for a second's wait."""
        name = self.machine.display_name if self.machine is not None else "Your server"
        yield {"progress": 20, "message": f"{name} starts as a process on this computer."}
        yield {"progress": 60, "message": "Waiting for JupyterLab to answer."}


@dataclass(frozen=True)
class NotUp:
    """Why a server does not answer."""

    reason: str
    sentence: str
    remedy: str


def ended_at_start(status: int, log: Path) -> NotUp:
    lines = tail(log).splitlines()
    # The line that says what went wrong is rarely the very last one: Python adds threads and frames below it.
    telling = next((line.strip() for line in reversed(lines) if "error" in line.lower()), lines[-1] if lines else "")
    words = f" Its last words: {telling}" if telling else ""
    sentence = f"The server ended with status {status} while it started.{words}"
    return NotUp("server-ended", sentence, f"Its log is {log}.")


def too_slow(seconds: float, log: Path) -> NotUp:
    sentence = f"The server did not answer within the {seconds:.0f} seconds that a start may take."
    return NotUp("start-timeout", sentence, f"Its log is {log}; a longer startTimeout gives it more time.")


def tail(log: Path) -> str:
    """Last lines of a log; empty if there is none."""
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            return "".join(deque(lines, LOG_TAIL_LINES)).strip()
    except OSError:
        return ""


def folder_name(name: str) -> str:
    """The name itself where it is plain; otherwise a plain form and a hash, so that no two people share a folder."""
    if re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) and "---" not in name:
        return name
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:32].rstrip("-") or "x"
    return f"{plain}---{sha256(name.encode()).hexdigest()[:12]}"


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True) if pid else []
    except psutil.Error:
        return []


def end(processes: Sequence[psutil.Process]) -> None:
    """SIGTERM, and after `LAST_SECONDS` SIGKILL. psutil knows a process that has only inherited the number."""
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            with contextlib.suppress(psutil.Error):
                ask(process)
        _, processes = psutil.wait_procs(processes, timeout=LAST_SECONDS)
        if not processes:
            return


def process_of_start(mark: str) -> psutil.Process | None:
    """The server of this start among this account's processes; what a server starts inherits its environment."""
    bearing = {process.pid: process for process in psutil.process_iter() if mark_of(process) == mark}
    heads = [process for process in bearing.values() if parent_of(process) not in bearing]
    return min(heads, key=lambda process: created_at(process.pid), default=None)


def mark_of(process: psutil.Process) -> str:
    """Empty for somebody else's and for one that has ended."""
    try:
        return str(process.environ().get(START, ""))
    except (psutil.Error, OSError):
        return ""


def parent_of(process: psutil.Process) -> int:
    try:
        return int(process.ppid())
    except psutil.Error:
        return 0


def created_at(pid: int) -> float:
    """Creation time of a process in seconds since the epoch; 0.0 where it is gone."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def same_process(pid: int, created: float) -> bool:
    """True where nothing is known about the creation; clocks may differ by a tick."""
    return not created or abs(created_at(pid) - created) < 1.0
