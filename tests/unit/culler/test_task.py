"""The loop around the decision: order of a stop, one failure holding up nobody, and a measured round."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub_extensions.culler.task import cull_once
from hub_extensions.settings import Cull

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
UNSAID = NOON.replace(tzinfo=None)
CULL = Cull(timeout=3600, remove_named_servers=True)


@dataclass
class Row:
    """As JupyterHub's database has it: UTC without saying so."""

    started: datetime | None = UNSAID
    last_activity: datetime | None = UNSAID


@dataclass
class Server:
    name: str
    owner: str
    ready: bool = True
    server: object | None = field(default_factory=object)
    orm_spawner: Row = field(default_factory=Row)
    machine: None = None
    _stop_pending: bool = False
    _stop_future: Any = None

    @property
    def _log_name(self) -> str:
        return f"{self.owner}:{self.name}"


@dataclass
class Owner:
    name: str
    did: list[str]
    admin: bool = False
    spawners: dict[str, Server] = field(default_factory=dict)
    trouble: Exception | None = None
    hold: asyncio.Event | None = None
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def stop(self, name: str) -> None:
        assert self.spawners[name]._stop_pending
        assert self.spawners[name]._stop_future is not None
        if self.hold is not None:
            await self.hold.wait()
        if self.trouble is not None:
            raise self.trouble
        self.did.append(f"stopped {self.name}:{name}")
        self.stopped.set()

    async def _delete_spawner(self, server: Server) -> None:
        self.did.append(f"forgot {self.name}:{server.name}")


@dataclass
class Hub:
    """The part of JupyterHub's application that the culler uses."""

    did: list[str] = field(default_factory=list)
    users: dict[int, Owner] = field(default_factory=dict)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("hub"))

    @property
    def proxy(self) -> Hub:
        return self

    @property
    def db(self) -> Hub:
        return self

    def delete(self, row: Row) -> None: ...

    def commit(self) -> None: ...

    async def delete_user(self, user: Owner, name: str) -> None:
        self.did.append(f"route {user.name}:{name}")

    def add(self, owner: str, *servers: str) -> Owner:
        added = Owner(owner, self.did)
        added.spawners = {name: Server(name, owner) for name in servers}
        self.users[len(self.users)] = added
        return added


async def test_the_route_goes_before_the_process_and_the_reason_is_logged(caplog: pytest.LogCaptureFixture):
    hub = Hub()
    hub.add("ada", "")
    assert await cull_once(hub, CULL, NOON + timedelta(minutes=59)) == 0
    assert hub.did == []
    assert await cull_once(hub, CULL, NOON + timedelta(minutes=60)) == 1
    assert hub.did == ["route ada:", "stopped ada:"]
    assert "Stopping (idle) ada:: nothing was done for 60 minutes" in caplog.text


async def test_a_named_server_is_forgotten_only_when_asked_and_never_the_default_one():
    hub = Hub()
    ada = hub.add("ada", "", "side")
    await cull_once(hub, CULL, NOON + timedelta(hours=2))
    assert "forgot ada:side" in hub.did
    assert "forgot ada:" not in hub.did
    assert list(ada.spawners) == [""]


async def test_one_that_fails_or_hangs_holds_up_nobody(caplog: pytest.LogCaptureFixture):
    hub = Hub()
    hub.add("failing", "").trouble = RuntimeError("no")
    hanging = hub.add("hanging", "")
    hanging.hold = asyncio.Event()
    ada = hub.add("ada", "")
    round_of_stops = asyncio.create_task(cull_once(hub, CULL, NOON + timedelta(hours=2)))
    await asyncio.wait_for(ada.stopped.wait(), 30)
    assert not round_of_stops.done()
    hanging.hold.set()
    assert await round_of_stops == 2
    assert "Could not stop failing:" in caplog.text
    assert not hub.users[0].spawners[""]._stop_pending, "the next round tries again"


async def test_what_is_not_running_or_not_settled_is_not_touched():
    hub = Hub()
    owner = hub.add("ada", "stopped", "starting")
    owner.spawners["stopped"].server = None
    owner.spawners["starting"].ready = False
    assert await cull_once(hub, CULL, NOON + timedelta(hours=99)) == 0
    assert hub.did == []
