"""The ledger's sums by hour: written with each entry, read for budgets' windows and for reports.

Each run is kept once per subject: for its person (`user`), each of the groups (`group`), the set of those groups
(`groups`) and everybody (`hub`). That answers every budget but one about named people *and* their groups, and one of a
person that counts only what was used as a member of some groups: those are summed from the person's own entries.

Windows are kept by the hour: the hour in which one begins counts whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from hub_extensions.admission.rows import charge_of, charge_row, entry_of
from hub_extensions.admission.tables import GROUP_SETS, LEDGER, SPENT, canonical
from profiles.cost import by_hour
from profiles.lease import Charge, Entry, Lease
from profiles.policy import Budget
from profiles.pots import BudgetPot, Pot, drawing

DAY = timedelta(days=1)
#: Both know ON CONFLICT; SQLAlchemy's common `insert` does not.
INSERT: Mapping[str, Callable[[sa.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
SUMS = tuple(sa.func.sum(SPENT.c[name]).label(name) for name in ("seconds", "gpu_seconds", "micros"))


#: Sums that are remembered: more are people who are not there any more.
REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class UsedHour:
    """What a person, a group or everybody used of one machine profile in one UTC hour."""

    subject: str
    profile: str
    hour: datetime
    charge: Charge


@dataclass(frozen=True, slots=True)
class _Sum:
    """By which budget, from which hour on, until when."""

    budget: Budget
    begin: datetime
    end: datetime | None
    charge: Charge


class Known:
    """The ledger's part of budgets that was looked up before. Whoever keeps it says what has ended since: it grows by
    nothing else."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], dict[str, _Sum]] = {}
        self._count = 0

    def get(self, pot: BudgetPot) -> Charge | None:
        known = self._sums.get((pot.pot.per, pot.pot.subject), {}).get(pot.pot.rule)
        if known is None or known.budget is not pot.budget or (known.begin, known.end) != (_hour(pot.begin), pot.end):
            return None
        return known.charge

    def put(self, pot: BudgetPot, charge: Charge) -> None:
        if self._count >= REMEMBERED:
            self.clear()
        self._count += 1
        known = self._sums.setdefault((pot.pot.per, pot.pot.subject), {})
        known[pot.pot.rule] = _Sum(pot.budget, _hour(pot.begin), pot.end, charge)

    def ended(self, lease: Lease) -> None:
        """Sums that count this lease are looked up again."""
        groups = (("group", name) for name in lease.groups)
        for place in (("hub", ""), ("user", lease.user), ("profile", lease.profile), *groups):
            known = self._sums.get(place, {})
            for rule in [rule for rule, each in known.items() if any(drawing(each.budget, (lease,)))]:
                del known[rule]

    def clear(self) -> None:
        self._sums, self._count = {}, 0


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
        connection.execute(_remembering(connection.dialect.name), {"members": groups})
    rows = [
        {
            "kind": kind, "subject": subject, "span": span, "begins": begins, "profile": lease.profile,
            "pool": lease.pool, **charge_row(charge),
        }
        for kind, subject in subjects
        for span, begins, charge in parts
    ]  # fmt: skip
    connection.execute(_adding(connection.dialect.name), rows)


def spent_in(
    connection: Connection, pots: Sequence[BudgetPot], now: datetime, known: Known | None = None
) -> dict[Pot, Charge]:
    """The ledger's part of the window of each budget, as far as it is not known. Nearly always one query for all of
    them, written as text: to build and compile it anew with SQLAlchemy's expressions takes five times as long as to run
    it."""
    asked = Asked(connection)
    spent: dict[Pot, Charge] = {}
    missing: list[BudgetPot] = []
    for pot in pots:
        if known is not None and (charge := known.get(pot)) is not None:
            spent[pot.pot] = charge
            continue
        missing.append(pot)
        source = _source(pot)
        if source is None:
            spent[pot.pot] = _from_entries(connection, pot, _hour(pot.begin))
        else:
            _ask(asked, pot, source, now)
    for asked_for, charge in asked.answers():
        spent[asked_for] = spent.get(asked_for, Charge()) + charge
    if known is not None:
        for pot in missing:
            known.put(pot, spent.get(pot.pot, Charge()))
    return spent


