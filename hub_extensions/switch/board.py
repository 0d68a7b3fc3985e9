"""Which servers are between two machines right now. In memory: a hub that restarts in between has nothing left to
carry on with, but the stored choice already names the new machine, so its spawn page offers that one first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

Key = tuple[str, str]  # user name, server name


class Phase(StrEnum):
    STOPPING = "stopping"
    STARTING = "starting"


@dataclass(frozen=True)
class Switch:
    """One switch from a running machine to another."""

    wanted: Mapping[str, Any]  # JupyterHub user options
    wanted_name: str
    leaving_name: str
    since: datetime
    phase: Phase = Phase.STOPPING


class SwitchBoard:
    """At most one switch per server; whoever waits is woken at every change."""

    def __init__(self) -> None:
        self._switches: dict[Key, Switch] = {}
        self._changed: dict[Key, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, key: Key) -> Switch | None:
        return self._switches.get(key)

    def begin(self, key: Key, switch: Switch) -> bool:
        """False when this server is switching already: the first one wins."""
        if key in self._switches:
            return False
        self._set(key, switch)
        return True

    def starting(self, key: Key) -> None:
        if key in self._switches:
            self._set(key, replace(self._switches[key], phase=Phase.STARTING))

    def finish(self, key: Key) -> None:
        self._set(key, None)

    def hold(self, task: asyncio.Task[None]) -> None:
        """Keep a reference: a task that nobody refers to may be garbage-collected half way."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def changed(self, key: Key, seen: Switch, timeout_s: float) -> Switch | None:
        """The switch as soon as it is no longer `seen`, or as it is after `timeout_s`."""
        event = self._changed.setdefault(key, asyncio.Event())
        if self._switches.get(key) == seen:
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), timeout_s)
        return self._switches.get(key)

    def _set(self, key: Key, switch: Switch | None) -> None:
        if switch is None:
            self._switches.pop(key, None)
        else:
            self._switches[key] = switch
        event = self._changed.pop(key, None)
        if event is not None:
            event.set()


def switch_board(settings: dict[str, Any]) -> SwitchBoard:
    """The hub's one board: it lives in the settings that all of the hub's request handlers share."""
    board: SwitchBoard = settings.setdefault("remuda_switch_board", SwitchBoard())
    return board
