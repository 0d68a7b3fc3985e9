"""What people are told of machines that make room, and of those that need not any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hub_extensions.admission.ahead import Looked
from hub_extensions.queue.told import notices_of
from profiles.lease import LeaveWhy
from profiles.reservations import Leave
from tests.unit.profiles.shares import NOW, lease, policies

RUNS = lease("1", "ada", gpus=1, ran=timedelta(hours=1))
STARTS = replace(RUNS, began_at=None)
AT = NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("why", "because"),
    [
        (LeaveWhy.RESERVED, "because somebody has reserved what it takes"),
        (LeaveWhy.LENT, "because your group has borrowed it, and those it belongs to want it back"),
    ],
)
def test_whoever_makes_room_reads_when_and_why(why: LeaveWhy, because: str) -> None:
    (notice,) = notices_of(Looked(told=((Leave(RUNS, AT), why),)), policies(), NOW)
    assert (notice.to, notice.link) == ("ada", "home")
    assert because in notice.text


def test_another_day_is_named() -> None:
    (notice,) = notices_of(Looked(told=((Leave(RUNS, AT + timedelta(days=1)), LeaveWhy.LENT),)), policies(), NOW)
    assert " on " in notice.subject and " on " in notice.text


def test_whoever_may_stay_is_told_once_for_each_time_that_they_were_told() -> None:
    told = replace(RUNS, leaves_at=AT, leaves_why=LeaveWhy.LENT)
    (notice,) = notices_of(Looked(spared=(told,)), policies(), NOW)
    assert notice.subject.endswith("may stay")
    (later,) = notices_of(Looked(spared=(replace(told, leaves_at=AT + timedelta(hours=1)),)), policies(), NOW)
    assert notice.key != later.key


def test_what_has_not_begun_hears_nothing() -> None:
    starting = replace(STARTS, leaves_at=AT, leaves_why=LeaveWhy.RESERVED)
    looked = Looked(told=((Leave(STARTS, AT), LeaveWhy.RESERVED),), spared=(starting,))
    assert list(notices_of(looked, policies(), NOW)) == []
