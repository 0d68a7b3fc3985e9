"""Registration."""

from __future__ import annotations

from typing import Any

from hub_extensions.health.handlers import HealthHandler
from hub_extensions.health.probe import WriteProbe
from hub_extensions.page_frame.routes import add_routes
from hub_extensions.startup import while_hub_starts
from profiles.model import Catalog


def register(c: Any, catalog: Catalog) -> None:
    asked = {"profiles": lambda: len(catalog.profiles), "writing": WriteProbe()}
    add_routes((r"/health/remuda", HealthHandler, asked))
    while_hub_starts(begin_watching)


async def begin_watching(app: Any) -> None:
    """A Hub that has no server yet would begin to watch only at the first start, and could not say that it is ready."""
    begin = getattr(app.spawner_class, "begin_watching", None)
    if callable(begin):
        begin(app.config)
