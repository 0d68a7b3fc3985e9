"""How much disk a run takes, and what of it is removed at the end.

At ten million rows all tasks took 27 GB. Much of that is history: our tables and pyiceberg's keep every store, the
other libraries the last one alone. What loads read lies there twice, as ours and in folders, and again for pyiceberg.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

BYTES_PER_ROW = 82  # of the 20 columns in files
OVERHEAD = 10**9  # ten thousand small files three times, races, access log
STORES_AT_MOST = 4
KEEP_EVERY_STORE = ("remuda", "remuda (Arrow)", "remuda (Polars)", "pyiceberg")
# Of a million rows, by the quicker ones: who takes longer than --seconds for the first store makes no second.
STORE_SECONDS = {"store-1": 0.7, "store-100": 1.2, "store-1000": 1.7, "store-lineitem": 0.2}
# Tables that loads need.
READS = {
    "load-1": ("t1",), "predicate": ("t1",), "load-1000": ("t1000",), "partition": ("t1000",),
    "small-files": ("small",), "load-lineitem": ("lineitem",), "tpch-1": ("lineitem",), "tpch-6": ("lineitem",),
    "tpch-3": ("lineitem", "orders", "customer"),
}  # fmt: skip
SHARE = {"lineitem": 0.07, "orders": 0.02, "customer": 0.005}  # of the bytes: a fifth of the rows, and shorter ones
AT_MOST = {"small": 1_500_000}
# All that a run leaves in its folder; a folder that somebody names may have more in it.
MADE = ("s3", "duckdb", "catalog.sqlite*", "iceberg.sqlite*", "ready-*", "access.log")


def needed(rows: int, seconds: float, todo: Collection[tuple[str, str]]) -> int:
    """PURE: bytes for these (task, contender); at ten million rows and all of them a tenth above what they took."""
    if not todo:
        return 0
    stores = sum(
        _rows(rows, "lineitem" if task == "store-lineitem" else "") * _kept(task, contender, rows, seconds)
        for task, contender in todo
        if task in STORE_SECONDS
    )
    shared = {name for task, _ in todo for name in READS.get(task, ())}
    icebergs = {name for task, contender in todo for name in READS.get(task, ()) if contender == "pyiceberg"}
    read = sum(2 * _rows(rows, name) for name in shared) + sum(_rows(rows, name) for name in icebergs)
    return int((stores + read) * BYTES_PER_ROW) + OVERHEAD


def fitting(free: int, need: Callable[[int], int]) -> int:
    """PURE: the largest round number of rows for which `free` bytes do; 0 when there is none."""
    steps = (digit * 10**power for power in range(9, 3, -1) for digit in (5, 2, 1))
    return next((rows for rows in steps if need(rows) <= free), 0)


def refusal(need: int, free: int, folder: Path, rows: int) -> str:
    """PURE: limit against actual and what to do, when `free` bytes are too few; empty when they do. `rows` fit."""
    if need <= free:
        return ""
    fewer = f"Ask for fewer rows (--rows {_round(rows)}), for fewer tasks (--tasks), or" if rows else "Free some, or"
    return (
        f"Not enough disk space: the tables take up to {gb(need)}, and {gb(free)} are to be had at {folder}.\n"
        f"  {fewer} name a folder on another disk (--folder)."
    )


def _round(rows: int) -> str:
    """1e7."""
    digit, _, power = f"{rows:.0e}".partition("e+")
    return f"{digit}e{int(power)}"


def gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def used(folder: Path) -> int:
    """Bytes that a run's tables take."""
    total = 0
    for place in _made(folder):
        for path in (place, *place.rglob("*")):
            with suppress(FileNotFoundError):
                total += path.lstat().st_blocks * 512
    return total


def free(folder: Path) -> int:
    """Bytes to be had at a folder that need not be there yet; those of an earlier run's tables are."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return shutil.disk_usage(there).free + used(folder)


def remove(folder: Path) -> int:
    """Bytes that a run's tables took; nothing else in that folder is touched."""
    size = used(folder)
    for place in _made(folder):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()
    with suppress(OSError):  # somebody has something else in it
        folder.rmdir()
    return size


def _made(folder: Path) -> list[Path]:
    return [place for pattern in MADE for place in folder.glob(pattern)]


def _rows(rows: int, name: str) -> float:
    return min(rows, AT_MOST.get(name, rows)) * SHARE.get(name, 1)


def _kept(task: str, contender: str, rows: int, seconds: float) -> int:
    """Stores that are still there in the end."""
    if contender not in KEEP_EVERY_STORE:
        return 1
    once = STORE_SECONDS[task] * rows / 1e6
    return 1 if once > seconds else max(2, min(STORES_AT_MOST, math.ceil(seconds / once)))