class Asked:
    """Sums asked for, in one statement."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.mark, self.moment = _driver(connection)
        lite = connection.dialect.name == "sqlite"
        self.position = "instr" if lite else "strpos"
        # PostgreSQL looks up an array in the index; a subquery it would join, reading all of the hours.
        self.one_of = "subject IN ({})" if lite else "subject = ANY (ARRAY ({}))"
        self._pots: list[Pot] = []
        self._selects: list[str] = []
        self._given: list[Any] = []

    def add(self, pot: Pot, where: str, given: Iterable[Any]) -> None:
        columns = "sum(seconds), sum(gpu_seconds), sum(micros)"
        self._selects.append(f"SELECT {len(self._pots)}, {columns} FROM remuda_spent WHERE {where}")  # noqa: S608
        self._pots.append(pot)
        self._given += given

    def answers(self) -> Iterator[tuple[Pot, Charge]]:
        if self._selects:
            rows = self._connection.exec_driver_sql(" UNION ALL ".join(self._selects), tuple(self._given))
            for number, seconds, gpu_seconds, micros in rows:
                yield self._pots[number], Charge(int(seconds or 0), int(gpu_seconds or 0), int(micros or 0))


def _ask(asked: Asked, pot: BudgetPot, source: tuple[str, list[str]], now: datetime) -> None:
    kind, subjects = source
    mark, budget = asked.mark, pot.budget
    about, whom = _among("subject", subjects, mark), [kind, *subjects]
    if kind == "groups":
        # A set's text has each name as JSON writes it, quotes included: no name is found within another.
        having = " OR ".join([f"{asked.position}(members, {mark}) > 0"] * len(subjects))
        about = asked.one_of.format(f"SELECT members FROM remuda_group_sets WHERE {having}")  # noqa: S608
        whom = [kind, *map(canonical, subjects)]
    machines = "".join(
        f" AND {_among(column, names, mark)}"
        for column, names in (("profile", budget.profiles), ("pool", budget.pools))
        if names
    )
    for span, since, until in _spans(_hour(pot.begin), pot.end, now):
        upto = "" if until is None else f" AND begins < {mark}"
        where = f"kind = {mark} AND {about} AND span = {mark} AND begins >= {mark}{upto}{machines}"
        moments = [asked.moment(each) for each in (since, until) if each is not None]
        asked.add(pot.pot, where, [*whom, span, *moments, *budget.profiles, *budget.pools])


def _among(column: str, names: Sequence[str], mark: str) -> str:
    return f"{column} = {mark}" if len(names) == 1 else f"{column} IN ({', '.join([mark] * len(names))})"


def _driver(connection: Connection) -> tuple[str, Callable[[datetime], Any]]:
    """The driver's sign for a parameter, and moments as `tables.UtcTime` keeps them."""
    if connection.dialect.name == "sqlite":
        return "?", lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return "%s", lambda moment: moment


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


def used_by_each(
    connection: Connection, *, since: datetime, until: datetime, by: Literal["user", "group"]
) -> tuple[UsedHour, ...]:
    """The sum of `used_hours` for each subject, of all machines: days where there are whole ones, so that everybody's
    month is a row or two a day. The hour told is the first."""
    sums: dict[str, Charge] = {}
    for span, begin, end in _spans(since, until, until):
        asked = sa.select(SPENT.c.subject, *SUMS).where(SPENT.c.kind == by, SPENT.c.span == span)
        asked = asked.where(SPENT.c.begins >= begin, SPENT.c.begins < (until if end is None else end))
        for row in connection.execute(asked.group_by(SPENT.c.subject)).mappings():
            sums[row["subject"]] = sums.get(row["subject"], Charge()) + charge_of(row)
    return tuple(UsedHour(subject, "", since, charge) for subject, charge in sorted(sums.items()))


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


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _source(pot: BudgetPot) -> tuple[str, list[str]] | None:
    """(kind, subjects) whose sums are exactly what the pot counts, for `groups` all sets with one of them; None: there
    are no such."""
    scope = pot.budget
    match pot.pot.per:
        case "user":
            return None if scope.groups else ("user", [pot.pot.subject])
        case "group":
            return None if scope.users else ("group", [pot.pot.subject])
    if scope.users:
        return None if scope.groups else ("user", sorted(set(scope.users)))
    if len(scope.groups) > 1:  # somebody in two of them is counted once
        return "groups", sorted(set(scope.groups))
    return ("group", [scope.groups[0]]) if scope.groups else ("hub", [""])


