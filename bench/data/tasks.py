"""What is measured: each task in a process of its own, first once as a process meets it, then warm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from bench.data import tpch
from bench.data.contenders import Contender
from bench.data.frames import names, narrow, sales


@dataclass(frozen=True)
class Data:
    """A table that loads need. `make(rows)` gives it, scaled by the rows asked for."""

    name: str
    partitions: int
    make: Callable[[int], pa.Table]


@dataclass(frozen=True)
class Task:
    """`call(contender, frame)`; a store gets the frame of its data, a load None. `most` samples at most.

    `also` has to be there besides `data`."""

    name: str
    title: str
    data: Data
    call: Callable[[Contender, Any], Any]
    most: int = 5
    store: bool = False
    also: tuple[Data, ...] = ()


def _data(name: str, partitions: int, make: Callable[[int, int], pa.Table], least: int = 0, most: int = 0) -> Data:
    return Data(name, partitions, lambda rows: make(min(most or rows, max(least, rows)), partitions))


ONE = _data("t1", 1, sales)
HUNDRED = _data("t100", 100, sales)
THOUSAND = _data("t1000", 1000, sales)
SMALL = _data("small", 1500, sales, most=1_500_000)
MANY = _data("many", 10_000, narrow, most=100_000, least=100_000)
TINY = Data("tiny", 1, lambda _: sales(5, 1).select(["id", "at", "amount"]))
LINEITEM, ORDERS, CUSTOMER = (
    Data(name, 1, lambda rows, name=name: tpch.table(name, rows // 5))  # type: ignore[misc]
    for name in tpch.TABLES
)
DATA = (ONE, HUNDRED, THOUSAND, SMALL, MANY, TINY, LINEITEM, ORDERS, CUSTOMER)


def _store(name: str, data: Data, title: str) -> Task:
    def call(contender: Contender, frame: Any) -> None:
        contender.store(frame, f"stored_{data.name}", data.partitions > 1)

    return Task(f"store-{name}", title, data, call, most=3, store=True)


def _query(number: int, title: str, *also: Data) -> Task:
    return Task(f"tpch-{number}", title, LINEITEM, lambda by, _: by.query(tpch.QUERIES[number]), most=10, also=also)


TASKS = (
    _store("1", ONE, "store into one partition"),
    _store("100", HUNDRED, "store into 100 partitions"),
    _store("1000", THOUSAND, "store into 1,000 partitions"),
    Task("load-1", "load all, from one partition", ONE, lambda by, _: by.load("t1")),
    Task("load-1000", "load all, from 1,000 partitions", THOUSAND, lambda by, _: by.load("t1000")),
    Task(
        "partition", "load one of 1,000 partitions", THOUSAND,
        lambda by, _: by.partition("t1000", names(1000)[7]), most=30,
    ),
    Task(
        "predicate", "two columns where amount > 400 (0.3 %)", ONE,
        lambda by, _: by.filtered("t1", ["id", "amount"], [("amount", ">", 400.0)]), most=20,
    ),
    Task("small-files", "load 1,500 small files", SMALL, lambda by, _: by.load("small")),
    Task(
        "one-of-10000", "find and load one of 10,000 partitions", MANY,
        lambda by, _: by.partition("many", names(10_000)[777]), most=20,
    ),
    Task("tiny", "load a 1 kB table", TINY, lambda by, _: by.load("tiny"), most=200),
    _store("lineitem", LINEITEM, "TPC-H: store lineitem"),
    Task("load-lineitem", "TPC-H: load lineitem", LINEITEM, lambda by, _: by.load("lineitem")),
    _query(1, "TPC-H query 1: totals of nearly all of lineitem"),
    _query(6, "TPC-H query 6: a sum over 2 % of lineitem"),
    _query(3, "TPC-H query 3: lineitem, orders and customer joined", ORDERS, CUSTOMER),
)  # fmt: skip
BY_NAME = {task.name: task for task in TASKS}
