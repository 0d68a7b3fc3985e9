"""What pages and the culler may ask of a server, whichever spawner runs it. Read by attribute, never by class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from profiles.admission import Decision
from profiles.lease import EndReason, Request
from profiles.machine import RunningMachine
from profiles.model import Catalog
from profiles.person import Person


class Explained(Protocol):
    """Something that went wrong, for a person to read: a `Refusal`, or an explanation of a failed start."""

    @property
    def reason(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def remedy(self) -> str: ...


class Workbench(Protocol):
    """A person's server, running or not. Without a catalog all of ours are None."""

    @property
    def catalog(self) -> Catalog | None: ...
    @property
    def person(self) -> Person: ...
    @property
    def machine(self) -> RunningMachine | None: ...
    @property
    def failure(self) -> Explained | None: ...
    @property
    def user_options(self) -> Mapping[str, Any]: ...
    @property
    def ready(self) -> bool: ...
    @property
    def pending(self) -> str | None: ...


class Gate(Protocol):
    """Who may start, asked by spawners at every start. All of it may be asked again with the same id, harmlessly."""

    async def admit(self, request: Request) -> Decision:
        """Grant and write it down before anything starts, or say why not. Never raises for a database that is away:
        then the answer is what `policies.whenUnavailable` says."""

    async def foresee(self, request: Request) -> Decision:
        """What `admit` would answer now; nothing is granted."""

    async def began(self, lease_id: str, at: datetime) -> None:
        """The server answers: what it costs is counted from here on."""

    async def ended(self, lease_id: str, at: datetime, reason: EndReason) -> bool:
        """It is confirmed gone. False: that cannot be written now; say it again, or it is found and settled later. What
        has ended already, or was never known, is written."""


@dataclass(frozen=True, slots=True)
class Run:
    """A server as the spawner's side sees it, for comparison with the leases. `ended_at`: since when it is over, and
    for which `reason`."""

    lease_id: str
    began_at: datetime | None = None
    ended_at: datetime | None = None
    reason: EndReason = EndReason.ENDED
