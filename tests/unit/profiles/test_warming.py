"""For which reservations a node is asked for, and from when until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from profiles.amounts import Amounts
from profiles.catalog import Document, load_catalog
from profiles.reservations import Reservation
from profiles.warming import to_warm
from tests.unit.profiles.shares import NOW

CATALOG = load_catalog(
    Document(
        "test",
        """
pools:
  growing: {autoscaled: {}}
  fixed: {}
profiles:
  big: {displayName: Big, pool: growing, cpu: 4, memory: 8Gi}
  still: {displayName: Still, pool: fixed, cpu: 4, memory: 8Gi}
  theirs: {displayName: Theirs, pool: growing, cpu: 4, memory: 8Gi, allow: {groups: [others]}}
policies:
  reservations:
    warm: {servers: 4, warmBefore: 15m}
    cold: {servers: 4}
""",
    )
)
BOOKED = Reservation(
    id="r",
    rule="warm",
    user="ada",
    groups=frozenset({"ml"}),
    profile="big",
    display_name="Big",
    amounts=Amounts(1, 4000, 8 * 2**30),
    begins_at=NOW,
    ends_at=NOW + timedelta(hours=2),
    made_at=NOW - timedelta(days=1),
)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("at", "warm"), [(-16, False), (-15, True), (-1, True), (0, True), (29, True), (119, True), (120, False)]
)
def test_from_shortly_before_until_somebody_comes_or_it_is_over(at: int, warm: bool) -> None:
    now = NOW + at * MINUTE
    assert bool(to_warm([BOOKED], CATALOG, now)) is warm
    assert not to_warm([replace(BOOKED, taken_at=NOW)], CATALOG, now)
    assert not to_warm([replace(BOOKED, over_at=NOW - MINUTE)], CATALOG, now)


@pytest.mark.parametrize(
    "change",
    [{"rule": "cold"}, {"rule": "gone"}, {"profile": "still"}, {"profile": "theirs"}, {"profile": "gone"}],
    ids=str,
)
def test_only_where_it_is_asked_for_and_helps(change: dict[str, str]) -> None:
    assert to_warm([replace(BOOKED, **change)], CATALOG, NOW) == {}


def test_it_is_the_machine_that_was_reserved() -> None:
    plan = to_warm([BOOKED], CATALOG, NOW)["r"]
    assert (plan.profile_id, plan.pool_id, plan.cpu.request.millicores) == ("big", "growing", 4000)
