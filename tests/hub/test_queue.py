"""A real JupyterHub whose people wait in line, in front of a fake cluster."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub_extensions.admission.task import EVERY_S, FirstLook
from hub_extensions.notices import Kind, Notices
from hub_extensions.queue.store import Line
from hub_extensions.queue.task import Attendant, attend
from hub_extensions.queue.words import NotPossible, Why
from profiles.choice import MachineChoice
from profiles.lease import KEPT, Request
from profiles.model import HomePolicy
from profiles.plan import MachinePlan
from profiles.refusal import Reason
from profiles.resolve import resolve
from profiles.waiting import Waiting
from tests.fakes.hub import Hub, StartHub
from tests.hub.test_gate import Books, catalog_with
from tests.hub.test_starts import until

ONE_FOR_ALL = {"quotas": {"one": {"per": "hub", "servers": 1}}, "queue": {"keepFor": "5m"}}


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path, catalog_with(**ONE_FOR_ALL))


@pytest.fixture
async def hub(books: Books, start_hub: StartHub) -> Hub:
    return await start_hub(books.catalog, HomePolicy(size="1Gi"), gate=lambda: books.gate)


def wait_for_small(books: Books, user: Any, *, itself: bool = True) -> Waiting | NotPossible:
    person = user.spawner.person
    plan = resolve(books.catalog, MachineChoice("small"), person)
    assert isinstance(plan, MachinePlan)
    now, place = datetime.now(UTC), f"place-{user.name}"
    wanted = Waiting(
        id=place, request=Request.of(KEPT + place, person, "", plan), joined_at=now, starts_itself=itself
    )
    return Line(books.store).join(wanted, books.catalog.policies, now)


def told(books: Books, name: str) -> list[str]:
    return [
        kept.notice.subject
        for kept in Notices(books.store.database).of_user(name)
        if kept.notice.kind is Kind.QUEUE
    ]


def attending(hub: Hub, books: Books) -> asyncio.Task[None]:
    look = FirstLook()
    look.over()
    return asyncio.get_running_loop().create_task(attend(hub.app, books.gate, books.catalog, look))


async def test_whoever_waits_is_started_as_soon_as_the_machine_is_free(hub: Hub, books: Books) -> None:
    ada, bea = hub.user("ada"), hub.user("bea")
    await hub.spawn(ada)
    assert isinstance(wait_for_small(books, bea), Waiting)
    task = attending(hub, books)
    try:
        begun = datetime.now(UTC)
        await hub.stop(ada)
        await until(lambda: bea.spawner.ready)
        assert datetime.now(UTC) - begun < timedelta(seconds=EVERY_S), "not with the next round"
    finally:
        task.cancel()
    assert [lease.user for lease in books.store.leases()] == ["bea"]
    assert Line(books.store).line() == ()
    assert told(books, "bea") == ["Your Small is free"]


async def test_whoever_wants_to_be_told_is_told_and_nobody_else_gets_the_machine(hub: Hub, books: Books) -> None:
    ada, bea, cat = hub.user("ada"), hub.user("bea"), hub.user("cat")
    await hub.spawn(ada)
    wait_for_small(books, bea, itself=False)
    await hub.stop(ada)
    await until(lambda: not books.store.leases())
    attendant = Attendant(hub.app, books.gate, books.catalog)
    pause_s = await attendant.look()
    assert 0 < pause_s <= 15
    (kept,) = books.store.leases()
    assert (kept.user, kept.id) == ("bea", f"{KEPT}place-bea")
    assert told(books, "bea") == ["Your Small is free"]
    with pytest.raises(Exception, match="1 server at once"):
        await hub.spawn(cat)
    await hub.spawn(bea)
    assert [lease.id for lease in books.store.leases()] == [bea.spawner.spawn_id]
    assert Line(books.store).line() == ()


async def test_a_machine_that_runs_is_not_stopped_for_a_place_in_line(hub: Hub, books: Books) -> None:
    books.catalog = hub.catalog = catalog_with(quotas={"one": {"per": "hub", "servers": 2}})
    books.reopen()
    ada, bea = hub.user("ada"), hub.user("bea")
    await hub.spawn(ada)
    await hub.spawn(bea)
    outcome = wait_for_small(books, bea)
    assert isinstance(outcome, NotPossible) and outcome.reason == Why.FREE_NOW, "instead of what runs"


async def test_a_start_that_fails_is_told_and_left_to_its_person(hub: Hub, books: Books) -> None:
    ada, bea = hub.user("ada"), hub.user("bea")
    await hub.spawn(ada)
    wait_for_small(books, bea)
    await hub.stop(ada)
    await until(lambda: not books.store.leases())
    bea.spawner.pre_spawn_hook = _broken
    attendant = Attendant(hub.app, books.gate, books.catalog)
    await attendant.look()
    await until(lambda: "Your Small could not be started" in told(books, "bea"))
    assert not bea.spawner.active


async def _broken(spawner: Any) -> None:
    raise RuntimeError("no luck")


async def test_an_account_that_is_gone_waits_for_nothing(hub: Hub, books: Books) -> None:
    ada, bea = hub.user("ada"), hub.user("bea")
    await hub.spawn(ada)
    wait_for_small(books, bea)
    hub.app.users.delete(bea)
    await Attendant(hub.app, books.gate, books.catalog).look()
    assert Line(books.store).line() == ()
    assert told(books, "bea") == ["You no longer wait for Small"]


async def test_a_hub_that_comes_back_starts_who_was_called_before(hub: Hub, books: Books) -> None:
    ada, bea = hub.user("ada"), hub.user("bea")
    await hub.spawn(ada)
    wait_for_small(books, bea)
    await hub.stop(ada)
    await until(lambda: not books.store.leases())
    attendant = Attendant(hub.app, books.gate, books.catalog)
    attendant._starts["place-bea"] = asyncio.get_running_loop().create_task(asyncio.sleep(0))  # killed before it began
    await attendant.look()
    assert Line(books.store).line()[0].kept_until is not None
    await hub.kill()
    books.reopen()
    await hub.start()
    task = attending(hub, books)
    try:
        await until(lambda: hub.user("bea").spawner.ready)
    finally:
        task.cancel()
    assert told(books, "bea") == ["Your Small is free"], "told once"


async def test_what_nobody_gives_back_is_not_waited_for(hub: Hub, books: Books) -> None:
    books.catalog = catalog_with(budgets={"none": {"per": "user", "money": 0.01}})
    outcome = wait_for_small(books, hub.user("bea"))
    assert isinstance(outcome, NotPossible) and outcome.reason == Reason.OVER_BUDGET


async def test_a_place_is_called_again_for_the_next_one_when_nobody_comes(hub: Hub, books: Books) -> None:
    books.catalog = catalog_with(quotas={"one": {"per": "hub", "servers": 1}}, queue={"keepFor": "1s"})
    ada, bea, cat = hub.user("ada"), hub.user("bea"), hub.user("cat")
    await hub.spawn(ada)
    wait_for_small(books, bea, itself=False)
    wait_for_small(books, cat)
    task = attending(hub, books)
    try:
        await hub.stop(ada)
        await until(lambda: cat.spawner.ready)
    finally:
        task.cancel()
    assert told(books, "bea") == ["Small is kept for you no longer", "Your Small is free"]
