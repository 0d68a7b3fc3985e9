"""Python's collector of garbage is told what will stay.

A collection of the oldest generation walks through every object that can hold others: the Hub's modules, its people,
all leases. With 5,000 of these it took some 100 ms of the Hub's process, in the middle of somebody's start. What is
there once the books have been compared lives about as long as the Hub: frozen, later collections pass it over.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from hub_extensions.admission.task import FIRST_EVERY_S, FirstLook


def set_aside() -> None:
    """What is garbage already is collected first: what is frozen is not looked at again. A second time it is thought
    anew what stays."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def set_aside_what_stays(app: Any, look: FirstLook) -> None:
    """Once, after the first comparison of leases and servers: by then all that a Hub starts with has been read."""
    while not look.done:  # noqa: ASYNC110 (its event tells of failed looks, too)
        await asyncio.sleep(FIRST_EVERY_S)
    set_aside()
    app.log.debug("%s objects are not looked through any more for garbage", gc.get_freeze_count())
