"""What is measured: starts and stops at one gate, one after the other and all at once."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bench.admission.hub import NOW, POLICIES, request
from hub_extensions.admission.database import Database
from hub_extensions.admission.gate import SqlGate
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


@dataclass
class Rounds:
    """Milliseconds by what was asked: by the clock, and of this process's CPU, which says more on a busy machine."""

    url: str
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    samples: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    async def run(self, rounds: int) -> None:
        clock, dice = Clock(), random.Random(2)  # noqa: S311 - the same starts each time
        gate = SqlGate(Store(Database(self.url)), lambda: POLICIES, clock)
        other = SqlGate(Store(Database(self.url)), lambda: POLICIES, clock)
        await self._timed("first", gate.foresee(request("first", dice)))
        await other.foresee(request("first", dice))
        for number in range(rounds):
            clock.now += timedelta(seconds=1)
            # Every eighth start is at the other hub of a rolling restart, so that books have something to learn.
            await self._life(other if number % 8 == 0 else gate, f"{self.name}-{number}", dice, clock)
        asked = [request(f"{self.name}-crowd-{number}", dice) for number in range(AT_ONCE)]
        await self._timed(f"{AT_ONCE} at once", asyncio.gather(*map(gate.admit, asked)))
        gate.close()
        other.close()

    async def _life(self, gate: SqlGate, lease_id: str, dice: random.Random, clock: Clock) -> None:
        asked = request(lease_id, dice)
        await self._timed("foresee", gate.foresee(asked))
        decision = await self._timed("admit", gate.admit(asked))
        assert isinstance(decision, Admit), decision
        await self._timed("began", gate.began(lease_id, clock.now))
        # Most starts of the past are over: what ran two hours touches three hours of the sums.
        await self._timed("ended", gate.ended(lease_id, clock.now + timedelta(hours=2), EndReason.STOPPED))

    async def _timed(self, name: str, asked: Awaitable[object]) -> object:
        began, cpu = time.perf_counter(), time.process_time()
        answer = await asked
        took = ((time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000)
        self.samples.setdefault(name, []).append(took)
        return answer


def figures(samples: list[tuple[float, float]]) -> dict[str, float]:
    clock, cpu = sorted(took for took, _ in samples), sorted(used for _, used in samples)

    def at(ordered: list[float], share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3)

    return {
        "n": len(samples),
        **{f"p{percent} ms": at(clock, percent / 100) for percent in (50, 90, 99)},
        "max ms": at(clock, 1),
        "p50 CPU ms": at(cpu, 0.5),
        "p99 CPU ms": at(cpu, 0.99),
    }
