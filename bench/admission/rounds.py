"""What is measured: starts and stops at one gate, one after the other and all at once."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bench.admission.hub import NOW, POLICIES, request
from hub_extensions.admission.database import Database
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.memory import set_aside
from hub_extensions.admission.store import Store
from profiles.admission import Admit
from profiles.lease import EndReason

AT_ONCE = 200


@dataclass
class Clock:
    """Of the hub: a second passes between two starts."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Sample:
    """Milliseconds by the clock, and of this process's CPU, which says more on a busy machine; SQL statements."""

    clock: float
    cpu: float
    statements: int


@dataclass
class Samples:
    """By what was asked."""

    by_name: dict[str, list[Sample]] = field(default_factory=dict)
    statements: int = 0

    def __post_init__(self) -> None:
        sa.event.listen(Engine, "before_cursor_execute", self._count)

    def close(self) -> None:
        sa.event.remove(Engine, "before_cursor_execute", self._count)

    async def timed(self, name: str, asked: Awaitable[object]) -> object:
        began, cpu, statements = time.perf_counter(), time.process_time(), self.statements
        answer = await asked
        self._put(name, began, cpu, statements)
        return answer

    def run(self, name: str, asked: Callable[[], object]) -> None:
        began, cpu, statements = time.perf_counter(), time.process_time(), self.statements
        asked()
        self._put(name, began, cpu, statements)

    def _put(self, name: str, began: float, cpu: float, statements: int) -> None:
        clock, used = time.perf_counter() - began, time.process_time() - cpu
        self.by_name.setdefault(name, []).append(Sample(clock * 1000, used * 1000, self.statements - statements))

    def _count(self, *_: Any) -> None:
        self.statements += 1


async def rounds(url: str, name: str, number_of: int, samples: Samples) -> None:
    clock, dice = Clock(), random.Random(2)  # noqa: S311 - the same starts each time
    gate = SqlGate(Store(Database(url)), lambda: POLICIES, clock)
    other = SqlGate(Store(Database(url)), lambda: POLICIES, clock)
    await samples.timed("first", gate.foresee(request("first", dice)))
    await other.foresee(request("first", dice))
    set_aside()  # as a hub does then
    for number in range(number_of):
        clock.now += timedelta(seconds=1)
        # Every eighth start is at the other hub of a rolling restart, so that books have something to learn.
        at = other if number % 8 == 0 else gate
        # What the database and the thread take by themselves, at the same minute of the same machine.
        await samples.timed("floor: SELECT 1 under the lock", at.call(_touch, at.store.database))
        await samples.timed("floor: and one row written", at.call(at.store.seen, clock.now))
        await _life(at, f"{name}-{number}", dice, clock, samples)
    asked = [request(f"{name}-crowd-{number}", dice) for number in range(AT_ONCE)]
    await samples.timed(f"{AT_ONCE} at once", asyncio.gather(*map(gate.admit, asked)))
    for each in asked:
        await gate.ended(each.lease_id, clock.now, EndReason.STOPPED)
    gate.close()
    other.close()


async def _life(gate: SqlGate, lease_id: str, dice: random.Random, clock: Clock, samples: Samples) -> None:
    asked, unforeseen = request(lease_id, dice), request(f"{lease_id}-unforeseen", dice)
    await samples.timed("foresee", gate.foresee(asked))
    # As pages do: whoever starts a machine has seen what it would be granted. Then one whom nobody asked for before.
    for name, each in (("admit", asked), ("admit, not foreseen", unforeseen)):
        decision = await samples.timed(name, gate.admit(each))
        assert isinstance(decision, Admit), decision
    for each in (asked, unforeseen):
        await samples.timed("began", gate.began(each.lease_id, clock.now))
        # Most starts of the past are over: what ran two hours touches three hours of the sums.
        over = clock.now + timedelta(hours=2)
        await samples.timed("ended", gate.ended(each.lease_id, over, EndReason.STOPPED))


def _touch(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("SELECT 1").all()


def figures(samples: list[Sample]) -> dict[str, float]:
    clock, cpu = sorted(each.clock for each in samples), sorted(each.cpu for each in samples)

    def at(ordered: list[float], share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3)

    return {
        "n": len(samples),
        **{f"p{percent} ms": at(clock, percent / 100) for percent in (50, 90, 99)},
        "max ms": at(clock, 1),
        "p50 CPU ms": at(cpu, 0.5),
        "p99 CPU ms": at(cpu, 0.99),
        "statements": sorted(each.statements for each in samples)[len(samples) // 2],
    }
