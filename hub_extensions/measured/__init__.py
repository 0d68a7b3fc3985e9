"""What machines were measured to use: reports from inside them, receipts, and whether a smaller one would have done."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes
from hub_extensions.startup import when_hub_is_up


def register(c: Any, catalog: Any = None) -> None:
    """`catalog` is read from the spawner; the argument keeps calls uniform."""
    from hub_extensions.measured.handlers import MeasuredHandler, ReceiptHandler
    from hub_extensions.measured.inbox import write_for_ever

    add_frame(c)
    add_routes(
        (r"/usage/receipt/([^/]+)", ReceiptHandler),
        (r"/api/remuda/measured/([^/]+)", MeasuredHandler),
        (r"/api/remuda/measured/([^/]+)/([^/]+)", MeasuredHandler),
    )
    when_hub_is_up(write_for_ever)
