"""One picture of the cluster per process (and event loop), however many spawners look at it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jupyterhub import orm

from profiles.lease import EndReason
from profiles.ports import Run
from spawner.billed import Over, outcome
from spawner.cluster import Access, Select
from spawner.orphans import sweep
from spawner.podstate import (
    SERVER_ANNOTATION,
    USER_ANNOTATION,
    Ended,
    Pod,
    began_at,
    ended_at,
    is_leaving,
    liveness,
    spawn_id_of,
    uid_of,
)
from spawner.settling import Reasons
from spawner.view import ClusterView

SWEEP_EVERY_S = 60.0
Key = tuple[int, Access, str | None, str]


class Sharing:
    """Views by API server, namespace and selector; each is closed when its event loop cancels its tasks."""

    def __init__(self) -> None:
        self._views: dict[Key, ClusterView] = {}
        self._keepers: set[asyncio.Task[None]] = set()
        self._swept: set[Key] = set()
        self.reasons = Reasons()

    def view_for(self, spawner: Any) -> ClusterView:
        """The view for this spawner's configuration, watching already."""
        loop = asyncio.get_running_loop()
        access = Access(spawner.k8s_api_host, spawner.k8s_api_ssl_ca_cert, spawner.k8s_api_verify_ssl)
        namespace = None if spawner.enable_user_namespaces else spawner.namespace
        key: Key = (id(loop), access, namespace, f"component={spawner.component_label}")
        view = self._views.get(key)
        if view is None:
            view = ClusterView(spawner.open_cluster(access), namespace, Select(labels=key[3]), spawner.log)
            view.settling.reasons = self.reasons
            self._views[key] = view
            self._keep(self._closed_at_the_end(key, view))
        if view.settling.gate is None:
            view.settling.gate = spawner.gate
        view.start()
        if key not in self._swept and spawner.orphan_grace_s and spawner.orm_spawner is not None:
            self._swept.add(key)
            self._keep(_sweep_now_and_then(view, spawner.user.db, spawner.orphan_grace_s))
        return view

    def status(self) -> dict[str, Any]:
        """For the hub's readiness. With nothing to watch yet, nothing is stale."""
        watches = [view.pods for view in self._views.values()]
        return {
            "synced": all(watch.synced for watch in watches),
            "stale_seconds": max((watch.stale_s for watch in watches), default=0.0),
            "relists": sum(watch.relists for watch in watches),
            "expiries": sum(watch.expiries for watch in watches),
            "reconnects": sum(watch.reconnects for watch in watches),
            "watching": len(watches),
        }

    def runs(self) -> tuple[Run, ...] | None:
        """What the pods say of each start; None while any picture is not fresh, or there is none yet."""
        views = list(self._views.values())
        if not views or not all(view.pods.fresh for view in views):
            return None
        return tuple(
            run_of(pod, self.reasons.of(spawn_id_of(pod)))
            for view in views
            for pod in view.pods.objects.values()
            if spawn_id_of(pod)
        )

    async def close(self) -> None:
        """End everything; the next spawner begins anew."""
        keepers, self._keepers = self._keepers, set()
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    def _keep(self, work: Any) -> None:
        keeper = asyncio.get_running_loop().create_task(work)
        self._keepers.add(keeper)
        keeper.add_done_callback(self._keepers.discard)

    async def _closed_at_the_end(self, key: Key, view: ClusterView) -> None:
        """JupyterHub cancels all tasks when it ends: the connection is closed then, and not by the collector."""
        try:
            await asyncio.Event().wait()
        finally:
            self._views.pop(key, None)
            self._swept.discard(key)
            await view.close()


def run_of(pod: Pod, reason: EndReason = EndReason.ENDED) -> Run:
    """PURE. A pod that is being deleted runs until its container has ended."""
    over: datetime | None = None
    if is_leaving(pod):
        found = outcome(pod)
        over = found.at if isinstance(found, Over) else None
    elif isinstance(liveness(pod), Ended):
        over = ended_at(pod, datetime.now(UTC))
    return Run(spawn_id_of(pod), began_at(pod), over, reason)


async def _sweep_now_and_then(view: ClusterView, db: Any, grace_s: float) -> None:
    first_seen: Mapping[str, float] = {}
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        if not view.pods.fresh:
            continue
        try:
            found = sweep(
                view.pods.objects.values(), lambda pod: is_known(db, pod), first_seen, time.monotonic(), grace_s
            )
        except Exception:
            view.log.exception("Looking for left-over pods failed")
            continue
        first_seen = found.first_seen
        if found.doubtful:
            view.log.error("%i pods belong to no server of this hub: is its database the right one?", len(first_seen))
        for pod in found.remove:
            meta = pod["metadata"]
            view.log.warning("Removing %s/%s: no server of this hub stands for it", meta["namespace"], meta["name"])
            view.remove_later(meta["namespace"], meta["name"], uid_of(pod), None)


def is_known(db: Any, pod: Pod) -> bool:
    """Does a server in the hub's database stand for this pod?"""
    notes = pod["metadata"].get("annotations") or {}
    user, server = notes.get(USER_ANNOTATION), notes.get(SERVER_ANNOTATION, "")
    row = (
        db.query(orm.Spawner)
        .join(orm.User, orm.Spawner.user_id == orm.User.id)
        .filter(orm.User.name == user, orm.Spawner.name == server)
        .one_or_none()
    )
    if row is None or row.server is None:
        return False
    spawn_id = (row.state or {}).get("spawn_id")
    return not spawn_id or spawn_id == spawn_id_of(pod)
