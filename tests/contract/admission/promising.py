"""Reservations, booked and cancelled as simply as they can be: pages and their rules are tested elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from hub_extensions.admission.books import promises_changed
from hub_extensions.admission.rows import reservation_row
from hub_extensions.admission.store import Store
from hub_extensions.admission.tables import RESERVATIONS
from profiles.lease import LeaveWhy, Request
from profiles.policy import Policies
from profiles.pots import ReservedPot
from profiles.reservations import Leave, Reservation, clear_time
from profiles.turns import clearings
from tests.unit.profiles.shares import reserved_most


def book(
    store: Store, wanted: Request, slot: tuple[datetime, datetime], policies: Policies, now: datetime
) -> tuple[Leave, ...]:
    """Who is told that they have to make room; nobody where it does not fit."""
    rule, reservable = next(iter(policies.reservations.items()))
    pot, clear = ReservedPot.of(rule, reservable), clear_time(reservable)
    begins, ends = slot
    with store.changing() as books:
        new = Reservation(
            id=f"r{wanted.lease_id}",
            rule=rule,
            user=wanted.person.name,
            groups=wanted.person.groups,
            profile=wanted.profile,
            display_name=wanted.display_name,
            amounts=wanted.amounts,
            begins_at=begins,
            ends_at=ends,
            made_at=now,
        )
        promised = (*books.reservations, new)
        early = [replace(each, begins_at=each.begins_at - clear) for each in promised]
        most = reserved_most(pot, early, begins - clear, ends)
        if any(most[name] > limit for name, limit in pot.caps.limits()):
            return ()
        leaves = clearings(promised, policies, books.leases, now)
        if any(leave.at > max(now, begins - clear) for leave in leaves if leave.lease.leaves_at != leave.at):
            return ()
        books.connection.execute(sa.insert(RESERVATIONS).values(reservation_row(new)))
        promises_changed(books.connection)
        return store.leave_in(books, leaves, LeaveWhy.RESERVED)


def cancel(store: Store, reservation: str, now: datetime) -> None:
    with store.changing() as books:
        gone = sa.update(RESERVATIONS).where(RESERVATIONS.c.id == reservation)
        books.connection.execute(gone.values(over_at=now, over_by="admin"))
        promises_changed(books.connection)
