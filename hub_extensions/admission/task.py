"""The books and the world, compared at boot and then for ever; what has run out is stopped. Nothing here decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from jupyterhub import orm

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.expiry import Exhausted, due
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.reconcile import Adopt, Begin, Settle, reconcile
from hub_extensions.notices.events import Look
from hub_extensions.notices.telling import Teller
from hub_extensions.page_frame.hub import utc
from hub_extensions.stopping import stop_server
from profiles.admission import Balance
from profiles.lease import Lease
from profiles.machine import RunningMachine
from profiles.policy import Policies, groups_named
from profiles.ports import Run

#: Seconds between two looks; while the cluster is only being listed for the first one, starts are waiting for it.
EVERY_S, FIRST_EVERY_S = 15.0, 0.5


class FirstLook:
    """Whether the books have been compared with what runs since the Hub's boot, or why not."""

    def __init__(self) -> None:
        self.done = False
        self.away: DatabaseAway | None = None
        self._told = asyncio.Event()

    def over(self) -> None:
        self.done, self.away = True, None
        self._told.set()

    def failed(self, error: DatabaseAway) -> None:
        """Until the next look nobody need wait: it is known that nothing can be known."""
        self.away = error
        self._told.set()

    async def wait(self, seconds: float) -> None:
        """Until one of the two. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            await self._told.wait()


async def keep_books(app: Any, gate: SqlGate, policies: Policies, look: FirstLook) -> None:
    """Until the Hub ends. Starts wait for the first look."""
    exhausted: Exhausted = {}
    teller = Teller(gate)
    warn_of_unknown_groups(app, policies)
    while True:
        now, pause_s = datetime.now(UTC), EVERY_S
        try:
            if await compare(app, gate, now):
                look.over()
                exhausted = await stop_what_ran_out(app, gate, policies, exhausted, now, teller=teller)
            elif not look.done:
                pause_s = FIRST_EVERY_S
        except DatabaseAway as e:
            look.failed(e)
            app.log.warning("The books of leases cannot be reached; the next look is in %s s: %s", pause_s, e)
        except Exception:
            app.log.exception("Leases and servers could not be compared; the next look is in %s s", pause_s)
        await asyncio.sleep(pause_s)


def warn_of_unknown_groups(app: Any, policies: Policies) -> None:
    """A typing mistake in a group's name makes a rule that is about nobody, which nothing else would tell."""
    known = {name for (name,) in app.db.query(orm.Group.name)}
    for group, rules in groups_named(policies).items():
        if group not in known:
            where = ", ".join(f"policies.{rule}" for rule in rules)
            app.log.warning("%s: the hub knows no group %r yet; until somebody is in it, nobody is meant", where, group)


async def compare(app: Any, gate: SqlGate, now: datetime) -> bool:
    """One look. False while nobody can tell what runs: nothing was settled, and starts go on waiting."""
    await gate.catch_up()  # whose end was said and could not be written is not lost
    leases = await gate.call(gate.store.leases)
    last_seen = await gate.call(gate.store.last_seen)
    spawners = spawners_of(app)
    servers = {lease_id: machine_of(spawner, now) for lease_id, spawner in spawners.items()}
    runs = runs_of(app, servers)  # of the same moment: a server that is ready has a pod
    actions = reconcile(leases, servers, runs, last_seen=last_seen, now=now)
    for action in actions:
        match action:
            case Settle(lease, at, reason):
                app.log.warning("%s's %s is over since %s (%s)", lease.user, lease.display_name, at, reason)
                await gate.call(gate.store.ended, lease.id, at, reason, now)
                gate.freed.set()
            case Begin(lease, at):
                await gate.call(gate.store.began, lease.id, at, now)
            case Adopt(machine):
                spawner = spawners[machine.spawn_id]
                lease = Lease.found(spawner.person, spawner.name, machine, now)
                app.log.warning("%s's %s runs without a lease and gets one", lease.user, lease.display_name)
                await gate.call(gate.store.adopt, lease, now)
    if runs is None:
        return not leases
    await gate.call(gate.store.seen, now)
    return True


def runs_of(app: Any, servers: Mapping[str, RunningMachine]) -> Iterable[Run] | None:
    """The cluster's pods, None while nobody can tell; where there are none the Hub's own list is the truth."""
    ask: Callable[[], Iterable[Run] | None] | None = getattr(app.spawner_class, "present_runs", None)
    return ask() if ask is not None else [Run(lease_id, each.started_at) for lease_id, each in servers.items()]


def spawners_of(app: Any) -> Mapping[str, Any]:
    """Servers that are starting, running, stopping or being checked, by the id of their start."""
    return {
        spawner.spawn_id: spawner
        for user in list(app.users.values())
        for spawner in list(user.spawners.values())
        if spawner.active and getattr(spawner, "machine", None) is not None and spawner.spawn_id
    }


def machine_of(spawner: Any, now: datetime) -> RunningMachine:
    """With a time of start also where the Hub died before it could note one, and found the server ready."""
    machine: RunningMachine = spawner.machine
    if machine.started_at is not None or not spawner.ready:
        return machine
    return replace(machine, started_at=utc(spawner.orm_spawner.started) or now)


async def stop_what_ran_out(  # noqa: PLR0913
    app: Any, gate: SqlGate, policies: Policies, exhausted: Exhausted, now: datetime, *, teller: Teller | None = None
) -> Exhausted:
    """Stops servers whose grant, budget or lifetime is over, and tells people before and after; returns which budgets
    are used up, and since when."""
    teller = teller or Teller(gate)
    leases = await gate.call(gate.store.leases)
    balances = await _balances(gate, policies, leases, now)
    spawners = spawners_of(app)
    as_asked = frozenset(lease_id for lease_id, each in spawners.items() if each.machine.ends_as_asked)
    outcome = due(leases, balances, exhausted, now, as_asked)
    look = Look(
        leases, balances, outcome.exhausted, policies.timezone, outcome.stop, as_asked, currency=gate.store.currency
    )
    await teller.tell(look, now)
    spawners = spawners_of(app)  # those of this moment: to tell people has taken some
    for lease in leases:  # reservations are made, and borrowed machines wanted back, while they run
        leaves_at = min((at for at in (lease.closes_at, lease.leaves_at) if at is not None), default=None)
        running = spawners.get(lease.id)
        if running is not None and running.machine.leaves_at != leaves_at:
            running.machine = replace(running.machine, leaves_at=leaves_at)
    for stop in outcome.stop:
        spawner = spawners.get(stop.lease.id)
        if spawner is not None and spawner.ready:
            app.log.warning("Stopping %s's server: %s", stop.lease.user, stop.sentence)
            spawner.failure = stop  # what home and spawn page tell, until the next start
            spawner.note_reason(stop.reason)
            if await stop_server(app, spawner.user, spawner):
                await teller.tell_stopped(stop, now)
    return outcome.exhausted


async def _balances(
    gate: SqlGate, policies: Policies, leases: Iterable[Lease], now: datetime
) -> Mapping[str, tuple[Balance, ...]]:
    """The budgets that each lease draws from. Leases of one person on one kind of machine share the answer."""
    if not policies.budgets:
        return {}
    answers: dict[Any, tuple[Balance, ...]] = {}
    found = {}
    for lease in leases:
        kind = (lease.user, lease.groups, lease.profile, lease.pool)
        if kind not in answers:
            decision = await gate.call(gate.store.foresee, lease.request(lease_id=""), policies, now)
            answers[kind] = decision.balances
        found[lease.id] = answers[kind]
    return found
