"""What the Hub hears of a real single-user server: silent work is activity, an open kernel and terminal are not; and
what it used, once more while it ends."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import websocket

from bench.singleuser_start import PREFIX, TOKEN, StandInHub, environment, free_port, wait_listening
from tests.environments.conftest import BIN

HALF_A_SECOND = "from time import process_time as used\nend = used() + 0.5\nwhile used() < end: pass"
MACHINE = {"spawn_id": "lease-1", "display_name": "Small", "gpus": 0}


class ListeningHub(StandInHub):
    """Keeps what is posted to it."""

    posted: list[tuple[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        del self.headers["Content-Length"]
        self.posted.append((self.path, json.loads(body or b"null")))
        self._answer({})


class Server:
    def __init__(self, port: int, process: subprocess.Popen[bytes], posted: list[tuple[str, Any]]) -> None:
        self.port, self.process, self.posted = port, process, posted

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        url = f"http://127.0.0.1:{self.port}{PREFIX}{path}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, {"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read())

    def socket(self, path: str) -> websocket.WebSocket:
        header = [f"Authorization: token {TOKEN}"]
        return websocket.create_connection(f"ws://127.0.0.1:{self.port}{PREFIX}{path}", header=header, timeout=60)

    @property
    def activity(self) -> list[datetime]:
        """As often as the Hub was told."""
        told = [body["last_activity"] for path, body in self.posted if path.endswith("/activity")]
        return [datetime.fromisoformat(at) for at in told]

    @property
    def reports(self) -> list[dict[str, Any]]:
        return [body for path, body in self.posted if path == "/hub/api/remuda/measured/bench"]


@contextmanager
def listening_hub() -> Iterator[tuple[int, list[tuple[str, Any]]]]:
    posted: list[tuple[str, Any]] = []
    handler = type("Handler", (ListeningHub,), {"posted": posted})
    hub = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    try:
        yield int(hub.server_port), posted
    finally:
        hub.shutdown()
        hub.server_close()


@pytest.fixture
def server(home: Path, environ: dict[str, str]) -> Iterator[Server]:
    """It tells its activity every second."""
    with listening_hub() as (hub_port, posted):
        port = free_port()
        told = {"JUPYTERHUB_ACTIVITY_INTERVAL": "1", "REMUDA_MACHINE": json.dumps(MACHINE), "SHELL": "/bin/sh"}
        with (home.parent / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [BIN / "remuda-singleuser"],
                env={**environment(port, hub_port, home), **environ, **told},
                cwd=home,
                stdout=log,
                stderr=log,
            )
        try:
            wait_listening(port, process, time.perf_counter() + 60)
            started = Server(port, process, posted)
            started.ask("api")
            yield started
        finally:
            process.terminate()
            process.wait(90)


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> None:
    waited, end = threading.Event(), time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not become true in {seconds:g} s"
        waited.wait(0.05)


def stays_quiet(server: Server) -> bool:
    """Nothing new over the next four times that the Hub is told."""
    before = len(server.activity)
    wait_for(lambda: len(server.activity) >= before + 4)
    return len(set(server.activity[-3:])) == 1


def goes_on(server: Server) -> bool:
    """Newer each time, with nothing said by anybody."""
    before = len(server.activity)
    wait_for(lambda: len(server.activity) >= before + 5)
    return server.activity[-1] - server.activity[before + 1] >= timedelta(seconds=2)


def execute(channel: websocket.WebSocket, code: str) -> None:
    """And wait until it runs."""
    header = {"msg_id": "1", "msg_type": "execute_request", "username": "", "session": "s", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    channel.send(json.dumps({**message, "buffers": []}))
    while True:
        answer = json.loads(channel.recv())
        mine = answer["parent_header"].get("msg_id") == "1"
        if mine and answer["msg_type"] == "execute_input":
            return


def test_a_kernel_that_computes_in_silence_is_active_and_an_idle_one_is_not(server: Server) -> None:
    kernel = server.ask("api/kernels", {"name": "python3"})["id"]
    channel = server.socket(f"api/kernels/{kernel}/channels")
    execute(channel, "pass")
    channel.close()
    wait_for(lambda: server.activity)
    assert stays_quiet(server), "a kernel that waits"
    channel = server.socket(f"api/kernels/{kernel}/channels")
    execute(channel, "import time; time.sleep(600)")
    channel.close()
    assert goes_on(server), "a kernel that runs a cell without a word"


def test_a_program_in_a_closed_terminal_is_active_and_an_open_terminal_is_not(server: Server) -> None:
    terminal = server.ask("api/terminals", {})["name"]
    wait_for(lambda: server.activity)
    assert stays_quiet(server), "a shell that waits"
    channel = server.socket(f"terminals/websocket/{terminal}")
    channel.send(json.dumps(["stdin", "sleep 600 & echo be\"\"gan\r"]))
    shown = ""
    while "began" not in shown:
        kind, *content = json.loads(channel.recv())
        shown += content[0] if kind == "stdout" else ""
    channel.close()
    assert goes_on(server), "a program behind a tab that is closed"


def test_what_it_used_is_said_once_more_while_it_ends(server: Server) -> None:
    kernel = server.ask("api/kernels", {"name": "python3"})["id"]
    channel = server.socket(f"api/kernels/{kernel}/channels")
    execute(channel, HALF_A_SECOND)
    channel.close()
    wait_for(lambda: server.ask(f"api/kernels/{kernel}")["execution_state"] == "idle")
    server.process.terminate()
    server.process.wait(90)
    last = server.reports[-1]
    assert last["lease"] == "lease-1"
    assert last["figures"]["cpu_s"] >= 0.3
    assert last["figures"]["memory_peak"] > 20 * 2**20
    assert last["figures"]["gpus"] == 0
