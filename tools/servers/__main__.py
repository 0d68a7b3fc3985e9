"""Real servers on this computer, without Docker.

    python -m tools.servers fetch [NAME …]     what is needed to start them, into the cache
    python -m tools.servers start [NAME …]     until Ctrl-C; --folder keeps their data, --port-s3 … fix ports
    python -m tools.servers status             what is fetched, and what runs

NAME is s3, postgres, hive (2.3.10), hive4 (4.0.1) or spark (which is only fetched). The cache is $REMUDA_CACHE, by
default ~/.cache/remuda.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.servers import hive, postgres, spark, versitygw
from tools.servers.cache import CACHE, SERVERS
from tools.servers.errors import ServerError
from tools.servers.process import accepts

RUNNING = SERVERS / "running.json"
STARTED = ("s3", "postgres", "hive", "hive4")
NAMES = (*STARTED, "spark")
DEFAULT = ("s3", "postgres", "hive")


@dataclass(frozen=True)
class Part:
    """`fetch` of what a distribution's package brings says which package."""

    what: str
    fetched: Callable[[], bool]
    fetch: Callable[[], None]


def _postgres() -> None:
    if not postgres.fetched():
        raise ServerError("PostgreSQL is not installed.", "Debian and Ubuntu: apt-get install postgresql.")


PARTS = {
    "s3": Part(f"versitygw {versitygw.VERSION}", versitygw.fetched, versitygw.fetch),
    "postgres": Part("PostgreSQL of this system", postgres.fetched, _postgres),
    "hive": Part("Hive Metastore 2.3.10", hive.fetched, hive.fetch),
    "hive4": Part("Hive Metastore 4.0.1", hive.fetched, hive.fetch),
    "spark": Part(f"PySpark {spark.VERSION}", spark.fetched, spark.fetch),
}


def fetch(names: list[str]) -> None:
    for name in names or NAMES:
        PARTS[name].fetch()
        print(f"{name:<9} {PARTS[name].what}: there")


def start(names: list[str], folder: Path | None, ports: dict[str, int | None]) -> None:
    """Until Ctrl-C or SIGTERM."""
    wanted = {name for name in names or DEFAULT if name in STARTED}
    if wanted & {"hive", "hive4"}:
        wanted.add("postgres")
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())

    def place(name: str) -> Path | None:
        return folder / name if folder else None

    with contextlib.ExitStack() as running:
        said: dict[str, dict[str, str]] = {}
        if "s3" in wanted:
            s3 = versitygw.start(place("s3"), ports["s3"])
            running.callback(s3.stop)
            said["s3"] = s3.environment
        if "postgres" in wanted:
            database = postgres.start(place("postgres"), ports["postgres"])
            running.callback(database.stop)
            said["postgres"] = {"url": database.url("postgres")}
        for name, version in zip(("hive", "hive4"), hive.VERSIONS, strict=True):
            if name in wanted:
                server = hive.start(version, database, folder=place(name), port=ports[name], lasting=folder is not None)
                running.callback(server.stop)
                said[name] = {"REMUDA_DATA_METASTORE": server.url}
        SERVERS.mkdir(parents=True, exist_ok=True)
        RUNNING.write_text(json.dumps(said))
        running.callback(RUNNING.unlink, missing_ok=True)
        for name, values in said.items():
            print(f"# {PARTS[name].what}")
            for key, value in values.items():
                print(f"export {key}={value}" if key.isupper() else f"# {key} {value}")
        print("# Ctrl-C ends them.", flush=True)
        ending.wait()


def status() -> None:
    print(f"cache: {CACHE}")
    for name, part in PARTS.items():
        print(
            f"{name:<9} {part.what}: {'there' if part.fetched() else f'missing; python -m tools.servers fetch {name}'}"
        )
    try:
        said: dict[str, dict[str, str]] = json.loads(RUNNING.read_text())
    except (FileNotFoundError, ValueError):
        said = {}
    for name, values in said.items():
        for key, value in values.items():
            port = value.rpartition(":")[2].partition("/")[0]
            if port.isdigit():
                print(f"{name:<9} {key} {value}: {'runs' if accepts(int(port)) else 'does not answer'}")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.servers", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("fetch", "start"):
        sub = commands.add_parser(command)
        sub.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    sub.add_argument("--folder", type=Path, help="keep their data here; without, it goes when they end")
    for name in STARTED:
        sub.add_argument(f"--port-{name}", type=int, help="a free one by default")
    commands.add_parser("status")
    chosen = parser.parse_args(arguments)
    if unknown := set(getattr(chosen, "names", ())) - set(NAMES):
        parser.error(f"{', '.join(sorted(unknown))}: no such server. There are {', '.join(NAMES)}.")
    try:
        if chosen.command == "fetch":
            fetch(chosen.names)
        elif chosen.command == "start":
            start(chosen.names, chosen.folder, {name: getattr(chosen, f"port_{name}") for name in STARTED})
        else:
            status()
    except ServerError as error:
        print(f"{error.problem}\n  {error.remedy}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
