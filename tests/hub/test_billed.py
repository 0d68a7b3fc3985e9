"""A run is billed by its container's own times, whoever ends it, and whether or not a hub is there to see it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub_extensions.admission.database import Database
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from profiles.lease import EndReason, Entry
from profiles.model import HomePolicy
from spawner.billed import FINALIZER, is_confirmed_gone
from spawner.cluster import POD, Json, Kind
from spawner.refused import FailedStart
from tests.fakes.cluster import FakeCluster, Kubelet
from tests.fakes.hub import Hub, StartHub
from tests.hub.test_gate import LONG, Books, GatedHistory, catalog_with
from tests.hub.test_histories import PEOPLE
from tests.hub.test_starts import CATALOG, until


class QuickBooks(Books):
    """Finds out within a tenth of a second that somebody else has locked the file."""

    def reopen(self) -> None:
        self.store = Store(Database(self.url, patience_s=0.1))
        self.store.database.migrate()
        self.gate = SqlGate(self.store, policies=lambda: self.catalog.policies, clock=lambda: datetime.now(UTC))

    @contextmanager
    def away(self) -> Any:
        """Another process holds the database; nobody can write."""
        other = sqlite3.connect(self.url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()

    @property
    def only(self) -> Entry:
        (entry,) = self.ledger
        return entry


class Nodes(Kubelet):
    """Their clock is hours ahead, so that no other clock's time can be taken for theirs."""

    def __init__(self, cluster: FakeCluster) -> None:
        super().__init__(cluster)
        self.ahead = timedelta(hours=5)
        self.clock = lambda: (datetime.now(UTC) + self.ahead).replace(microsecond=0)

    def life(self, uid: str) -> tuple[datetime, datetime]:
        started, ended = map(datetime.fromisoformat, self.lives[uid])
        return started, ended


@pytest.fixture
async def kubelet(cluster: FakeCluster) -> Nodes:
    return Nodes(cluster)


@pytest.fixture
def books(tmp_path: Path) -> QuickBooks:
    return QuickBooks(tmp_path, catalog_with(whenUnavailable="admit"))


@pytest.fixture
async def hub(books: QuickBooks, start_hub: StartHub) -> AsyncIterator[Hub]:
    yield await start_hub(books.catalog, HomePolicy(size="1Gi"), gate=lambda: books.gate, billed_finalizer=True)


async def reboot(hub: Hub, books: QuickBooks) -> None:
    books.reopen()
    await hub.start()
    _ = hub.user("ann").spawner.view  # a hub's health check begins to watch at boot
    await until(lambda: hub.sharing is not None and hub.sharing.runs() is not None)


def pod_of(cluster: FakeCluster, name: str = "ann") -> Json:
    return cluster.things["pods", "hub", f"jupyter-{name}"]


