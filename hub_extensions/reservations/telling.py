"""PURE: what is told of a reservation that somebody else has cancelled. Who has to make room hears it as for all
promises (`queue.told`)."""

from __future__ import annotations

from datetime import datetime

from hub_extensions.notices.notice import Kind, Notice
from hub_extensions.reservations import words
from profiles.reservations import Reservation


def cancelled(reservation: Reservation, by: str, timezone: str, now: datetime) -> Notice:
    said = words.slot(reservation.begins_at, reservation.ends_at, timezone)
    return Notice(
        to=reservation.user,
        kind=Kind.RESERVATION,
        key=f"reservation/{reservation.id}/cancelled",
        subject=f"Your reservation of {reservation.display_name} was cancelled",
        text=f"{by} has cancelled your reservation of {reservation.display_name}: {said} ({timezone}).",
        at=now,
        link="reservations",
        sender=by,
    )
