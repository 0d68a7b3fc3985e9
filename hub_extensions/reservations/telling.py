"""PURE: what is told, and kept in the audit, of a reservation that was changed, or that somebody else has cancelled.
Who has to make room hears it as for all promises (`queue.told`)."""

from __future__ import annotations

from datetime import datetime

from hub_extensions.audit.entry import Action, AuditEntry, Way
from hub_extensions.notices.notice import Kind, Notice
from hub_extensions.reservations import words
from profiles.reservations import Reservation


def cancelled(reservation: Reservation, by: str, reason: str, timezone: str, now: datetime) -> Notice:
    said = words.slot(reservation.begins_at, reservation.ends_at, timezone)
    did = "ended" if reservation.begins_at < now else "cancelled"
    why = f" They say: “{reason}”" if reason else ""
    left = " Your machine, if it runs, is one like everybody’s from now on." if did == "ended" else ""
    return Notice(
        to=reservation.user,
        kind=Kind.RESERVATION,
        key=f"reservation/{reservation.id}/cancelled",
        subject=f"Your reservation of {reservation.display_name} was {did}",
        text=f"{by} has {did} your reservation of {reservation.display_name}: {said} ({timezone}).{why}{left}",
        at=now,
        link="reservations",
        sender=by,
    )


def cancelled_entry(reservation: Reservation, by: str, reason: str, way: Way, now: datetime) -> AuditEntry:
    details = {**_facts(reservation), "text": reason} if reason else _facts(reservation)
    return AuditEntry(
        at=now, actor=by, action=Action.RESERVATION_CANCELLED, subject=reservation.user, way=way, details=details
    )


def changed_entry(old: Reservation, changed: Reservation, way: Way, now: datetime) -> AuditEntry:
    """As it is now, and what of it was otherwise."""
    facts, before = _facts(changed), _facts(old)
    was = {f"was_{name}": value for name, value in before.items() if value != facts[name] and name != "profile"}
    details = facts | was
    return AuditEntry(
        at=now, actor=changed.user, action=Action.RESERVATION_CHANGED, subject=changed.user, way=way, details=details
    )


def _facts(reservation: Reservation) -> dict[str, str]:
    return {
        "machine": reservation.display_name,
        "profile": reservation.profile,
        "begins_at": reservation.begins_at.isoformat(),
        "ends_at": reservation.ends_at.isoformat(),
    }
