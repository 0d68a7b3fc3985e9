"""What pages and the culler may ask of a server, whichever spawner runs it. Read by attribute, never by class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

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
