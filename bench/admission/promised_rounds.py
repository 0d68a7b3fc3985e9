"""What else the gate's thread does, measured at a hub that has reservations, a line and lent shares: decisions, looks
at what is due, how long the line waits, free slots; and starts that come in while the line is looked at."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from bench.admission import promised
from bench.admission.hub import MACHINES, NOW, person, request
from bench.admission.rounds import Clock, Samples
from hub_extensions.admission.ahead import steps
from hub_extensions.admission.database import Database
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from hub_extensions.queue.forecast import expect
from hub_extensions.queue.store import Picture
from profiles.admission import Admit
from profiles.lease import EndReason, Lease
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import ReservedPot
from profiles.slots import Search, free_slots

RESERVED, WAITING, SOUGHT_AMONG, LOOKS = 50, 50, 300, 20


async def promised_rounds(url: str, name: str, rounds: int, samples: Samples) -> None:
    clock, dice = Clock(), random.Random(5)  # noqa: S311 - the same starts each time
    store = Store(Database(url))
    leases = store.leases()
    promised.promise(store, promised.reservations(RESERVED), promised.line(WAITING))
    for lent in (False, True):
        policies, which = promised.policies(leases, lent=lent), "all lent" if lent else "none lent"
        gate = SqlGate(store, lambda policies=policies: policies, clock)
        await _looks(gate, policies, samples, which, clock)
        for number in range(rounds):
            clock.now += timedelta(seconds=1)
            await _life(gate, f"{name}-{which}-{number}", dice, clock, samples, f", {which}")
        await _while_looking(gate, policies, rounds // 4, f"{name}-{which}", dice, clock, samples, which)
    _forecast(leases, promised.policies(leases, lent=False), samples)
    _slots(leases, promised.policies(leases, lent=False), samples)
    gate.close()


async def _life(  # noqa: PLR0913, PLR0917
    gate: SqlGate, lease_id: str, dice: random.Random, clock: Clock, samples: Samples, which: str
) -> None:
    asked = request(lease_id, dice)
    await samples.timed(f"foresee{which}", gate.foresee(asked))
    if isinstance(await samples.timed(f"admit{which}", gate.admit(asked)), Admit):
        await gate.ended(lease_id, clock.now + timedelta(hours=2), EndReason.STOPPED)


async def _looks(gate: SqlGate, policies: Policies, samples: Samples, which: str, clock: Clock) -> None:
    async def look() -> None:
        await gate.in_steps(steps(gate.store, policies, {}, clock.now))

    await look()  # writes down who makes room; from then on there is nothing new
    for _ in range(LOOKS):
        clock.now += timedelta(seconds=15)
        await samples.timed(f"look_ahead, {which}", look())


async def _while_looking(  # noqa: PLR0913, PLR0917
    gate: SqlGate,
    policies: Policies,
    rounds: int,
    name: str,
    dice: random.Random,
    clock: Clock,
    samples: Samples,
    which: str,
) -> None:
    """One look follows the other without a pause, which is a hundred times as often as in the hub."""

    async def looks() -> None:
        while True:
            await gate.in_steps(steps(gate.store, policies, {}, clock.now))

    busy = asyncio.create_task(looks())
    for number in range(rounds):
        clock.now += timedelta(seconds=1)
        asked = request(f"{name}-meanwhile-{number}", dice)
        if isinstance(await samples.timed(f"admit beside look_ahead, {which}", gate.admit(asked)), Admit):
            await gate.ended(asked.lease_id, clock.now + timedelta(hours=2), EndReason.STOPPED)
    busy.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await busy


def _forecast(leases: tuple[Lease, ...], policies: Policies, samples: Samples) -> None:
    """For the last in line; the past is 3,000 runs of up to two days."""
    dice = random.Random(6)  # noqa: S311
    picture = Picture(promised.line(WAITING), leases, ())
    lengths = {
        f"machine-{number}": sorted(dice.uniform(60, 2 * 86_400) for _ in range(250)) for number in range(MACHINES)
    }
    last = picture.line[-1]
    ahead = [each.request for each in picture.line[:-1]]
    for number in range(LOOKS):
        now = NOW + timedelta(seconds=15 * number)
        samples.run(
            "ETA of the last in line",
            lambda now=now: expect(last.request, ahead, last.pot, picture, policies, lengths, now),
        )


def _slots(leases: tuple[Lease, ...], policies: Policies, samples: Samples) -> None:
    """Among 300 reservations: a slot that can be had, and one that is nowhere, for which all are looked through."""
    pot, book = ReservedPot.of("gpu-pool", policies.reservations["gpu-pool"]), LeaseBook(leases)
    reserved = promised.reservations(SOUGHT_AMONG)
    for what, gpus, hours in (("found", 8, 8), ("nowhere", 40, 2)):
        wanted = replace(
            reserved[0],
            id="wanted",
            user=person(1).name,
            amounts=promised.gpus(gpus),
            begins_at=NOW,
            ends_at=NOW + timedelta(hours=hours),
        )
        search = Search(pot=pot, reservations=reserved, book=book, wanted=wanted)
        seek: Callable[[], object] = lambda search=search: free_slots(  # noqa: E731
            search, NOW, NOW + timedelta(days=promised.DAYS), NOW
        )
        assert bool(seek()) == (what == "found"), what
        for _ in range(LOOKS):
            samples.run(f"free slots, {what}", seek)
