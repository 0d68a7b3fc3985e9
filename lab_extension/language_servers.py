"""Where npm puts global packages, worked out without starting npm.

jupyter_lsp asks `npm prefix -g` at every start: 0.3 s of processor time just when the page loads, and an error where
the disk is full. npm's own rule is short: the environment, then .npmrc, then the folder above npm's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def npm_prefix(npm: str, environ: Mapping[str, str], home: Path) -> str:
    """What `npm prefix -g` would print for the program `npm`."""
    for name in ("NPM_CONFIG_PREFIX", "npm_config_prefix", "PREFIX"):
        if environ.get(name):
            return environ[name]
    try:
        lines = (home / ".npmrc").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, separator, value = line.partition("=")
        if separator and key.strip() == "prefix":
            return value.strip().strip("\"'").replace("${HOME}", str(home)).replace("~", str(home), 1)
    return str(Path(npm).parent.parent)


def spare_npm() -> None:
    """Make jupyter_lsp, where it was loaded, use `npm_prefix`."""
    types = sys.modules.get("jupyter_lsp.types")
    api = getattr(types, "LanguageServerManagerAPI", None)
    if api is not None and hasattr(api, "_npm_prefix"):
        api._npm_prefix = lambda _, npm: npm_prefix(npm, os.environ, Path.home())