def _from_entries(connection: Connection, pot: BudgetPot, begin: datetime) -> Charge:
    """From the runs of the people it is about: sums of those that lie in the window, the others hour by hour."""
    scope, end = pot.budget, pot.end
    users = [pot.pot.subject] if pot.pot.per == "user" else sorted(set(scope.users))
    mark, moment = _driver(connection)
    machines = "".join(
        f" AND {_among(column, names, mark)}"
        for column, names in (("profile", scope.profiles), ("pool", scope.pools))
        if names
    )
    inside = f"began_at >= {mark}" + ("" if end is None else f" AND ended_at <= {mark}")
    edges = [moment(each) for each in (begin, end) if each is not None]
    theirs = f"FROM remuda_ledger WHERE {_among('user_name', users, mark)} AND ended_at > {mark}{machines}"
    given = [*users, moment(begin), *scope.profiles, *scope.pools]
    sums = "sum(seconds), sum(gpu_seconds), sum(micros)"
    total, across = Charge(), False
    for groups, within, seconds, gpu_seconds, micros in connection.exec_driver_sql(
        f"SELECT groups, {inside} AS within, {sums} {theirs} AND began_at IS NOT NULL GROUP BY groups, within",
        (*edges, *given),
    ):
        if not within:
            across = True
        elif _counts(pot, json.loads(groups)):
            total += Charge(int(seconds), int(gpu_seconds), int(micros))
    return total + _across(connection, pot, begin, users) if across else total


def _across(connection: Connection, pot: BudgetPot, begin: datetime, users: list[str]) -> Charge:
    """What lies in the window of runs that began before it or end after it."""
    scope, end = pot.budget, pot.end
    beyond = LEDGER.c.began_at < begin if end is None else (LEDGER.c.began_at < begin) | (LEDGER.c.ended_at > end)
    asked = sa.select(LEDGER).where(LEDGER.c.user_name.in_(users), LEDGER.c.ended_at > begin, beyond)
    if scope.profiles:
        asked = asked.where(LEDGER.c.profile.in_(scope.profiles))
    if scope.pools:
        asked = asked.where(LEDGER.c.pool.in_(scope.pools))
    total = Charge()
    for row in connection.execute(asked).mappings():
        entry = entry_of(row)
        if entry.lease.began_at is not None and _counts(pot, entry.lease.groups):
            hours = by_hour(entry.lease, entry.lease.began_at, entry.ended_at)
            in_window = (charge for hour, charge in hours if hour >= begin and (end is None or hour < end))
            total += sum(in_window, Charge())
    return total


def _counts(pot: BudgetPot, groups: Iterable[str]) -> bool:
    """Whether it counts what somebody used as a member of these groups."""
    theirs = set(groups)
    return (not pot.budget.groups or not theirs.isdisjoint(pot.budget.groups)) and (
        pot.pot.per != "group" or pot.pot.subject in theirs
    )


@cache
def _adding(dialect: str) -> Any:
    insert = INSERT[dialect](SPENT)
    added = {name: SPENT.c[name] + insert.excluded[name] for name in ("seconds", "gpu_seconds", "micros")}
    return insert.on_conflict_do_update(index_elements=list(SPENT.primary_key), set_=added)


@cache
def _remembering(dialect: str) -> Any:
    return INSERT[dialect](GROUP_SETS).on_conflict_do_nothing()
