"""What all spawners of this process share: one client, one watch of pods, and a short memory of nodes and volumes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from profiles.plan import MachinePlan
from profiles.refusal import Refusal
from spawner import feasibility
from spawner.cluster import ACCESS_REVIEW, ATTACHMENT, CLAIM, EVENT, NODE, POD, VOLUME, Cluster, Json, Kind, Select
from spawner.persist import persist
from spawner.retry import ApiError, ClusterError, NotFound
from spawner.settling import Settling
from spawner.watch import Watch

T = TypeVar("T")
#: Nodes change seldom; a refusal is decided on a list no older than FRESH_NODES_S.
NODES_MAX_AGE_S, FRESH_NODES_S = 60.0, 5.0
#: After the API has said "forbidden" to a cluster-wide read, do not ask again for this long.
FORBIDDEN_FOR_S = 300.0
READ_TIMEOUT_S = 2.0
#: Rights are given and taken seldom.
ASKED_AGAIN_S, REVIEW_TIMEOUT_S = 300.0, 10.0


class ClusterView:
    """`namespace` None: all namespaces (`enable_user_namespaces`)."""

    def __init__(self, cluster: Cluster, namespace: str | None, select: Select, log: logging.Logger) -> None:
        self.cluster = cluster
        self.log = log
        self.pods = Watch(cluster, POD, namespace, select, log=log)
        self.settling = Settling(cluster, self.pods, log)
        self._nodes: list[Json] = []
        self._nodes_at: float | None = None
        self._reading_nodes = asyncio.Lock()
        self._forbidden_until: dict[str, float] = {}
        self._may_release: dict[str, tuple[bool, float]] = {}
        self._volumes: dict[str, Json] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self.pods.start()

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.settling.close()
        await self.pods.stop()
        await self.cluster.close()

    # Reads that RBAC may forbid: no answer means "unknown", never an error.

    async def nodes(self, max_age_s: float = NODES_MAX_AGE_S) -> list[Json]:
        """All nodes; empty where they may not be seen."""
        async with self._reading_nodes:
            now = asyncio.get_running_loop().time()
            if self._nodes_at is None or now - self._nodes_at > max_age_s:
                listed = await self._may_read(NODE, lambda: self.cluster.list(NODE, None, from_cache=True))
                self._nodes = [] if listed is None else [_lean_node(each) for each in listed.get("items") or ()]
                self._nodes_at = now
        return self._nodes

    @property
    def known_nodes(self) -> list[Json]:
        """The nodes of the last look."""
        return self._nodes

    async def volume(self, name: str) -> Json | None:
        """A PersistentVolume: its topology never changes, so it is read once."""
        if name not in self._volumes:
            volume = await self._may_read(VOLUME, lambda: self.cluster.get(VOLUME, None, name))
            if volume is None:
                return None
            self._volumes[name] = volume
        return self._volumes[name]

    async def claim(self, namespace: str, name: str) -> Json | None:
        """None where there is none yet, or it can't be read now."""
        return await self._may_read(CLAIM, lambda: self.cluster.get(CLAIM, namespace, name))

    async def home_out_of_reach(self, claim: Json | None, plan: MachinePlan) -> Refusal | None:
        """Why no node of the plan's pool can mount the home behind this claim; None where one can, or who knows."""
        volume_name = claim and claim["spec"].get("volumeName")
        if not volume_name:
            return None
        volume = await self.volume(volume_name)
        return feasibility.zone_reachable(volume, await self.nodes(), plan) if volume else None

    async def attachments(self) -> list[Json]:
        """Which volumes are attached to which nodes now."""
        listed = await self._may_read(ATTACHMENT, lambda: self.cluster.list(ATTACHMENT, None, from_cache=True))
        return list((listed or {}).get("items") or ())

    async def events(self, kind: str, namespace: str, name: str) -> list[Json]:
        """Present events about one object."""
        select = Select(fields=f"involvedObject.kind={kind},involvedObject.name={name}")
        listed = await self._may_read(EVENT, lambda: self.cluster.list(EVENT, namespace, select))
        return list((listed or {}).get("items") or ())

    async def may_release(self, namespace: str) -> bool:
        """May this hub take a finalizer off a pod again? One that it may not is never put on; nor if nobody knows."""
        now = asyncio.get_running_loop().time()
        known, until = self._may_release.get(namespace, (False, 0.0))
        if now < until:
            return known
        asked = {"namespace": namespace, "verb": "patch", "resource": "pods"}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        try:
            # Waited for as the pod itself would be.
            answer = await persist(lambda: self.cluster.create(ACCESS_REVIEW, None, review), now + REVIEW_TIMEOUT_S)
        except ClusterError as e:
            self.log.info("Whether pods may be patched cannot be asked: %s", e)
            return known
        may = bool((answer.get("status") or {}).get("allowed"))
        if not may:
            self.log.warning(
                "This hub may not patch pods in %s: those that somebody deletes while no hub runs are billed until a "
                "hub last saw them",
                namespace,
            )
        self._may_release[namespace] = may, now + ASKED_AGAIN_S
        return may

    async def _may_read(self, kind: Kind, read: Callable[[], Awaitable[Json]]) -> Json | None:
        now = asyncio.get_running_loop().time()
        if now < self._forbidden_until.get(kind.plural, 0.0):
            return None
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                return await read()
        except ApiError as e:
            if e.status == 403:
                self.log.info("May not read %s: going on without", kind.plural)
                self._forbidden_until[kind.plural] = now + FORBIDDEN_FOR_S
        except (ClusterError, TimeoutError) as e:
            self.log.debug("Could not read %s: %s", kind.plural, e)
        return None

    # Removal that outlives whoever asked for it.

    def remove_later(self, namespace: str, name: str, uid: str, grace_s: int | None) -> None:
        """Delete this very pod in the background, through any outage."""
        pod = Doomed(namespace, name, uid, grace_s)
        task = asyncio.get_running_loop().create_task(delete_pod(self.cluster, pod))
        self._tasks.add(task)
        task.add_done_callback(self._removed)

    def _removed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.log.error("A pod could not be removed: %s", task.exception())


@dataclass(frozen=True)
class Doomed:
    """This very pod, and no other of its name. `grace_s` None: the pod's own."""

    namespace: str
    name: str
    uid: str
    grace_s: int | None


async def delete_pod(
    cluster: Cluster,
    pod: Doomed,
    *,
    deadline: float | None = None,
    waiting: Callable[[ClusterError], None] | None = None,
) -> None:
    """Until the API server has taken note. A pod that is gone, or is another one by now, is a pod removed."""

    async def ask() -> None:
        try:
            await cluster.delete(POD, pod.namespace, pod.name, grace_s=pod.grace_s, uid=pod.uid)
        except NotFound:
            return
        except ApiError as e:
            if e.status == 409 and "recondition" in e.message:
                return
            raise

    await persist(ask, deadline, waiting=waiting)


def _lean_node(node: Json) -> Json:
    """Images fill most of a node's status, and nobody asks for them here."""
    node["metadata"].pop("managedFields", None)
    (node.get("status") or {}).pop("images", None)
    return node
