"""The switch itself: stop, wait until it has stopped, start the other. It runs in the hub, whoever closes a page."""

from __future__ import annotations

import asyncio
from typing import Any

from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.notice import PASSED_ON, notice_of_error
from hub_extensions.switch.board import Key, Switch, SwitchBoard
from profiles.lease import Request

#: How often to look whether JupyterHub has marked the start as pending; it does so within one turn of its loop,
#: unless a login is refreshed first.
_LOOK_S = 0.02


class NotStopped(Exception):
    """The machine to leave is still running after a stop; nothing else was touched."""


async def carry_out(  # noqa: PLR0913, PLR0917 (who switches what, and where it is noted)
    board: SwitchBoard, key: Key, switch: Switch, handler: Any, user: Any, place: Request | None = None
) -> None:
    """Ends with the board cleared, and with any failure on the spawner, where the pages of every start look for it.

    `handler` is the request that asked for the switch: JupyterHub's start and stop are methods of handlers, and
    outlive the request there too. `place`: what the gate keeps for the start when the old machine ends.
    """
    gate = gate_of(handler.settings)
    leaving = str(getattr(user.spawners[key[1]], "spawn_id", ""))
    if gate is not None and place is not None and leaving:
        gate.keep_place(leaving, place)
    try:
        await _stop(handler, user, key[1])
        await _start(board, key, switch, handler, user)
    except NotStopped:
        handler.log.warning("Switch of %s: %s did not stop", ":".join(key), switch.leaving_name)
        user.spawners[key[1]].failure = PASSED_ON["stop-failed"]
    except Exception as error:
        handler.log.warning("Switch of %s to %s failed: %s", ":".join(key), switch.wanted_name, error)
        spawner = user.spawners[key[1]]
        if not spawner._failed and not spawner.active:
            # Refused before it began (too many starts at once, a login that expired): no start keeps the reason.
            spawner.failure = notice_of_error(error)
    finally:
        if gate is not None:
            gate.forget_place(leaving)
        board.finish(key)


async def _stop(handler: Any, user: Any, server_name: str) -> None:
    spawner = user.spawners[server_name]
    if spawner.ready:
        await asyncio.wait([await handler.stop_single_user(user, server_name)])
    elif stopping := getattr(spawner, "_stop_future", None):
        await asyncio.wait([stopping])
    # JupyterHub forgets a stop that failed; two machines writing to one home are what must not happen.
    if spawner.active or await spawner.poll() is None:
        raise NotStopped(server_name)


async def _start(board: SwitchBoard, key: Key, switch: Switch, handler: Any, user: Any) -> None:
    start = asyncio.ensure_future(handler.spawn_single_user(user, key[1], options=dict(switch.wanted)))
    while not start.done() and not user.spawners[key[1]]._spawn_pending:  # noqa: ASYNC110 (JupyterHub has no event)
        await asyncio.sleep(_LOOK_S)
    board.starting(key)
    await start
