"""Asking for machines that need a yes, and saying it."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes
from hub_extensions.startup import when_hub_is_up


def register(c: Any, catalog: Any) -> None:
    from hub_extensions.approvals.handlers import AskHandler, AsksHandler, NewAskHandler
    from hub_extensions.approvals.leaving import LeavingHandler
    from hub_extensions.approvals.rest import AskApiHandler, AsksApiHandler

    async def show_in_menu(app: Any) -> None:
        """In place, beside what the admin has set there."""
        app.template_vars.update(remuda_approvals=bool(catalog.policies.approvals))

    given = {"catalog": catalog}
    add_frame(c)
    add_routes(
        (r"/approvals", AsksHandler, given),
        (r"/approvals/ask", NewAskHandler, given),
        (r"/approvals/([0-9a-f]{32})", AskHandler, given),
        (r"/api/remuda/asks", AsksApiHandler, given),
        (r"/api/remuda/asks/([0-9a-f]{32})", AskApiHandler, given),
        (r"/api/users/([^/]+)", LeavingHandler),
    )
    when_hub_is_up(show_in_menu)
