"""PURE: quantities, prices and times as people write them. Money alone is `profiles.quantity.Money.human`."""

from __future__ import annotations

from datetime import datetime

from profiles.moments import clock_in
from profiles.quantity import Money

__all__ = ["clock_in"]

_VENDORS = {"nvidia.com": "NVIDIA", "amd.com": "AMD", "gpu.intel.com": "Intel", "habana.ai": "Habana"}


def price_per_hour(price: Money) -> str:
    """`€2.50 per hour`, or `free` for nothing."""
    return f"{price.human} per hour" if price.amount else "free"


def plural(count: int | str, noun: str) -> str:
    """`1 core`, `2 cores`."""
    return f"{count} {noun}" if str(count) == "1" else f"{count} {noun}s"


def cores(number: float) -> str:
    """`2 cores`, `0.5 cores`."""
    return plural(f"{number:.2f}".rstrip("0").rstrip("."), "core")


def memory(size: int) -> str:
    """Bytes as `8 GiB`, `512 MiB`, `1.5 TiB`."""
    for factor, unit in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB")):
        if size >= factor:
            return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{max(1, round(size / 1024))} KiB"


def resource(name: str, count: int) -> str:
    """An extended resource: `2 NVIDIA GPUs`, `1 NVIDIA MIG 1g.5gb slice`, `3 × example.org/fpga`."""
    domain, _, kind = name.rpartition("/")
    vendor = _VENDORS.get(domain, "")
    if kind.startswith("mig-"):
        return plural(count, f"{vendor} MIG {kind.removeprefix('mig-')} slice".strip())
    if kind == "gpu" or kind.endswith("-gpu"):
        return plural(count, f"{vendor} GPU".strip())
    return f"{count} × {name}"


def duration(seconds: float) -> str:
    """`45 seconds`, `12 minutes`, `3 h 20 min`, `2 days 4 h`: two units at most, rounded down."""
    total = max(0, int(seconds))
    if total < 60:
        return plural(total, "second")
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if hours < 1:
        return plural(minutes, "minute")
    if days < 2:
        left = minutes % 60
        return f"{hours} h {left} min" if left else plural(hours, "hour")
    left = hours % 24
    return f"{plural(days, 'day')} {left} h" if left else plural(days, "day")


def ago(then: datetime, now: datetime) -> str:
    """`just now`, `12 minutes ago`."""
    seconds = (now - then).total_seconds()
    return "just now" if seconds < 10 else f"{duration(seconds)} ago"


def ahead(then: datetime, now: datetime) -> str:
    """`in 12 minutes`, `any moment now`."""
    seconds = (then - now).total_seconds()
    return "any moment now" if seconds < 60 else f"in {duration(seconds)}"
