"""PURE: what a start is told while the books cannot be reached."""

from __future__ import annotations

from datetime import datetime

from profiles.admission import Admit, Decision, Deny, decide
from profiles.lease import Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.refusal import Reason, Refusal
from profiles.snapshot import Snapshot

CLOSED = Refusal(
    Reason.ADMISSION_UNAVAILABLE,
    "Machines cannot be started at the moment: the database that keeps count of who has which machine does not answer. "
    "Servers that run already go on.",
    "Try again in a minute; if it lasts, tell your administrator.",
)


def without_books(request: Request, policies: Policies, now: datetime) -> Decision:
    """Working hours hold without any; beyond them, without rules nothing could have been refused, and with rules it is
    the admin's choice."""
    hours = decide(request, Snapshot(LeaseBook()), Policies(timezone=policies.timezone), now)
    refuse = not policies.empty and policies.when_unavailable == "refuse"
    return Deny(CLOSED, rule="") if refuse and isinstance(hours, Admit) else hours
