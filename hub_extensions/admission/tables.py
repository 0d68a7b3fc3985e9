"""The tables, as SQLAlchemy Core sees them; `migrations` makes them. All names begin with `remuda_`: on PostgreSQL they
lie in the Hub's own database."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, MetaData, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

METADATA = MetaData()
#: SQLite's only integer that is 64 bits and fast as a key.
Counter = BigInteger().with_variant(Integer(), "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC with microseconds. SQLite keeps it as text without a zone, which sorts as time does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """As text in one canonical form, so that equal values are equal rows on every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _what_is_asked_for() -> list[Column[Any]]:
    """Who asks for which machine, as leases and places in line keep it."""
    return [
        Column("user_name", Text, nullable=False),
        Column("groups", Json, nullable=False),
        Column("server", Text, nullable=False),
        Column("profile", Text, nullable=False),
        Column("display_name", Text, nullable=False),
        Column("pool", Text, nullable=False),
        Column("amounts", Json, nullable=False),
        Column("price_per_hour", Text, nullable=False),
        Column("currency", Text, nullable=False),
        Column("longest_us", BigInteger),
    ]


def _what_is_leased() -> list[Column[Any]]:
    """The columns that a lease keeps when it becomes an entry of the ledger."""
    return [
        *_what_is_asked_for(),
        Column("held_at", UtcTime, nullable=False),
        Column("began_at", UtcTime),
    ]


#: One row. `version` counts writes to leases; `forgotten` is the newest version whose tombstones may be missing;
#: `promised` counts changes of reservations and of the line of those who wait.
STATE = Table(
    "remuda_state",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("version", Counter, nullable=False),
    Column("forgotten", Counter, nullable=False),
    Column("seen_at", UtcTime),
    Column("promised", Counter, nullable=False, server_default="0"),
)

#: Leases that are out. `changed` is the version at which the row was written.
LEASES = Table(
    "remuda_leases",
    METADATA,
    Column("id", Text, primary_key=True),
    *_what_is_leased(),
    Column("changed", Counter, nullable=False, index=True),
    Column("closes_at", UtcTime),
    Column("leaves_at", UtcTime),
    Column("leaves_why", Text),
)

#: Tombstones: which lease ended at which version, for books in other processes.
GONE = Table(
    "remuda_gone",
    METADATA,
    Column("version", Counter, primary_key=True, autoincrement=False),
    Column("lease_id", Text, nullable=False),
)

#: What ran, written once. Triggers refuse UPDATE and DELETE.
LEDGER = Table(
    "remuda_ledger",
    METADATA,
    Column("lease_id", Text, primary_key=True),
    *_what_is_leased(),
    Column("ended_at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seconds", BigInteger, nullable=False),
    Column("gpu_seconds", BigInteger, nullable=False),
    Column("micros", BigInteger, nullable=False),
)

#: Entries of the ledger by group: one row for each of the groups that the person had.
LEDGER_GROUPS = Table(
    "remuda_ledger_groups",
    METADATA,
    Column("group_name", Text, primary_key=True),
    Column("ended_at", UtcTime, primary_key=True),
    Column("lease_id", Text, primary_key=True),
)

#: Every set of groups that somebody in the ledger had, as `canonical` writes it.
GROUP_SETS = Table("remuda_group_sets", METADATA, Column("members", Text, primary_key=True))

#: The ledger summed up by UTC hour and, for long windows, by UTC day. `kind` says whose: see `spent.py`.
SPENT = Table(
    "remuda_spent",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("span", Text, primary_key=True),
    Column("begins", UtcTime, primary_key=True),
    Column("profile", Text, primary_key=True),
    Column("pool", Text, primary_key=True),
    Column("seconds", BigInteger, nullable=False),
    Column("gpu_seconds", BigInteger, nullable=False),
    Column("micros", BigInteger, nullable=False),
)

#: What is promised from … until …. Rows stay: the calendar shows the past as well.
RESERVATIONS = Table(
    "remuda_reservation",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("user_name", Text, nullable=False, index=True),
    Column("groups", Json, nullable=False),
    Column("profile", Text, nullable=False),
    Column("options", Json, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("amounts", Json, nullable=False),
    Column("begins_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False, index=True),
    Column("made_at", UtcTime, nullable=False),
    Column("note", Text, nullable=False),
    Column("taken_at", UtcTime),
    Column("over_at", UtcTime, index=True),
    Column("over_by", Text, nullable=False),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("changed_at", UtcTime),
)

#: The line of those who wait, one row for each place; who is served or leaves is taken off.
QUEUE = Table(
    "remuda_queue",
    METADATA,
    Column("id", Text, primary_key=True),
    *_what_is_asked_for(),
    Column("options", Json, nullable=False),
    Column("joined_at", UtcTime, nullable=False),
    Column("starts_itself", Boolean, nullable=False),
    Column("pot_rule", Text),
    Column("pot_per", Text),
    Column("pot_subject", Text),
    Column("kept_until", UtcTime),
    Column("run_for_s", BigInteger),
)
