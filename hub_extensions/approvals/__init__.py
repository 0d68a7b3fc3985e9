"""Asking for machines that need a yes, and saying it."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes


def register(c: Any, catalog: Any) -> None:
    from hub_extensions.approvals.handlers import AskHandler, AsksHandler, NewAskHandler
    from hub_extensions.approvals.rest import AskApiHandler, AsksApiHandler

    given = {"catalog": catalog}
    add_frame(c)
    add_routes(
        (r"/approvals", AsksHandler, given),
        (r"/approvals/ask", NewAskHandler, given),
        (r"/approvals/([0-9a-f]{32})", AskHandler, given),
        (r"/api/remuda/asks", AsksApiHandler, given),
        (r"/api/remuda/asks/([0-9a-f]{32})", AskApiHandler, given),
    )
