"""Putting our pages in front of JupyterHub's own."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jupyterhub import handlers as hub_handlers
from jupyterhub.handlers.static import CacheControlStaticFilesHandler
from traitlets.config.loader import LazyConfigValue

HERE = Path(__file__).parent
STATIC = HERE / "static"


def add_routes(*routes: tuple[Any, ...]) -> None:
    """Let these (pattern, handler[, arguments]) answer before JupyterHub's handlers of the same paths.

    `JupyterHub.extra_handlers` come after the built-in ones, so they can add a page but not replace one, and they
    are deprecated; the list of built-in routes is read once, after the configuration has run.
    """
    ours = [route for route in routes if route[:2] not in [known[:2] for known in hub_handlers.default_handlers]]
    hub_handlers.default_handlers[:0] = ours


def add_templates(c: Any, *folders: Path) -> None:
    """Let the templates in these folders override JupyterHub's of the same name; folders set earlier win."""
    configured = c.JupyterHub.template_paths
    known = [] if isinstance(configured, LazyConfigValue) else list(configured)
    c.JupyterHub.template_paths = known + [str(folder) for folder in folders if str(folder) not in known]


def add_frame(c: Any) -> None:
    add_templates(c, HERE / "templates")
    add_routes((r"/remuda/static/(.*)", CacheControlStaticFilesHandler, {"path": str(STATIC)}))


@cache
def static_version(name: str) -> str:
    """Changes with the file's content, so that browsers may keep a file for ever."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
