"""What was used, and what it cost."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes


def register(c: Any, catalog: Any = None) -> None:
    """`catalog` is read from the spawner; the argument keeps calls uniform."""
    from hub_extensions.usage.handlers import UsageCsvHandler, UsageHandler

    add_frame(c)
    add_routes((r"/usage", UsageHandler), (r"/usage\.csv", UsageCsvHandler))
