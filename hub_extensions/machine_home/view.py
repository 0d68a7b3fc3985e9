"""PURE: what is running -> the home page: which machine, since when, until when, at what price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hub_extensions.keep_on.longer import LongerForm
from hub_extensions.keep_on.view import KeepForm
from hub_extensions.notices.view import NOTHING, HomeNotices
from hub_extensions.page_frame import words
from hub_extensions.page_frame.machine_words import MachineWords, Moment, cost_so_far, of_running, timezone_of
from hub_extensions.page_frame.notice import Notice
from hub_extensions.page_frame.server import Links, ServerNow, ServerState
from hub_extensions.queue.view import REFRESH_S, PlaceView
from profiles.machine import RunningMachine
from profiles.model import Catalog


@dataclass(frozen=True)
class ServerView:
    name: str
    display_name: str
    state: ServerState
    machine: MachineWords | None
    since: Moment | None
    until: Moment | None
    until_words: str
    cost: str
    cost_rate: str
    links: Links
    #: What may be chosen of “keep it on until”; None where it is not offered.
    keep: KeepForm | None = None
    #: Until when it may run instead; None where it has no end, or runs as long as it may.
    longer: LongerForm | None = None
    #: Whether it would stop later if something is done on it.
    moves: bool = False
    #: Of a stopped one: what ended its last run, or kept it from starting.
    why: str = ""


@dataclass(frozen=True)
class HomePage:
    greeting: str
    server: ServerView
    xsrf: str
    notice: Notice | None = None
    news: tuple[Notice, ...] = ()
    told: HomeNotices = NOTHING
    named: tuple[ServerView, ...] = ()
    named_allowed: bool = False
    named_limit: int = 0
    #: What one waits for in line, and where one leaves it.
    waiting: tuple[PlaceView, ...] = ()
    leave_line: str = ""

    @property
    def refresh_s(self) -> int | None:
        """Without JavaScript, how soon to look again while something is changing."""
        changing = {ServerState.STOPPING, ServerState.STARTING, ServerState.SWITCHING}
        return 3 if self.server.state in changing else REFRESH_S if self.waiting else None


def server_view(server: ServerNow, catalog: Catalog | None, now: datetime) -> ServerView:
    machine = server.machine if server.state is not ServerState.STOPPED else None
    started = machine.started_at if machine and server.state is ServerState.RUNNING else None
    stops = machine.stops_at(now, server.last_activity, server.kept_until) if machine and started else None
    return ServerView(
        name=server.name,
        display_name=server.display_name or server.name,
        state=server.state,
        machine=of_running(machine, catalog) if machine else None,
        since=Moment.past(started, now, timezone_of(catalog)) if started else None,
        until=Moment.future(stops, now, timezone_of(catalog)) if stops else None,
        until_words=until_words(machine) if machine else "",
        moves=machine is not None and stops is not None and _moves(machine, stops, now),
        cost=cost_so_far(machine, now) if machine else "",
        cost_rate=str(machine.price_per_hour.amount) if machine else "",
        links=server.links,
    )


def _moves(machine: RunningMachine, stops: datetime, now: datetime) -> bool:
    at_the_latest = replace(machine, idle_timeout_s=None).stops_at(now, None)
    return at_the_latest is None or stops < at_the_latest


def until_words(machine: RunningMachine) -> str:
    """The rules behind the stop time."""
    rules = []
    if machine.idle_timeout_s:
        rules.append(f"after {words.duration(machine.idle_timeout_s)} without activity")
    if machine.max_lifetime_s:
        life = words.duration(machine.max_lifetime_s)
        asked = "" if machine.run_for_s is None else f", not the {words.duration(machine.run_for_s)} that you asked for"
        rules.append(f"{life} after its start{', as you asked' if machine.ends_as_asked else f' at the latest{asked}'}")
    return f"It stops {', and '.join(rules)}." if rules else "It runs until you stop it."


def machine_facts(server: ServerNow, catalog: Catalog | None, now: datetime) -> dict[str, Any]:
    """The same facts as JSON, for JupyterLab's top bar and for scripts. Times are UTC, ISO 8601; memory in bytes."""
    view, machine = server_view(server, catalog, now), server.machine
    facts: dict[str, Any] = {
        "server": server.name,
        "state": str(server.state),
        "machine": None,
        "links": {"home": server.links.home, "switch": server.links.switch, "open": server.links.open},
    }
    if machine is None or view.machine is None:
        return facts
    facts["machine"] = {
        "profile": machine.profile_id,
        "display_name": machine.display_name,
        "pool": machine.pool_id,
        "pool_display_name": view.machine.pool,
        "cpu_cores": machine.cpu_cores,
        "memory_bytes": machine.memory_bytes,
        "gpus": machine.gpus,
        "options": dict(machine.options),
        "price_per_hour": machine.price_per_hour.to_dict(),
        "price_words": view.machine.price,
        "cost_so_far": view.cost or None,
        "started_at": view.since.iso if view.since else None,
        "stops_at": view.until.iso if view.until else None,
        "kept_until": server.kept_until.isoformat() if server.kept_until else None,
        "stops_words": view.until_words,
        "node": machine.node,
    }
    return facts
