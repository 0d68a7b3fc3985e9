"""A catalog as a table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from profiles.accelerators import count_gpus
from profiles.access import who_may
from profiles.model import Catalog, CpuRange, MemoryRange, Profile
from profiles.quantity import Money

HEADS = ("profile", "pool", "cpu", "memory", "gpu", "price/h", "who")


def catalog_table(catalog: Catalog) -> str:
    """One line for each profile; `*` marks the default. Ranges are request–limit, prices cheapest–dearest."""
    rows = [_row(name, profile, catalog) for name, profile in catalog.profiles.items()]
    return _aligned([HEADS, *rows])


def _row(name: str, profile: Profile, catalog: Catalog) -> tuple[str, ...]:
    return (
        name + ("*" if name == catalog.default_profile else ""),
        profile.pool,
        _span(profile.cpu),
        _span(profile.memory),
        _gpus(profile),
        _price(profile, catalog.currency),
        who_may(profile.allow),
    )


def _span(amount: CpuRange | MemoryRange) -> str:
    low, high = str(amount.request), str(amount.limit)
    return high if low == high else f"{low}–{high}"


def _gpus(profile: Profile) -> str:
    """Fewest and most over all choices; options that set the same resource don't occur together."""
    base = count_gpus(profile.extended_resources)
    low = high = base
    for option in profile.options.values():
        counts = [
            count_gpus({**profile.extended_resources, **choice.overrides.extended_resources}) - base
            for choice in option.choices.values()
        ]
        low, high = low + min(counts), high + max(counts)
    return str(low) if low == high else f"{low}–{high}"


def _price(profile: Profile, currency: str) -> str:
    added = [[choice.price_per_hour for choice in option.choices.values()] for option in profile.options.values()]
    low = profile.price_per_hour + sum((min(prices) for prices in added), start=Decimal(0))
    high = profile.price_per_hour + sum((max(prices) for prices in added), start=Decimal(0))
    if low == high:
        return Money(low, currency).human
    return f"{Money(low, currency).human}–{Money(high, currency).figure}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
