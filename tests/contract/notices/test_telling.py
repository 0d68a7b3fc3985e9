"""What the regular look posts, beside what the line has told already."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hub_extensions.admission.ahead import Looked
from hub_extensions.admission.database import Database
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from hub_extensions.notices.events import Look
from hub_extensions.notices.store import Notices
from hub_extensions.notices.telling import Teller
from hub_extensions.queue import told
from profiles.lease import LeaveWhy
from profiles.policy import Policies
from profiles.reservations import Leave
from tests.unit.admission.people import MINUTE, NOON, lease

ENDS = NOON + timedelta(hours=2)


@pytest.mark.parametrize(("before", "heard"), [(14 * MINUTE, 1), (40 * MINUTE, 2)])
async def test_whoever_was_told_at_the_last_minute_is_not_reminded(
    database: Database, before: timedelta, heard: int
) -> None:
    gate, notices = SqlGate(Store(database), Policies, lambda: NOON), Notices(database)
    runs = lease()
    looked = Looked(told=((Leave(runs, ENDS), LeaveWhy.RESERVED),))
    notices.post_all(told.notices_of(looked, Policies(), ENDS - before), ENDS - before)
    leaving = replace(runs, leaves_at=ENDS, leaves_why=LeaveWhy.RESERVED)
    teller = Teller(gate)
    try:
        for left in (10, 9):
            await teller.tell(Look([leaving]), ENDS - left * MINUTE)
    finally:
        gate.close()
    assert len(notices.of_user("ann")) == heard
