"""One start, from an admitted plan to a server that answers. Gathers, asks the pure modules, applies.

Every wait is woken by the watch. Everything is bounded by the start's own deadline, and whatever ends the start early
says why in a `StartError`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from profiles.model import HomePolicy
from profiles.plan import MachinePlan
from profiles.quantity import Duration
from spawner import feasibility
from spawner.billed import is_confirmed_gone
from spawner.cluster import POD, Json
from spawner.explain import Facts
from spawner.follow import Follow, Pursuit, Started
from spawner.home import HomeRequest, ensure_home, first_leaving, is_single_writer, others_using
from spawner.home_claim import ClaimIdentity
from spawner.persist import persist
from spawner.podstate import Pod, belongs_to, is_leaving, node_of, spawn_id_of, uid_of
from spawner.refused import FailedStart, Problem, RefusedStart
from spawner.rejected import CLUSTER_UNREACHABLE, rejected
from spawner.retry import AlreadyThere, ApiError, ClusterError, NotFound
from spawner.story import Line, Story
from spawner.view import FRESH_NODES_S, ClusterView, Doomed, delete_pod

#: Beyond a pod's own grace period, how long its node may take to confirm that it is gone, in seconds.
STUCK_AFTER_S = 60.0


@dataclass(frozen=True)
class Order:
    """What is to be started. `deadline` is in the running loop's clock."""

    plan: MachinePlan
    namespace: str
    pod_name: str
    username: str
    server_name: str
    spawn_id: str
    deadline: float
    grace_s: int
    make_pod: Callable[[str | None], Awaitable[Json]]  # (name of the home's claim) -> manifest
    url_of: Callable[[Pod], str]
    companions: Callable[[Json], Awaitable[None]]  # what goes with the pod: its service, certificates, hooks
    plain_claim: Callable[[], Awaitable[None]] | None = None  # KubeSpawner's own storage, where there is no home
    home: HomePolicy | None = None
    claim: ClaimIdentity | None = None
    claim_known: bool = False
    tls: ssl.SSLContext | None = None

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.pod_name}"

    def pursuit(self) -> Pursuit:
        facts, limit = Facts.of(self.plan), self.plan.start_timeout.human
        return Pursuit(self.namespace, self.pod_name, self.deadline, limit, facts, self.url_of, self.tls)


