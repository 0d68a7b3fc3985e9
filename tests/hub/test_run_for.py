"""A machine that was asked for so many hours: a real JupyterHub in front of a fake cluster; the time is an argument."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub_extensions.admission.task import stop_what_ran_out
from hub_extensions.notices import Kind, Notices
from profiles.lease import EndReason
from profiles.model import HomePolicy
from tests.fakes.hub import Hub, StartHub
from tests.hub.test_gate import Books, catalog_with, restarted
from tests.hub.test_starts import until

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path, catalog_with())


@pytest.fixture
async def hub(books: Books, start_hub: StartHub) -> Hub:
    return await start_hub(books.catalog, HomePolicy(size="1Gi"), gate=lambda: books.gate)


async def look(hub: Hub, books: Books, at: datetime) -> None:
    await stop_what_ran_out(hub.app, books.gate, books.catalog.policies, {}, at)


async def test_it_runs_so_long_and_says_that_it_was_asked_to(hub: Hub, books: Books) -> None:
    ann = hub.user("ann")
    spawner = await hub.spawn(ann, {"profile": "small", "run_for": "2h"})
    (lease,) = books.store.leases()
    assert (lease.longest, spawner.machine.max_lifetime_s, spawner.machine.ends_as_asked) == (2 * HOUR, 7200, True)
    now = datetime.now(UTC)
    await look(hub, books, now + HOUR + 50 * MINUTE)
    assert spawner.ready
    await look(hub, books, now + 2 * HOUR + MINUTE)
    await until(lambda: books.ledger)
    assert [entry.reason for entry in books.ledger] == [EndReason.TIME_OVER]
    assert spawner.failure.sentence == "Your Small was stopped after 2 hours, as you asked."
    told = {kept.notice.kind: kept.notice for kept in Notices(books.store.database).of_user("ann")}
    assert "as long as you asked for" in told[Kind.STOPS_SOON].text
    assert "as you asked" in told[Kind.STOPPED].text


async def test_another_process_of_the_hub_knows_it(hub: Hub, books: Books) -> None:
    await hub.spawn(hub.user("ann"), {"profile": "small", "run_for": "2h"})
    await restarted(hub, books)
    spawner = hub.user("ann").spawner
    assert spawner.machine.ends_as_asked
    await look(hub, books, datetime.now(UTC) + 2 * HOUR + MINUTE)
    assert spawner.failure.sentence.endswith("as you asked.")


async def test_the_next_start_runs_until_it_is_stopped(hub: Hub, books: Books) -> None:
    ann = hub.user("ann")
    spawner = await hub.spawn(ann, {"profile": "small", "run_for": "1h"})
    assert dict(spawner.orm_spawner.user_options) == {"profile": "small"}
    await hub.stop(ann)
    spawner = await hub.spawn(ann)
    assert (spawner.machine.profile_id, spawner.machine.max_lifetime_s) == ("small", None)
    assert books.store.leases()[0].longest is None
