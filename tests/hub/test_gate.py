"""A real JupyterHub with the gate and its books in a file, in front of a fake cluster."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub_extensions.admission.database import Database
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from hub_extensions.admission.task import compare, stop_what_ran_out
from hub_extensions.notices import Kind, Notices
from hub_extensions.switch.board import Switch, SwitchBoard
from hub_extensions.switch.flow import carry_out
from profiles.admission import Decision, Deny
from profiles.lease import EndReason, Entry, LeaseState, Request
from profiles.model import Catalog, HomePolicy
from spawner.cluster import POD
from spawner.podstate import Ended, liveness
from spawner.refused import RefusedStart, StartError
from tests.fakes.cluster import FakeCluster, Kubelet
from tests.fakes.hub import Hub, StartHub
from tests.hub.test_histories import PEOPLE, History
from tests.hub.test_starts import CATALOG, until
from tests.hub.test_switch import handler_of

LONG = timedelta(hours=1)


def catalog_with(**policies: Any) -> Catalog:
    profiles = {
        "small": {
            "displayName": "Small",
            "pool": "general",
            "cpu": "1",
            "memory": "1Gi",
            "pricePerHour": 3600,
            "startTimeout": "20s",
        }
    }
    pools = {"general": {"nodeSelector": {"remuda.dev/pool": "general"}}}
    return Catalog.model_validate(
        {"defaultProfile": "small", "pools": pools, "profiles": profiles, "policies": policies}
    )


ONE_EACH = {"quotas": {"one-each": {"per": "user", "servers": 1}}}


class Books:
    """The gate of one hub process, and what is written in the books. Opened anew it is another process."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.url, self.catalog = f"sqlite:///{folder}/books.sqlite", catalog
        self.reopen()

    def reopen(self) -> None:
        self.store = Store(Database(self.url))
        self.store.database.migrate()
        self.gate = SqlGate(self.store, policies=lambda: self.catalog.policies, clock=lambda: datetime.now(UTC))

    @property
    def ledger(self) -> tuple[Entry, ...]:
        now = datetime.now(UTC)
        return self.store.ledger(since=now - timedelta(days=9), until=now + timedelta(days=9))

    async def compare(self, hub: Hub, *, later: timedelta = timedelta(0)) -> bool:
        assert hub.app is not None
        return await compare(hub.app, self.gate, datetime.now(UTC) + later)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path, catalog_with(**ONE_EACH))


@pytest.fixture
async def hub(books: Books, start_hub: StartHub) -> Hub:
    return await start_hub(books.catalog, HomePolicy(size="1Gi"), gate=lambda: books.gate)


async def restarted(hub: Hub, books: Books) -> None:
    """Killed, and started again with a gate of its own."""
    await hub.kill()
    books.reopen()
    await hub.start()
    assert hub.sharing is not None
    spawner = hub.user("ann").spawner
    await spawner.view.pods.wait_synced(5)


async def test_a_start_is_a_lease_while_it_runs_and_an_entry_when_it_is_over(hub: Hub, books: Books) -> None:
    ann = hub.user("ann", groups=("ml",))
    spawner = await hub.spawn(ann)
    (lease,) = books.store.leases()
    assert (lease.id, lease.user, lease.groups) == (spawner.spawn_id, "ann", frozenset({"ml"}))
    assert lease.state is LeaseState.RUNNING
    assert (lease.amounts.millicores, lease.amounts.memory) == (1000, 2**30)
    await hub.stop(ann)
    await until(lambda: books.ledger)
    (entry,) = books.ledger
    assert (entry.lease.id, entry.reason) == (lease.id, EndReason.STOPPED)
    assert entry.charge.micros == entry.charge.seconds * 1_000_000
    assert not books.store.leases()


async def test_what_is_over_the_quota_is_refused_before_anything_is_made(
    hub: Hub, books: Books, cluster: FakeCluster
) -> None:
    ann = hub.user("ann")
    await hub.spawn(ann)
    with pytest.raises(RefusedStart) as refused:
        await hub.spawn(ann, server_name="second")
    assert refused.value.reason == "over-quota"
    assert "You may have 1 server at once, and 1 is in use" in refused.value.sentence
    assert len(cluster.all_of(POD)) == 1
    assert len(books.store.leases()) == 1
    await hub.stop(ann)
    await until(lambda: not books.store.leases())
    assert (await hub.spawn(ann, server_name="second")).ready


async def test_a_switch_is_measured_without_the_machine_it_leaves(hub: Hub) -> None:
    spawner = await hub.spawn(hub.user("ann"))
    assert await spawner.foresee(spawner.choose()) is None
    other = hub.user("ann").get_or_create_spawner("second", "", replace_failed=True)
    refusal = await other.foresee(spawner.choose())
    assert refusal is not None and refusal.reason == "over-quota"


