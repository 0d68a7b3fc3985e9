"""Leases and machines to decide about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from profiles.amounts import Amounts
from profiles.frozen import freeze
from profiles.lease import Lease, LeaseState
from profiles.machine import RunningMachine
from profiles.quantity import Money

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def lease(lease_id: str = "a", *, began: datetime | None = NOON, gpus: int = 0, **other: Any) -> Lease:
    """A running machine at 2 EUR an hour; `began=None` is one that is still starting."""
    given: dict[str, Any] = {
        "id": lease_id,
        "user": "ann",
        "groups": frozenset(),
        "server": "",
        "profile": "small",
        "display_name": "Small",
        "pool": "general",
        "amounts": Amounts(1, 1000, 2**30, freeze({"nvidia.com/gpu": gpus} if gpus else {})),
        "price_per_hour": Money(Decimal(2), "EUR"),
        "state": LeaseState.HELD if began is None else LeaseState.RUNNING,
        "held_at": (began or NOON) - MINUTE,
        "began_at": began,
    }
    return Lease(**{**given, **other})


def machine(spawn_id: str = "a", *, started: datetime | None = NOON, **other: Any) -> RunningMachine:
    given: dict[str, Any] = {
        "profile_id": "small",
        "display_name": "Small",
        "pool_id": "general",
        "cpu_cores": 2.0,
        "memory_bytes": 2**31,
        "gpus": 1,
        "price_per_hour": Money(Decimal(2), "EUR"),
        "spawn_id": spawn_id,
        "started_at": started,
    }
    return RunningMachine(**{**given, **other})
