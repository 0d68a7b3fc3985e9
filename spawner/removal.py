"""Seeing a server's pod off: its ordinary grace, only that very pod, through any outage, and bounded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from spawner.billed import is_confirmed_gone
from spawner.cluster import POD
from spawner.persist import persist
from spawner.podstate import Pod, belongs_to, ended_at, is_leaving, uid_of
from spawner.retry import ClusterError, NotFound
from spawner.view import ClusterView, Doomed, delete_pod

#: Beyond its grace period, how long to wait for a pod that was told to go, in seconds. It goes anyway: the next start
#: waits for it, and says for what.
LINGER_S = 60.0
SEEN_WITHIN_S = 2.0


@dataclass(frozen=True)
class Leaver:
    """Whose pod it is."""

    namespace: str
    pod_name: str
    username: str
    server_name: str

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.pod_name}"


async def see_off(view: ClusterView, leaver: Leaver, grace_s: int) -> datetime | None:
    """When its server ended, once its node has let go of it; None if it has been told to go and its node takes its
    time. That its end is in the ledger nobody waits for here.

    The request itself is never given up: a stop that fails in an outage leaks a machine, and somebody pays for it.
    """

    def waiting(error: ClusterError) -> None:
        view.log.warning("Stopping %s has to wait: %s", leaver.key, error)

    async def look() -> Pod | None:
        seen = view.pods.get(leaver.key) if view.pods.fresh else None
        if seen is not None:
            return seen
        try:
            return await view.cluster.get(POD, leaver.namespace, leaver.pod_name)
        except NotFound:
            return None

    pod = await persist(look, None, waiting=waiting)
    if pod is None or not belongs_to(pod, leaver.username, leaver.server_name):
        return datetime.now(UTC)
    uid = uid_of(pod)
    if not is_leaving(pod):
        doomed = Doomed(leaver.namespace, leaver.pod_name, uid, grace_s)
        await delete_pod(view.cluster, doomed, waiting=waiting)
    while view.pods.get(leaver.key) is None and not await _seen(view, leaver.key, uid):
        # A pod known from a direct read has not reached the watch yet: absence there proves nothing.
        pod = await persist(look, None, waiting=waiting)
        if pod is None or uid_of(pod) != uid:
            return datetime.now(UTC)
    return await _gone(view, leaver, pod, grace_s)


async def _gone(view: ClusterView, leaver: Leaver, pod: Pod, grace_s: int) -> datetime | None:
    uid, last = uid_of(pod), pod

    def gone(now: Pod | None) -> datetime | None:
        nonlocal last
        if now is None or uid_of(now) != uid:
            return ended_at(last, datetime.now(UTC))
        last = now
        return ended_at(now, datetime.now(UTC)) if is_confirmed_gone(now) else None

    grace = max(grace_s, int(pod["metadata"].get("deletionGracePeriodSeconds") or 0))
    try:
        return await view.pods.until(leaver.key, gone, grace + LINGER_S)
    except TimeoutError:
        view.log.warning("%s was told to stop and its node has not confirmed it yet", leaver.key)
        return None


async def _seen(view: ClusterView, key: str, uid: str) -> bool:
    def there(now: Pod | None) -> bool | None:
        return True if now is not None and uid_of(now) == uid else None

    try:
        return await view.pods.until(key, there, SEEN_WITHIN_S)
    except TimeoutError:
        return False
