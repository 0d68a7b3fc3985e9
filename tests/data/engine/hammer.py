"""Many processes that commit to one table at once; says what was acknowledged, and whether anything of it was lost.

    python -m tests.data.engine.hammer thrift://localhost:9083 s3://lake/warehouse sandbox_ann.hammer 8 125

Each writer commits to partitions of its own and, every fifth time, to one that all append to; each commit's rows name
their writer and turn, so that a lost one shows as missing rows and as a hole in the chain. Prints JSON:
acknowledged, conflicts, in_chain, lost, missing_rows, seconds, p50_ms, p99_ms. Exits 1 when something was lost.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from typing import Any

from data_access.config import Settings
from data_access.errors import ConflictError, DataError
from data_access.names import TableName
from data_access.workspace import Workspace, connect

EVERY = 5  # every fifth commit appends to the partition that all share


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    if given.writer is not None:
        print(json.dumps(write(given, given.writer)))
        return 0
    report = hammer(given)
    print(json.dumps(report, indent=1))
    return 1 if report["lost"] or report["missing_rows"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("metastore")
    parser.add_argument("warehouse")
    parser.add_argument("table", help="database.table; a sandbox of --user")
    parser.add_argument("writers", type=int)
    parser.add_argument("commits", type=int, help="by each writer")
    parser.add_argument("--user", default="ann")
    parser.add_argument("--endpoint", help="of S3")
    parser.add_argument("--writer", type=int, help=argparse.SUPPRESS)
    return parser


def workspace(given: argparse.Namespace) -> Workspace:
    s3 = {"endpoint": given.endpoint} if given.endpoint else {}
    return connect(
        Settings(metastore=given.metastore, warehouse=given.warehouse, user=given.user, s3=s3, progress=False)
    )


def hammer(given: argparse.Namespace) -> dict[str, Any]:
    """Starts the writers, waits for them, and counts."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.data.engine.hammer", *_again(given)]
    writers = [
        subprocess.Popen([*command, "--writer", str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(given.writers)
    ]
    told = [json.loads(each.communicate()[0]) for each in writers]
    seconds = time.monotonic() - began
    acknowledged = [each for one in told for each in one["acknowledged"]]
    took = sorted(each for one in told for each in one["ms"])
    return {
        "writers": given.writers,
        "acknowledged": len(acknowledged),
        "conflicts": sum(one["conflicts"] for one in told),
        "errors": [each for one in told for each in one["errors"]],
        **_found(given, acknowledged),
        "seconds": round(seconds, 2),
        "p50_ms": round(statistics.median(took), 1),
        "p99_ms": round(took[int(len(took) * 0.99)], 1),
    }


def _again(given: argparse.Namespace) -> list[str]:
    endpoint = ["--endpoint", given.endpoint] if given.endpoint else []
    return [
        given.metastore, given.warehouse, given.table, str(given.writers), str(given.commits), "--user", given.user,
        *endpoint,
    ]  # fmt: skip


def write(given: argparse.Namespace, writer: int) -> dict[str, Any]:
    """One process: its commits one after the other, each tried until it is acknowledged."""
    import pandas

    from data_access.tables.store import store_dataframe

    here = workspace(given)
    told: dict[str, Any] = {"acknowledged": [], "conflicts": 0, "errors": [], "ms": []}
    for turn in range(given.commits):
        shared = turn % EVERY == 0
        frame = pandas.DataFrame({"writer": [writer], "turn": [turn]})
        values = {"who": "all" if shared else f"{writer}-{turn % 3}"}
        while True:
            began = time.monotonic()
            try:
                commit = store_dataframe(
                    frame, given.table, partitions=values, mode="append" if shared else "overwrite", workspace=here
                )
            except ConflictError:
                told["conflicts"] += 1
                continue
            except DataError as error:
                told["errors"].append(str(error))
                break
            told["ms"].append((time.monotonic() - began) * 1000)
            told["acknowledged"].append([commit.number, commit.id, shared, writer, turn])
            break
    return told


def _found(given: argparse.Namespace, acknowledged: list[list[Any]]) -> dict[str, Any]:
    """What is in the table of what was acknowledged."""
    from data_access.tables.load import table_arrow
    from data_access.tables.log import history

    here, name = workspace(given), TableName.parse(given.table)
    ids = {each.id for each in history(given.table, limit=None, workspace=here)}
    rows = table_arrow(here, name, partitions={"who": "all"}).to_pylist()
    there = {(row["writer"], row["turn"]) for row in rows}
    missing = [each for each in acknowledged if each[2] and (each[3], each[4]) not in there]
    return {
        "in_chain": len(ids),
        "lost": sum(each[1] not in ids for each in acknowledged),
        "missing_rows": len(missing),
        "doubled_rows": len(rows) - len(there),
    }


if __name__ == "__main__":
    sys.exit(main())
