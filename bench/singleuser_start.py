"""How long a single-user server takes from exec to serving, ours against plain `jupyterhub-singleuser`, alternately.

    python bench/singleuser_start.py [--runs 10] [--json FILE] [--mode home|empty-home]

The Hub is stood in for by a small HTTP server that answers the three calls a server makes at start (version,
activity, token → user). Phases, in milliseconds since exec: `listening` (the port accepts), `api` (`GET /api` answers
200: what the Hub waits for), `lab` (`GET /lab` with a token answers 200), `settings` (Lab's first big request), `stop`
(SIGTERM → process gone, idle), `cpu` (user + system time of the process until stopped).
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.servers.process import free_port

TOKEN = "bench-token"  # noqa: S105 - a stand-in Hub's token
PREFIX = "/user/bench/"
PHASES = ("listening", "api", "lab", "settings", "stop", "cpu")


class StandInHub(BaseHTTPRequestHandler):
    """Answers what a single-user server asks the Hub for."""

    protocol_version = "HTTP/1.1"
    calls: list[str]

    def _answer(self, body: dict[str, object]) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        payload = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", "6.1.1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):  # the server was stopped while it asked
            self.wfile.write(payload)

    def do_GET(self) -> None:
        if self.path.startswith("/hub/api/user"):
            scopes = ["access:servers!user=bench"]
            self._answer({"name": "bench", "kind": "user", "admin": False, "groups": [], "scopes": scopes})
        else:
            self._answer({"version": "6.1.1"})

    def do_POST(self) -> None:
        self._answer({})

    def log_message(self, *_: object) -> None:
        """Keep the terminal for the results."""


@contextlib.contextmanager
def stand_in_hub() -> Iterator[int]:
    """Run the stand-in for as long as the block lasts; its port."""
    hub = ThreadingHTTPServer(("127.0.0.1", 0), StandInHub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    try:
        yield int(hub.server_port)
    finally:
        hub.shutdown()
        hub.server_close()


def environment(port: int, hub_port: int, home: Path) -> dict[str, str]:
    """The variables the Hub gives a server, and nothing of this shell but the path."""
    api = f"http://127.0.0.1:{hub_port}/hub/api"
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "JUPYTERHUB_API_TOKEN": TOKEN,
        "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-bench",
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{PREFIX}oauth_callback",
        "JUPYTERHUB_OAUTH_SCOPES": '["access:servers!server=bench/"]',
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:servers!user=bench"]',
        "JUPYTERHUB_USER": "bench",
        "JUPYTERHUB_SERVER_NAME": "",
        "JUPYTERHUB_API_URL": api,
        "JUPYTERHUB_ACTIVITY_URL": f"{api}/users/bench/activity",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}{PREFIX}",
        "JUPYTERHUB_ROOT_DIR": str(home),
        "JUPYTERHUB_DEFAULT_URL": "/lab",
    }


def get(port: int, path: str) -> int:
    """GET as the Hub does (`api`, nobody's) or as the person's browser does (with what identifies them)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", PREFIX + path, headers={} if path == "api" else {"Authorization": f"token {TOKEN}"})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def wait_listening(port: int, process: subprocess.Popen[bytes], deadline: float) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"the server exited with {process.returncode} before it listened") from None
            if time.perf_counter() > deadline:
                raise SystemExit("the server did not listen within 60 s") from None
            time.sleep(0.004)
        else:
            return


def one_start(command: list[str], hub_port: int, home: Path, log: Path) -> dict[str, float]:
    port = free_port()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with log.open("ab") as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment(port, hub_port, home), cwd=home, stdout=out, stderr=out, start_new_session=True
        )
    times: dict[str, float] = {}

    def mark(phase: str) -> None:
        times[phase] = (time.perf_counter() - started) * 1000

    try:
        wait_listening(port, process, started + 60)
        mark("listening")
        for phase, path in (("api", "api"), ("lab", "lab"), ("settings", "lab/api/settings/?ids_only=false")):
            status = get(port, path)
            if status != 200:
                raise SystemExit(f"GET {path} answered {status}; see {log}")
            mark(phase)
        stopping = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        times["stop"] = (time.perf_counter() - stopping) * 1000
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    times["cpu"] = (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000
    return times


def measure(contenders: dict[str, list[str]], runs: int, mode: str) -> dict[str, list[dict[str, float]]]:
    """Start each in turn, `runs` times; run 0 warms the page cache and the .pyc files and is not counted."""
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory() as scratch, stand_in_hub() as hub_port:
        for run in range(runs + 1):
            for name, command in contenders.items():
                home = Path(scratch, name if mode == "home" else f"{name}-{run}")
                home.mkdir(exist_ok=True)
                log = Path(scratch, f"{name}.log")
                try:
                    times = one_start(command, hub_port, home, log)
                except SystemExit:
                    sys.stderr.write(log.read_text()[-4000:])
                    raise
                if run:
                    samples[name].append(times)
                    print(f"{run:3} {name:8}", "  ".join(f"{p} {times[p]:.0f}" for p in PHASES), flush=True)
    return samples


def summary(samples: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    result = {}
    for phase in PHASES:
        values = sorted(sample[phase] for sample in samples)
        p90 = values[min(len(values) - 1, round(0.9 * (len(values) - 1)))]
        result[phase] = {
            "p50": round(statistics.median(values), 1),
            "p90": round(p90, 1),
            "min": round(values[0], 1),
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="starts of each kind, alternating")
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument(
        "--mode", choices=("home", "empty-home"), default="home", help="empty-home: a new home per start"
    )
    parser.add_argument("--ours-only", action="store_true")
    options = parser.parse_args()

    here = Path(sys.executable).parent
    contenders = {"remuda": [str(here / "remuda-singleuser")], "plain": [str(here / "jupyterhub-singleuser")]}
    if os.geteuid() == 0:
        contenders["plain"].append("--allow-root")
    if options.ours_only:
        del contenders["plain"]
    os.environ["PATH"] = f"{here}:{os.environ['PATH']}"
    samples = measure(contenders, options.runs, options.mode)
    results = {name: summary(of) for name, of in samples.items()}
    report: dict[str, object] = {
        "benchmark": "singleuser_start",
        "unit": "ms",
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "mode": options.mode,
        "runs": options.runs,
        "results": results,
    }
    if "plain" in results:
        report["ratio_p50"] = {p: round(results["remuda"][p]["p50"] / results["plain"][p]["p50"], 3) for p in PHASES}
    print(json.dumps(report, indent=1))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
