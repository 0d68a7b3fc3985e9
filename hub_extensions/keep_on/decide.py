"""PURE: until when a machine may be kept on, and which times are offered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from profiles.lease import Lease
from profiles.machine import RunningMachine
from profiles.quantity import Duration

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: Up to so far ahead, a time is offered at each of these steps: a list stays short enough to choose from.
STEPS = ((12 * HOUR, 30 * MINUTE), (2 * DAY, HOUR), (7 * DAY, 6 * HOUR))
LONGER = DAY
#: What is further ahead than this is no time that anybody means.
LONGEST = 366 * DAY
#: A time that is nearer is none to speak of.
SOON = 15 * MINUTE


@dataclass(frozen=True)
class NotKept:
    """`status` is HTTP's."""

    status: int
    sentence: str


@dataclass(frozen=True)
class Offered:
    """`said` is in the policies' time zone: `18:00`, `tomorrow 02:00`, `Wed 4 March 06:00`."""

    at: datetime
    said: str


def latest(machine: RunningMachine | None, lease: Lease | None, now: datetime) -> datetime | None:
    """The last moment that may be chosen; None where keeping on is not offered, or makes no difference. Never beyond
    the machine's life, nor beyond what its lease was granted for."""
    if machine is None or not machine.keep_alive_at_most_s or not machine.idle_timeout_s or machine.started_at is None:
        return None
    ends = [now + timedelta(seconds=machine.keep_alive_at_most_s)]
    if machine.max_lifetime_s:
        ends.append(machine.started_at + timedelta(seconds=machine.max_lifetime_s))
    if lease is None or lease.began_at is None:
        return None
    if lease.longest is not None:
        ends.append(lease.began_at + lease.longest)
    ends += [end for end in (lease.closes_at, lease.leaves_at) if end is not None]
    end = min(ends).astimezone(UTC).replace(second=0, microsecond=0)
    return end if end - now >= SOON else None


def offered(last: datetime, now: datetime, timezone: str) -> tuple[Offered, ...]:
    """Times on the clock up to the last one, which is offered too."""
    zone = ZoneInfo(timezone)
    step = next((step for ahead, step in STEPS if last - now <= ahead), LONGER)
    # From local midnight on, in steps of real time: where clocks change no time is offered twice.
    at = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
    times = []
    while (at := at + step) < last:
        if at - now >= SOON:
            times.append(at)
    return tuple(Offered(each, said(each, now, timezone)) for each in (*times, last))


def said(at: datetime, now: datetime, timezone: str) -> str:
    zone = ZoneInfo(timezone)
    there, here = at.astimezone(zone), now.astimezone(zone)
    days = (there.date() - here.date()).days
    day = {0: "", 1: "tomorrow "}.get(days, f"{there:%a} {there.day} {there:%B} ")
    return f"{day}{there:%H:%M}"


def judge(
    text: str, machine: RunningMachine | None, last: datetime | None, now: datetime, timezone: str = "UTC"
) -> datetime | NotKept:
    """`text` is what the form sent, `last` what `latest` says now."""
    if last is None:
        return NotKept(409, "This machine cannot be kept on: it is not offered for it, or it stops soon in any case.")
    until = moment_of(text)
    if until is None:
        return NotKept(400, "Choose a time from the list.")
    if until <= now:
        return NotKept(400, "That time is over. Choose a later one from the list.")
    if until > last:
        most = Duration(machine.keep_alive_at_most_s or 0).human if machine is not None else ""
        asked = f"until {said(until, now, timezone)}, " if until - last < LONGEST else "so long, "
        return NotKept(
            400,
            f"It cannot be kept on {asked}only until {said(last, now, timezone)} "
            f"({timezone}): {most} ahead at most, and never longer than it may run at all. Choose an earlier time.",
        )
    return until.astimezone(UTC)


def moment_of(text: str) -> datetime | None:
    """What a form sent; None for what is no point in time."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
