"""Is this Hub fit to serve? JSON for probes at `<hub>/health/remuda`."""

from __future__ import annotations

from hub_extensions.health.register import register

__all__ = ["register"]
