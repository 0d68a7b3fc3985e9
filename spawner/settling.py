"""Sees every pod that is told to go through to its end: first the ledger has it, then the pod loses its finalizer.

One task for each pod on its way out, begun by the watch, so a Hub that boots finds those that went while there was
none. What `billed` decides is carried out; nothing here gives up, whether the database or the API server is away.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from profiles.lease import EndReason
from profiles.ports import Gate
from spawner import billed
from spawner.billed import Over
from spawner.cluster import POD, Cluster
from spawner.persist import persist
from spawner.podstate import Pod, is_leaving, spawn_id_of, uid_of
from spawner.retry import ApiError, ClusterError, NotFound
from spawner.watch import Watch, key_of

T = TypeVar("T")
#: How long a pod that we may not release is left alone before it is tried again.
REFUSED_S = 60.0
#: How many of the latest starts' ends are remembered.
REMEMBERED = 4096


class _Recent(OrderedDict[str, T], Generic[T]):
    """The latest of many."""

    def note(self, key: str, value: T) -> None:
        self[key] = value
        self.move_to_end(key)
        while len(self) > REMEMBERED:
            self.popitem(last=False)


class Reasons:
    """Why runs end, by the id of their start, as whoever stops them says beforehand."""

    def __init__(self) -> None:
        self._said: _Recent[EndReason] = _Recent()

    def say(self, spawn_id: str, reason: EndReason) -> None:
        self._said.note(spawn_id, reason)

    def of(self, spawn_id: str) -> EndReason:
        return self._said.get(spawn_id, EndReason.ENDED)


@dataclass
class _Case:
    """One pod on its way out, as last seen."""

    pod: Pod
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    hurried: asyncio.Event = field(default_factory=asyncio.Event)
    over: Over | None = None
    gone: bool = False
    forced_since: float | None = None

    def look(self, pod: Pod, now: float) -> billed.NotYet | Over:
        """What it says counts from the first moment at which it was over."""
        self.pod = pod
        if self.over is not None:
            return self.over
        if self.forced_since is None and pod["metadata"].get("deletionGracePeriodSeconds") == 0:
            self.forced_since = now
        found = billed.outcome(pod, now - self.forced_since if self.forced_since is not None else 0.0)
        if isinstance(found, Over):
            self.over = found
        return found


class Settling:
    """`gate` None: nothing is written, and what has a finalizer from before is released all the same."""

    _clock = staticmethod(time.monotonic)

    def __init__(self, cluster: Cluster, pods: Watch, log: logging.Logger) -> None:
        self._cluster, self._pods, self._log = cluster, pods, log
        self.gate: Gate | None = None
        self.reasons = Reasons()
        self._told: _Recent[Over] = _Recent()  # by the id of the start: what is being written, or is written
        self._cases: dict[str, _Case] = {}
        self._done: _Recent[bool] = _Recent()  # by uid
        self._hurried: _Recent[bool] = _Recent()  # likewise
        self._tasks: set[asyncio.Task[None]] = set()
        pods.follow(self._saw)

    async def close(self) -> None:
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # What spawners ask.

    def tells(self, spawn_id: str) -> bool:
        """The end of this start's run is in the ledger, or is being written until it is."""
        return spawn_id in self._told

    def hurry(self, pod: Pod) -> None:
        """A start waits for this pod's name: a database that is away is not waited for much longer."""
        self._hurried.note(uid_of(pod), True)  # it may not even be told to go yet, as far as the watch knows
        case = self._cases.get(key_of(dict(pod)))
        if case is not None and uid_of(case.pod) == uid_of(pod):
            case.hurried.set()

    # Pods as the watch has them.

    def _saw(self, key: str) -> None:
        pod, case = self._pods.get(key), self._cases.get(key)
        if case is not None:
            if pod is not None and uid_of(pod) == uid_of(case.pod):
                case.look(pod, self._clock())
                case.changed.set()
                return
            case.gone = True
            case.changed.set()
            del self._cases[key]
        if pod is None or not is_leaving(pod):
            return
        if not billed.is_held(pod) and (uid_of(pod) in self._done or not spawn_id_of(pod)):
            return
        case = self._cases[key] = _Case(pod)
        if uid_of(pod) in self._hurried:
            case.hurried.set()
        task = asyncio.get_running_loop().create_task(self._see_through(key, case))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _see_through(self, key: str, case: _Case) -> None:
        try:
            over = await self._until_over(case)
            if over is None:
                return  # it went without a word: whoever asked for that says so, or the next comparison finds it
            spawn_id = spawn_id_of(case.pod)
            self._told.note(spawn_id, over)
            self._done.note(uid_of(case.pod), True)
            writing = asyncio.get_running_loop().create_task(self._write(spawn_id, over.at))
            try:
                if billed.is_held(case.pod):
                    await self._written_or_hurried(writing, case)
                    await self._release(case)
                await writing
            finally:
                writing.cancel()
        finally:
            if self._cases.get(key) is case:
                del self._cases[key]

    async def _until_over(self, case: _Case) -> Over | None:
        found = case.look(case.pod, self._clock())
        while not isinstance(found, Over):
            if case.gone:
                return None
            try:
                async with asyncio.timeout(found.look_again_s):
                    await case.changed.wait()
            except TimeoutError:
                pass
            case.changed.clear()
            found = case.look(case.pod, self._clock())
        return found

    # Writing and releasing.

    async def _write(self, spawn_id: str, at: datetime) -> None:
        """Into the ledger, for as long as it takes; what is there already stays as it is."""
        attempt = 0
        while not await self._is_written(spawn_id, at):
            attempt += 1
            await asyncio.sleep(billed.pause_s(attempt))

    async def _is_written(self, spawn_id: str, at: datetime) -> bool:
        if self.gate is None:
            return True
        try:
            return await self.gate.ended(spawn_id, at, self.reasons.of(spawn_id))
        except Exception:
            self._log.exception("The end of start %s could not be written; trying again", spawn_id)
            return False

    async def _written_or_hurried(self, writing: asyncio.Task[None], case: _Case) -> None:
        """Only a start that waits for the pod's name is not kept waiting by a database that is away: then this process
        remembers the end, and goes on trying to write it."""
        hurried = asyncio.get_running_loop().create_task(case.hurried.wait())
        try:
            await asyncio.wait({writing, hurried}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurried.cancel()
        await asyncio.wait({writing}, timeout=billed.HURRIED_S)
        if not writing.done():
            meta = case.pod["metadata"]
            self._log.warning("%s goes before its end is written: a start waits for its name", meta["name"])

    async def _release(self, case: _Case) -> None:
        meta = case.pod["metadata"]
        while True:
            try:
                await persist(lambda: release(self._cluster, case.pod), None, waiting=self._waiting(meta["name"]))
            except ClusterError as e:
                self._log.error(
                    "%s/%s has ended, and its finalizer %s may not be taken away (%s): the hub's service account needs "
                    "the verb `patch` on pods, or run `python -m spawner.release`",
                    meta["namespace"], meta["name"], billed.FINALIZER, e,
                )  # fmt: skip
                await asyncio.sleep(REFUSED_S)
            else:
                return

    def _waiting(self, name: str) -> Callable[[ClusterError], None]:
        return lambda error: self._log.warning("Releasing %s has to wait: %s", name, error)


async def release(cluster: Cluster, pod: Pod) -> None:
    """Take our finalizer off this very pod. One that is gone, or is another one by now, is a pod released."""
    meta = pod["metadata"]
    try:
        await cluster.patch(POD, meta["namespace"], meta["name"], billed.release_patch(pod), strategic=True)
    except NotFound:
        return
    except ApiError as e:
        if e.status not in (409, 422) or not await _is_another(cluster, pod):
            raise


async def _is_another(cluster: Cluster, pod: Pod) -> bool:
    meta = pod["metadata"]
    try:
        return uid_of(await cluster.get(POD, meta["namespace"], meta["name"])) != uid_of(pod)
    except NotFound:
        return True
