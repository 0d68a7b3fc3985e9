"""Following a start, a stop or a switch; and what to do when it failed."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes


def register(c: Any) -> None:
    from hub_extensions.pending.handlers import PendingHandler, ProgressHandler, UserServerHandler

    add_frame(c)
    add_routes(
        (r"/spawn-pending/([^/]+)", PendingHandler),
        (r"/spawn-pending/([^/]+)/([^/]+)", PendingHandler),
        (r"/user/(?P<user_name>[^/]+)(?P<user_path>/.*)?", UserServerHandler),
        (r"/api/remuda/progress/([^/]+)", ProgressHandler),
        (r"/api/remuda/progress/([^/]+)/([^/]+)", ProgressHandler),
    )
