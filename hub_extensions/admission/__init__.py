"""Who may start: leases, their ledger, and the gate that decides inside one transaction."""

from __future__ import annotations

from typing import Any

from profiles.model import Catalog


def register(c: Any, catalog: Catalog, url: str | None = None) -> None:
    """The gate for spawners and pages, and the task that keeps the books true. Raises `place.NoPlace`."""
    from hub_extensions.admission.register import register_gate

    register_gate(c, catalog, url)
