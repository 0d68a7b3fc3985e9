"""Who uses what, since when and until when."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes


def register(c: Any, catalog: Any = None) -> None:
    """`catalog` is read from the spawner; the argument keeps calls uniform."""
    from hub_extensions.capacity.handlers import AskForItHandler, CapacityHandler

    add_frame(c)
    add_routes((r"/capacity", CapacityHandler), (r"/capacity/ask", AskForItHandler))
