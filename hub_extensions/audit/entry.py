"""Values: who did what, about whom, when, and in which way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from profiles.frozen import EMPTY


class Action(StrEnum):
    """Stable codes: filters, exports and whoever reads them rely on these."""

    ASKED = "ask-asked"
    COMMENTED = "ask-commented"
    REVISED = "ask-revised"
    GRANTED = "ask-granted"
    REFUSED = "ask-refused"
    WITHDRAWN = "ask-withdrawn"
    REVOKED = "ask-revoked"
    SERVER_STOPPED = "server-stopped-for-another"
    SERVER_STARTED = "server-started-for-another"
    SERVER_OPENED = "server-of-another-opened"
    SERVER_ENTERED = "server-of-another-entered-by-token"
    RESERVATION_CHANGED = "reservation-changed"
    RESERVATION_CANCELLED = "reservation-cancelled-for-another"
    PLACE_REMOVED = "place-in-line-removed"
    POLICIES_CHANGED = "policies-changed"


MEANING: dict[Action, str] = {
    Action.ASKED: "Asked for a machine",
    Action.COMMENTED: "Commented on an ask",
    Action.REVISED: "Changed what an ask is about",
    Action.GRANTED: "Said yes",
    Action.REFUSED: "Said no",
    Action.WITHDRAWN: "Withdrew an ask",
    Action.REVOKED: "Took a yes back",
    Action.SERVER_STOPPED: "Stopped somebody’s server",
    Action.SERVER_STARTED: "Started a server for somebody",
    Action.SERVER_OPENED: "Opened somebody’s server",
    Action.SERVER_ENTERED: "Came to somebody’s server with a token",
    Action.RESERVATION_CHANGED: "Changed a reservation",
    Action.RESERVATION_CANCELLED: "Cancelled somebody’s reservation",
    Action.PLACE_REMOVED: "Took somebody out of the line",
    Action.POLICIES_CHANGED: "The hub started with other policies",
}


class Way(StrEnum):
    """From where it was done."""

    PAGE = "page"
    REST = "rest"
    BOOT = "boot"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """`subject` is the person it is about, or empty for the hub itself. `id` is 0 until it is kept."""

    at: datetime
    actor: str
    action: Action
    subject: str
    way: Way
    details: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries. `person` did it or it was done to them; `before` is the id of the last one seen."""

    person: str = ""
    action: Action | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
