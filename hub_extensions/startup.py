"""Work beside the Hub, in the Hub's own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

_running: set[asyncio.Task[None]] = set()


Work = Callable[[Any], Coroutine[Any, Any, None]]


def when_hub_is_up(work: Work) -> bool:
    """Run `work(app)` as a task after JupyterHub's start is complete; cancelled when the Hub ends.

    Called while the configuration is read. False, and nothing happens, where no Hub is going to run:
    `jupyterhub upgrade-db` and `jupyterhub token` read the same configuration without an event loop.
    """
    # JupyterHub has no public hook for this. It makes the future before it reads the configuration and completes it
    # as the last act of start(); tests/unit/culler/test_startup.py fails if a new version changes that.
    return _task(work, lambda app: app._start_future)


def while_hub_starts(work: Work) -> bool:
    """Run `work(app)` as soon as the configuration is complete, beside the rest of the start."""
    return _task(work, None)


def _task(work: Work, first: Callable[[Any], Awaitable[Any]] | None) -> bool:
    from jupyterhub.app import JupyterHub

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return False
    app = JupyterHub.instance()
    if getattr(app, "_start_future", None) is None:
        return False

    async def run() -> None:
        if first is not None:
            await first(app)
        try:
            await work(app)
        except Exception:
            app.log.exception("Work beside the Hub ended")

    task = loop.create_task(run(), name="remuda: work beside the Hub")
    _running.add(task)
    task.add_done_callback(_running.discard)
    return True
