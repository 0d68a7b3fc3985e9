"""Sizes, counts and times as people say them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

_STEPS = ((60, "second"), (3600, "minute"), (86400, "hour"), (14 * 86400, "day"), (60 * 86400, "week"))
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}


def size(count: int | None) -> str:
    """`1.2 GB`: decimal units, as storage is sold; empty when unknown."""
    if count is None:
        return ""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.95 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} PB"


def number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def counted(count: int, what: str) -> str:
    """`1 file`, `2,000 files`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def ago(moment: datetime | None, now: datetime) -> str:
    """`3 hours ago`, and the date of what is older than two months."""
    if moment is None:
        return ""
    seconds = (now - moment).total_seconds()
    if seconds < 1:
        return "just now"
    for below, unit in _STEPS:
        if seconds < below:
            count = int(seconds // _SECONDS[unit])
            return f"{counted(count, unit)} ago"
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
