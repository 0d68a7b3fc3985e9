"""Showing the Hub whose server a token is used at.

A server asks the Hub who a token belongs to *with that token*, so that the Hub does not learn which server asks, and an
administrator or somebody whom a server is shared with can come by token without a trace. With the server's own token
beside it the question says both, and the Hub notes who came. It is no more than the Hub knew of either token already.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

#: The server's own token, and its name among its person's. `hub_extensions.audit.entering` reads them.
TOKEN_HEADER, NAME_HEADER = "X-Remuda-Server-Token", "X-Remuda-Server-Name"


def show_whose_server(auth: Any, server_name: str | None = None) -> None:
    """`auth` is JupyterHub's `HubAuth` of this server. Questions asked with the server's own token stay as they are."""
    name = os.environ.get("JUPYTERHUB_SERVER_NAME", "") if server_name is None else server_name
    ask = auth._api_request

    async def ask_as_this_server(method: str, url: str, /, **more: Any) -> Any:
        given = more.get("headers") or {}
        own = f"token {auth.api_token}"
        if method == "GET" and url.endswith("/user") and given.get("Authorization", own) != own:
            more["headers"] = {**given, TOKEN_HEADER: auth.api_token, NAME_HEADER: quote(name)}
        return await ask(method, url, **more)

    auth._api_request = ask_as_this_server
