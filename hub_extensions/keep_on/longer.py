"""PURE: until when a machine with an end of its own may run instead, as its home page offers it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hub_extensions.keep_on.decide import HOUR, SOON, Offered, said
from hub_extensions.page_frame import words
from profiles.choice import MachineChoice
from profiles.lease import Lease, Request
from profiles.machine import RunningMachine
from profiles.model import Catalog
from profiles.person import Person
from profiles.refusal import Refusal
from profiles.resolve import resolve

#: So much later than it stops now.
LATER = (HOUR, 2 * HOUR, 4 * HOUR)


@dataclass(frozen=True)
class LongerForm:
    """`times` are by the clock of `timezone`, and say how much later they are: `19:05, 2 hours more`."""

    action: str
    times: tuple[Offered, ...]
    timezone: str


def longer_form(
    lease: Lease | None, last: datetime | None, timezone: str, action: str, now: datetime
) -> LongerForm | None:
    """`last`: until when it may run (`admission.longer.latest`). None where it has no end, or runs as long as it
    may."""
    if lease is None or last is None or lease.began_at is None or lease.longest is None:
        return None
    end = lease.began_at + lease.longest
    times = tuple(
        Offered(at, f"{said(at, now, timezone)}, {words.duration((at - on_the_minute(end)).total_seconds())} more")
        for at in later(end, last, now)
    )
    return LongerForm(action, times, timezone) if times else None


def later(end: datetime, last: datetime, now: datetime) -> Iterator[datetime]:
    """Times to choose from: some hours later, and the last one where an hour would be too much."""
    if last - end < SOON:
        return
    for more in LATER:
        at = on_the_minute(end + more)
        if now < at <= last:
            yield at
    if now < last < end + LATER[0]:
        yield on_the_minute(last)


def on_the_minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def as_offered_now(catalog: Catalog, person: Person, machine: RunningMachine, server: str) -> Request | Refusal:
    """The machine that runs, by the id of its lease, as the catalog would grant it to its person today."""
    plan = resolve(catalog, MachineChoice(machine.profile_id, machine.options), person)
    return plan if isinstance(plan, Refusal) else Request.of(machine.spawn_id, person, server, plan)


def as_it_runs(machine: RunningMachine, lease: Lease) -> RunningMachine:
    """With the life that its lease has now: as long as its person asked for."""
    if machine.started_at is None or lease.began_at is None or lease.longest is None:
        return machine
    life = int((lease.began_at + lease.longest - machine.started_at).total_seconds())
    return replace(machine, max_lifetime_s=life, run_for_s=life)
