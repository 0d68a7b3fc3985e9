"""Shares, capacity, usage and the ledger for programs: REST with its OpenAPI document, and metrics for Prometheus."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_routes
from hub_extensions.startup import when_hub_is_up


def register(c: Any, catalog: Any = None) -> None:
    """`catalog` is read from the spawner; the argument keeps calls uniform."""
    from hub_extensions.shares_api import handlers
    from hub_extensions.shares_api.task import watch_leases

    add_routes(
        (r"/api/remuda/shares", handlers.SharesHandler),
        (r"/api/remuda/shares/([^/]+)", handlers.SharesHandler),
        (r"/api/remuda/capacity", handlers.CapacityHandler),
        (r"/api/remuda/usage", handlers.UsageHandler),
        (r"/api/remuda/ledger", handlers.LedgerHandler),
        (r"/api/remuda/openapi\.json", handlers.OpenApiHandler),
    )
    when_hub_is_up(watch_leases)
