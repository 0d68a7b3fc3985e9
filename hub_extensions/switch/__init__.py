"""Switching machines: one action that stops, waits, starts and returns."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes


def register(c: Any) -> None:
    from hub_extensions.switch.handlers import SwitchHandler

    add_frame(c)
    add_routes(
        (r"/switch", SwitchHandler),
        (r"/switch/([^/]+)", SwitchHandler),
        (r"/switch/([^/]+)/([^/]+)", SwitchHandler),
    )
