"""PURE: until when a machine with an end of its own may run instead, as its home page offers it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hub_extensions.keep_on.decide import HOUR, SOON, Offered, said
from profiles.lease import Lease
from profiles.machine import RunningMachine
from profiles.plan import MachinePlan

#: So much later than it stops now.
LATER = (HOUR, 2 * HOUR, 4 * HOUR)


@dataclass(frozen=True)
class LongerForm:
    """`times` are by the clock of `timezone`."""

    action: str
    times: tuple[Offered, ...]
    timezone: str


def longer_form(
    plan: MachinePlan | None, lease: Lease | None, timezone: str, action: str, now: datetime
) -> LongerForm | None:
    """`plan`: the same machine as the catalog offers it now. None where it has no end, or runs as long as it may."""
    if plan is None or lease is None:
        return None
    times = tuple(Offered(at, said(at, now, timezone)) for at in later(plan, lease, now))
    return LongerForm(action, times, timezone) if times else None


def later(plan: MachinePlan, lease: Lease, now: datetime) -> Iterator[datetime]:
    """Times to choose from. Whether budgets allow them is decided when one of them is chosen."""
    if lease.began_at is None or lease.longest is None:
        return
    end = lease.began_at + lease.longest
    ends = [each for each in (lease.closes_at, lease.leaves_at) if each is not None]
    if plan.max_lifetime is not None:
        ends.append(lease.began_at + timedelta(seconds=plan.max_lifetime.seconds))
    last = min(ends, default=None)
    if last is not None and last - end < SOON:
        return
    on_the_minute = end.astimezone(UTC).replace(second=0, microsecond=0)
    times = [on_the_minute + more for more in LATER]
    for at in times:
        if at > now and (last is None or at <= last):
            yield at
    if last is not None and end + LATER[0] > last > now:
        yield last.astimezone(UTC).replace(second=0, microsecond=0)


def as_it_runs(machine: RunningMachine, lease: Lease) -> RunningMachine:
    """With the life that its lease has now: as long as its person asked for."""
    if machine.started_at is None or lease.began_at is None or lease.longest is None:
        return machine
    life = int((lease.began_at + lease.longest - machine.started_at).total_seconds())
    return replace(machine, max_lifetime_s=life, run_for_s=life)
