"""Who may start: leases, their ledger, and the gate that decides inside one transaction."""

from __future__ import annotations

from hub_extensions.admission.register import register

__all__ = ["register"]
