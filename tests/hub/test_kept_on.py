"""A machine that its person keeps on, a real JupyterHub and the culler; the time is an argument."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub_extensions.admission.database import Database, DatabaseAway
from hub_extensions.culler.task import cull_once, kept_now
from hub_extensions.keep_on.known import known_kept
from hub_extensions.page_frame.gate import SETTING
from hub_extensions.settings import Cull
from profiles.lease import EndReason
from profiles.model import Catalog, HomePolicy
from tests.fakes.hub import Hub, StartHub
from tests.hub.test_gate import Books, catalog_with, restarted

HOUR = timedelta(hours=1)
CULL = Cull(timeout=0)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    plain = catalog_with().model_dump(mode="json", by_alias=True, exclude_defaults=True)
    plain["profiles"]["small"] |= {"idleTimeout": "30m", "maxLifetime": "8h", "keepAliveAtMost": "12h"}
    return Books(tmp_path, Catalog.model_validate(plain))


@pytest.fixture
async def hub(books: Books, start_hub: StartHub) -> Hub:
    return await start_hub(books.catalog, HomePolicy(size="1Gi"), gate=lambda: books.gate)


async def culled(hub: Hub, settings: dict[str, Any], at: datetime) -> int:
    """One round of the culler at this moment, as its loop does it."""
    assert hub.app is not None
    return await cull_once(hub.app, CULL, at, await kept_now(hub.app, settings, at))


async def test_it_stays_until_then_and_not_longer(hub: Hub, books: Books) -> None:
    ada = hub.user("ada")
    spawner = await hub.spawn(ada, {"profile": "small"})
    settings, now = {SETTING: books.gate}, datetime.now(UTC)
    until = now + 3 * HOUR
    await known_kept(settings).keep(books.gate, spawner.spawn_id, until, now)
    assert await culled(hub, settings, now + HOUR) == 0
    assert await culled(hub, settings, until - timedelta(seconds=1)) == 0
    assert await culled(hub, settings, until + timedelta(seconds=1)) == 1
    assert [entry.reason for entry in books.ledger] == [EndReason.CULLED]


async def test_taken_back_it_stops_as_always(hub: Hub, books: Books) -> None:
    spawner = await hub.spawn(hub.user("ada"), {"profile": "small"})
    settings, now = {SETTING: books.gate}, datetime.now(UTC)
    await known_kept(settings).keep(books.gate, spawner.spawn_id, now + 3 * HOUR, now)
    assert await culled(hub, settings, now + HOUR) == 0
    await known_kept(settings).take_back(books.gate, spawner.spawn_id)
    assert await culled(hub, settings, now + HOUR) == 1


async def test_its_life_is_not_made_longer(hub: Hub, books: Books) -> None:
    spawner = await hub.spawn(hub.user("ada"), {"profile": "small"})
    settings, now = {SETTING: books.gate}, datetime.now(UTC)
    await known_kept(settings).keep(books.gate, spawner.spawn_id, now + 12 * HOUR, now)
    assert await culled(hub, settings, now + 7.9 * HOUR) == 0
    assert await culled(hub, settings, now + 8 * HOUR) == 1
    assert [entry.reason for entry in books.ledger] == [EndReason.TIME_OVER]
    assert spawner.failure.sentence == "Your Small was stopped after 8 hours, as long as it was allowed to run."


async def test_a_hub_that_comes_back_knows_it_and_waits_for_its_books(
    hub: Hub, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner = await hub.spawn(hub.user("ada"), {"profile": "small"})
    settings, now = {SETTING: books.gate}, datetime.now(UTC)
    await known_kept(settings).keep(books.gate, spawner.spawn_id, now + 3 * HOUR, now)
    await restarted(hub, books)
    settings = {SETTING: books.gate}
    with monkeypatch.context() as outage:
        outage.setattr(Database, "reading", _away)
        assert await culled(hub, settings, now + HOUR) == 0, "nobody can say that it is not kept on"
    assert await culled(hub, settings, now + HOUR) == 0
    with monkeypatch.context() as outage:
        outage.setattr(Database, "reading", _away)
        assert await culled(hub, settings, now + 2 * HOUR) == 0, "as last known"
    assert await culled(hub, settings, now + 4 * HOUR) == 1


def _away(self: Database) -> Any:
    raise DatabaseAway("away, for the test")
