"""The switch itself, against a hub that starts and stops servers as JupyterHub does, failures included."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from tornado import web

from hub_extensions.switch.board import Phase, Switch, SwitchBoard
from hub_extensions.switch.flow import carry_out

KEY = ("ada", "")
SWITCH = Switch(
    wanted={"profile": "gpu", "options": {}},
    wanted_name="GPU",
    leaving_name="Small CPU",
    since=datetime(2026, 3, 2, tzinfo=UTC),
)


@dataclass
class Server:
    """A JupyterHub spawner as far as a switch looks at it."""

    alive: bool = True
    ready: bool = True
    failure: Any = None
    _spawn_pending: bool = False
    _stop_future: asyncio.Future[None] | None = None
    _failed: bool = False

    @property
    def active(self) -> bool:
        return self.ready or self._spawn_pending or self._stop_future is not None

    async def poll(self) -> int | None:
        return None if self.alive else 0


@dataclass
class Hub:
    """A request handler of JupyterHub: stops and starts the one server, or fails to, and notes what it did."""

    board: SwitchBoard = field(default_factory=SwitchBoard)
    server: Server = field(default_factory=Server)
    stops: bool = True
    start_error: Exception | None = None
    refused_before_start: bool = False
    done: list[Any] = field(default_factory=list)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("test"))
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def user(self) -> Any:
        return SimpleNamespace(name="ada", spawners={"": self.server})

    async def stop_single_user(self, user: Any, server_name: str) -> asyncio.Future[None]:
        self.done.append(("stop", self._phase))

        async def stop() -> None:
            self.server.ready = False  # JupyterHub forgets the server whether or not the stop worked
            self.server.alive = not self.stops
            self.server._stop_future = None

        self.server._stop_future = asyncio.ensure_future(stop())
        return self.server._stop_future

    async def spawn_single_user(self, user: Any, server_name: str, options: Any) -> None:
        if self.refused_before_start:
            raise web.HTTPError(429, "Too many users trying to log in right now. Try again in 30 seconds.")
        assert not self.server.alive, "two machines on one home"
        await asyncio.sleep(0.03)  # a login may be refreshed first
        self.server._spawn_pending = True
        await self.board.changed(KEY, SWITCH, timeout_s=5)
        self.done.append(("start", options, self._phase))
        self.server._spawn_pending = False
        if self.start_error:
            self.server._failed = True
            raise self.start_error
        self.server.ready = self.server.alive = True

    async def switch(self) -> None:
        assert self.board.begin(KEY, SWITCH)
        await asyncio.wait_for(carry_out(self.board, KEY, SWITCH, self, self.user), 30)

    @property
    def _phase(self) -> Phase | None:
        switch = self.board.get(KEY)
        return switch and switch.phase


async def test_it_stops_waits_and_starts() -> None:
    hub = Hub()
    await hub.switch()
    assert hub.done == [("stop", Phase.STOPPING), ("start", {"profile": "gpu", "options": {}}, Phase.STARTING)]
    assert hub.server.ready
    assert hub.server.failure is None
    assert hub.board.get(KEY) is None


async def test_a_stop_that_is_under_way_is_waited_for() -> None:
    hub = Hub(server=Server(ready=False))

    async def slow_stop() -> None:
        await asyncio.sleep(0.02)
        hub.server.alive, hub.server._stop_future = False, None

    hub.server._stop_future = asyncio.ensure_future(slow_stop())
    await hub.switch()
    assert [step[0] for step in hub.done] == ["start"]


async def test_a_server_that_is_gone_already_is_only_started() -> None:
    hub = Hub(server=Server(ready=False, alive=False))
    await hub.switch()
    assert [step[0] for step in hub.done] == ["start"]


async def test_nothing_is_started_beside_a_machine_that_did_not_stop() -> None:
    hub = Hub(stops=False)
    await hub.switch()
    assert [step[0] for step in hub.done] == ["stop"]
    assert hub.server.failure.reason == "stop-failed"
    assert hub.board.get(KEY) is None


@pytest.mark.parametrize("error", [web.HTTPError(503, "no room"), RuntimeError("bug")])
async def test_a_start_that_failed_keeps_its_own_reason(error: Exception) -> None:
    hub = Hub(start_error=error)
    await hub.switch()
    assert hub.server.failure is None, "JupyterHub keeps the exception of the start"
    assert hub.board.get(KEY) is None


async def test_a_start_refused_before_it_began_leaves_its_reason_on_the_server() -> None:
    hub = Hub(refused_before_start=True)
    await hub.switch()
    assert hub.server.failure.reason == "hub-busy"
    assert hub.board.get(KEY) is None
