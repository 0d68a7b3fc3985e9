"""PURE: one person's reservations as iCalendar (RFC 5545), for the calendar that they look at all day anyway."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from profiles.reservations import Reservation

#: Octets of a line, its end not counted.
LINE = 75
_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})


def calendar(reservations: Iterable[Reservation], host: str, link: str, now: datetime) -> bytes:
    """`host` makes ids that stay the same wherever the hub runs; `link` is the calendar page."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Remuda//Reservations//EN", "CALSCALE:GREGORIAN"]
    lines += ["METHOD:PUBLISH", "NAME:Reserved machines", "X-WR-CALNAME:Reserved machines"]
    lines += ["REFRESH-INTERVAL;VALUE=DURATION:PT15M", "X-PUBLISHED-TTL:PT15M"]
    for each in reservations:
        lines += _event(each, host, link, now)
    lines.append("END:VCALENDAR")
    return b"".join(_folded(line) for line in lines)


def _event(reservation: Reservation, host: str, link: str, now: datetime) -> Iterator[str]:
    over = reservation.over_at
    cancelled = over is not None and over <= reservation.begins_at
    # Ended early or released: what is left of it is over.
    ends_at = reservation.ends_at if over is None or cancelled else min(over, reservation.ends_at)
    yield "BEGIN:VEVENT"
    yield f"UID:{reservation.id}@{_text(host)}"
    yield f"DTSTAMP:{_utc(now)}"
    yield f"CREATED:{_utc(reservation.made_at)}"
    early = over is not None and over < reservation.ends_at
    yield f"LAST-MODIFIED:{_utc(over if early and over is not None else reservation.changed_at or reservation.made_at)}"
    yield f"SEQUENCE:{reservation.revision + early}"
    yield f"DTSTART:{_utc(reservation.begins_at)}"
    yield f"DTEND:{_utc(ends_at)}"
    yield f"SUMMARY:{_text(reservation.display_name)}"
    if reservation.note:
        yield f"DESCRIPTION:{_text(reservation.note)}"
    yield f"URL:{link}"
    yield f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}"
    yield "END:VEVENT"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """Control characters have no place in it."""
    return "".join(char for char in value if char == "\n" or char.isprintable()).translate(_ESCAPED)


def _folded(line: str) -> bytes:
    """Long lines go on in the next one behind a space, never within a character."""
    parts, part = [], b""
    for char in line:
        octets = char.encode("utf8")
        # Each line after the first begins with a space, which counts.
        if len(part) + len(octets) > LINE - (1 if parts else 0):
            parts.append(part)
            part = b""
        part += octets
    return b"\r\n ".join([*parts, part]) + b"\r\n"
