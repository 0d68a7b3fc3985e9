"""The real single-user server with real environments in the home: kernels start activated, or say why not."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from bench.singleuser_start import PREFIX, TOKEN, environment, free_port, stand_in_hub, wait_listening
from lab_extension.server import END_LIMIT_S
from tests.environments.conftest import BIN, Ran


@dataclass(frozen=True)
class Server:
    """A running single-user server."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{PREFIX}{path}"

    def ask(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url(path), data, {"Authorization": f"token {TOKEN}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                text, status = response.read().decode(), response.status
        except urllib.error.HTTPError as error:
            text, status = error.read().decode(), error.code
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text


@contextmanager
def running(home: Path, environ: dict[str, str]) -> Iterator[Server]:
    with stand_in_hub() as hub_port:
        port = free_port()
        log = home.parent / "server.log"
        variables = {**environment(port, hub_port, home), **environ}
        with log.open("wb") as out:
            process = subprocess.Popen([BIN / "remuda-singleuser"], env=variables, cwd=home, stdout=out, stderr=out)
        try:
            wait_listening(port, process, time.perf_counter() + 60)
            server = Server(port, process, log)
            assert server.ask("api")[0] == 200, log.read_text()  # the port opens before the server can answer
            yield server
        finally:
            process.terminate()
            process.wait(90)


async def run_in_kernel(server: Server, kernel_id: str, code: str) -> str:
    """What `code` prints in a kernel, over the websocket that Lab uses."""
    url = server.url(f"api/kernels/{kernel_id}/channels").replace("http:", "ws:")
    socket = await websocket_connect(HTTPRequest(url, headers={"Authorization": f"token {TOKEN}"}))
    header = {"msg_id": "1", "msg_type": "execute_request", "username": "", "session": "s", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await socket.write_message(json.dumps({**message, "buffers": []}))
    printed, awaited = "", {"idle", "execute_reply"}  # output and reply come by different channels, in any order
    while awaited:
        text = await asyncio.wait_for(socket.read_message(), 90)
        assert isinstance(text, str), "the kernel's socket closed"
        answer = json.loads(text)
        if answer["parent_header"].get("msg_id") != "1":
            continue
        if answer["msg_type"] == "stream":
            printed += answer["content"]["text"]
        if answer["msg_type"] == "error":
            printed += "\n".join(answer["content"]["traceback"])
        awaited -= {answer["msg_type"], answer["content"].get("execution_state")}
    socket.close()
    return printed


async def type_in_terminal(server: Server, line: str, until: str) -> str:
    """What a terminal shows after a typed line, up to `until`, over the websocket that Lab uses."""
    status, terminal = await asyncio.to_thread(server.ask, "api/terminals", {})
    assert status == 200, terminal
    url = server.url(f"terminals/websocket/{terminal['name']}").replace("http:", "ws:")
    socket = await websocket_connect(HTTPRequest(url, headers={"Authorization": f"token {TOKEN}"}))
    await socket.write_message(json.dumps(["stdin", f"{line}\r"]))
    shown = ""
    while until not in shown:
        text = await asyncio.wait_for(socket.read_message(), 30)
        assert isinstance(text, str), f"the terminal's socket closed after {shown!r}"
        kind, *content = json.loads(text)
        shown += content[0] if kind == "stdout" else ""
    socket.close()
    return shown


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/sh"])
async def test_commands_of_the_machine_are_found_in_a_terminal(environ: dict[str, str], home: Path, shell: str) -> None:
    path = f"{BIN}:/usr/bin:/bin"
    with running(home, {**environ, "PATH": path, "SHELL": shell}) as server:
        shown = await type_in_terminal(server, 'echo "$(command -v remuda-env)" en""d', until=" end")
    assert f"{BIN}/remuda-env end" in shown


async def test_kernels_of_the_home_start_activated_or_say_why_not(
    remuda_env: Callable[..., Ran], environ: dict[str, str], home: Path
) -> None:
    assert remuda_env("create", "science", "python", "tinypkg").code == 0
    assert remuda_env("create", "web", "--uv", "tinywheel").code == 0
    (home / "work/bare").mkdir(parents=True)
    bare_venv = [BIN / "uv", "venv", "-q", ".venv"]
    await asyncio.to_thread(subprocess.run, bare_venv, cwd=home / "work/bare", env=environ, check=True)
    with running(home, environ) as server:
        status, specs = await asyncio.to_thread(server.ask, "api/kernelspecs")
        assert status == 200
        names = {name: spec["spec"]["display_name"] for name, spec in specs["kernelspecs"].items()}
        assert {"python3", "env-science", "env-web", "env-work-bare"} <= names.keys()
        assert names["env-work-bare"] == "work/bare · needs ipykernel"

        status, kernel = await asyncio.to_thread(server.ask, "api/kernels", {"name": "env-science"})
        assert status == 201, kernel
        code = "import os, sys, tinypkg; print(tinypkg.VALUE, os.environ['TINY_DATA'], sys.prefix)"
        shown = await run_in_kernel(server, kernel["id"], code)
        assert shown.split() == ["42", f"{home}/envs/science/share/tiny-2.0", f"{home}/envs/science"]

        status, kernel = await asyncio.to_thread(server.ask, "api/kernels", {"name": "env-web"})
        assert status == 201, kernel
        shown = await run_in_kernel(server, kernel["id"], "import tinywheel, sys; print(tinywheel.VALUE, sys.prefix)")
        assert shown.split() == ["31", f"{home}/envs/web"]

        body = {"path": "x.ipynb", "type": "notebook", "kernel": {"name": "env-work-bare"}, "name": ""}
        began = time.monotonic()
        status, refusal = await asyncio.to_thread(server.ask, "api/sessions", body)
        assert status >= 400
        assert "remuda-env add work/bare ipykernel" in refusal["message"]
        assert time.monotonic() - began < 5

        status, listed = await asyncio.to_thread(server.ask, "remuda/environments")
        assert status == 200
        states = {each["name"]: each["usable"] for each in listed["environments"]}
        assert states == {"science": True, "web": True, "work/bare": False}

        server.process.terminate()
        began = time.monotonic()
        await asyncio.to_thread(server.process.wait, 30)
        assert time.monotonic() - began < 4, "idle kernels, or one that could not start, must not hold up a switch"


async def test_an_environment_made_while_the_server_runs_appears(
    remuda_env: Callable[..., Ran], environ: dict[str, str], home: Path
) -> None:
    with running(home, environ) as server:
        _, before = await asyncio.to_thread(server.ask, "api/kernelspecs")
        assert "env-late" not in before["kernelspecs"]
        assert (await asyncio.to_thread(remuda_env, "create", "late", "python")).code == 0
        deadline = time.monotonic() + 30
        while True:
            _, after = await asyncio.to_thread(server.ask, "api/kernelspecs")
            if "env-late" in after["kernelspecs"]:
                break
            assert time.monotonic() < deadline, server.log.read_text()
            await asyncio.sleep(0.1)


def test_what_the_page_is_told(environ: dict[str, str], home: Path) -> None:
    machine = {"display_name": "GPU", "price_per_hour": {"amount": "2.5", "currency": "EUR"}, "gpus": 1}
    with running(home, {**environ, "REMUDA_MACHINE": json.dumps(machine)}) as server:
        status, answer = server.ask("remuda/machine")
        assert (status, answer["label"]) == (200, "GPU · 2.50 EUR/h")
        status, page = server.ask("lab")
        assert status == 200
        config = json.loads(page.split('id="jupyter-config-data" type="application/json">')[1].split("</script>")[0])
        told = json.loads(config["remuda"])
        assert told["machine"]["label"] == "GPU · 2.50 EUR/h"
        assert told["switchUrl"] == "/hub/switch"
        assert config["buildCheck"] is False
        assert "remuda" in [extension["name"] for extension in config["federated_extensions"]]
        assert server.ask("lab/extensions/remuda/static/remoteEntry.js")[0] == 200
        status, space = server.ask("remuda/home")
        assert status == 200
        assert space["bytes"]["total"] > 0


def test_nobody_reads_them_without_a_token(environ: dict[str, str], home: Path) -> None:
    with running(home, environ) as server:
        for name in ("machine", "environments", "home"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(server.url(f"remuda/{name}"), timeout=30)
            assert refused.value.code == 403


def test_arguments_and_configuration_pass_through(environ: dict[str, str], home: Path) -> None:
    config = home / ".jupyter"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text("print('read my config', flush=True)\n")
    with running(home, environ) as server:
        assert "read my config" in server.log.read_text()


STOPPED_WHILE_IT_WRITES = """
import io, logging, os, signal, sys
class Written(io.RawIOBase):
    def writable(self): return True
    def write(self, data):
        if b"GET /user" in bytes(data) and signals: os.kill(os.getpid(), signals.pop())
        return os.write(2, data)
signals, emit = [signal.SIGTERM], logging.StreamHandler.emit
stream = io.TextIOWrapper(io.BufferedWriter(Written()), line_buffering=True)
sys.stderr = stream  # where logging complains when a line cannot be written
def through_it(handler, record):
    handler.stream = stream
    emit(handler, record)
logging.StreamHandler.emit = through_it
"""


def test_a_signal_in_the_middle_of_a_line_of_the_log_is_not_lost(environ: dict[str, str], home: Path) -> None:
    (home / ".jupyter").mkdir()
    (home / ".jupyter/jupyter_server_config.py").write_text(STOPPED_WHILE_IT_WRITES)
    with running(home, environ) as server:
        assert server.process.wait(END_LIMIT_S + 10) == 0
        assert "stopping" in server.log.read_text()


STUCK_STOPPING = """
import threading
from jupyter_server.serverapp import ServerApp
def stuck_in_sockets(_): threading.Event().wait()
ServerApp.remove_server_info_file = stuck_in_sockets
"""
STUCK_AT_THE_END = """
import threading
threading.Thread(target=threading.Event().wait).start()
"""


@pytest.mark.parametrize(("stuck", "told"), [(STUCK_STOPPING, "in stuck_in_sockets"), (STUCK_AT_THE_END, "stopping")])
def test_a_server_that_gets_stuck_while_it_stops_ends(
    environ: dict[str, str], home: Path, stuck: str, told: str
) -> None:
    (home / ".jupyter").mkdir()
    (home / ".jupyter/jupyter_server_config.py").write_text(stuck)
    with running(home, environ) as server:
        server.process.terminate()
        assert server.process.wait(END_LIMIT_S + 10) == 0
        assert told in server.log.read_text()


def test_a_rescue_leaves_the_persons_configuration_and_packages_out(environ: dict[str, str], home: Path) -> None:
    config = home / ".jupyter"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text("raise SystemExit('broken configuration')\n")
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    broken = home / f".local/lib/{minor}/site-packages/jupyterlab"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('broken package')\n")
    with running(home, {**environ, "REMUDA_RESCUE": "1"}) as server:
        assert server.ask("api")[0] == 200
        assert server.ask("lab")[0] == 200
        assert list((home / ".local/share").glob("jupyter")) == []
