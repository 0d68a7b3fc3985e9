"""The machine this server runs on, as the Hub told it in REMUDA_MACHINE. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

GIB = 1024**3


def machine_from(environ: Mapping[str, str]) -> dict[str, Any] | None:
    """The machine's own JSON, or None where the Hub told nothing (or nothing readable)."""
    try:
        machine = json.loads(environ.get("REMUDA_MACHINE", ""))
    except ValueError:
        return None
    return machine if isinstance(machine, dict) and machine else None


def label_of(machine: Mapping[str, Any]) -> str:
    """`GPU · €2.50/h`."""
    name = str(machine.get("display_name") or machine.get("profile_id") or "This machine")
    price = price_of(machine)
    return f"{name} · {price}/h" if price else name


def price_of(machine: Mapping[str, Any]) -> str | None:
    """`€2.50`, in the Hub's own words; None when it costs nothing or the price is not known."""
    price = machine.get("price_per_hour")
    human = price.get("human") if isinstance(price, Mapping) else None
    if isinstance(price, Mapping):
        amount, currency = price.get("amount"), str(price.get("currency", ""))
    else:
        amount, _, currency = str(price or "").partition(" ")
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return None
    if not value.is_finite() or value <= 0:
        return None
    if human:
        return str(human)
    digits = value if -value.as_tuple().exponent > 2 else value.quantize(Decimal("0.01"))  # type: ignore[operator]
    return f"{digits} {currency}".strip()


def details_of(machine: Mapping[str, Any]) -> str:
    """`4 cores · 8 GiB · 1 GPU · since 2026-01-31 09:30 UTC`."""
    parts = []
    if cores := machine.get("cpu_cores"):
        parts.append(f"{cores:g} core{'s' if cores != 1 else ''}")
    if memory := machine.get("memory_bytes"):
        parts.append(f"{memory / GIB:.3g} GiB")
    if gpus := machine.get("gpus"):
        parts.append(f"{gpus} GPU{'s' if gpus != 1 else ''}")
    if started := machine.get("started_at"):
        parts.append(f"since {str(started)[:16].replace('T', ' ')} UTC")
    return " · ".join(parts)


def activity_interval(usual_s: int, environ: Mapping[str, str]) -> int:
    """Three reports of activity fit into the machine's idle limit, so that none stops between two of them."""
    limit = (machine_from(environ) or {}).get("idle_timeout_s")
    return min(usual_s, max(15, int(limit) // 3)) if isinstance(limit, int) and limit > 0 else usual_s
