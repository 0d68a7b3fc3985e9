"""Who may start: leases, their ledger, and the gate that decides inside one transaction."""

from __future__ import annotations

from typing import Any

from hub_extensions.admission.place import NoPlace
from profiles.model import Catalog

__all__ = ["NoPlace", "register"]


def register(c: Any, catalog: Catalog, url: str | None = None) -> None:
    """The gate for spawners and pages, and the task that keeps the books true. Raises `place.NoPlace`."""
    from hub_extensions.admission.boot import register_gate

    register_gate(c, catalog, url)
