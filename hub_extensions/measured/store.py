"""What was measured, in SQL. Synchronous, as admission's `Store` is; the gate's worker runs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub_extensions.admission.database import Database
from hub_extensions.admission.rows import entry_of
from hub_extensions.admission.tables import LEDGER, LEDGER_GROUPS
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
HAD = ("has_millicores", "has_memory", "has_gpus")
NAMES = tuple(each.name for each in fields(Measured))


class MeasuredStore:
    """Raises `DatabaseAway`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, reports: Reports, now: datetime) -> None:
        """All of them in one transaction. The same report again changes nothing, and an older one neither."""
        if not reports:
            return
        with self._database.writing() as connection:
            known: dict[str, dict[str, Measured]] = {}
            for lease_id, run, measured in _rows(connection, {lease_id for lease_id, _ in reports}):
                known.setdefault(lease_id, {})[run] = measured
            new, changed = [], []
            for (lease_id, run), measured in reports.items():
                runs = known.setdefault(lease_id, {})
                if run in runs:
                    grown = runs[run].later(measured)
                    if grown != runs[run]:
                        changed.append({"the_lease": lease_id, "the_run": run, "reported_at": now, **asdict(grown)})
                elif len(runs) < MOST_RUNS:
                    runs[run] = measured
                    new.append({"lease_id": lease_id, "run": run, "reported_at": now, **asdict(measured)})
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

    def by(
        self, subject: Literal["user", "group"], *, since: datetime, until: datetime, name: str | None = None
    ) -> dict[str, Efficiency]:
        """Of sessions that ended from `since` on, before `until`, by person or by group."""
        span = LEDGER.c.ended_at >= since, LEDGER.c.ended_at < until
        runs = _sums_of_runs(*span)
        asked = LEDGER.join(runs, runs.c.lease_id == LEDGER.c.lease_id)
        column = LEDGER.c.user_name
        if subject == "group":
            asked = asked.join(LEDGER_GROUPS, LEDGER_GROUPS.c.lease_id == LEDGER.c.lease_id)
            column = LEDGER_GROUPS.c.group_name
        query = sa.select(column.label("subject"), *_efficiency(runs)).select_from(asked).where(*span).group_by(column)
        if name is not None:
            query = query.where(column == name)
        with self._database.reading() as connection:
            return {row[0]: Efficiency(*(float(each or 0) for each in row[1:])) for row in connection.execute(query)}


def _of(connection: Connection, lease_ids: Iterable[str]) -> dict[str, Measured]:
    found: dict[str, list[Measured]] = {}
    for lease_id, _, measured in _rows(connection, set(lease_ids)):
        found.setdefault(lease_id, []).append(measured)
    return {lease_id: together(runs) for lease_id, runs in found.items()}


def _rows(connection: Connection, lease_ids: set[str]) -> Iterable[tuple[str, str, Measured]]:
    ids = sorted(lease_ids)
    for first in range(0, len(ids), AT_ONCE):
        query = sa.select(MEASURED).where(MEASURED.c.lease_id.in_(ids[first : first + AT_ONCE]))
        for row in connection.execute(query).mappings():
            yield row["lease_id"], row["run"], Measured(**{name: int(row[name]) for name in NAMES})


def _sums_of_runs(*span: sa.ColumnElement[bool]) -> sa.Subquery:
    """As `figures.together`: one row for each lease."""
    added, most = ("covered_ms", "cpu_ms", "gpu_busy_ms", "gpu_covered_ms"), ("memory_peak", "gpus")
    sums = [sa.func.sum(MEASURED.c[name]).label(name) for name in added]
    maxima = [sa.func.max(MEASURED.c[name]).label(name) for name in (*most, *HAD)]
    joined = MEASURED.join(LEDGER, LEDGER.c.lease_id == MEASURED.c.lease_id)
    asked = sa.select(MEASURED.c.lease_id, *sums, *maxima).select_from(joined).where(*span)
    return asked.group_by(MEASURED.c.lease_id).subquery()


def _efficiency(runs: sa.Subquery) -> list[sa.ColumnElement[Any]]:
    """As `Efficiency.of`, in floating point: bytes times milliseconds are beyond 64 bits."""
    of = {name: sa.cast(runs.c[name], sa.Double) for name in runs.c.keys() if name != "lease_id"}  # noqa: SIM118
    had_gpus = sa.case((runs.c.gpus > 0, of["gpu_covered_ms"] * of["has_gpus"]), else_=0.0)
    return [
        sa.func.sum(of["cpu_ms"]),
        sa.func.sum(of["covered_ms"] * of["has_millicores"] / 1000),
        sa.func.sum(of["covered_ms"] / 1000 * of["memory_peak"]),
        sa.func.sum(of["covered_ms"] / 1000 * of["has_memory"]),
        sa.func.sum(of["gpu_busy_ms"]),
        sa.func.sum(had_gpus),
    ]
