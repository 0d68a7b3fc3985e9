"""What a run uses up, exactly; windows of time in which it counts. Pure: `now` and the time zone are arguments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

from profiles.lease import MICRO, Charge, Lease
from profiles.policy import CALENDAR
from profiles.quantity import Duration, Money

HOUR = timedelta(hours=1)


def charge(lease: Lease, ran: timedelta) -> Charge:
    """What this lease has used after running so long. Whole seconds, begun ones left out; money half-even."""
    seconds = max(0, int(ran.total_seconds()))
    gpus = lease.amounts.gpus
    return Charge(seconds, seconds * gpus, micros(lease.price_per_hour, seconds))


def micros(price_per_hour: Money, seconds: int) -> int:
    """Millionths of the currency for so many seconds."""
    exact = price_per_hour.amount * MICRO * seconds / 3600
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def by_hour(lease: Lease, began: datetime, ended: datetime) -> Iterator[tuple[datetime, Charge]]:
    """The run's charge, split over the UTC hours it touched; the parts add up to `charge` exactly."""
    total = max(0, int((ended - began).total_seconds()))
    before = Charge()
    hour = began.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while True:
        seconds = min(total, max(0, int((hour + HOUR - began).total_seconds())))
        upto = charge(lease, timedelta(seconds=seconds))
        part = Charge(
            upto.seconds - before.seconds, upto.gpu_seconds - before.gpu_seconds, upto.micros - before.micros
        )
        if part != Charge():
            yield hour, part
        if seconds >= total:
            return
        before, hour = upto, hour + HOUR


def window_of(window: str, now: datetime, timezone: str) -> tuple[datetime, datetime | None]:
    """(begin, end) in UTC of the window that `now` lies in; a sliding one has no end. `window` as in `policy.Budget`.

    Calendar windows begin at local midnight, also where clocks change; weeks begin on Monday.
    """
    if window not in CALENDAR:
        return now - timedelta(seconds=Duration.parse(window).seconds), None
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if window == "day":
        begin, end = today, today + timedelta(days=1)
    elif window == "week":
        begin = today - timedelta(days=today.weekday())
        end = begin + timedelta(days=7)
    else:
        begin = today.replace(day=1)
        end = (begin + timedelta(days=32)).replace(day=1)
    return begin.astimezone(UTC), end.astimezone(UTC)
