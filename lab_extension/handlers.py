"""GET remuda/machine, remuda/environments and remuda/home: JSON for the page and for scripts."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from environments.__main__ import as_json
from lab_extension.home import usage
from lab_extension.machine import label_of, machine_from


class MachineHandler(APIHandler):
    """The machine as the Hub described it: 404 where no Hub did."""

    @web.authenticated
    def get(self) -> None:
        machine = machine_from(os.environ)
        if machine is None:
            raise web.HTTPError(404, "This server was not told what machine it runs on.")
        self.finish(json.dumps({**machine, "label": label_of(machine)}))


class EnvironmentsHandler(APIHandler):
    """Every environment of the home, with why it cannot be used where that is so."""

    @web.authenticated
    async def get(self) -> None:
        found = await asyncio.to_thread(self.kernel_spec_manager.catalogue.current)
        self.finish(json.dumps({"environments": [as_json(environment) for environment in found]}))


class HomeHandler(APIHandler):
    """Bytes used and free where the home lies; null where the file system does not say."""

    @web.authenticated
    async def get(self) -> None:
        space = await asyncio.to_thread(usage, Path.home())
        numbers = {"used": space.used, "total": space.total, "free": space.free} if space else None
        self.finish(json.dumps({"path": str(Path.home()), "bytes": numbers}))


def add_handlers(web_app: Any) -> None:
    """Serve the three addresses under the server's base URL."""
    base = web_app.settings["base_url"]
    routes = {"machine": MachineHandler, "environments": EnvironmentsHandler, "home": HomeHandler}
    web_app.add_handlers(".*$", [(url_path_join(base, "remuda", name), handler) for name, handler in routes.items()])
