"""PURE: one server as the hub knows it at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from profiles.machine import RunningMachine


class ServerState(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    SWITCHING = "switching"
    RUNNING = "running"
    STOPPING = "stopping"


@dataclass(frozen=True)
class Links:
    """Where the buttons of one server lead. Paths on this hub."""

    home: str
    open: str
    start: str
    switch: str
    stop: str
    follow: str


@dataclass(frozen=True)
class ServerNow:
    """`name` is empty for a person's default server."""

    name: str
    display_name: str
    state: ServerState
    machine: RunningMachine | None
    last_activity: datetime | None
    links: Links
    #: Its person keeps it on until then, although nothing is done.
    kept_until: datetime | None = None
