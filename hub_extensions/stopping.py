"""Stopping a server as JupyterHub's own handler does: the route first, then the process."""

from __future__ import annotations

import asyncio
from typing import Any


async def stop_server(app: Any, user: Any, spawner: Any) -> bool:
    """False where it could not be stopped, which is logged, or somebody else was quicker."""
    if not spawner.ready:
        return False
    spawner._stop_pending = True
    # Pages and REST calls that meet a stop under way wait for this future.
    spawner._stop_future = asyncio.ensure_future(_route_then_process(app, user, spawner))
    try:
        await spawner._stop_future
    except Exception:
        app.log.exception("Could not stop %s; the next round tries again", spawner._log_name)
        return False
    finally:
        spawner._stop_future = None
        spawner._stop_pending = False
    return True


async def _route_then_process(app: Any, user: Any, spawner: Any) -> None:
    await app.proxy.delete_user(user, spawner.name)
    await user.stop(spawner.name)
