"""Leases and entries of the ledger as rows, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from profiles.amounts import Amounts
from profiles.frozen import freeze
from profiles.lease import KEPT, Charge, EndReason, Entry, Lease, LeaseState, LeaveWhy, Request
from profiles.person import Person
from profiles.pots import Pot
from profiles.quantity import Duration, Money
from profiles.reservations import Reservation
from profiles.waiting import Waiting

MICROSECOND = timedelta(microseconds=1)


def lease_row(lease: Lease) -> dict[str, Any]:
    leaves_why = None if lease.leaves_why is None else lease.leaves_why.value
    making_room = {"closes_at": lease.closes_at, "leaves_at": lease.leaves_at, "leaves_why": leaves_why}
    return {"id": lease.id, **_leased(lease), **making_room}


def lease_of(row: Mapping[str, Any]) -> Lease:
    why = row["leaves_why"]
    leaves_why = None if why is None else LeaveWhy(why)
    lease = _lease(row["id"], row)
    return replace(lease, closes_at=row["closes_at"], leaves_at=row["leaves_at"], leaves_why=leaves_why)


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
    return {**_asked_for(lease.request()), "held_at": lease.held_at, "began_at": lease.began_at}


def _asked_for(request: Request) -> dict[str, Any]:
    return {
        "user_name": request.person.name,
        "groups": sorted(request.person.groups),
        "server": request.server,
        "profile": request.profile,
        "display_name": request.display_name,
        "pool": request.pool,
        "amounts": request.amounts.to_dict(),
        "price_per_hour": f"{request.price_per_hour.amount:f}",
        "currency": request.price_per_hour.currency,
        "longest_us": None if request.longest is None else request.longest // MICROSECOND,
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


def reservation_row(reservation: Reservation) -> dict[str, Any]:
    return {
        "id": reservation.id,
        "rule": reservation.rule,
        "user_name": reservation.user,
        "groups": sorted(reservation.groups),
        "profile": reservation.profile,
        "options": dict(reservation.options),
        "display_name": reservation.display_name,
        "amounts": reservation.amounts.to_dict(),
        "begins_at": reservation.begins_at,
        "ends_at": reservation.ends_at,
        "made_at": reservation.made_at,
        "note": reservation.note,
        "taken_at": reservation.taken_at,
        "over_at": reservation.over_at,
        "over_by": reservation.over_by,
        "revision": reservation.revision,
        "changed_at": reservation.changed_at,
    }


def reservation_of(row: Mapping[str, Any]) -> Reservation:
    return Reservation(
        id=row["id"],
        rule=row["rule"],
        user=row["user_name"],
        groups=frozenset(row["groups"]),
        profile=row["profile"],
        options=freeze(row["options"]),
        display_name=row["display_name"],
        amounts=Amounts.from_dict(row["amounts"]),
        begins_at=row["begins_at"],
        ends_at=row["ends_at"],
        made_at=row["made_at"],
        note=row["note"],
        taken_at=row["taken_at"],
        over_at=row["over_at"],
        over_by=row["over_by"],
        revision=row["revision"],
        changed_at=row["changed_at"],
    )


def waiting_row(waiting: Waiting) -> dict[str, Any]:
    pot = waiting.pot
    return {
        "id": waiting.id,
        **_asked_for(waiting.request),
        "options": dict(waiting.options),
        "joined_at": waiting.joined_at,
        "starts_itself": waiting.starts_itself,
        "pot_rule": None if pot is None else pot.rule,
        "pot_per": None if pot is None else pot.per,
        "pot_subject": None if pot is None else pot.subject,
        "kept_until": waiting.kept_until,
        "run_for_s": None if waiting.run_for is None else waiting.run_for.seconds,
    }


def waiting_of(row: Mapping[str, Any]) -> Waiting:
    """Without the hours of its machine, which whoever calls it looks up again."""
    request = Request(
        lease_id=f"{KEPT}{row['id']}",
        person=Person(row["user_name"], frozenset(row["groups"])),
        server=row["server"],
        profile=row["profile"],
        display_name=row["display_name"],
        pool=row["pool"],
        amounts=Amounts.from_dict(row["amounts"]),
        price_per_hour=Money(Decimal(row["price_per_hour"]), row["currency"]),
        longest=None if row["longest_us"] is None else timedelta(microseconds=row["longest_us"]),
    )
    rule = row["pot_rule"]
    return Waiting(
        id=row["id"],
        request=request,
        options=freeze(row["options"]),
        joined_at=row["joined_at"],
        starts_itself=bool(row["starts_itself"]),
        pot=None if rule is None else Pot(rule, row["pot_per"], row["pot_subject"]),
        kept_until=row["kept_until"],
        run_for=None if row["run_for_s"] is None else Duration(row["run_for_s"]),
    )
