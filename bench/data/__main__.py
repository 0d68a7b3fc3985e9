"""`make bench-data`: stores and loads beside other libraries on one S3 server on loopback, each in its own process.

JSON goes to --out (default bench/results/data.json), a table to the terminal. What was measured already with the same
rows is kept: a run that was cut short goes on where it ended (--again measures anew). Ends after --minutes. Tables are
removed at the end of a complete run (--keep keeps them).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.data import apart, report, room
from bench.data.contenders import CONTENDERS
from bench.data.server import Observed, serving
from bench.data.tasks import DATA, TASKS
from bench.spawn.machine import Noise

RACES = {
    "overwrite-under-readers": "overwrite 200,000 rows while 8 processes load them",
    "eight-writers": "8 processes append at once",
}
TITLES = {task.name: task.title for task in TASKS} | RACES
LIBRARIES = ("pyarrow", "pyiceberg", "polars", "duckdb", "pandas", "obstore")
_ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.data", description=__doc__)
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=10_000_000)
    parser.add_argument("--minutes", type=float, default=25, help="no measurement begins after that")
    parser.add_argument("--seconds", type=float, default=10, help="of samples per task and library, about")
    parser.add_argument("--limit", type=float, default=150, help="seconds after which a library's task is given up")
    parser.add_argument("--tasks", nargs="*", choices=list(TITLES), default=list(TITLES))
    parser.add_argument("--contenders", nargs="*", choices=list(CONTENDERS), default=list(CONTENDERS))
    parser.add_argument("--out", type=Path, default=Path("bench/results/data.json"))
    parser.add_argument(
        "--folder", type=Path, default=Path(".remuda/bench-data"), help="of the tables, about 3 kB per row"
    )
    parser.add_argument("--keep", action="store_true", help="the tables of a complete run, for the next one")
    parser.add_argument("--again", action="store_true", help="measure anew what is in --out already")
    args = parser.parse_args()
    known = json.loads(args.out.read_text()) if args.out.exists() else {}
    if known.get("rows") != args.rows:
        known = {"rows": args.rows, "runs": [], "results": {}}
    _need_room(args, known)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    noise, ends, complete = Noise.begin(), time.monotonic() + args.minutes * 60, False
    try:
        with serving(args.folder.absolute()) as server:
            bench = Bench(args, server, known, ends)
            try:
                complete = bench.run()
            finally:
                known["libraries"] = {name: metadata.version(name) for name in LIBRARIES}
                known["libraries"] |= {name: version for name in apart.APART if (version := apart.version(name))}
                known["runs"] = [*known["runs"], noise.end()]
                bench.save()
        print(report.table(known["results"], TITLES))
        print(f"\n{json.dumps(known.get('ceiling', {}))}\n{json.dumps(known['runs'][-1])}\nwritten to {args.out}")
        if not complete:
            print("Not everything was measured in that time: the same command goes on.")
    finally:
        print(_leave(args.folder.absolute(), keep=args.keep or not complete), file=sys.stderr)


def _need_room(args: argparse.Namespace, known: dict[str, Any]) -> None:
    """Before anything is written."""
    todo, folder = list(_todo(args, known)), args.folder.absolute()
    free = room.free(folder)
    fitting = room.fitting(free, lambda rows: room.needed(rows, args.seconds, todo))
    if said := room.refusal(room.needed(args.rows, args.seconds, todo), free, folder, fitting):
        sys.exit(said)


def _leave(folder: Path, *, keep: bool) -> str:
    """What became of the tables."""
    if keep:
        size = room.gb(room.used(folder))
        return f"The tables stay in {folder} for the next run: {size}. `rm -r {folder}` removes them."
    return f"The tables are removed: {room.gb(room.remove(folder))}. With --keep they stay for the next run."


def _todo(args: argparse.Namespace, known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for task in args.tasks:
        for contender in args.contenders:
            result = known["results"].get(task, {}).get(contender)
            if args.again or result is None or "missing" in result:  # an environment may be had another day
                yield task, contender


class Bench:
    """One run; saves after every measurement."""

    def __init__(self, args: argparse.Namespace, server: Observed, known: dict[str, Any], ends: float) -> None:
        self._args, self._server, self._known, self._ends = args, server, known, ends
        self._folder = args.folder.absolute()

    def run(self) -> bool:
        """False when the time was over before the tasks were."""
        if not self._once("compression", "bench.data.compression", {"rows": self._args.rows}):
            return False
        for task, contender in _todo(self._args, self._known):
            if time.monotonic() > self._ends:
                return False
            print(f"{TITLES[task]}: {contender}", file=sys.stderr, flush=True)
            by = self._known["results"].setdefault(task, {})
            by[contender] = self._measure(task, contender)
            self.save()
        if "ceiling" not in self._known or self._args.again:
            self._prepare_data("t1", "remuda")  # which it reads, and which these tasks need not have left
        return self._once("ceiling", "bench.data.ceiling", {"folder": str(self._folder)})

    def save(self) -> None:
        fresh = self._args.out.with_suffix(".new")
        fresh.write_text(json.dumps(self._known, indent=1, ensure_ascii=False) + "\n")
        fresh.replace(self._args.out)

    def _measure(self, task: str, contender: str) -> dict[str, Any]:
        by = apart.interpreter(contender)
        if by.missing:
            return {"missing": by.missing}
        self._prepare(task, contender)
        if task in RACES:
            if contender in ("remuda (Arrow)", "remuda (Polars)"):
                return {"cannot": "as remuda"}
            asked = {"folder": str(self._folder), "contender": contender, "race": task}
            return self._child("bench.data.races", asked, python=by.python)
        return self._child(
            "bench.data.child",
            {
                "folder": str(self._folder), "contender": contender, "task": task, "rows": self._args.rows,
                "seconds": self._args.seconds, "server": self._server.__dict__,
            },
            python=by.python,
        )  # fmt: skip

    def _prepare(self, task: str, contender: str) -> None:
        for needed in (
            each for some in TASKS if some.name == task and not some.store for each in (some.data, *some.also)
        ):
            self._prepare_data(needed.name, contender)

    def _prepare_data(self, needed: str, contender: str) -> None:
        iceberg = contender == "pyiceberg"
        mark = self._folder / f"ready-{needed}-{self._args.rows}{'-iceberg' if iceberg else ''}"
        if mark.exists():
            return
        print(f"preparing {needed}{' for pyiceberg' if iceberg else ''}", file=sys.stderr, flush=True)
        asked = {"folder": str(self._folder), "rows": self._args.rows, "data": needed, "iceberg": iceberg}
        for old in self._folder.glob(f"ready-{needed}-[0-9]*{'-iceberg' if iceberg else ''}"):
            if iceberg or "iceberg" not in old.name:
                old.unlink()
        self._child("bench.data.prepare", asked, limit=600)
        mark.touch()

    def _once(self, name: str, module: str, asked: dict[str, Any]) -> bool:
        if name in self._known and not self._args.again:
            return True
        if time.monotonic() > self._ends:
            return False
        self._known[name] = self._child(module, asked)
        self.save()
        return True

    def _child(
        self, module: str, asked: dict[str, Any], *, limit: float | None = None, python: str = sys.executable
    ) -> dict[str, Any]:
        """What it printed last; or why there is nothing."""
        command = [python, "-m", module, json.dumps(asked)]
        limit = limit or self._args.limit
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, **pipes, text=True, cwd=_ROOT, start_new_session=True) as child:
            try:
                stdout, stderr = child.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                return {"failed": f"not done after {limit:.0f} s"}
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)  # its readers and writers, too
        said = stdout.strip().splitlines()
        if child.returncode != 0:
            last = (stderr.strip().splitlines() or ["no output"])[-1]
            return {"failed": f"ended with {child.returncode}: {last[:200]}"}
        return dict(json.loads(said[-1])) if said else {}


assert {data.name for data in DATA} >= {task.data.name for task in TASKS}

if __name__ == "__main__":
    main()
