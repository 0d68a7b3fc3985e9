"""A moment as every sentence writes it: by the clock of the hub's time zone (`policies.timezone`), which is named."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def clock_in(timezone: str, moment: datetime, now: datetime) -> str:
    """`14:10 (Europe/Berlin)`, `14:10 on Sun 22 Nov (Europe/Berlin)`; of another year, with the year.

    Goes after “at”, “until” and “from”: sentences are kept, sent and read elsewhere, where no script turns them.
    """
    local, today = moment.astimezone(ZoneInfo(timezone)), now.astimezone(ZoneInfo(timezone))
    day = "" if local.date() == today.date() else f" on {local:%a} {local.day} {local:%b}"
    year = f" {local.year}" if day and local.year != today.year else ""
    return f"{local:%H:%M}{day}{year} ({timezone})"
