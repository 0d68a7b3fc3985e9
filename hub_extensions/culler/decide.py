"""PURE: whether a server stops now. `hub_extensions.culler.task` acts on the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from hub_extensions.settings import Cull
from profiles.machine import RunningMachine
from profiles.quantity import Money


class StopReason(StrEnum):
    IDLE = "idle"
    LIFETIME = "lifetime"


@dataclass(frozen=True)
class ServerFacts:
    """One server at one moment. Times are aware UTC; `machine` is None for a server without a profile."""

    name: str
    settled: bool
    """Running, and nothing is under way: not starting, stopping or being checked after a restart of the Hub."""
    started: datetime | None
    last_activity: datetime | None
    machine: RunningMachine | None = None
    owner_is_admin: bool = False
    kept_until: datetime | None = None
    """Its person keeps it on until then, although nothing is done."""
    kept_known: bool = True
    """False while the books, which say so, have not been read since the Hub's boot."""


@dataclass(frozen=True)
class Keep:
    """`until`: when it stops if nothing happens meanwhile; None is never."""

    why: str
    until: datetime | None = None


@dataclass(frozen=True)
class Stop:
    reason: StopReason
    sentence: str


Decision = Keep | Stop


def decide(server: ServerFacts, cull: Cull, now: datetime) -> Decision:
    """Guards first: what must never be stopped; then `RunningMachine.stops_at`, which is what pages show."""
    if not server.settled:
        return Keep("it is starting, stopping or being checked")
    if server.owner_is_admin and not cull.admin_users:
        return Keep("it belongs to an administrator, and cull.adminUsers is false")
    machine = _machine(server, cull)
    if machine.started_at is None:
        return Keep("nobody knows yet since when it runs")
    if not server.kept_known and machine.keep_alive_at_most_s:
        machine = replace(machine, idle_timeout_s=None)  # its life holds all the same
    until = machine.stops_at(now, server.last_activity, server.kept_until)
    if until is None:
        return Keep("it has no limit")
    if now < until:
        return Keep("its time is not over", until)
    overdue = replace(machine, idle_timeout_s=None).stops_at(now, None)
    reason = StopReason.LIFETIME if overdue == now else StopReason.IDLE
    return Stop(reason, _sentence(reason, server, machine.started_at, now))


def _machine(server: ServerFacts, cull: Cull) -> RunningMachine:
    """The server's machine, with JupyterHub's own time of start where it has none yet.

    A server without a profile is measured by the settings; a machine carries its limits, its profile's or those of the
    settings it was started under.
    """
    if server.machine is not None:
        # Hours, grants and reservations are admission's to keep, which says why it stops a machine.
        return replace(server.machine, started_at=server.machine.started_at or server.started, leaves_at=None)
    return RunningMachine(
        profile_id="",
        display_name="",
        pool_id="",
        cpu_cores=0,
        memory_bytes=0,
        gpus=0,
        price_per_hour=Money(Decimal(0), "EUR"),
        started_at=server.started,
        idle_timeout_s=cull.timeout or None,
        max_lifetime_s=cull.max_age or None,
    )


def _sentence(reason: StopReason, server: ServerFacts, started: datetime, now: datetime) -> str:
    machine = f" on {server.machine.display_name}" if server.machine is not None else ""
    if reason is StopReason.LIFETIME:
        return f"{server.name}{machine}: it has run for {_minutes(now - started)}, as long as this machine may"
    active = max(started, server.last_activity or started)
    return f"{server.name}{machine}: nothing was done for {_minutes(now - active)}"


def _minutes(length: timedelta) -> str:
    return f"{int(length.total_seconds() // 60)} minutes"
