"""Starting a server of somebody who is not there to press the button, as JupyterHub's own handler does."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import url_path_join
from tornado import web
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from hub_extensions.page_frame.notice import notice_of_error
from profiles.choice import MachineChoice


class Nobody:
    """JupyterHub's start is a method of its handlers; this is the other end of a request that nobody sent."""

    def set_close_callback(self, callback: Any) -> None:
        return None


def handler_for(app: Any) -> BaseHandler:
    line = RequestStartLine("POST", url_path_join(app.hub.base_url, "queue"), "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "hub"}), connection=Nobody())  # type: ignore[arg-type]
    return BaseHandler(app.tornado_application, request)


class TryAgain(Exception):
    """The Hub is busy with starts: nothing was tried."""


async def start_server(app: Any, user: Any, server_name: str, choice: MachineChoice) -> str:
    """Until it runs. Why not, in words; empty if it does. Raises `TryAgain`."""
    try:
        await handler_for(app).spawn_single_user(user, server_name, options=choice.to_user_options())
        start = user.spawners[server_name]._spawn_future  # a slow one goes on after that
        if start is not None:
            await start
    except web.HTTPError as error:
        if error.status_code == 429:
            raise TryAgain from error
        return _why(app, error)
    except Exception as error:
        return _why(app, error)
    return ""


def _why(app: Any, error: Exception) -> str:
    app.log.warning("A start from the line failed: %s", error)
    notice = notice_of_error(error)
    return f"{notice.sentence} {notice.remedy}".strip()