async def test_a_switch_at_the_edge_of_a_shared_quota_loses_the_machine_to_nobody(
    hub: Hub, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.catalog = catalog_with(quotas={"team": {"per": "group", "groups": ["ml"], "servers": 1}})
    ann, bob = hub.user("ann", groups=("ml",)), hub.user("bob", groups=("ml",))
    spawner = await hub.spawn(ann)
    place = Request.of(spawner.spawn_id, spawner.person, "", spawner.choose())
    handler = handler_of(hub, ann)
    handler.application.settings["remuda_gate"] = books.gate
    board, key = SwitchBoard(), ("ann", "")
    step = Switch({"profile": "small"}, "Small", "Small", datetime.now(UTC))
    assert board.begin(key, step)
    ended = books.store.ended
    answers: list[Decision] = []
    bobs = replace(place, lease_id="bob's", person=bob.spawner.person)

    def and_bob_is_next(*end: Any) -> Entry | None:
        """Nobody could ask any sooner."""
        entry = ended(*end)
        answers.append(books.store.admit(bobs, books.catalog.policies, datetime.now(UTC)))
        return entry

    monkeypatch.setattr(books.store, "ended", and_bob_is_next)
    await carry_out(board, key, step, handler, ann, place)
    (answer,) = answers
    assert isinstance(answer, Deny)
    assert ann.spawners[""].ready
    (lease,) = books.store.leases()
    assert (lease.user, lease.id, lease.state) == ("ann", ann.spawners[""].spawn_id, LeaseState.RUNNING)


async def test_a_start_that_fails_gives_back_what_it_held(hub: Hub, books: Books, cluster: FakeCluster) -> None:
    from spawner.retry import ApiError

    cluster.fail("create", POD, ApiError(403, "Forbidden", "exceeded quota: team, requested: cpu=1"), times=9)
    ann = hub.user("ann")
    with pytest.raises(StartError):
        await hub.spawn(ann)
    await hub.stop(ann)
    await books.compare(hub, later=LONG)
    assert not books.store.leases()
    assert [(entry.reason, entry.charge.micros) for entry in books.ledger] == [(EndReason.NEVER_RAN, 0)]
    cluster.faults.clear()
    assert (await hub.spawn(ann)).ready


async def test_a_server_that_ends_by_itself_is_billed_by_its_nodes_clock(
    hub: Hub, books: Books, cluster: FakeCluster
) -> None:
    ann = hub.user("ann")
    spawner = await hub.spawn(ann)
    ended(cluster, spawner.pod_name, seconds=7)
    await until(lambda: isinstance(liveness(spawner.present_pod()), Ended))
    assert await spawner.poll() == 0
    await ann.stop("")
    await until(lambda: books.ledger)
    (entry,) = books.ledger
    assert (entry.charge.seconds, entry.reason) == (7, EndReason.ENDED)


async def test_a_run_that_ended_while_no_hub_was_there_is_billed_to_the_second_once(
    hub: Hub, books: Books, cluster: FakeCluster
) -> None:
    ann = hub.user("ann")
    spawner = await hub.spawn(ann)
    pod_name = spawner.pod_name
    await hub.kill()
    ended(cluster, pod_name, seconds=42)
    books.reopen()
    await hub.start()
    await until(lambda: hub.sharing.runs() is not None)
    await books.compare(hub)
    await books.compare(hub)
    await until(lambda: books.ledger)
    (entry,) = books.ledger
    assert entry.charge.seconds == 42
    assert not books.store.leases()


async def test_a_hold_whose_hub_died_before_the_pod_was_asked_for_is_given_back(
    hub: Hub, books: Books, cluster: FakeCluster
) -> None:
    dying = asyncio.Event()

    def die(verb: str, kind: Any) -> None:
        if verb == "create" and kind == POD:
            hub.process.dead = True
            dying.set()

    hub.process.before = die
    starting = hub.begin(hub.user("ann"))
    await dying.wait()
    (held,) = books.store.leases()
    assert held.state is LeaseState.HELD
    starting.cancel()
    await restarted(hub, books)
    assert not cluster.all_of(POD)
    await books.compare(hub, later=LONG)
    assert not books.store.leases()
    assert [entry.reason for entry in books.ledger] == [EndReason.NEVER_RAN]


async def test_a_start_that_another_hub_process_carries_on_keeps_its_lease(
    hub: Hub, books: Books, kubelet: Kubelet, cluster: FakeCluster
) -> None:
    kubelet.hold_pending = True
    hub.begin(hub.user("ann"))
    await until(lambda: cluster.all_of(POD))
    (held,) = books.store.leases()
    await hub.kill()
    kubelet.release()
    books.reopen()
    await hub.start()
    await until(lambda: hub.user("ann").spawner.ready)
    (lease,) = books.store.leases()
    assert (lease.id, lease.state) == (held.id, LeaseState.RUNNING)


async def test_no_confirmation_no_end(hub: Hub, books: Books, kubelet: Kubelet, cluster: FakeCluster) -> None:
    """A node that does not answer may still run the machine: the lease stays, whatever the hub has given up on."""
    ann = hub.user("ann")
    lease_id = (await hub.spawn(ann)).spawn_id
    kubelet.hold_terminating = True
    stopping = asyncio.ensure_future(hub.stop(ann))
    await until(lambda: cluster.all_of(POD)[0]["metadata"].get("deletionTimestamp"))
    stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
    await books.compare(hub, later=LONG)
    assert [lease.id for lease in books.store.leases()] == [lease_id]
    kubelet.release()
    await until(lambda: not cluster.all_of(POD))
    await until(lambda: hub.sharing.runs() == ())
    await books.compare(hub, later=LONG)
    assert not books.store.leases()
    assert len(books.ledger) == 1


async def test_a_server_from_before_the_books_gets_a_lease(hub: Hub, books: Books) -> None:
    ann = hub.user("ann")
    spawner = await hub.spawn(ann)
    await asyncio.to_thread(lambda: Path(books.url.removeprefix("sqlite:///")).unlink())
    books.reopen()
    await books.compare(hub)
    (lease,) = books.store.leases()
    assert (lease.id, lease.user, lease.state) == (spawner.spawn_id, "ann", LeaseState.RUNNING)


async def test_a_budget_that_is_used_up_stops_its_machines_after_the_grace(hub: Hub, books: Books) -> None:
    budgets = {"pocket": {"per": "user", "money": 100_000, "grace": "10m", "window": "30d"}}
    books.catalog = catalog_with(budgets=budgets)
    ann = hub.user("ann")
    spawner = await hub.spawn(ann)
    policies, begun = books.catalog.policies, datetime.now(UTC)
    # 100,000 at 3,600 an hour: 27 h 46 min, and then ten minutes of grace.
    exhausted = await stop_what_ran_out(hub.app, books.gate, policies, {}, begun + timedelta(hours=27))
    assert (exhausted, spawner.ready) == ({}, True)
    over = begun + timedelta(hours=28)
    lease = books.store.leases()[0]
    assert lease.longest is not None and timedelta(hours=27) < lease.longest < timedelta(hours=28)
    await stop_what_ran_out(hub.app, books.gate, policies, {}, over)
    assert not spawner.active
    await until(lambda: books.ledger)
    assert books.ledger[0].reason is EndReason.TIME_OVER
    told = [kept.notice for kept in Notices(books.store.database).of_user("ann")]
    assert {notice.kind for notice in told} == {Kind.BUDGET, Kind.STOPPED}
    assert [notice.subject for notice in told if notice.kind is Kind.BUDGET] == [
        "Your budget is used up", "Your budget is 97 % used"
    ]  # fmt: skip


def ended(cluster: FakeCluster, pod_name: str, *, seconds: int) -> None:
    """The container ran so long and exited, as its node reports it."""
    pod = next(pod for pod in cluster.all_of(POD) if pod["metadata"]["name"] == pod_name)
    statuses = [dict(each) for each in pod["status"]["containerStatuses"]]
    for each in statuses:
        started = each["state"]["running"]["startedAt"]
        finished = datetime.fromisoformat(started) + timedelta(seconds=seconds)
        each["state"] = {
            "terminated": {
                "exitCode": 0,
                "startedAt": started,
                "finishedAt": finished.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        }
    cluster.change(POD, "hub", pod_name, {"status": {"phase": "Succeeded", "containerStatuses": statuses}})


class GatedHistory(History):
    """The same histories with the books open: two servers at most, whatever happens."""

    MOST = 2

    def __init__(self, books: Books, *args: Any) -> None:
        super().__init__(*args)
        self.books = books

    async def restart(self) -> None:
        self.books.reopen()
        await super().restart()

    async def time_passes(self) -> None:
        await super().time_passes()
        if self.hub.app is not None and self.random.random() < 0.3:
            await self.books.compare(self.hub)

    def check(self) -> None:
        super().check()
        leases = self.books.store.leases()
        assert sum(lease.amounts.servers for lease in leases) <= self.MOST, self.told
        held = {lease.id for lease in leases}
        entries = [entry.lease.id for entry in self.books.ledger]
        assert len(entries) == len(set(entries)), self.told
        assert held.isdisjoint(entries), self.told

    async def everything_ends(self) -> None:
        self.books.catalog = CATALOG  # nobody is refused any more
        await super().everything_ends()
        for name in PEOPLE:
            await self.hub.stop(self.hub.user(name))
        await until(lambda: not self.cluster.all_of(POD))
        await until(lambda: self.hub.sharing.runs() == ())
        await self.books.compare(self.hub, later=LONG)
        assert not self.books.store.leases(), self.told
        billed = {entry.lease.id for entry in self.books.ledger}
        assert len(billed) >= len(PEOPLE)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("impatient")
async def test_histories_with_open_books(
    seed: int, start_hub: StartHub, cluster: FakeCluster, kubelet: Kubelet, tmp_path: Path
) -> None:
    books = Books(tmp_path, catalog_with(quotas={"two": {"per": "hub", "servers": GatedHistory.MOST}}))
    hub = await start_hub(CATALOG, HomePolicy(size="1Gi"), gate=lambda: books.gate)
    await GatedHistory(books, hub, cluster, kubelet, seed).run()
