"""The page where a person picks a machine."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes


def register(c: Any, catalog: Any = None) -> None:
    """`catalog` is read from the spawner, which authorises against the same one; the argument keeps calls uniform."""
    from hub_extensions.spawn_page.handlers import SpawnPageHandler
    from hub_extensions.spawn_page.options_form import options_form
    from hub_extensions.spawn_page.outlook import SharesHandler
    from hub_extensions.spawn_page.rest import ServerHandler

    add_frame(c)
    add_routes(
        (r"/spawn", SpawnPageHandler),
        (r"/spawn/([^/]+)", SpawnPageHandler),
        (r"/spawn/([^/]+)/([^/]+)", SpawnPageHandler),
        (r"/remuda/shares", SharesHandler),
        (r"/remuda/shares/([^/]+)", SharesHandler),
        (r"/remuda/shares/([^/]+)/([^/]+)", SharesHandler),
        (r"/api/users/([^/]+)/server", ServerHandler),
        (r"/api/users/([^/]+)/servers/([^/]*)", ServerHandler),
    )
    c.Spawner.options_form = options_form
