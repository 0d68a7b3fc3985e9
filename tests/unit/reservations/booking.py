"""Rules, leases and bookings for these tests: a pool of GPUs that can be reserved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hub_extensions.reservations.change import Ask
from hub_extensions.reservations.decide import Booking
from hub_extensions.reservations.words import NotPossible
from profiles.choice import MachineChoice
from profiles.frozen import freeze
from profiles.lease import Lease, Request
from profiles.lease_book import LeaseBook
from profiles.plan import MachinePlan
from profiles.policy import Policies
from profiles.reservations import Reservation
from profiles.snapshot import Snapshot
from tests.unit.profiles.shares import NOW, amounts, policies, request

HOUR = timedelta(hours=1)
CLEAR = timedelta(minutes=10)


def rules(gpus: int = 2, *, others: dict[str, Any] | None = None, **given: Any) -> Policies:
    """`gpus` of the pool can be reserved; `others` are further sections of the policies."""
    return policies(reservations={"gpus": {"pools": ["gpu"], "gpus": gpus, **given}}, **(others or {}))


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def wanted(begins: float = 24, lasts: float = 2, user: str = "ada", note: str = "", **machine: Any) -> Booking:
    """Hours from `NOW`."""
    asked: Request = request(user, **{"gpus": 1, **machine})
    return Booking(id="new", request=asked, begins_at=at(begins), ends_at=at(begins + lasts), note=note)


def reserved(name: str, begins: float, lasts: float = 2, user: str = "bea", gpus: int = 1, **given: Any) -> Reservation:
    fields: dict[str, Any] = {
        "id": name,
        "rule": "gpus",
        "user": user,
        "groups": frozenset(),
        "profile": "gpu",
        "display_name": "GPU",
        "amounts": amounts(gpus=gpus),
        "begins_at": at(begins),
        "ends_at": at(begins + lasts),
        "made_at": at(-24),
    }
    return Reservation(**{**fields, **given})


def books(*leases: Lease, reservations: tuple[Reservation, ...] = (), **known: Any) -> Snapshot:
    return Snapshot(LeaseBook(leases), reservations=reservations, **known)


def ask(user: str = "ada", **given: Any) -> Ask:
    """A catalog of one machine, whose option says how many GPUs it has."""

    def asked(choice: MachineChoice) -> tuple[Request, MachinePlan] | NotPossible:
        if choice.profile not in {"gpu", "other"}:
            return NotPossible("unknown-profile", "There is no such machine.", "")
        gpus = int(choice.options.get("gpus", "1"))
        offered = request(user, gpus=gpus, profile=choice.profile, **given)
        return offered, Plan(freeze(dict(choice.options)))  # type: ignore[return-value]

    return asked


class Plan:
    """What of a `MachinePlan` is kept with a reservation."""

    def __init__(self, options: Any) -> None:
        self.options = options
