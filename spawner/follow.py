"""From a created pod to a server that answers: watch, explain, probe."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from spawner.answering import Answer, until_answer
from spawner.cluster import CLAIM, EVENT, Json, Select
from spawner.explain import Explanation, Facts, Verdict, explain, verdict
from spawner.home import is_single_writer
from spawner.podstate import Ended, Pod, has_address, liveness, node_of, server_runs, uid_of
from spawner.refused import FailedStart, Problem
from spawner.retry import ClusterError
from spawner.story import Line, Story
from spawner.view import ClusterView
from spawner.watch import Watch

#: Most starts are over before this; only slower ones cost a watch of their pod's events.
EVENTS_AFTER_S = 1.5
#: How often a slow start's reasons are looked at again, beyond what events say.
LOOK_EVERY_S = 5.0


@dataclass(frozen=True)
class Started:
    pod: Pod
    answer: Answer


@dataclass(frozen=True)
class Pursuit:
    """A pod to be followed. `deadline` is in the running loop's clock; `limit` is how a person would put it."""

    namespace: str
    pod_name: str
    deadline: float
    limit: str
    facts: Facts
    url_of: Callable[[Pod], str]  # where the server in the pod is asked
    tls: ssl.SSLContext | None = None

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.pod_name}"


class Follow:
    def __init__(
        self,
        view: ClusterView,
        pursuit: Pursuit,
        story: Story,
        *,
        claim: Json | None = None,
        phase: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._view, self._order, self._story, self._claim, self._phase = view, pursuit, story, claim, phase
        self._facts = pursuit.facts
        self._changed = asyncio.Event()
        self._probe: asyncio.Task[Answer] | None = None
        self._probed_url = ""
        self._feed: Watch | None = None
        self._claim_events: list[Json] = []
        self._seen = False
        #: Since when the present reason stands, in the loop's clock.
        self._standing: tuple[str, float] = ("", 0.0)

    async def until_answer(self, created: Json) -> Started:
        """Raises FailedStart when it cannot succeed any more, or at the deadline."""
        loop = asyncio.get_running_loop()
        uid = uid_of(created)
        unsubscribe = self._view.pods.subscribe(self._order.key, self._changed.set)
        look_at = loop.time() + EVENTS_AFTER_S
        try:
            while True:
                pod = self._current(uid)
                if pod is not None:
                    self._keep_probing(pod)
                    if self._probe is not None and self._probe.done():
                        return Started(pod, self._probe.result())
                explanation = self._judge(pod or created)
                now = loop.time()
                if now >= self._order.deadline:
                    raise self._too_late(explanation, pod or created)
                if now >= look_at:
                    await self._look_closer(pod or created)
                    look_at = loop.time() + LOOK_EVERY_S
                    continue
                await self._woken(min(self._order.deadline, look_at) - now)
        finally:
            unsubscribe()
            await self._let_go()

    def _current(self, uid: str) -> Pod | None:
        """The pod as the watch has it; None only while it has not arrived there yet."""
        pod = self._view.pods.get(self._order.key)
        if pod is not None and uid_of(pod) == uid:
            self._seen = True
            return pod
        if self._seen or (pod is not None and uid_of(pod) != uid):
            raise FailedStart(
                Problem(
                    "pod-removed",
                    "Your machine was taken away while it was starting.",
                    "Start it again; if that happens once more, ask an administrator who removes pods of the hub.",
                )
            )
        return None

    def _keep_probing(self, pod: Pod) -> None:
        if not has_address(pod):
            return
        url = self._order.url_of(pod)
        if self._probe is not None and url != self._probed_url:
            self._probe.cancel()  # the pod was given another address
            self._probe = None
        if self._probe is None:
            self._phase("address")
            self._probed_url = url
            self._probe = asyncio.get_running_loop().create_task(until_answer(url, tls=self._order.tls))
            self._probe.add_done_callback(lambda _: self._changed.set())

    def _judge(self, pod: Pod) -> Explanation:
        now = datetime.now(UTC)
        explanation = explain(pod, self._claim, self._events(), facts=self._facts, now=now)
        waited = self._stands_for(str(explanation.reason))
        if isinstance(liveness(pod), Ended) or verdict(explanation, waited, now) is Verdict.FAIL:
            raise FailedStart(explanation, log_message=f"{explanation.reason}: {explanation.detail}")
        self._story.tell(Line(explanation.sentence, explanation.remedy, explanation.percent, str(explanation.reason)))
        return explanation

    def _stands_for(self, reason: str) -> float:
        now = asyncio.get_running_loop().time()
        if self._standing[0] != reason:
            self._standing = (reason, now)
        return now - self._standing[1]

    def _events(self) -> Sequence[Json]:
        feed = list(self._feed.objects.values()) if self._feed is not None else []
        return [*feed, *self._claim_events]

    async def _look_closer(self, pod: Pod) -> None:
        """For starts that take longer: what do the events say, and is the disk still somewhere else?"""
        if self._feed is None:
            select = Select(fields=f"involvedObject.uid={uid_of(pod)}")
            self._feed = Watch(self._view.cluster, EVENT, self._order.namespace, select, log=self._view.log)
            self._feed.subscribe("*", self._changed.set)
            self._feed.start()
        if self._claim is None:
            return
        name = self._claim["metadata"]["name"]
        if (self._claim.get("status") or {}).get("phase") != "Bound":
            try:
                self._claim = await self._view.cluster.get(CLAIM, self._order.namespace, name)
            except ClusterError:
                return
            self._claim_events = await self._view.events("PersistentVolumeClaim", self._order.namespace, name)
        elif is_single_writer(self._claim) and node_of(pod) and not has_address(pod):
            # A disk that is still attached elsewhere: the attachments say to which node, and how far it is.
            nodes = frozenset(node["metadata"]["name"] for node in await self._view.nodes()) or None
            self._facts = replace(self._facts, attachments=await self._view.attachments(), nodes=nodes)

    async def _woken(self, at_most_s: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, at_most_s)):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    def _too_late(self, explanation: Explanation, pod: Pod) -> FailedStart:
        limit = self._order.limit
        if server_runs(pod):  # an address alone says nothing: a pod has one while its image is still being pulled
            return FailedStart(
                Problem(
                    "server-silent",
                    f"The machine runs, but the server in it has not answered within {limit}.",
                    "Try again, perhaps with the rescue option: something in your home may keep it from starting.",
                )
            )
        return FailedStart(
            Problem(str(explanation.reason), f"Not started within {limit}: {explanation.sentence}", explanation.remedy)
        )

    async def _let_go(self) -> None:
        if self._probe is not None and not self._probe.done():
            self._probe.cancel()
        if self._feed is not None:
            await self._feed.stop()
