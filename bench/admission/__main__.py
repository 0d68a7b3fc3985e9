"""`make bench-admission`: decisions at the gate with thousands of leases and a long ledger, on SQLite and PostgreSQL.

JSON goes to --out (default bench/results/admission.json), a table to the terminal. Databases are made in a temporary
folder and go with it; to fill them takes most of the time, and `--filled` names one that was filled before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import metadata
from pathlib import Path

from bench.admission.fill import fill
from bench.admission.promised_rounds import promised_rounds
from bench.admission.rounds import Samples, figures, rounds
from bench.spawn.machine import Noise
from hub_extensions.admission.database import Database
from hub_extensions.admission.place import admission_url
from tools.servers import postgres

DATABASES = ("sqlite", "postgresql")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.admission", description=__doc__)
    number = lambda text: int(float(text))  # noqa: E731
    parser.add_argument("--ledger", type=number, default=1_000_000, help="runs in the ledger")
    parser.add_argument("--leases", type=number, default=5_000, help="machines that are out")
    parser.add_argument("--rounds", type=number, default=2_000, help="starts and stops measured")
    parser.add_argument("--databases", nargs="*", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--out", type=Path, default=Path("bench/results/admission.json"))
    parser.add_argument("--filled", metavar="URL", help="one that `bench.admission.fill` has filled; it is used up")
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    for kind in args.databases:
        samples = Samples()
        with nullcontext(args.filled) if args.filled else filled(kind, args.ledger, args.leases) as url:
            noise, name = Noise.begin(), uuid.uuid4().hex
            asyncio.run(rounds(url, name, args.rounds, samples))
            asyncio.run(promised_rounds(url, name, args.rounds // 5, samples))
        samples.close()
        found = {
            "ledger": args.ledger,
            "leases": args.leases,
            "figures": {name: figures(each) for name, each in samples.by_name.items()},
            "libraries": {name: metadata.version(name) for name in ("sqlalchemy", "psycopg")},
            "run": noise.end(),
        }
        # Read again: the other database may be measured at the same time.
        known = json.loads(args.out.read_text()) if args.out.exists() else {}
        args.out.write_text(json.dumps({**known, kind: found}, indent=1) + "\n")
        print(_table(kind, found["figures"]), json.dumps(found["run"]), f"written to {args.out}", sep="\n", flush=True)


@contextmanager
def filled(kind: str, ledger: int, leases: int) -> Iterator[str]:
    with empty(kind) as url:
        began, database = time.monotonic(), Database(url)
        fill(database, ledger, leases)
        database.close()
        print(f"{kind}: filled in {time.monotonic() - began:.0f} s", flush=True)
        yield url


@contextmanager
def empty(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="remuda-bench-") as folder:
            yield admission_url(f"sqlite:///{folder}/jupyterhub.sqlite")
        return
    server = postgres.start()
    try:
        server.create_database("hub")
        yield admission_url(server.url("hub"))
    finally:
        server.stop()


def _table(kind: str, results: dict[str, dict[str, float]]) -> str:
    names = list(results["admit"])
    lines = [f"{kind:32}" + "".join(f"{name:>12}" for name in names)]
    lines += [f"{what:32}" + "".join(f"{value:>12}" for value in row.values()) for what, row in results.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