@dataclass
class Launch:
    """From an admitted plan to a server that answers."""

    view: ClusterView
    order: Order
    story: Story
    #: True from the first request to create the pod on: from then on there may be one, whatever the answer was.
    pod_may_exist: bool = False
    #: Seconds after the beginning at which each phase ended.
    phases: dict[str, float] = field(default_factory=dict)
    _begun: float = 0.0

    async def run(self) -> Started:
        self._begin()
        await self._picture()
        await self._feasible()
        claim = await self._home()
        self._phase("home")
        await self._name_free()
        await self._home_free(claim)
        self._phase("free")
        pod = await self._create(claim)
        self._phase("created")
        await self.order.companions(pod)
        follow = Follow(self.view, self.order.pursuit(), self.story, claim=claim, phase=self._phase)
        started = await follow.until_answer(pod)
        self._phase("answered")
        return started

    # Steps.

    async def _picture(self) -> None:
        """Nothing is decided before the present pods are known."""
        if self.view.pods.synced and self.view.pods.connected:
            return
        if not self.view.pods.synced:
            self._tell("Connecting to the cluster.", 2, "connecting")
        if not await self.view.pods.wait_synced(self._left()):
            raise FailedStart(CLUSTER_UNREACHABLE)

    async def _feasible(self) -> None:
        """Refuse in a moment what no node could ever run; a refusal is decided on fresh facts."""
        refusal = feasibility.check(self.order.plan, await self.view.nodes())
        if refusal is not None:
            refusal = feasibility.check(self.order.plan, await self.view.nodes(FRESH_NODES_S))
        if refusal is not None:
            raise RefusedStart(refusal)

    async def _home(self) -> Json | None:
        order = self.order
        if order.home is None or order.claim is None:
            if order.plain_claim is not None:
                await order.plain_claim()
            return None
        request = HomeRequest(order.home, order.claim, order.namespace, order.claim_known)
        claim = await ensure_home(
            self.view.cluster, request, order.deadline, tell=self.story.tell, waiting=self._told_of
        )
        if refusal := await self.view.home_out_of_reach(claim, order.plan):
            raise RefusedStart(refusal)
        return claim

    async def _name_free(self) -> None:
        present = self.view.pods.get(self.order.key)
        if present is not None and spawn_id_of(present) != self.order.spawn_id:
            await self._clear(present)

    async def _home_free(self, claim: Json | None) -> None:
        """A disk with one writer: wait for those who are leaving it, and say for whom; refuse where nobody leaves."""
        if claim is None or not is_single_writer(claim):
            return
        name, namespace = claim["metadata"]["name"], self.order.namespace
        while others := others_using(self.view.pods.objects, name, namespace):
            leaving = first_leaving(others)
            if leaving is None:
                self._share_or_refuse(others)
                return
            node = node_of(leaving) or "its node"
            self._tell(f"Waiting for your other machine on {node} to let go of your home disk.", 8, "home-in-use")
            await self._until_gone(leaving, self.order.deadline)

    def _share_or_refuse(self, others: list[Pod]) -> None:
        nodes = {node for node in map(node_of, others) if node}
        if nodes <= self._pool_nodes() or not self._pool_nodes():
            return
        raise FailedStart(
            Problem(
                "home-in-use",
                f"Your home disk is in use by another of your servers, on {', '.join(sorted(nodes))}, and can be used "
                "by one machine at a time.",
                "Stop that server first, or start this one on the same kind of machine.",
            )
        )

    def _pool_nodes(self) -> set[str]:
        nodes = feasibility.pool_nodes(self.order.plan.pool, self.view.known_nodes)
        return {node["metadata"]["name"] for node in nodes}

    async def _create(self, claim: Json | None) -> Json:
        body = await self.order.make_pod(claim["metadata"]["name"] if claim else None)
        cluster, namespace, name = self.view.cluster, self.order.namespace, self.order.pod_name

        async def ask() -> Json:
            self.pod_may_exist = True
            try:
                return await cluster.create(POD, namespace, body)
            except AlreadyThere as e:
                present = await self._present(e)
                if spawn_id_of(present) == self.order.spawn_id and not is_leaving(present):
                    return present  # our own request, whose answer was lost
                await self._clear(present)
                raise ApiError(409, "Conflict", "the name was taken until now") from e

        self._tell(f"Asking the cluster for {self.order.plan.display_name}.", 10, "asking")
        try:
            return await persist(ask, self.order.deadline, waiting=self._told_of)
        except ClusterError as e:
            raise rejected(e, f"pod {namespace}/{name}") from e

    async def _present(self, cause: AlreadyThere) -> Json:
        try:
            return await self.view.cluster.get(POD, self.order.namespace, self.order.pod_name)
        except NotFound:
            raise ApiError(409, "Conflict", "gone again") from cause

    async def _clear(self, pod: Pod) -> None:
        """A pod under our name that is not of this start: an old one is seen off with its ordinary grace."""
        order = self.order
        if not belongs_to(pod, order.username, order.server_name):
            raise FailedStart(
                Problem(
                    "name-of-another",
                    "Another person's server has the name that yours would get.",
                    "Tell an administrator: the two user names have to be told apart before you can start.",
                )
            )
        grace = pod["metadata"].get("deletionGracePeriodSeconds") or order.grace_s
        loop = asyncio.get_running_loop()
        until = min(order.deadline, loop.time() + grace + STUCK_AFTER_S)
        where = f" on {node_of(pod)}" if node_of(pod) else ""
        limit = Duration(int(until - loop.time())).human
        self._tell(f"Waiting until your last server{where} is gone, for {limit} at most.", 6, "clearing")
        if not is_leaving(pod):
            doomed = Doomed(order.namespace, order.pod_name, uid_of(pod), order.grace_s)
            await delete_pod(self.view.cluster, doomed, deadline=order.deadline, waiting=self._told_of)
        await self._until_gone(pod, until)

    async def _until_gone(self, pod: Pod, deadline: float) -> None:
        uid, key = uid_of(pod), f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"

        def gone(now: Pod | None) -> bool | None:
            return True if now is None or uid_of(now) != uid else None

        self.view.settling.hurry(pod)
        try:
            await self.view.pods.until(key, gone, max(0.0, deadline - asyncio.get_running_loop().time()))
        except TimeoutError as e:
            if is_confirmed_gone(seen := self.view.pods.get(key) or pod):
                raise FailedStart(_held_by(seen)) from e
            node = node_of(pod)
            since = pod["metadata"].get("deletionTimestamp")
            where = f" by node {node}" if node else ""
            raise FailedStart(
                Problem(
                    "old-server-stuck",
                    "Your last server has been told to stop, but that it has stopped is not confirmed"
                    f"{where}{f' (asked at {since})' if since else ''}.",
                    "Starting a second one could damage your files, so nothing was started. Try again in a few "
                    "minutes; if it stays, an administrator has to look at that node.",
                )
            ) from e

    # Small things.

    def _begin(self) -> None:
        self._begun = asyncio.get_running_loop().time()

    def _left(self) -> float:
        return max(0.0, self.order.deadline - asyncio.get_running_loop().time())

    def _phase(self, name: str) -> None:
        self.phases.setdefault(name, asyncio.get_running_loop().time() - self._begun)

    def _tell(self, sentence: str, percent: int, reason: str) -> None:
        self.story.tell(Line(sentence, percent=percent, reason=reason))

    def _told_of(self, error: ClusterError) -> None:
        self.story.tell(Line("The cluster is busy or restarting; trying again.", reason="cluster-busy"))
        self.view.log.info("Waiting out: %s", error)


def _held_by(pod: Pod) -> Problem:
    names = ", ".join(pod["metadata"].get("finalizers") or ()) or "nobody says whom"
    return Problem(
        "old-server-stuck",
        f"Your last server has ended, but its name is not free yet: its pod is still kept by {names}.",
        "Try again in a few minutes; if it stays, an administrator has to release that pod.",
    )
