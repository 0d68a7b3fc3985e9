"""A Kubernetes API in memory, behind the same port as the real one and held to it by the same contract suite.

It keeps resourceVersions, uids, watch history, deletion with grace, and selectors. Faults are injected per verb and
kind, before or after the effect (a lost answer to a request that was carried out). `Kubelet` plays the nodes.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from spawner.cluster import ACCESS_REVIEW, EVERYTHING, POD, Json, Kind, Select
from spawner.retry import AlreadyThere, ApiError, ClusterError, Expired, NotFound, Unreachable

Key = tuple[str, str, str]  # plural, namespace, name


def now_text() -> str:
    return text_of(datetime.now(UTC))


def text_of(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Fault:
    verb: str
    plural: str
    error: ClusterError
    times: int = 1
    after_effect: bool = False


@dataclass
class Watcher:
    kind: Kind
    namespace: str | None
    select: Select
    queue: asyncio.Queue[Json | ClusterError | None] = field(default_factory=asyncio.Queue)


class FakeCluster:
    def __init__(self) -> None:
        self.things: dict[Key, Json] = {}
        self.requests: dict[str, int] = {}
        self.faults: list[Fault] = []
        #: (verb, plural): what the hub's role does not allow.
        self.forbidden: set[tuple[str, str]] = set()
        self.reachable = True
        #: Called after each change, e.g. by a kubelet that plays the nodes.
        self.observers: list[Callable[[str, Kind, Json], None]] = []
        self._version = 1
        self._oldest = 1
        self._history: list[tuple[int, str, Kind, Json]] = []
        self._watchers: list[Watcher] = []

    # The port.

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        await self._enter("get", kind)
        thing = self.things.get((kind.plural, namespace or "", name))
        if thing is None:
            raise NotFound(404, "NotFound", f'{kind.plural} "{name}" not found')
        self._leave("get", kind)
        return copy.deepcopy(thing)

    async def list(
        self, kind: Kind, namespace: str | None, select: Select = EVERYTHING, *, from_cache: bool = False
    ) -> Json:
        await self._enter("list", kind)
        items = [
            copy.deepcopy(thing)
            for (plural, space, _), thing in self.things.items()
            if plural == kind.plural and (not namespace or space == namespace) and _selected(thing, select)
        ]
        self._leave("list", kind)
        return {"metadata": {"resourceVersion": str(self._version)}, "items": items}

    async def create(self, kind: Kind, namespace: str | None, body: Json) -> Json:
        await self._enter("create", kind)
        thing = copy.deepcopy(body)
        if kind == ACCESS_REVIEW:
            asked = thing["spec"]["resourceAttributes"]
            thing["status"] = {"allowed": (asked["verb"], asked["resource"]) not in self.forbidden}
            return thing
        meta = thing.setdefault("metadata", {})
        name = meta["name"]
        if kind.namespaced:
            meta["namespace"] = namespace
        key = (kind.plural, namespace or "", name)
        if key in self.things:
            raise AlreadyThere(409, "AlreadyExists", f'{kind.plural} "{name}" already exists')
        meta |= {"uid": str(uuid4()), "creationTimestamp": now_text()}
        if kind == POD:
            thing.setdefault("status", {"phase": "Pending"})
        self.things[key] = thing
        self._publish("ADDED", kind, thing)
        self._leave("create", kind)
        return copy.deepcopy(thing)

    async def patch(
        self, kind: Kind, namespace: str | None, name: str, body: Json, *, strategic: bool = False
    ) -> Json:
        await self._enter("patch", kind)
        self._may("patch", kind)
        key = (kind.plural, namespace or "", name)
        if key not in self.things:
            raise NotFound(404, "NotFound", f'{kind.plural} "{name}" not found')
        thing = self.things[key]
        if (body.get("metadata") or {}).get("uid", thing["metadata"]["uid"]) != thing["metadata"]["uid"]:
            raise ApiError(409, "Conflict", "Precondition failed: UID in precondition")
        self._merge_and_publish(kind, key, _without_items(thing, body) if strategic else body)
        thing = self.things[key]
        meta = thing["metadata"]
        if _is_over(meta):
            self.remove(kind, namespace, name)
        self._leave("patch", kind)
        return copy.deepcopy(thing)

    async def delete(
        self, kind: Kind, namespace: str | None, name: str, *, grace_s: int | None = None, uid: str | None = None
    ) -> None:
        await self._enter("delete", kind)
        key = (kind.plural, namespace or "", name)
        thing = self.things.get(key)
        if thing is None:
            raise NotFound(404, "NotFound", f'{kind.plural} "{name}" not found')
        if uid and thing["metadata"]["uid"] != uid:
            raise ApiError(409, "Conflict", f"Precondition failed: UID in precondition: {uid}")
        ended = thing.get("status", {}).get("phase") in ("Failed", "Succeeded")
        on_a_node = kind == POD and thing.get("spec", {}).get("nodeName") and grace_s != 0 and not ended
        if on_a_node:
            # As in the real one: the object stays, marked, until its node says the containers are gone.
            grace = 30 if grace_s is None else grace_s
            self._mark_deleted(kind, key, grace)
        else:
            self.let_go(kind, namespace, name)
        self._leave("delete", kind)

    async def watch(
        self, kind: Kind, namespace: str | None, select: Select, resource_version: str
    ) -> AsyncGenerator[Json, None]:
        await self._enter("watch", kind)
        since = int(resource_version)
        if since < self._oldest:
            raise Expired(410, "Expired", "too old resource version")
        watcher = Watcher(kind, namespace, select)
        for version, event, of, thing in self._history:
            if version > since:
                self._offer(watcher, event, of, thing)
        self._watchers.append(watcher)
        try:
            yield {"type": "OPENED"}
            while (item := await watcher.queue.get()) is not None:
                if isinstance(item, ClusterError):
                    raise item
                yield item
        finally:
            self._watchers.remove(watcher)

    async def close(self) -> None:
        return None

    # Playing the rest of the cluster.

    def put(self, kind: Kind, thing: Json, namespace: str | None = None) -> Json:
        """Another client creates or replaces something."""
        meta = thing.setdefault("metadata", {})
        if kind.namespaced:
            meta.setdefault("namespace", namespace or "default")
        meta.setdefault("uid", str(uuid4()))
        key = (kind.plural, meta.get("namespace", ""), meta["name"])
        event = "MODIFIED" if key in self.things else "ADDED"
        self.things[key] = thing
        self._publish(event, kind, thing)
        return thing

    def change(self, kind: Kind, namespace: str | None, name: str, patch: Json) -> None:
        self._merge_and_publish(kind, (kind.plural, namespace or "", name), patch)

    def let_go(self, kind: Kind, namespace: str | None, name: str) -> None:
        """Nothing but a finalizer keeps it any more: what a pod's node says last, and a deletion without grace."""
        key = (kind.plural, namespace or "", name)
        if not self.things[key]["metadata"].get("finalizers"):
            self.remove(kind, namespace, name)
        elif not _is_leaving_at_once(self.things[key]["metadata"]):
            self._mark_deleted(kind, key, 0)

    def _mark_deleted(self, kind: Kind, key: Key, grace_s: int) -> None:
        """`deletionTimestamp` is when it is due: as long after the first request as the grace of the last one."""
        meta = self.things[key]["metadata"]
        due = datetime.fromisoformat(meta.get("deletionTimestamp") or now_text())
        due += timedelta(seconds=grace_s - (meta.get("deletionGracePeriodSeconds") or 0))
        marks = {"deletionTimestamp": text_of(due), "deletionGracePeriodSeconds": grace_s}
        self._merge_and_publish(kind, key, {"metadata": marks})

    def remove(self, kind: Kind, namespace: str | None, name: str) -> None:
        """Out of etcd, whoever had a finalizer on it."""
        thing = self.things.pop((kind.plural, namespace or "", name), None)
        if thing is not None:
            self._publish("DELETED", kind, thing)

    def all_of(self, kind: Kind) -> list[Json]:
        return [thing for (plural, _, _), thing in self.things.items() if plural == kind.plural]

    def bookmark(self) -> None:
        self._version += 1
        for watcher in self._watchers:
            watcher.queue.put_nowait(
                {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(self._version)}}}
            )

    def compact(self) -> None:
        """Forget the history: whoever resumes from before gets 410."""
        self._version += 1
        self._oldest = self._version
        self._history.clear()

    def end_watches(self, error: ClusterError | None = None) -> None:
        for watcher in tuple(self._watchers):
            watcher.queue.put_nowait(error)

    @property
    def watching(self) -> int:
        return len(self._watchers)

    # Faults.

    def fail(self, verb: str, kind: Kind, error: ClusterError, *, times: int = 1, after_effect: bool = False) -> None:
        self.faults.append(Fault(verb, kind.plural, error, times, after_effect))

    def go_away(self) -> None:
        self.reachable = False
        self.end_watches(Unreachable("connection reset"))

    def come_back(self) -> None:
        self.reachable = True

    @contextmanager
    def away(self) -> Any:
        self.go_away()
        try:
            yield
        finally:
            self.come_back()

    # Inside.

    async def _enter(self, verb: str, kind: Kind) -> None:
        await asyncio.sleep(0)  # a real request always yields
        label = f"{verb} {kind.plural}"
        self.requests[label] = self.requests.get(label, 0) + 1
        if not self.reachable:
            raise Unreachable("connection refused")
        self._fault(verb, kind, after_effect=False)

    def _leave(self, verb: str, kind: Kind) -> None:
        self._fault(verb, kind, after_effect=True)
        if not self.reachable:
            raise Unreachable("connection reset")

    def _may(self, verb: str, kind: Kind) -> None:
        if (verb, kind.plural) in self.forbidden:
            raise ApiError(403, "Forbidden", f"may not {verb} {kind.plural}")

    def _fault(self, verb: str, kind: Kind, *, after_effect: bool) -> None:
        for fault in self.faults:
            if (fault.verb, fault.plural, fault.after_effect) == (verb, kind.plural, after_effect):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                raise fault.error

    def _merge_and_publish(self, kind: Kind, key: Key, patch: Json) -> None:
        # A new object each time: watchers hold on to what they were given.
        self.things[key] = _merged(self.things[key], patch)
        self._publish("MODIFIED", kind, self.things[key])

    def _publish(self, event: str, kind: Kind, thing: Json) -> None:
        self._version += 1
        thing["metadata"]["resourceVersion"] = str(self._version)
        kept = copy.deepcopy(thing)
        self._history.append((self._version, event, kind, kept))
        for watcher in self._watchers:
            self._offer(watcher, event, kind, kept)
        for observer in tuple(self.observers):
            observer(event, kind, kept)

    @staticmethod
    def _offer(watcher: Watcher, event: str, kind: Kind, thing: Json) -> None:
        here = not watcher.namespace or thing["metadata"].get("namespace") == watcher.namespace
        if kind.plural == watcher.kind.plural and here and _selected(thing, watcher.select):
            watcher.queue.put_nowait({"type": event, "object": copy.deepcopy(thing)})


