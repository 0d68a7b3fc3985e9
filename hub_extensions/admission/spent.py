"""The ledger's sums by hour: written with each entry, read for budgets' windows and for reports.

Each run is kept once per subject: for its person (`user`), each of the groups (`group`), the set of those groups
(`groups`) and everybody (`hub`). That answers every budget but one about named people *and* their groups, and one of a
person that counts only what was used as a member of some groups: those are summed from the person's own entries.

Windows are kept by the hour: the hour in which one begins counts whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from hub_extensions.admission.rows import charge_of, charge_row, entry_of
from hub_extensions.admission.tables import GROUP_SETS, LEDGER, SPENT, canonical
from profiles.cost import by_hour
from profiles.lease import Charge, Entry
from profiles.pots import BudgetPot

DAY = timedelta(days=1)
SUMS = tuple(sa.func.sum(SPENT.c[name]).label(name) for name in ("seconds", "gpu_seconds", "micros"))


@dataclass(frozen=True, slots=True)
class UsedHour:
    """What a person, a group or everybody used of one machine profile in one UTC hour."""

    subject: str
    profile: str
    hour: datetime
    charge: Charge


def add(connection: Connection, entry: Entry) -> None:
    """In the transaction that writes the entry."""
    lease = entry.lease
    if lease.began_at is None or entry.charge == Charge():
        return
    parts = list(_parts(by_hour(lease, lease.began_at, entry.ended_at)))
    groups = canonical(sorted(lease.groups))
    subjects = [("user", lease.user), ("hub", ""), *(("group", name) for name in sorted(lease.groups))]
    if lease.groups:
        subjects.append(("groups", groups))
        connection.execute(_insert(connection, GROUP_SETS).values(members=groups).on_conflict_do_nothing())
    rows = [
        {
            "kind": kind, "subject": subject, "span": span, "begins": begins, "profile": lease.profile,
            "pool": lease.pool, **charge_row(charge),
        }
        for kind, subject in subjects
        for span, begins, charge in parts
    ]  # fmt: skip
    insert = _insert(connection, SPENT)
    added = {name: SPENT.c[name] + insert.excluded[name] for name in ("seconds", "gpu_seconds", "micros")}
    connection.execute(insert.on_conflict_do_update(index_elements=list(SPENT.primary_key), set_=added), rows)


def spent_in(connection: Connection, pot: BudgetPot, now: datetime) -> Charge:
    """The ledger's part of a budget's window."""
    begin = pot.begin.replace(minute=0, second=0, microsecond=0)
    source = _source(connection, pot)
    if source is None:
        return _from_entries(connection, pot, begin)
    kind, subjects = source
    if not subjects:
        return Charge()
    parts = [
        sa.select(*(SPENT.c[name] for name in ("seconds", "gpu_seconds", "micros"))).where(
            SPENT.c.kind == kind,
            SPENT.c.subject == subjects[0] if len(subjects) == 1 else SPENT.c.subject.in_(subjects),
            SPENT.c.span == span,
            SPENT.c.begins >= since,
            *([] if until is None else [SPENT.c.begins < until]),
            *([SPENT.c.profile.in_(pot.budget.profiles)] if pot.budget.profiles else []),
            *([SPENT.c.pool.in_(pot.budget.pools)] if pot.budget.pools else []),
        )
        for span, since, until in _spans(begin, pot.end, now)
    ]
    every = sa.union_all(*parts).subquery()
    sums = (sa.func.sum(every.c[name]).label(name) for name in ("seconds", "gpu_seconds", "micros"))
    return charge_of(connection.execute(sa.select(*sums)).mappings().one())


def used_hours(
    connection: Connection,
    *,
    since: datetime,
    until: datetime,
    by: Literal["user", "group", "profile"],
    name: str | None = None,
) -> tuple[UsedHour, ...]:
    """Rollup rows from …, before …; by `profile` the subject is the profile."""
    profiles = by == "profile"
    subject = SPENT.c.profile if profiles else SPENT.c.subject
    asked = (
        sa.select(subject.label("subject"), SPENT.c.profile, SPENT.c.begins, *SUMS)
        .where(SPENT.c.kind == ("hub" if profiles else by), SPENT.c.span == "hour")
        .where(SPENT.c.begins >= since, SPENT.c.begins < until)
        .group_by(subject, SPENT.c.profile, SPENT.c.begins)
        .order_by(SPENT.c.begins, subject, SPENT.c.profile)
    )
    if name is not None:
        asked = asked.where(subject == name)
    return tuple(
        UsedHour(row["subject"], row["profile"], row["begins"], charge_of(row))
        for row in connection.execute(asked).mappings()
    )


def _parts(hours: Iterable[tuple[datetime, Charge]]) -> Iterator[tuple[str, datetime, Charge]]:
    days: dict[datetime, Charge] = {}
    for hour, charge in hours:
        yield "hour", hour, charge
        day = _day(hour)
        days[day] = days.get(day, Charge()) + charge
    for day, charge in days.items():
        yield "day", day, charge


def _spans(begin: datetime, end: datetime | None, now: datetime) -> Iterator[tuple[str, datetime, datetime | None]]:
    """Whole days where there are some, hours at both edges: a month is 30 rows, not 720."""
    first = _day(begin) if _day(begin) == begin else _day(begin) + DAY
    last = _day(now if end is None else min(now, end))
    if first >= last:
        yield "hour", begin, end
        return
    if begin < first:
        yield "hour", begin, first
    yield "day", first, last
    yield "hour", last, end


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _source(connection: Connection, pot: BudgetPot) -> tuple[str, list[str]] | None:
    """(kind, subjects) whose sums are exactly what the pot counts; None: there are no such."""
    scope = pot.budget
    match pot.pot.per:
        case "user":
            return None if scope.groups else ("user", [pot.pot.subject])
        case "group":
            return None if scope.users else ("group", [pot.pot.subject])
    if scope.users:
        return None if scope.groups else ("user", sorted(set(scope.users)))
    if len(scope.groups) > 1:  # somebody in two of them is counted once
        sets = connection.execute(sa.select(GROUP_SETS.c.members)).scalars()
        return "groups", [members for members in sets if not set(scope.groups).isdisjoint(json.loads(members))]
    return ("group", [scope.groups[0]]) if scope.groups else ("hub", [""])


def _from_entries(connection: Connection, pot: BudgetPot, begin: datetime) -> Charge:
    scope, end = pot.budget, pot.end
    users = [pot.pot.subject] if pot.pot.per == "user" else sorted(set(scope.users))
    of_them = [LEDGER.c.user_name.in_(users), LEDGER.c.ended_at > begin]
    if scope.profiles:
        of_them.append(LEDGER.c.profile.in_(scope.profiles))
    if scope.pools:
        of_them.append(LEDGER.c.pool.in_(scope.pools))
    inside = LEDGER.c.began_at >= begin if end is None else (LEDGER.c.began_at >= begin) & (LEDGER.c.ended_at <= end)

    def counts(groups: Iterable[str]) -> bool:
        theirs = set(groups)
        return (not scope.groups or not theirs.isdisjoint(scope.groups)) and (
            pot.pot.per != "group" or pot.pot.subject in theirs
        )

    sums = (sa.func.sum(LEDGER.c[name]).label(name) for name in ("seconds", "gpu_seconds", "micros"))
    whole = connection.execute(sa.select(LEDGER.c.groups, *sums).where(*of_them, inside).group_by(LEDGER.c.groups))
    total = sum((charge_of(row) for row in whole.mappings() if counts(row["groups"])), Charge())
    for row in connection.execute(sa.select(LEDGER).where(*of_them, ~inside)).mappings():
        entry = entry_of(row)
        if entry.lease.began_at is not None and counts(entry.lease.groups):
            hours = by_hour(entry.lease, entry.lease.began_at, entry.ended_at)
            in_window = (charge for hour, charge in hours if hour >= begin and (end is None or hour < end))
            total += sum(in_window, Charge())
    return total


def _insert(connection: Connection, table: sa.Table) -> Any:
    """Both dialects know ON CONFLICT; SQLAlchemy's common `insert` does not."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
