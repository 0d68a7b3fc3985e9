"""Several processes on one table: an overwrite under 8 readers, and 8 writers at once.

A reader that sees two versions in one load, or an error, is counted; so is a row that a writer stored and nobody finds.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.data.contenders import CONTENDERS, Cannot, Contender, size
from bench.data.frames import sales

ROWS, READERS, WRITERS, OVERWRITES, APPENDS = 200_000, 8, 8, 6, 5
_SPAWN = multiprocessing.get_context("spawn")


def main() -> None:
    """Arguments as JSON: folder, contender, race."""
    asked = json.loads(sys.argv[1])
    race = {"overwrite-under-readers": overwrite, "eight-writers": writers}[asked["race"]]
    try:
        report = race(asked["contender"], asked["folder"])
    except Cannot as why:
        report = {"cannot": str(why)}
    except Exception as error:
        report = {"failed": f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"}
    print("\n" + json.dumps(report))


def version(number: int) -> pa.Table:
    table = sales(ROWS, 8)
    return table.append_column("version", pa.array([number] * table.num_rows, pa.int64()))


def open_(name: str, folder: str) -> Contender:
    if name not in ("remuda", "awswrangler", "pyiceberg"):
        raise Cannot("it has no tables: an overwrite is a deletion and then files, one by one")
    return CONTENDERS[name](Path(folder))


def versions(by: Contender, name: str) -> set[int]:
    """Those of one load; of a whole table it is one."""
    if type(by).__name__ == "AwsWrangler":
        import awswrangler

        frame = awswrangler.s3.read_parquet(f"s3://bench/awswrangler/{name}/", dataset=True)
    else:
        frame = by.load(name)
    if size(frame)[0] != ROWS:
        raise RuntimeError(f"{size(frame)[0]} rows instead of {ROWS}")
    column = frame["version"]
    return set(column.unique().tolist() if hasattr(column, "tolist") else column.unique().to_pylist())


def read_on(name: str, folder: str, ready: Any, end: Event, told: Any) -> None:
    by = open_(name, folder)
    samples, torn, errors = [], 0, 0
    versions(by, "raced")
    ready.release()
    while not end.is_set():
        start = time.perf_counter()
        try:
            torn += len(versions(by, "raced")) > 1
        except Exception:
            errors += 1
        samples.append(time.perf_counter() - start)
    told.put((samples, torn, errors))


def overwrite(name: str, folder: str) -> dict[str, Any]:
    """A writer's and the readers' seconds."""
    by = open_(name, folder)
    frames = [by.frame(version(i)) for i in range(2)]
    by.store(frames[0], "raced", True)
    ready, end, told = _SPAWN.Semaphore(0), _SPAWN.Event(), _SPAWN.Queue()
    readers = [_SPAWN.Process(target=read_on, args=(name, folder, ready, end, told)) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    for _ in readers:
        ready.acquire(timeout=60)
    samples = []
    for i in range(OVERWRITES):
        start = time.perf_counter()
        by.store(frames[(i + 1) % 2], "raced", True)
        samples.append(time.perf_counter() - start)
    end.set()
    found = [told.get(timeout=60) for _ in readers]
    for reader in readers:
        reader.join()
    reads = sorted(each for one in found for each in one[0])
    return {
        "samples_s": [round(each, 4) for each in samples],
        "first_s": round(samples[0], 4),
        "reads_s": [round(each, 4) for each in reads[:: max(1, len(reads) // 200)]],
        "loads": len(reads),
        "torn": sum(one[1] for one in found),
        "errors": sum(one[2] for one in found),
    }


def append(by: Contender, table: pa.Table, name: str) -> None:
    if type(by).__name__.startswith("Remuda"):
        from bench.data.contenders import DATABASE
        from data_access import store_dataframe

        store_dataframe(table, DATABASE, name, mode="append", workspace=by.workspace)  # type: ignore[attr-defined]
    elif type(by).__name__ == "PyIceberg":
        by.catalog.load_table(f"bench.{name}").append(table)  # type: ignore[attr-defined]
    else:
        import awswrangler

        place = f"s3://bench/awswrangler/{name}/"
        awswrangler.s3.to_parquet(table.to_pandas(), path=place, dataset=True, mode="append")


def write_on(name: str, folder: str, number: int, signals: tuple[Any, Event, Any]) -> None:
    ready, go, told = signals
    by = open_(name, folder)
    ready.release()
    go.wait()
    samples, stored, errors = [], [], 0
    for i in range(APPENDS):
        key = number * 1000 + i
        start = time.perf_counter()
        try:
            append(by, pa.table({"key": pa.array([key] * 1000, pa.int64()), "x": [0.5] * 1000}), "written")
            stored.append(key)
        except Exception:
            errors += 1
        samples.append(time.perf_counter() - start)
    told.put((samples, stored, errors))


def writers(name: str, folder: str) -> dict[str, Any]:
    """Each appends a thousand rows some times; what was said to be stored has to be there."""
    by = open_(name, folder)
    first = pa.table({"key": pa.array([-1] * 1000, pa.int64()), "x": [0.5] * 1000})
    by.store(by.frame(first), "written", False)
    ready, go, told = _SPAWN.Semaphore(0), _SPAWN.Event(), _SPAWN.Queue()
    made = [_SPAWN.Process(target=write_on, args=(name, folder, i, (ready, go, told))) for i in range(WRITERS)]
    for each in made:
        each.start()
    for _ in made:
        ready.acquire(timeout=60)
    start = time.perf_counter()
    go.set()
    found = [told.get(timeout=120) for _ in made]
    seconds = time.perf_counter() - start
    for each in made:
        each.join()
    said = {key for one in found for key in one[1]}
    there = keys(by, "written")
    samples = [each for one in found for each in one[0]]
    return {
        "samples_s": [round(each, 4) for each in samples],
        "first_s": round(samples[0], 4),
        "commits_per_s": round(len(said) / seconds, 2),
        "stored": len(said),
        "lost": len(said - there),
        "errors": sum(one[2] for one in found),
    }


def keys(by: Contender, name: str) -> set[int]:
    if type(by).__name__ == "AwsWrangler":
        import awswrangler

        frame = awswrangler.s3.read_parquet(f"s3://bench/awswrangler/{name}/", dataset=True)
    else:
        frame = by.load(name)
    column = frame["key"]
    return set(column.unique().tolist() if hasattr(column, "tolist") else column.unique().to_pylist())


if __name__ == "__main__":
    main()
