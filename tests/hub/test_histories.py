"""Random histories of people, hub deaths, outages and slow nodes; what must hold, holds at every step.

- at most one pod per server, and a second start's pod never runs beside it
- what is ready stays the same pod through restarts and outages
- in the end nothing is left over but the homes
"""

from __future__ import annotations

import asyncio
import random

import pytest

from profiles.model import HomePolicy
from spawner.cluster import CLAIM, POD
from spawner.podstate import is_leaving
from tests.fakes.cluster import FakeCluster, Kubelet
from tests.fakes.hub import ROUTES, Hub, StartHub
from tests.hub.test_starts import CATALOG, until

PEOPLE = ["ada", "bob", "cy"]
STEPS = 30


class History:
    def __init__(self, hub: Hub, cluster: FakeCluster, kubelet: Kubelet, seed: int) -> None:
        self.hub, self.cluster, self.kubelet, self.random = hub, cluster, kubelet, random.Random(seed)
        self.ready: dict[str, str] = {}  # person → uid of the pod they were told is theirs
        self.told: list[str] = []

    async def run(self) -> None:
        steps = [
            (6, self.start),
            (3, self.stop),
            (2, self.restart),
            (2, self.outage),
            (2, self.slow_nodes),
            (1, self.takes_away),
            (2, self.lost_answer),
            (4, self.time_passes),
        ]
        weights, actions = zip(*steps, strict=True)
        for _ in range(STEPS):
            action = self.random.choices(actions, weights)[0]
            self.told.append(action.__name__)
            await action()
            self.check()
        await self.everything_ends()

    # What happens.

    async def start(self) -> None:
        user = self.hub.user(self.random.choice(PEOPLE))
        spawner = user.spawner
        if spawner.active:
            return
        self.hub.begin(user, {"profile": "small"})
        await self.time_passes()

    async def stop(self) -> None:
        name = self.random.choice(PEOPLE)
        user = self.hub.user(name)
        if not user.spawner.ready:
            return
        self.ready.pop(name, None)
        stopping = asyncio.ensure_future(self.hub.stop(user))
        stopping.add_done_callback(lambda task: task.cancelled() or task.exception())
        await self.time_passes()

    async def restart(self) -> None:
        self.hub.process.dead = self.random.random() < 0.5
        await self.time_passes()
        await self.hub.kill()
        await self.hub.start(wait_for_checks=self.cluster.reachable and not self.kubelet.hold_pending)

    async def outage(self) -> None:
        if self.cluster.reachable:
            self.cluster.go_away()
        else:
            self.cluster.come_back()
        await self.time_passes()

    async def slow_nodes(self) -> None:
        if self.kubelet.hold_pending:
            self.kubelet.release()
        else:
            self.kubelet.hold_pending = True
        await self.time_passes()

    async def takes_away(self) -> None:
        pods = [pod for pod in self.cluster.all_of(POD) if not is_leaving(pod)]
        if pods:
            pod = self.random.choice(pods)
            self.ready = {who: uid for who, uid in self.ready.items() if uid != pod["metadata"]["uid"]}
            self.cluster.remove(POD, "hub", pod["metadata"]["name"])
        await self.time_passes()

    async def lost_answer(self) -> None:
        from spawner.retry import Unreachable

        verb = self.random.choice(["create", "delete", "get"])
        self.cluster.fail(verb, POD, Unreachable("lost"), after_effect=self.random.random() < 0.5)

    async def time_passes(self) -> None:
        for _ in range(self.random.choice([0, 1, 5, 50])):
            await asyncio.sleep(0)
        await asyncio.sleep(self.random.choice([0, 0, 0.01, 0.05]))

    # What must hold.

    def check(self) -> None:
        running = self.cluster.all_of(POD)
        owners = [pod["metadata"]["annotations"]["hub.jupyter.org/username"] for pod in running]
        assert len(owners) == len(set(owners)), self.told
        present = {pod["metadata"]["uid"]: pod for pod in running}
        for name in PEOPLE:
            spawner = self.hub.user(name).spawner
            uid = getattr(spawner, "pod_id", "") if spawner.ready else ""
            known = uid in present and not is_leaving(present[uid])  # else the hub has yet to hear of its end
            if known and self.cluster.reachable and name not in self.ready:
                self.ready[name] = uid
        for name, uid in self.ready.items():
            assert uid in present and not is_leaving(present[uid]), (name, self.told)

    async def everything_ends(self) -> None:
        if not self.cluster.reachable:
            self.cluster.come_back()
        self.cluster.faults.clear()
        self.kubelet.release()
        await self.hub.kill()
        await self.hub.start()
        for name in PEOPLE:
            user = self.hub.user(name)
            if user.spawner.ready:
                assert f"/user/{name}/" in ROUTES
                await self.hub.stop(user)
            else:
                assert not user.spawner.active, (name, user.spawner.pending, self.told)
        leftovers = [pod for pod in self.cluster.all_of(POD) if not is_leaving(pod)]
        await self._sweep(leftovers)
        await until(lambda: not self.cluster.all_of(POD))
        names = {claim["metadata"]["name"] for claim in self.cluster.all_of(CLAIM)}
        assert names <= {f"home-{name}" for name in PEOPLE}
        for name in PEOPLE:
            assert (await self.hub.spawn(self.hub.user(name), {"profile": "small"})).ready

    async def _sweep(self, leftovers: list[dict[str, object]]) -> None:
        """What a request left behind that was carried out after its hub had died: found, and only that."""
        from spawner.sharing import is_known

        spawner = self.hub.user(PEOPLE[0]).spawner
        await spawner.view.pods.wait_synced(5)
        for pod in leftovers:
            assert not is_known(self.hub.app.db, pod), self.told
            meta = pod["metadata"]
            spawner.view.remove_later("hub", meta["name"], meta["uid"], None)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.usefixtures("impatient")
async def test_histories(seed: int, start_hub: StartHub, cluster: FakeCluster, kubelet: Kubelet) -> None:
    hub = await start_hub(CATALOG, HomePolicy(size="1Gi"))
    await History(hub, cluster, kubelet, seed).run()
