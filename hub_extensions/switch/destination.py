"""PURE: where a switch may lead back to. Stricter than JupyterHub's own rule: this user's own server, or home."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

MAX_LENGTH = 4096
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")


def own_destination(next_url: str, *, server_path: str, hub_path: str) -> str:
    """`next_url` when it is a path below `server_path`, or the hub's home page; otherwise an empty string.

    `server_path` ends with a slash: `/user/ada/`. The path is judged as a browser, a proxy and a server each may
    read it: decoded again and again, so `%2f%2f`, `%252e%252e` and backslashes hide nothing.
    """
    if not next_url or len(next_url) > MAX_LENGTH or _UNSAFE.search(next_url) or not next_url.startswith("/"):
        return ""
    try:
        parts = urlsplit(next_url)
    except ValueError:
        return ""
    if parts.scheme or parts.netloc:
        return ""
    path, decoded = parts.path, parts.path
    for _ in range(4):
        if _climbs(decoded):
            return ""
        path, decoded = decoded, unquote(decoded)
        if decoded == path:
            break
    else:
        return ""  # encoded deeper than any address anybody needs
    own = decoded.startswith(unquote(server_path)) or decoded == unquote(server_path).rstrip("/")
    home = decoded.rstrip("/") == f"{unquote(hub_path).rstrip('/')}/home"
    return next_url if own or home else ""


def _climbs(path: str) -> bool:
    """Whether some reader could take this path for another host or another folder."""
    return path.startswith("//") or bool(_UNSAFE.search(path.replace(" ", ""))) or ".." in path.split("/")
