"""PURE: who is told what when somebody reserves or cancels."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from hub_extensions.notices.notice import Kind, Notice
from hub_extensions.page_frame import words as page_words
from hub_extensions.reservations import words
from profiles.reservations import Leave, Reservation

KEPT = "Your home stays as it is."


def has_to_leave(leave: Leave, timezone: str, now: datetime) -> Notice:
    """To whoever runs on what was reserved, without the name of who did it."""
    lease, local = leave.lease, leave.at.astimezone(ZoneInfo(timezone))
    clock = f"{local:%H:%M}" if leave.at.date() == now.date() else words.when(leave.at, timezone)
    server = f" (your server “{lease.server}”)" if lease.server else ""
    return Notice(
        to=lease.user,
        kind=Kind.STOPS_SOON,
        key=f"leaves/{lease.id}/{leave.at.isoformat()}",
        subject=f"Your {lease.display_name} stops at {clock}, because it is reserved",
        text=(
            f"Somebody has reserved what your {lease.display_name}{server} takes. It stops at {clock} ({timezone}), "
            f"{page_words.ahead(leave.at, now)}, unless something else gets free by then. {KEPT} Save what is not, "
            "switch to another machine, or reserve a time of your own."
        ),
        at=now,
        link="reservations",
    )


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
