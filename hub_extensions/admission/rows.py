"""Leases and entries of the ledger as rows, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from profiles.amounts import Amounts
from profiles.lease import Charge, EndReason, Entry, Lease, LeaseState
from profiles.quantity import Money

MICROSECOND = timedelta(microseconds=1)


def lease_row(lease: Lease) -> dict[str, Any]:
    return {"id": lease.id, **_leased(lease)}


def lease_of(row: Mapping[str, Any]) -> Lease:
    return _lease(row["id"], row)


def entry_row(entry: Entry) -> dict[str, Any]:
    return {
        "lease_id": entry.lease.id,
        **_leased(entry.lease),
        "ended_at": entry.ended_at,
        "reason": entry.reason.value,
        **charge_row(entry.charge),
    }


def entry_of(row: Mapping[str, Any]) -> Entry:
    return Entry(
        lease=_lease(row["lease_id"], row),
        ended_at=row["ended_at"],
        reason=EndReason(row["reason"]),
        charge=charge_of(row),
    )


def charge_row(charge: Charge) -> dict[str, int]:
    return {"seconds": charge.seconds, "gpu_seconds": charge.gpu_seconds, "micros": charge.micros}


def charge_of(row: Mapping[str, Any]) -> Charge:
    # PostgreSQL's sums of big integers are Decimals, and a sum of nothing is NULL.
    return Charge(int(row["seconds"] or 0), int(row["gpu_seconds"] or 0), int(row["micros"] or 0))


def _leased(lease: Lease) -> dict[str, Any]:
    return {
        "user_name": lease.user,
        "groups": sorted(lease.groups),
        "server": lease.server,
        "profile": lease.profile,
        "display_name": lease.display_name,
        "pool": lease.pool,
        "amounts": lease.amounts.to_dict(),
        "price_per_hour": f"{lease.price_per_hour.amount:f}",
        "currency": lease.price_per_hour.currency,
        "longest_us": None if lease.longest is None else lease.longest // MICROSECOND,
        "held_at": lease.held_at,
        "began_at": lease.began_at,
    }


def _lease(lease_id: str, row: Mapping[str, Any]) -> Lease:
    return Lease(
        id=lease_id,
        user=row["user_name"],
        groups=frozenset(row["groups"]),
        server=row["server"],
        profile=row["profile"],
        display_name=row["display_name"],
        pool=row["pool"],
        amounts=Amounts.from_dict(row["amounts"]),
        price_per_hour=Money(Decimal(row["price_per_hour"]), row["currency"]),
        state=LeaseState.HELD if row["began_at"] is None else LeaseState.RUNNING,
        held_at=row["held_at"],
        began_at=row["began_at"],
        longest=None if row["longest_us"] is None else timedelta(microseconds=row["longest_us"]),
    )
