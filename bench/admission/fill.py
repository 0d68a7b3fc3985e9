"""A ledger of a million runs and thousands of leases, in seconds instead of hours: bulk loads, and sums made by SQL.

Each run of the past lies within one hour, so that `GROUP BY` makes the very sums that `Store.ended` would have made.
"""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bench.admission.hub import NOW, request
from hub_extensions.admission.database import Database
from hub_extensions.admission.rows import lease_row
from hub_extensions.admission.tables import LEASES, LEDGER, STATE, canonical
from profiles.admission import Admit, lease_of
from profiles.cost import micros
from profiles.lease import EndReason, LeaseState

DAYS = 180
BATCH = 20_000
#: (kind, subject, whose entries)
SUBJECTS = (
    ("user", "l.user_name", ""),
    ("hub", "''", ""),
    ("groups", "l.groups", ""),
    ("group", "g.group_name", "JOIN remuda_ledger_groups g ON g.lease_id = l.lease_id"),
)


def fill(database: Database, runs: int, leases: int) -> None:
    dice = random.Random(1)  # noqa: S311 - the same hub each time
    past = _past(dice, runs)
    while batch := list(islice(past, BATCH)):
        with database.writing() as connection:
            _take_time(connection)
            _load(connection, "remuda_ledger", [row for row, _ in batch])
            _load(
                connection,
                "remuda_ledger_groups",
                [
                    {"group_name": name, "ended_at": row["ended_at"], "lease_id": row["lease_id"]}
                    for row, groups in batch
                    for name in groups
                ],
            )
    with database.writing() as connection:
        _sum_up(connection)
        rows = [{**row, "changed": number} for number, row in enumerate(_out(dice, leases), 1)]
        connection.execute(sa.insert(LEASES), rows)
        connection.execute(sa.update(STATE).values(version=leases))
    with database.writing() as connection:  # as PostgreSQL's autovacuum does by and by
        _take_time(connection)
        connection.exec_driver_sql("ANALYZE")


def _past(dice: random.Random, runs: int) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Rows of the ledger as the driver takes them, and the groups of each."""
    asked = [request("", dice) for _ in range(20_000)]
    rows = [(lease_row(lease_of(each, Admit(None), NOW)), sorted(each.person.groups), each) for each in asked]
    kept = [({**row, "groups": canonical(groups), "amounts": canonical(row["amounts"])}, groups, each)
            for row, groups, each in rows]  # fmt: skip
    for number in range(runs):
        row, groups, of = kept[number % len(kept)]
        began = NOW.replace(minute=0) + timedelta(seconds=dice.randint(0, 600) - 3600 * dice.randint(1, DAYS * 24))
        seconds = dice.randint(60, 2_990)
        entry = {
            **row,
            "lease_id": hashlib.blake2b(str(number).encode(), digest_size=12).hexdigest(),
            "held_at": _moment(began - timedelta(seconds=20)),
            "began_at": _moment(began),
            "ended_at": _moment(began + timedelta(seconds=seconds)),
            "reason": EndReason.STOPPED.value,
            "seconds": seconds,
            "gpu_seconds": seconds * of.amounts.gpus,
            "micros": _micros(of.price_per_hour, seconds),
        }
        yield {name: value for name, value in entry.items() if name in LEDGER.c}, groups


def _moment(moment: datetime) -> str:
    """As `tables.UtcTime` keeps it in SQLite, and as PostgreSQL reads it where the time zone is UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


_micros = functools.cache(micros)


def _out(dice: random.Random, leases: int) -> Iterator[dict[str, Any]]:
    for number in range(leases):
        began = NOW - timedelta(seconds=dice.randint(0, 86_400))
        held = lease_of(request(f"out-{number}", dice), Admit(None), began)
        yield lease_row(replace(held, state=LeaseState.RUNNING, began_at=began))


def _load(connection: Connection, table: str, rows: list[dict[str, Any]]) -> None:
    """Past SQLAlchemy, which is not what is measured here."""
    names = list(rows[0])
    raw = connection.connection.cursor()
    if connection.dialect.name == "sqlite":
        marks = ", ".join(f":{name}" for name in names)
        raw.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)  # noqa: S608
        return
    raw.execute("SET LOCAL timezone = 'UTC'")
    with raw.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([row[name] for name in names])


def _take_time(connection: Connection) -> None:
    """Longer than a start would: what is loaded is many at once."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def _sum_up(connection: Connection) -> None:
    lite = connection.dialect.name == "sqlite"
    _take_time(connection)
    for span in ("hour", "day"):
        cut = 13 if span == "hour" else 10
        zero = "':00:00.000000'" if span == "hour" else "' 00:00:00.000000'"
        begins = (
            f"substr(l.began_at, 1, {cut}) || {zero}" if lite else f"date_trunc('{span}', l.began_at, 'UTC')"
        )
        for kind, subject, join in SUBJECTS:
            connection.exec_driver_sql(
                "INSERT INTO remuda_spent (kind, subject, span, begins, profile, pool, seconds, gpu_seconds, micros) "  # noqa: S608
                f"SELECT '{kind}', {subject}, '{span}', {begins}, l.profile, l.pool, "
                "sum(l.seconds), sum(l.gpu_seconds), sum(l.micros) "
                f"FROM remuda_ledger l {join} GROUP BY 2, 4, 5, 6"
            )
    connection.exec_driver_sql("INSERT INTO remuda_group_sets SELECT DISTINCT groups FROM remuda_ledger")
