"""What JupyterLab's page is told: the machine, the way to another one, and what it need not do at each start."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab_extension.machine import details_of, label_of, machine_from

LABEXTENSIONS = Path(__file__).parent / "labextensions"
PRELOADED = re.compile(r"jlab_core\.(?P<hash>[0-9a-f]+)\.js\Z")
PageConfig = dict[str, Any]


def page_config_hook(
    inner: Callable[[Any, PageConfig], PageConfig], notices: Sequence[str], static_dir: Path
) -> Callable[[Any, PageConfig], PageConfig]:
    """JupyterHub's own hook, followed by ours."""
    preloads = preload_names(static_dir)

    def hook(handler: Any, page_config: PageConfig) -> PageConfig:
        config = with_remuda(inner(handler, page_config), os.environ, notices)
        base = str(config.get("fullStaticUrl", "")).rstrip("/")
        for name in preloads:  # 2.5 MB that the browser would ask for only after two scripts have run
            handler.add_header("Link", f"<{base}/{name}>; rel=preload; as=script")
        return config

    return hook


def with_remuda(config: PageConfig, environ: Any, notices: Sequence[str]) -> PageConfig:
    """The page's configuration with our facts in it, and without the build check and the news question.

    The build check takes the server 0.4 s at each page load and concerns extensions that need Node; the news plugin
    asks everyone whether Jupyter's site may be read, and reads it.
    """
    machine = machine_from(environ)
    facts: dict[str, Any] = {"notices": list(notices)}
    if machine:
        facts["machine"] = {"label": label_of(machine), "details": details_of(machine)}
        facts["switchUrl"] = switch_url(config)
    disabled = config.get("disabledExtensions") or []
    names = [name for name in disabled if disabled[name]] if isinstance(disabled, dict) else list(disabled)
    announcements = "@jupyterlab/apputils-extension:announcements"
    return {
        **config,
        "remuda": json.dumps(facts),
        "buildCheck": False,
        "buildAvailable": False,
        "disabledExtensions": [*names, *([] if announcements in names else [announcements])],
    }


def switch_url(config: PageConfig) -> str | None:
    """The Hub's page where this server's owner takes another machine."""
    prefix = str(config.get("hubPrefix") or "").rstrip("/")
    if not prefix:
        return None
    owner, server = str(config.get("hubServerUser") or ""), str(config.get("hubServerName") or "")
    own = config.get("hubUser") == owner and not server
    names = [] if own else [quote(name, safe="") for name in (owner, server) if name]
    return "/".join([f"{config.get('hubHost') or ''}{prefix}/switch", *names])


@cache
def preload_names(static_dir: Path) -> tuple[str, ...]:
    """Files worth asking for at once, with the version that the page's scripts will ask for."""
    try:
        names = os.listdir(static_dir)  # noqa: PTH208 - names only
    except OSError:
        return ()
    return tuple(f"{name}?v={match['hash']}" for name in sorted(names) if (match := PRELOADED.fullmatch(name)))
