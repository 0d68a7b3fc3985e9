"""PURE: hours of the ledger and machines that still run -> sums by day and by subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from hub_extensions.usage.scope import Period, Whose
from profiles.cost import by_hour, charge
from profiles.lease import Charge, Lease

#: More bars than this are drawn by the week.
MANY_DAYS = 92


class Used(Protocol):
    """One hour of the ledger's sums."""

    @property
    def subject(self) -> str: ...
    @property
    def hour(self) -> datetime: ...
    @property
    def charge(self) -> Charge: ...


@dataclass(frozen=True)
class Bar:
    """Days that are drawn as one: a day, or a week from that day on."""

    begins: date
    charge: Charge


def running_of(leases: Iterable[Lease], whose: Whose) -> tuple[Lease, ...]:
    """The machines whose clock runs, newest first."""
    theirs = (
        lease
        for lease in leases
        if lease.began_at is not None
        and (
            whose.kind == "everybody"
            or (whose.kind == "user" and lease.user == whose.name)
            or (whose.kind == "group" and whose.name in lease.groups)
        )
    )
    return tuple(sorted(theirs, key=lambda lease: (lease.began_at, lease.id), reverse=True))


def so_far(lease: Lease, now: datetime) -> Charge:
    """What it would cost if it ended now."""
    return charge(lease, lease.ran(now))


def bars(used: Iterable[Used], running: Iterable[Lease], period: Period, now: datetime) -> tuple[Bar, ...]:
    """Every day of the period, also those on which nothing ran."""
    zone, step = ZoneInfo(period.timezone), 1 if period.days <= MANY_DAYS else 7
    first = period.since.astimezone(zone).date()
    sums = [Charge()] * -(-period.days // step)
    for hour, part in _hours(used, running, period, now):
        place = (hour.astimezone(zone).date() - first).days // step
        if 0 <= place < len(sums):
            sums[place] += part
    return tuple(Bar(first + timedelta(days=step * place), each) for place, each in enumerate(sums))


def by_user(used: Iterable[Used], running: Iterable[Lease], period: Period, now: datetime) -> dict[str, Charge]:
    return _ranked(used, ((lease.user, lease) for lease in running), period, now)


def by_group(used: Iterable[Used], running: Iterable[Lease], period: Period, now: datetime) -> dict[str, Charge]:
    """Who is in two groups counts for both."""
    return _ranked(used, ((group, lease) for lease in running for group in sorted(lease.groups)), period, now)


def _ranked(
    used: Iterable[Used], running: Iterable[tuple[str, Lease]], period: Period, now: datetime
) -> dict[str, Charge]:
    """The dearest first."""
    sums: dict[str, Charge] = {}
    for each in used:
        sums[each.subject] = sums.get(each.subject, Charge()) + each.charge
    for subject, lease in running:
        for _, part in _of(lease, period, now):
            sums[subject] = sums.get(subject, Charge()) + part
    return dict(sorted(sums.items(), key=lambda item: (-item[1].micros, -item[1].seconds, item[0])))


def _hours(
    used: Iterable[Used], running: Iterable[Lease], period: Period, now: datetime
) -> Iterable[tuple[datetime, Charge]]:
    yield from ((each.hour, each.charge) for each in used)
    for lease in running:
        yield from _of(lease, period, now)


def _of(lease: Lease, period: Period, now: datetime) -> Iterable[tuple[datetime, Charge]]:
    began = lease.began_at
    if began is not None:
        yield from ((hour, part) for hour, part in by_hour(lease, began, now) if hour >= period.since)


def total_of(sums: Iterable[Charge] | Mapping[str, Charge]) -> Charge:
    total = Charge()
    for each in sums.values() if isinstance(sums, Mapping) else sums:
        total += each
    return total
