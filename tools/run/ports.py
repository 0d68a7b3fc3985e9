"""Which ports the Hub uses, and who is in the way."""

from __future__ import annotations

import contextlib
import json
import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.run.steps import CannotRun

HOST = "127.0.0.1"
PUBLIC_PORT = 8000
#: Below those that Linux gives to outgoing connections (32768 and up): one of them could be in the way a moment later,
#: or when the Hub is started again.
QUIET = range(20_000, 30_000)
ROLES = {"PORT": "the address people open", "HUB_PORT": "the Hub's own address", "PROXY_API_PORT": "the proxy's API"}


@dataclass(frozen=True)
class Ports:
    public: int
    hub: int
    proxy_api: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.public}"

    @property
    def hub_url(self) -> str:
        return f"http://{HOST}:{self.hub}"


def choose_ports(env: dict[str, str], remembered: Path) -> Ports:
    """PORT, HUB_PORT and PROXY_API_PORT as asked for; the last two are any free ones when nobody named them.

    JupyterHub's usual 8081 and 8001 would make two Hubs on one computer collide. Ports of the last start are taken
    again when they are free: servers left running by a crash know the Hub there.
    Raises `CannotRun` when a port that was asked for, or the public one, is taken.
    """
    last = _recall(remembered)
    public = asked(env, "PORT") or PUBLIC_PORT
    must_be_free(public, "PORT")
    chosen = {public}
    inner: dict[str, int] = {}
    for variable in ("HUB_PORT", "PROXY_API_PORT"):
        port = asked(env, variable)
        if port is not None:
            must_be_free(port, variable)
        else:
            before = last.get(variable)
            port = before if before and before not in chosen and is_free(before) else any_free_port(chosen)
        chosen.add(port)
        inner[variable] = port
    if len(chosen) != len(ROLES):
        raise CannotRun("PORT, HUB_PORT and PROXY_API_PORT must differ", "name three different ports")
    remembered.write_text(json.dumps(inner), encoding="utf-8")
    return Ports(public, inner["HUB_PORT"], inner["PROXY_API_PORT"])


def asked(env: dict[str, str], variable: str) -> int | None:
    text = env.get(variable, "").strip()
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CannotRun(f"{variable}={text} is not a port", f"give a number from 1 to 65535: make run {variable}=8888")
    return int(text)


def must_be_free(port: int, variable: str) -> None:
    problem = _bind_problem(port)
    if problem is None:
        return
    if isinstance(problem, PermissionError):
        raise CannotRun(f"port {port} needs root", f"take one above 1023: make run {variable}=8888")
    holder = next(holders(port), None)
    who = f" by {holder}" if holder else ""
    stop = f"stop it (kill {holder.pid}), or " if holder else ""
    raise CannotRun(
        f"port {port} ({ROLES[variable]}) is taken{who}",
        f"{stop}take another port: make run {variable}={any_free_port({port})}",
    )


def is_free(port: int) -> bool:
    return _bind_problem(port) is None


def any_free_port(besides: set[int]) -> int:
    while True:
        port = random.choice(QUIET)  # noqa: S311 (nobody guesses it: it is for all to see)
        if port not in besides and is_free(port):
            return port


@dataclass(frozen=True)
class Holder:
    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})"


def holders(port: int) -> Iterator[Holder]:
    """Processes listening on a TCP port, as far as /proc shows them to us; none where there is no /proc."""
    inodes = set(_listening_inodes(port))
    if not inodes:
        return
    for folder in Path("/proc").glob("[0-9]*"):
        if _open_files(folder) & inodes:
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            yield Holder(int(folder.name), command[:100])


def _open_files(process: Path) -> set[str]:
    """What its descriptors point to; those of another person's process, or closed meanwhile, are left out."""
    links = set()
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                links.add(str(descriptor.readlink()))
    return links


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            local, state, inode = fields[1], fields[3], fields[9]
            if state == "0A" and int(local.rpartition(":")[2], 16) == port:
                yield f"socket:[{inode}]"


def _bind_problem(port: int) -> OSError | None:
    """None when the port can be listened on. SO_REUSEADDR: connections that are closing don't count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as e:
            return e
    return None


def _recall(remembered: Path) -> dict[str, int]:
    try:
        kept = json.loads(remembered.read_text(encoding="utf-8"))
        return {str(key): int(value) for key, value in kept.items()}
    except (OSError, ValueError, AttributeError):
        return {}