@pytest.mark.parametrize("grace_s", [30, 0])
async def test_a_pod_that_is_deleted_while_no_hub_runs_waits_for_one_and_is_billed_by_its_nodes_clock(
    hub: Hub, books: QuickBooks, cluster: FakeCluster, kubelet: Nodes, grace_s: int
) -> None:
    await hub.spawn(hub.user("ann"))
    uid = pod_of(cluster)["metadata"]["uid"]
    await hub.kill()
    kubelet.ahead += timedelta(minutes=17)
    await cluster.delete(POD, "hub", "jupyter-ann", grace_s=grace_s)
    await until(lambda: is_confirmed_gone(pod_of(cluster)))
    kubelet.ahead += LONG
    await reboot(hub, books)
    await until(lambda: not cluster.all_of(POD))
    assert (books.only.lease.began_at, books.only.ended_at) == kubelet.life(uid)
    assert (books.only.reason, books.only.charge.seconds // 60) == (EndReason.ENDED, 17)
    await books.compare(hub, later=LONG)
    assert len(books.ledger) == 1
    assert (await hub.spawn(hub.user("ann"))).ready


async def test_it_is_in_the_ledger_before_the_pod_goes(hub: Hub, books: QuickBooks, cluster: FakeCluster) -> None:
    ann = hub.user("ann")
    known: list[int] = []

    def look(event: str, kind: Kind, thing: Json) -> None:
        if (event, kind) == ("DELETED", POD):
            known.append(len(books.ledger))

    cluster.observers.append(look)
    await hub.spawn(ann)
    assert pod_of(cluster)["metadata"]["finalizers"] == [FINALIZER]
    await hub.stop(ann)
    await until(lambda: not cluster.all_of(POD))
    assert known == [1]
    assert books.only.reason is EndReason.STOPPED


async def test_a_stop_is_billed_by_the_nodes_clock_and_with_its_reason(
    hub: Hub, books: QuickBooks, cluster: FakeCluster, kubelet: Nodes
) -> None:
    ann = hub.user("ann")
    spawner = await hub.spawn(ann)
    uid = pod_of(cluster)["metadata"]["uid"]
    spawner.note_reason(EndReason.CULLED)
    await hub.stop(ann)
    await until(lambda: books.ledger)
    assert (books.only.reason, books.only.ended_at) == (EndReason.CULLED, kubelet.life(uid)[1])


async def test_somebodys_deletion_is_billed_at_once_while_the_hub_is_there(
    hub: Hub, books: QuickBooks, cluster: FakeCluster, kubelet: Nodes
) -> None:
    await hub.spawn(hub.user("ann"))
    uid = pod_of(cluster)["metadata"]["uid"]
    await cluster.delete(POD, "hub", "jupyter-ann")
    await until(lambda: books.ledger)
    assert (books.only.reason, books.only.ended_at) == (EndReason.ENDED, kubelet.life(uid)[1])
    await until(lambda: not cluster.all_of(POD))


async def test_a_node_that_is_lost_is_billed_until_somebody_asked_for_the_pods_end(
    hub: Hub, books: QuickBooks, cluster: FakeCluster, kubelet: Nodes
) -> None:
    await hub.spawn(hub.user("ann"))
    kubelet.hold_terminating = True
    await cluster.delete(POD, "hub", "jupyter-ann", grace_s=30)
    marked = pod_of(cluster)["metadata"]["deletionTimestamp"]
    await books.compare(hub, later=LONG)
    assert not books.ledger, "the node may still run it"
    cluster.change(POD, "hub", "jupyter-ann", {"status": {"phase": "Failed"}})  # Kubernetes' collector of lost pods
    await cluster.delete(POD, "hub", "jupyter-ann", grace_s=0)
    await until(lambda: not cluster.all_of(POD))
    assert books.only.ended_at == datetime.fromisoformat(marked) - timedelta(seconds=30)


async def test_a_stop_waits_for_no_database_and_nothing_is_forgotten(
    hub: Hub, books: QuickBooks, cluster: FakeCluster, kubelet: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spawner.billed.LONGEST_WAIT_S", 0.05)
    ann = hub.user("ann")
    spawn_id = (await hub.spawn(ann)).spawn_id
    uid = pod_of(cluster)["metadata"]["uid"]
    with books.away():
        await hub.stop(ann)
        assert not ann.spawner.active
        assert pod_of(cluster)["metadata"]["finalizers"] == [FINALIZER]
        assert [lease.id for lease in books.store.leases()] == [spawn_id]
    await until(lambda: not cluster.all_of(POD))
    assert (books.only.reason, books.only.ended_at) == (EndReason.STOPPED, kubelet.life(uid)[1])


async def test_a_start_that_needs_the_name_waits_seconds_for_a_database(
    hub: Hub, books: QuickBooks, cluster: FakeCluster, kubelet: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spawner.billed.LONGEST_WAIT_S", 0.05)
    monkeypatch.setattr("spawner.billed.HURRIED_S", 0.2)
    ann = hub.user("ann")
    await hub.spawn(ann)
    uid = pod_of(cluster)["metadata"]["uid"]
    with books.away():
        await hub.stop(ann)
        assert (await hub.spawn(ann)).ready, "whenUnavailable: admit"
        assert not books.ledger
    await until(lambda: books.ledger)
    assert (books.only.reason, books.only.ended_at) == (EndReason.STOPPED, kubelet.life(uid)[1])


async def test_a_hub_that_dies_while_the_database_is_away_leaves_the_pod_to_the_next_one(
    hub: Hub, books: QuickBooks, cluster: FakeCluster, kubelet: Nodes
) -> None:
    ann = hub.user("ann")
    await hub.spawn(ann)
    uid = pod_of(cluster)["metadata"]["uid"]
    with books.away():
        await hub.stop(ann)
        await hub.kill()
    await reboot(hub, books)
    await until(lambda: not cluster.all_of(POD))
    assert books.only.ended_at == kubelet.life(uid)[1]


async def test_nothing_is_put_on_a_pod_that_the_hub_could_not_take_off(
    hub: Hub, books: QuickBooks, cluster: FakeCluster, kubelet: Nodes
) -> None:
    cluster.forbidden.add(("patch", "pods"))
    ann = hub.user("ann")
    await hub.spawn(ann)
    uid = pod_of(cluster)["metadata"]["uid"]
    assert "finalizers" not in pod_of(cluster)["metadata"]
    await hub.stop(ann)
    assert not cluster.all_of(POD)
    await until(lambda: books.ledger)
    assert books.only.ended_at == kubelet.life(uid)[1], "while the hub is there it is as exact"


async def test_an_end_that_the_database_missed_is_not_taken_for_a_loss(
    hub: Hub, books: QuickBooks, cluster: FakeCluster, kubelet: Nodes
) -> None:
    """No finalizer keeps the pod, and nobody says it again: the gate has kept it in mind."""
    cluster.forbidden.add(("patch", "pods"))
    ann = hub.user("ann")
    await hub.spawn(ann)
    uid = pod_of(cluster)["metadata"]["uid"]
    with books.away():
        await hub.stop(ann)
        await until(lambda: len(books.gate.unsaid))
    assert await books.compare(hub, later=timedelta(hours=9))
    assert (books.only.reason, books.only.ended_at) == (EndReason.STOPPED, kubelet.life(uid)[1])
    assert not books.store.leases()


async def test_a_right_that_is_taken_away_later_is_told_and_waited_for(
    hub: Hub, books: QuickBooks, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("spawner.settling.REFUSED_S", 0.01)
    monkeypatch.setattr("spawner.launch.STUCK_AFTER_S", -29.0)
    ann = hub.user("ann")
    await hub.spawn(ann)
    cluster.forbidden.add(("patch", "pods"))
    await hub.stop(ann)
    await until(lambda: books.ledger)
    with pytest.raises(FailedStart) as failed:
        await hub.spawn(ann)
    assert failed.value.reason == "old-server-stuck"
    assert FINALIZER in failed.value.sentence
    assert "the verb `patch` on pods" in caplog.text
    cluster.forbidden.clear()
    await until(lambda: not cluster.all_of(POD))
    assert (await hub.spawn(ann)).ready


@pytest.mark.parametrize("start", ["nobody's", ""])
async def test_pods_that_no_lease_is_about_are_released_too(
    hub: Hub, books: QuickBooks, cluster: FakeCluster, start: str
) -> None:
    await hub.spawn(hub.user("ann"))
    stray = {
        "metadata": {
            "name": "jupyter-stray",
            "labels": {**pod_of(cluster)["metadata"]["labels"], "remuda.dev/spawn-id": start},
            "finalizers": [FINALIZER],
        },
        "spec": {"containers": [{"name": "notebook"}]},
        "status": {"phase": "Pending"},
    }
    await cluster.create(POD, "hub", stray)
    await cluster.delete(POD, "hub", "jupyter-stray")
    await until(lambda: ("pods", "hub", "jupyter-stray") not in cluster.things)
    assert not books.ledger


async def test_without_books_nothing_is_held_and_what_was_held_is_released(
    start_hub: StartHub, cluster: FakeCluster
) -> None:
    hub = await start_hub(CATALOG, HomePolicy(size="1Gi"), billed_finalizer=True)
    await hub.spawn(hub.user("ann"))
    assert "finalizers" not in pod_of(cluster)["metadata"]
    cluster.change(POD, "hub", "jupyter-ann", {"metadata": {"finalizers": [FINALIZER]}})  # of a time with books
    await hub.stop(hub.user("ann"))
    await until(lambda: not cluster.all_of(POD))


class BilledHistory(GatedHistory):
    """Pods are deleted by whoever likes, while a hub runs and while none does; every run's bill is its real life."""

    kubelet: Nodes

    async def restart(self) -> None:
        self.hub.process.dead = self.random.random() < 0.5
        await self.time_passes()
        await self.hub.kill()
        if self.random.random() < 0.7:
            await self.takes_away()
        self.books.reopen()
        await self.hub.start(wait_for_checks=self.cluster.reachable and not self.kubelet.hold_pending)

    async def takes_away(self) -> None:
        names = [pod["metadata"]["name"] for pod in self.cluster.all_of(POD)]
        reachable, self.cluster.reachable = self.cluster.reachable, True  # the hub's way to it may be cut, not theirs
        faults, self.cluster.faults = self.cluster.faults, []
        for name in self.random.sample(names, min(len(names), self.random.choice([1, 2]))):
            uid = self.cluster.things["pods", "hub", name]["metadata"]["uid"]
            self.ready = {who: known for who, known in self.ready.items() if known != uid}
            await self.cluster.delete(POD, "hub", name, grace_s=self.random.choice([0, 30]))
        self.cluster.reachable, self.cluster.faults = reachable, faults
        await self.time_passes()

    async def time_passes(self) -> None:
        self.kubelet.ahead += timedelta(seconds=self.random.choice([0, 3, 1000]))
        await super().time_passes()

    async def everything_ends(self) -> None:
        await super().everything_ends()
        uids = {spawn_id: uid for uid, spawn_id in self.starts.items()}
        billed = [entry for entry in self.books.ledger if entry.lease.began_at is not None]
        assert len(billed) >= len(PEOPLE)
        for entry in billed:
            assert entry.reason is not EndReason.LOST, self.told
            assert (entry.lease.began_at, entry.ended_at) == self.kubelet.life(uids[entry.lease.id]), (entry, self.told)

    @property
    def starts(self) -> dict[str, str]:
        """uid → id of the start, of every pod that there ever was."""
        return {
            thing["metadata"]["uid"]: thing["metadata"]["labels"]["remuda.dev/spawn-id"]
            for _, event, kind, thing in self.cluster._history
            if (event, kind) == ("ADDED", POD)
        }


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.usefixtures("impatient")
async def test_the_ledger_is_the_pods_real_lives(
    seed: int, start_hub: StartHub, cluster: FakeCluster, kubelet: Nodes, tmp_path: Path
) -> None:
    books = Books(tmp_path, catalog_with(quotas={"two": {"per": "hub", "servers": GatedHistory.MOST}}))
    hub = await start_hub(CATALOG, HomePolicy(size="1Gi"), gate=lambda: books.gate, billed_finalizer=True)
    await BilledHistory(books, hub, cluster, kubelet, seed).run()
