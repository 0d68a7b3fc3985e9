"""Closing time and the end of a permission are moments: a start that takes long moves neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.engine import Connection

from hub_extensions.admission.expiry import due
from hub_extensions.admission.store import Store
from profiles.grants import Grant
from profiles.hours import Hours
from profiles.lease import EndReason, Lease, Request
from profiles.policy import Policies
from tests.contract.admission.asking import NO_RULES, NOW, ask, rules
from tests.contract.admission.conftest import Place

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
CLOSES = datetime.fromisoformat("2026-03-10T10:00:00Z")
#: Granted at half past nine, it is up at ten to ten: twenty minutes after the decision.
BEGAN = CLOSES - 10 * MINUTE
OFFICE = Hours.model_validate({"from": "08:00", "to": "10:00"})


def granted(store: Store, request: Request, policies: Policies) -> Lease:
    store.admit(request, policies, NOW)
    store.began(request.lease_id, BEGAN, BEGAN)
    (lease,) = store.leases()
    return lease


def ends(lease: Lease, at: datetime) -> list[EndReason]:
    return [stop.reason for stop in due([lease], {}, {}, at).stop]


def test_a_machine_stops_at_closing_time_however_long_its_start_took(store: Store) -> None:
    lease = granted(store, replace(ask("1"), hours=OFFICE), NO_RULES)
    assert (lease.ends_at, ends(lease, CLOSES - SECOND), ends(lease, CLOSES)) == (CLOSES, [], [EndReason.TIME_OVER])


def test_a_machine_stops_when_its_permission_ends(place: Place) -> None:
    lease = ask("1")
    yes = Grant(
        id="yes",
        rule="big",
        user="ada",
        profile="gpu",
        amounts=lease.amounts,
        begins_at=NOW - MINUTE,
        ends_at=CLOSES,
        granted_by="bea",
    )

    def grants(_: Connection, user: str) -> tuple[Grant, ...]:
        return (yes,) if user == "ada" else ()

    held = granted(Store(place.open(), grants), lease, rules(approvals={"big": {"profiles": ["gpu"]}}))
    assert (held.ends_at, ends(held, CLOSES - SECOND), ends(held, CLOSES)) == (CLOSES, [], [EndReason.TIME_OVER])


@pytest.mark.parametrize("minutes", [5, 60])
def test_its_own_lifetime_counts_from_when_it_began(store: Store, minutes: int) -> None:
    """And closing time from nothing: whichever comes first."""
    length = minutes * MINUTE
    lease = granted(store, replace(ask("1", longest=length), hours=OFFICE), NO_RULES)
    end = min(BEGAN + length, CLOSES)
    assert (lease.ends_at, ends(lease, end - SECOND), ends(lease, end)[:1]) == (end, [], [EndReason.TIME_OVER])