class Kubelet:
    """Nodes that behave: schedule, run and remove pods. `hold` keeps pods at a stage for a test to look at."""

    def __init__(self, cluster: FakeCluster, *, ip: str = "127.0.0.1", node: str = "node-1") -> None:
        self.cluster, self.ip, self.node = cluster, ip, node
        self.hold_pending = False
        self.hold_terminating = False
        self.runs: list[tuple[str, str]] = []  # (pod name, uid), each time one starts to run
        #: What the nodes take the time to be; a test may let hours pass.
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        #: uid → when its containers were started and ended, as the nodes really did it.
        self.lives: dict[str, list[str]] = {}
        cluster.observers.append(self._saw)

    def _saw(self, event: str, kind: Kind, pod: Json) -> None:
        if kind != POD or event == "DELETED":
            return
        loop = asyncio.get_running_loop()
        if pod["metadata"].get("deletionTimestamp"):
            if not self.hold_terminating:
                loop.call_soon(self._finish, pod)
        elif pod["status"]["phase"] == "Pending" and not self.hold_pending:
            loop.call_soon(self._run, pod)

    def release(self) -> None:
        """Let everything that was held go on."""
        self.hold_pending = self.hold_terminating = False
        for pod in self.cluster.all_of(POD):
            self._saw("MODIFIED", POD, pod)

    def _same(self, pod: Json) -> Json | None:
        meta = pod["metadata"]
        now = self.cluster.things.get((POD.plural, meta["namespace"], meta["name"]))
        return now if now is not None and now["metadata"]["uid"] == meta["uid"] else None

    def _finish(self, pod: Json) -> None:
        """The containers end, which the pod's status says; then the node lets go of it."""
        now = self._same(pod)
        if now is None or (now["metadata"].get("deletionGracePeriodSeconds") == 0 and _has_ended(now)):
            return
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        if not _has_ended(now):
            at = self.clock()
            self.lives.setdefault(now["metadata"]["uid"], []).append(text_of(at))
            self.cluster.change(POD, namespace, name, {"status": ended_status(now, at)})
        asyncio.get_running_loop().call_soon(self._let_go, pod)

    def _let_go(self, pod: Json) -> None:
        if self._same(pod) is not None:
            self.cluster.let_go(POD, pod["metadata"]["namespace"], pod["metadata"]["name"])

    def _run(self, pod: Json) -> None:
        now = self._same(pod)
        if now is None or now["status"]["phase"] != "Pending" or now["metadata"].get("deletionTimestamp"):
            return
        meta = pod["metadata"]
        self.runs.append((meta["name"], meta["uid"]))
        started = text_of(self.clock())
        self.lives[meta["uid"]] = [started]
        containers = [
            {
                "name": each["name"],
                "ready": True,
                "restartCount": 0,
                "image": each.get("image", ""),
                "state": {"running": {"startedAt": started}},
            }
            for each in pod["spec"]["containers"]
        ]
        self.cluster.change(
            POD,
            meta["namespace"],
            meta["name"],
            {
                "spec": {"nodeName": self.node},
                "status": {
                    "phase": "Running",
                    "podIP": self.ip,
                    "conditions": [
                        {"type": "PodScheduled", "status": "True"},
                        {"type": "Ready", "status": "True"},
                    ],
                    "containerStatuses": containers,
                },
            },
        )


