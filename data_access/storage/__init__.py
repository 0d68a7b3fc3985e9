"""Bytes by URL, wherever they are: `base.py` is the port, `connect` gives what is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_access.config import Settings
    from data_access.storage.router import Router


def connect(settings: Settings) -> Router:
    """A storage for `s3://` and `file://`; nothing is asked of any server, and no SDK imported, before first use."""
    from data_access.storage.router import Router

    return Router(settings)
