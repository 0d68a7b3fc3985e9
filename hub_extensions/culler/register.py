"""Registration."""

from __future__ import annotations

from functools import partial
from typing import Any

from hub_extensions.culler.task import cull_for_ever
from hub_extensions.settings import Cull
from hub_extensions.startup import when_hub_is_up


def register(c: Any, cull: Cull) -> None:
    """Start culling once the Hub is up, unless the settings say not to."""
    if cull.enabled:
        when_hub_is_up(partial(cull_for_ever, cull=cull))
