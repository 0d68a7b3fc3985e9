"""Which machine am I on, since when, until when, at what price."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes


def register(c: Any) -> None:
    from hub_extensions.machine_home.handlers import HomePageHandler, MachineFactsHandler, StopHandler

    add_frame(c)
    add_routes(
        (r"/home", HomePageHandler),
        (r"/stop", StopHandler),
        (r"/stop/([^/]+)", StopHandler),
        (r"/stop/([^/]+)/([^/]+)", StopHandler),
        (r"/api/remuda/machine", MachineFactsHandler),
        (r"/api/remuda/machine/([^/]+)", MachineFactsHandler),
        (r"/api/remuda/machine/([^/]+)/([^/]+)", MachineFactsHandler),
    )
