"""Waiting in line for what others have now: joining, leaving, being called, being started."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes


def register(c: Any) -> None:
    from hub_extensions.queue.handlers import JoinHandler, LeaveHandler, LineHandler
    from hub_extensions.queue.rest import PlaceApiHandler, QueueApiHandler

    add_frame(c)
    add_routes(
        (r"/queue", LineHandler),
        (r"/queue/leave", LeaveHandler),
        (r"/queue/join/([^/]+)", JoinHandler),
        (r"/queue/join/([^/]+)/([^/]+)", JoinHandler),
        (r"/api/remuda/queue", QueueApiHandler),
        (r"/api/remuda/queue/([0-9A-Za-z_-]+)", PlaceApiHandler),
    )
