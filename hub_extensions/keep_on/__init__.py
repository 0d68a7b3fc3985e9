"""Until when people keep their machines on: although nothing is done on them, within what a profile offers, and longer
than they asked for at the start."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes


def register(c: Any) -> None:
    from hub_extensions.keep_on.handlers import KeepOnHandler, LongerHandler

    add_frame(c)
    add_routes(
        (r"/keep-on", KeepOnHandler),
        (r"/keep-on/([^/]+)", KeepOnHandler),
        (r"/keep-on/([^/]+)/([^/]+)", KeepOnHandler),
        (r"/run-until", LongerHandler),
        (r"/run-until/([^/]+)", LongerHandler),
        (r"/run-until/([^/]+)/([^/]+)", LongerHandler),
    )
