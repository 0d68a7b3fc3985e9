"""PURE: leases compared with the servers that there are. `task` carries out what this decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from profiles.lease import EndReason, Lease, LeaseState, LeaveWhy
from profiles.machine import RunningMachine
from profiles.ports import Run

#: A start writes its hold before the Hub's list of servers and the cluster's pods show it.
YOUNG = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Settle:
    """This lease is over, since `at`."""

    lease: Lease
    at: datetime
    reason: EndReason


@dataclass(frozen=True, slots=True)
class Begin:
    """This one runs, and nobody had said so."""

    lease: Lease
    at: datetime


@dataclass(frozen=True, slots=True)
class Adopt:
    """A server that runs without a lease gets one: it is there, whether or not there is room for it."""

    machine: RunningMachine


Action = Settle | Begin | Adopt


def reconcile(
    leases: Iterable[Lease],
    servers: Mapping[str, RunningMachine],
    runs: Iterable[Run] | None,
    *,
    last_seen: datetime | None,
    now: datetime,
) -> tuple[Action, ...]:
    """What to write so that the books are true.

    `servers` are those that the Hub knows as starting, running or stopping, by the id of their start. `runs` are the
    cluster's pods (of local processes, what the Hub knows), and None while nobody can tell: then nothing is settled.
    When a machine began its own run says, never the Hub: a server that this Hub is only just taking over looks ready.
    `last_seen` is when a Hub last looked; a pod that vanished while none did ended then, as far as anybody knows.
    """
    if runs is None:
        return ()
    present = {run.lease_id: run for run in runs}
    began = {run.lease_id: run.began_at for run in present.values() if run.began_at is not None}
    books = {lease.id: lease for lease in leases}
    up = {lease_id: machine for lease_id, machine in servers.items() if machine.started_at is not None}
    actions: list[Action] = []
    for lease in books.values():
        if (settled := _settled(lease, present.get(lease.id), servers.get(lease.id), last_seen, now)) is not None:
            actions.append(settled)
        elif lease.state is LeaseState.HELD and lease.id in up and lease.id in began:
            actions.append(Begin(lease, began[lease.id]))
    found = (lease_id for lease_id in up if lease_id not in books and lease_id in began)
    return (*actions, *(Adopt(replace(up[lease_id], started_at=began[lease_id])) for lease_id in found))


def _settled(
    lease: Lease, run: Run | None, server: RunningMachine | None, last_seen: datetime | None, now: datetime
) -> Settle | None:
    if run is not None and run.ended_at is not None:
        return Settle(lease, run.ended_at, run.reason)
    if run is not None or server is not None or now - _since(lease) < YOUNG:
        return None
    if lease.began_at is None:
        return Settle(lease, now, EndReason.NEVER_RAN)
    return Settle(lease, max(lease.began_at, last_seen or now), EndReason.LOST)


def _since(lease: Lease) -> datetime:
    """A place that is kept for somebody is kept until its time is over."""
    if lease.leaves_why is LeaveWhy.KEPT and lease.leaves_at is not None:
        return lease.leaves_at
    return lease.held_at
