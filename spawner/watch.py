"""A supervised list+watch: it resumes where it was, relists only when it must, and never gives up.

Peers relist everything at each reconnect and stop for good after a minute of outage, after which their frozen
picture is used for ever. Here an outage makes the picture *stale*, which `fresh` and `stale_s` say, and the watch
continues from the last resourceVersion (bookmarks keep it young) as soon as the API server answers.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import TypeVar

from spawner.cluster import Cluster, Json, Kind, Select
from spawner.retry import LONGEST_WAIT_S, ApiError, ClusterError, Expired

T = TypeVar("T")
#: A watch that ends sooner than this without an event is not reopened at once.
SHORTEST_WATCH_S = 1.0


def key_of(thing: Json) -> str:
    meta = thing["metadata"]
    return f"{meta.get('namespace', '')}/{meta['name']}"


class Watch:
    """The present objects of one kind, by `namespace/name`, as raw JSON; treat them as read-only."""

    _clock = staticmethod(time.monotonic)

    def __init__(
        self,
        cluster: Cluster,
        kind: Kind,
        namespace: str | None,
        select: Select,
        *,
        log: logging.Logger | None = None,
    ) -> None:
        self._cluster, self._kind, self._namespace, self._select = cluster, kind, namespace, select
        self._log = log or logging.getLogger(__name__)
        self._task: asyncio.Task[None] | None = None
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._followers: list[Callable[[str], None]] = []
        self._synced = asyncio.Event()
        self._last_contact = self._clock()
        self._version: str | None = None
        self.objects: dict[str, Json] = {}
        self.connected = False
        self.relists = 0
        self.expiries = 0  # times the API server did not have our place any more: the one reason to list again
        self.reconnects = 0

    # The picture, and how good it is.

    @property
    def synced(self) -> bool:
        """Was everything listed at least once?"""
        return self._synced.is_set()

    @property
    def fresh(self) -> bool:
        """May absence be believed?"""
        return self.synced and self.connected

    @property
    def stale_s(self) -> float:
        """Seconds since the API server was last heard; 0 while the watch is open."""
        return 0.0 if self.connected else self._clock() - self._last_contact

    def get(self, key: str) -> Json | None:
        return self.objects.get(key)

    async def wait_synced(self, timeout_s: float) -> bool:
        """Give the first list `timeout_s` seconds; True when the picture is complete."""
        if not self.synced:
            try:
                await asyncio.wait_for(self._synced.wait(), timeout_s)
            except TimeoutError:
                return False
        return True

    # Being told.

    def subscribe(self, key: str, told: Callable[[], None]) -> Callable[[], None]:
        """Call `told()` after each change of `key` ("*": of anything); the returned function ends it."""
        listeners = self._listeners.setdefault(key, [])
        listeners.append(told)

        def unsubscribe() -> None:
            if told in listeners:
                listeners.remove(told)
            if not listeners and self._listeners.get(key) is listeners:
                del self._listeners[key]

        return unsubscribe

    def follow(self, told: Callable[[str], None]) -> None:
        """Call `told(key)` after each change of anything, for as long as there is a watch. Nothing is left out: also
        what changes twice before anybody who waits is woken."""
        self._followers.append(told)

    async def until(self, key: str, reached: Callable[[Json | None], T | None], timeout_s: float | None) -> T:
        """The first result of `reached(object or None)` that is not None; woken by events, never by polling.

        `reached` may raise to end the wait. Raises TimeoutError after `timeout_s` seconds.
        """
        changed = asyncio.Event()
        unsubscribe = self.subscribe(key, changed.set)
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    result = reached(self.objects.get(key))
                    if result is not None:
                        return result
                    await changed.wait()
                    changed.clear()
        finally:
            unsubscribe()

    # Supervision.

    def start(self) -> None:
        """Begin, or begin again if the task was lost; idempotent."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._supervise())

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self.connected = False

    async def _supervise(self) -> None:
        failures = 0
        while True:
            opened = self._clock()
            try:
                if self._version is None:
                    await self._relist()
                heard = await self._follow()
            except Expired:
                self._log.info("Watch of %s is too old to resume: listing again", self._kind.plural)
                self._version = None
                self.expiries += 1
                heard, failures = False, failures + 1
            except ClusterError as e:
                heard, failures = False, failures + 1
                if isinstance(e, ApiError) and "resource version" in e.message.lower():
                    self._version = None  # "Too large resource version": the server was restored from a backup
                if failures == 1 or failures % 12 == 0:
                    self._log.warning("Watch of %s interrupted (%s); resuming", self._kind.plural, e)
            except Exception:
                # A malformed object must not end the watch for everybody.
                heard, failures, self._version = False, failures + 1, None
                self._log.exception("Watch of %s failed; listing again", self._kind.plural)
            else:
                failures = 0
            finally:
                if self.connected:
                    self._last_contact = self._clock()
                self.connected = False
            self.reconnects += 1
            if failures:
                await asyncio.sleep(_pause_s(failures))
            elif not heard and self._clock() - opened < SHORTEST_WATCH_S:
                await asyncio.sleep(SHORTEST_WATCH_S)

    async def _relist(self) -> None:
        # A consistent list, never "any version the cache has": after a restart, absence from this very list means
        # that a server is gone.
        listed = await self._cluster.list(self._kind, self._namespace, self._select)
        before, self.objects = self.objects, {key_of(each): _lean(each) for each in listed.get("items") or ()}
        self._version = listed["metadata"]["resourceVersion"]
        self.relists += 1
        self._last_contact = self._clock()
        self._synced.set()
        for key in before.keys() | self.objects.keys():
            if before.get(key) != self.objects.get(key):
                self._tell(key)

    async def _follow(self) -> bool:
        """One watch request to its end; True if it said anything."""
        heard = False
        assert self._version is not None
        events = self._cluster.watch(self._kind, self._namespace, self._select, self._version)
        async with aclosing(events):
            async for event in events:
                self._last_contact = self._clock()
                self.connected = True
                if event["type"] != "OPENED":
                    heard = True
                    self._apply(event)
        return heard

    def _apply(self, event: Json) -> None:
        thing = event["object"]
        self._version = thing["metadata"]["resourceVersion"]
        if event["type"] == "BOOKMARK":
            return
        key = key_of(thing)
        if event["type"] == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = _lean(thing)
        self._tell(key)

    def _tell(self, key: str) -> None:
        for told in (*self._listeners.get(key, ()), *self._listeners.get("*", ())):
            try:
                told()
            except Exception:
                self._log.exception("A listener to %s failed", key)
        for follower in tuple(self._followers):
            try:
                follower(key)
            except Exception:
                self._log.exception("A follower of %s failed", key)


def _lean(thing: Json) -> Json:
    """Half of an object's bytes are the history of who set which field."""
    thing["metadata"].pop("managedFields", None)
    return thing


def _pause_s(failures: int) -> float:
    ceiling = min(LONGEST_WAIT_S, 0.1 * 2 ** min(failures, 10))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311  (spreads load, guards nothing)