def ended_status(pod: Json, at: datetime, *, phase: str = "Succeeded") -> Json:
    """Of a pod whose containers have all ended then, as its node reports it."""
    statuses = []
    for each in pod["status"].get("containerStatuses") or ():
        running = (each.get("state") or {}).get("running") or {}
        terminated = {"exitCode": 0, "startedAt": running.get("startedAt"), "finishedAt": text_of(at)}
        statuses.append({**each, "ready": False, "state": {"terminated": terminated}})
    return {"phase": phase, "containerStatuses": statuses}


def _has_ended(pod: Json) -> bool:
    return pod["status"].get("phase") in ("Failed", "Succeeded")


def _is_leaving_at_once(meta: Json) -> bool:
    return bool(meta.get("deletionTimestamp")) and meta.get("deletionGracePeriodSeconds") == 0


def _is_over(meta: Json) -> bool:
    """Deleted, with nobody left who keeps it."""
    return _is_leaving_at_once(meta) and not meta.get("finalizers")


def _without_items(thing: Json, body: Json) -> Json:
    """A strategic merge patch as a merge patch, as far as `$deleteFromPrimitiveList` of the metadata goes."""
    meta = {}
    for key, value in body["metadata"].items():
        directive, _, field_name = key.partition("/")
        if directive == "$deleteFromPrimitiveList":
            left = [each for each in thing["metadata"].get(field_name) or () if each not in value]
            meta[field_name] = left or None
        else:
            meta[key] = value
    return {**body, "metadata": meta}


def _merged(thing: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(copy.deepcopy(thing)) if isinstance(thing, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _selected(thing: Json, select: Select) -> bool:
    labels = thing["metadata"].get("labels") or {}
    for term in filter(None, select.labels.split(",")):
        key, _, value = term.partition("=")
        if "=" not in term:
            if key not in labels:
                return False
        elif labels.get(key) != value:
            return False
    for term in filter(None, select.fields.split(",")):
        path, _, value = term.partition("=")
        at: Any = thing
        for part in path.split("."):
            at = (at or {}).get(part) if isinstance(at, dict) else None
        if (at or "") != value:
            return False
    return True
