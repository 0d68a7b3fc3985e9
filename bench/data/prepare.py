"""The tables that loads need: ours, the same files in folders as Hive has them, and pyiceberg's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.data.contenders import DATABASE, HIVE, PyIceberg, RemudaArrow
from bench.data.tasks import DATA, Data


def main() -> None:
    """Arguments as JSON: folder, rows, data (its name), iceberg (whether pyiceberg's)."""
    asked = json.loads(sys.argv[1])
    data = next(each for each in DATA if each.name == asked["data"])
    folder = Path(asked["folder"])
    if asked["iceberg"]:
        PyIceberg(folder).store(data.make(asked["rows"]), data.name, data.partitions > 1)
    else:
        _ours(folder, data, asked["rows"])


def _ours(folder: Path, data: Data, rows: int) -> None:
    by = RemudaArrow(folder)
    by.store(data.make(rows), data.name, data.partitions > 1)
    storage = by.workspace.storage
    storage.delete([entry.url for entry in storage.list(f"{HIVE}/{data.name}/")])
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda pair: storage.copy(*pair), _pairs(by.workspace, data.name)))
    by.close()


def _pairs(workspace: Any, name: str) -> Iterator[tuple[str, str]]:
    """Each file and its place without the batch."""
    from data_access.names import TableName
    from data_access.tables.snapshot import open_snapshot

    snapshot = open_snapshot(workspace, TableName(DATABASE, name))
    for file in snapshot.files:
        partition, _, rest = file.path.rpartition("batch_id=")
        yield f"{snapshot.root}/{file.path}", f"{HIVE}/{name}/{partition}{rest.partition('/')[2]}"


if __name__ == "__main__":
    main()
