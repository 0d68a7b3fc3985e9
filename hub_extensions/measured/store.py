"""What was measured, in SQL. Synchronous, as admission's `Store` is; the gate's worker runs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub_extensions.admission.database import Database
from hub_extensions.admission.rows import entry_of
from hub_extensions.admission.tables import LEASES, LEDGER
from hub_extensions.measured.figures import Efficiency, Measured, together
from hub_extensions.measured.tables import MEASURED
from profiles.lease import Entry

#: By (lease's id, run).
Reports = Mapping[tuple[str, str], Measured]
#: A server that crashes and comes back has a few; whoever makes up more is heard no longer.
MOST_RUNS = 64
#: Ids in one question: SQLite takes 32,766 values.
AT_ONCE = 500

KEY = (MEASURED.c.lease_id == sa.bindparam("the_lease"), MEASURED.c.run == sa.bindparam("the_run"))
NAMES = tuple(each.name for each in fields(Measured))


class MeasuredStore:
    """Raises `DatabaseAway`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, reports: Reports, now: datetime) -> None:
        """All of them in one transaction. The same report again changes nothing, and an older one neither. Of a lease
        that the books do not know yet nothing is kept: the machine reports again in a minute."""
        if not reports:
            return
        with self._database.writing() as connection:
            known: dict[str, dict[str, Measured]] = {}
            ids = {lease_id for lease_id, _ in reports}
            for lease_id, run, measured in _rows(connection, ids):
                known.setdefault(lease_id, {})[run] = measured
            whose = _whose(connection, {lease_id for lease_id, run in reports if run not in known.get(lease_id, {})})
            new, changed = [], []
            for (lease_id, run), measured in reports.items():
                runs = known.setdefault(lease_id, {})
                if run in runs:
                    grown = runs[run].later(measured)
                    if grown != runs[run]:
                        changed.append({"the_lease": lease_id, "the_run": run, "reported_at": now, **asdict(grown)})
                elif lease_id in whose and len(runs) < MOST_RUNS:
                    runs[run] = measured
                    row = {"lease_id": lease_id, "run": run, **whose[lease_id], "reported_at": now}
                    new.append({**row, **asdict(measured)})
            if new:
                connection.execute(sa.insert(MEASURED), new)
            if changed:
                values = {name: sa.bindparam(name) for name in (*NAMES, "reported_at")}
                connection.execute(sa.update(MEASURED).where(*KEY).values(values), changed)

    def of(self, lease_ids: Iterable[str]) -> dict[str, Measured]:
        """By lease; what was not measured is left out."""
        with self._database.reading() as connection:
            return _of(connection, lease_ids)

    def receipt(self, lease_id: str) -> tuple[Entry | None, Measured | None]:
        """A session that is over, and what was measured of it."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(LEDGER).where(LEDGER.c.lease_id == lease_id)).mappings().first()
            return (entry_of(row) if row is not None else None), _of(connection, [lease_id]).get(lease_id)

    def by_user(self, *, since: datetime, until: datetime, name: str | None = None) -> dict[str, Efficiency]:
        """Of machines that reported last from `since` on, before `until`: those that run, and those that ended then."""
        query = _sums(MEASURED.c.user_name, since, until)
        if name is not None:
            query = query.where(MEASURED.c.user_name == name)
        with self._database.reading() as connection:
            return dict(_efficiencies(connection, query))

    def by_group(self, *, since: datetime, until: datetime) -> dict[str, Efficiency]:
        """As `by_user`. Who is in two groups counts for both; there are fewer sets of groups than leases."""
        sums: dict[str, Efficiency] = {}
        with self._database.reading() as connection:
            for groups, efficiency in _efficiencies(connection, _sums(MEASURED.c.groups, since, until)):
                for group in groups:
                    sums[group] = sums.get(group, Efficiency()) + efficiency
        return sums


def _of(connection: Connection, lease_ids: Iterable[str]) -> dict[str, Measured]:
    found: dict[str, list[Measured]] = {}
    for lease_id, _, measured in _rows(connection, set(lease_ids)):
        found.setdefault(lease_id, []).append(measured)
    return {lease_id: together(runs) for lease_id, runs in found.items()}


def _rows(connection: Connection, lease_ids: set[str]) -> Iterator[tuple[str, str, Measured]]:
    for some in _some(lease_ids):
        for row in connection.execute(sa.select(MEASURED).where(MEASURED.c.lease_id.in_(some))).mappings():
            yield row["lease_id"], row["run"], Measured(**{name: int(row[name]) for name in NAMES})


def _whose(connection: Connection, lease_ids: set[str]) -> dict[str, dict[str, Any]]:
    """Who holds or held it, and in which groups they were at its start."""
    found: dict[str, dict[str, Any]] = {}
    for table, column in ((LEASES, LEASES.c.id), (LEDGER, LEDGER.c.lease_id)):
        for some in _some(lease_ids - found.keys()):
            query = sa.select(column.label("lease_id"), table.c.user_name, table.c.groups).where(column.in_(some))
            for row in connection.execute(query):
                found[row.lease_id] = {"user_name": row.user_name, "groups": row.groups}
    return found


def _some(lease_ids: set[str]) -> Iterator[list[str]]:
    ids = sorted(lease_ids)
    for first in range(0, len(ids), AT_ONCE):
        yield ids[first : first + AT_ONCE]


def _sums(subject: sa.ColumnElement[Any], since: datetime, until: datetime) -> sa.Select[Any]:
    """As `Efficiency.of`, in floating point: bytes times milliseconds are beyond 64 bits."""
    of = {name: sa.cast(MEASURED.c[name], sa.Double) for name in NAMES}
    had_gpus = sa.case((MEASURED.c.gpus > 0, of["gpu_covered_ms"] * of["has_gpus"]), else_=0.0)
    figures = (
        of["cpu_ms"],
        of["covered_ms"] * of["has_millicores"] / 1000,
        of["covered_ms"] / 1000 * of["memory_peak"],
        of["covered_ms"] / 1000 * of["has_memory"],
        of["gpu_busy_ms"],
        had_gpus,
    )
    query = sa.select(subject.label("subject"), *(sa.func.sum(each) for each in figures)).group_by(subject)
    return query.where(MEASURED.c.reported_at >= since, MEASURED.c.reported_at < until)


def _efficiencies(connection: Connection, query: sa.Select[Any]) -> Iterator[tuple[Any, Efficiency]]:
    for subject, *sums in connection.execute(query):
        yield subject, Efficiency(*(float(each or 0) for each in sums))
