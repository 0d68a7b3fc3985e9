"""WorkbenchSpawner: KubeSpawner with a catalog of machines. Thin: it gathers what the modules around it decide on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from kubespawner import KubeSpawner
from sqlalchemy import inspect
from traitlets import Bool, Dict, Integer

from profiles.amounts import Amounts
from profiles.lease import EndReason
from profiles.plan import MachinePlan
from profiles.ports import Run
from profiles.refusal import Refusal
from spawner import companions, feasibility
from spawner.adoption import AdoptionMixin
from spawner.capacity import gives
from spawner.cluster import Access, ApiCluster, Cluster
from spawner.follow import Follow, Started
from spawner.gathering import claim_name, grace_s, order_for, pursuit_of
from spawner.home import delete_home
from spawner.launch import Launch
from spawner.machine import CatalogMixin
from spawner.podstate import Alive, Ended, Pod, began_at, ended_at, liveness, node_of, spawn_id_of, uid_of
from spawner.post_mortem import explain_end
from spawner.refused import FailedStart, Problem, StartError
from spawner.removal import Leaver, see_off
from spawner.sharing import Sharing
from spawner.story import Line, Story
from spawner.view import FRESH_NODES_S, ClusterView
from spawner.warm import Placeholder, keep_warm, placeholder_pod

#: JupyterHub's own limit comes later than ours, so that the person hears our reason and not "timeout".
SLACK_S = 15
#: How long `poll` waits for the first picture of the pods before it answers "as far as I know, it runs".
FIRST_PICTURE_S = 5.0
CLAIM_DELETION_S = 30.0
HUB_RESTARTED = Problem(
    "hub-restarted",
    "The hub was restarted before it had asked the cluster for your machine.",
    "Start it again; nothing of yours was running yet.",
)


class WorkbenchSpawner(CatalogMixin, AdoptionMixin, KubeSpawner):
    """Offers the machines of a catalog; without a catalog every method is KubeSpawner's own."""

    orphan_grace_s = Integer(
        600,
        min=0,
        help="""
        Seconds after which a pod that no server of this hub stands for is removed. 0: never.

        Such pods are left over when the hub died between asking for a pod and writing it down.
        """,
    ).tag(config=True)

    billed_finalizer = Bool(
        False,
        help="""
        Keep a pod that is gone, by the finalizer `remuda.dev/billed`, until its end is in the ledger, also when
        somebody deletes it while no hub runs.

        Acts where there is a `gate`, and where the hub's service account may `patch` pods, which is asked first:
        somebody has to take the finalizer away again.
        """,
    ).tag(config=True)

    placeholder = Dict(
        help="""
        What a pod that keeps a node warm for a reservation runs: `image`, `priority_class` (below people's servers),
        and `pull_secrets`. Empty: no node is kept warm.
        """,
    ).tag(config=True)

    generic_failure = Problem(
        "start-failed",
        "Your machine could not be started, for a reason the hub does not understand.",
        "Try again; if it happens once more, ask an administrator to look into the hub's log.",
    )

    #: How a client for the API is made; tests put a cluster of their own here.
    open_cluster: ClassVar[Callable[[Access], Cluster]] = ApiCluster
    sharing: ClassVar[Sharing] = Sharing()

    _launch: Launch | None = None
    _story: Story | None = None
    _pod_uid: str = ""
    _starting = False
    _stopping = False
    _unwatch: Callable[[], None] | None = None

    # Start.

    def start(self) -> Any:
        if self.catalog is None:
            return super().start()
        # Before the first await: JupyterHub reads `start_timeout`, and commits the state, right after this returns.
        plan = self.choose()
        self.begin_machine(plan)
        self.start_timeout = int(plan.start_timeout.seconds) + SLACK_S
        self._starting = True
        self._launch = Launch(self.view, order_for(self, plan), self.story_of_this_start())
        self._keep_state()
        self._start_future = asyncio.ensure_future(self._start())
        return self._start_future

    async def _start(self) -> str:
        if self.catalog is None:
            return await super()._start()
        assert self._launch is not None and self.machine is not None
        self._tell(Line(f"Starting {self.machine.display_name}.", percent=1, reason="accepted"))
        await companions.ensure_namespace(self)
        url = await self._carry_through(self._launch_if_admitted(self._launch))
        phases = ", ".join(f"{name} {seconds:.2f}" for name, seconds in self._launch.phases.items())
        self.log.info("%s is up on %s (seconds: %s)", self._log_name, self.machine.node, phases)
        self._launch = None
        return url

    async def _launch_if_admitted(self, launch: Launch) -> Started:
        await self.pass_gate(launch.order.plan)
        return await launch.run()

    async def foresee(self, plan: MachinePlan) -> Refusal | None:
        """Why this machine can not start with this home or these shares, told before another one is stopped for it."""
        refusal = feasibility.check(plan, await self.view.nodes(FRESH_NODES_S)) or await super().foresee(plan)
        if refusal is not None or self.home is None:
            return refusal
        name, _ = claim_name(self)
        return await self.view.home_out_of_reach(await self.view.claim(self.namespace, name), plan)

    async def resume_start(self) -> str:
        """Carry on a start whose hub process died. Raises StartError."""
        await self.view.pods.wait_synced(float(self.start_timeout))
        pod = self.present_pod()
        if pod is None:
            self.failure = HUB_RESTARTED
            raise FailedStart(HUB_RESTARTED)
        self._starting = True
        self._tell(Line("The hub was restarted; your machine goes on starting.", percent=30, reason="adopted"))
        await companions.make(self, dict(pod))
        follow = Follow(self.view, pursuit_of(self, pod), self.story_of_this_start())
        return await self._carry_through(follow.until_answer(dict(pod)))

    async def _carry_through(self, starting: Any) -> str:
        try:
            started: Started = await starting
        except StartError as e:
            self.failure = e.explained
            self._tell(Line(e.sentence, e.remedy, reason=e.reason))
            raise
        finally:
            self.story_of_this_start().end()
        self._pod_uid = self.pod_id = uid_of(started.pod)
        self._answer = started.answer
        self.machine_is_up(datetime.now(UTC), node=node_of(started.pod))
        await self.tell_gate_it_began(began_at(started.pod) or datetime.now(UTC))
        self._starting = False
        self._pvc_exists = self._pvc_exists or self.home is not None  # its name is remembered from here on
        self._keep_state()
        return str(self._get_pod_url(started.pod))

    # Stop, poll, remove.

    async def stop(self, now: bool = False) -> None:
        if self.catalog is None:
            await super().stop(now)
            return
        self._stopping = True
        self._keep_state(commit=True)
        self.sharing.reasons.say(self.spawn_id, self.told_reason or EndReason.STOPPED)
        leaver = Leaver(self.namespace, self.pod_name, self.user.name, self.name or "")
        gone_at = await see_off(self.view, leaver, grace_s(self))
        if gone_at is not None and not self.view.settling.tells(self.spawn_id):
            self.note_end(gone_at, EndReason.STOPPED)
        self._stopping = False
        self._launch = None

    async def poll(self) -> int | None:
        if self.catalog is None:
            return await super().poll()
        if not await self.view.pods.wait_synced(FIRST_PICTURE_S):
            return None  # the API server is away: running servers run on
        pod = self.present_pod()
        if pod is None and not self._absence_is_proof():
            return None
        if self._stop_interrupted:
            self._stop_interrupted = False
            await self.stop()
            return 0
        state = liveness(pod)
        if isinstance(state, Alive):
            self._follow_address(pod)
            return None
        self._lay_out(pod, state)
        return state.code

    def _absence_is_proof(self) -> bool:
        """Not in an outage, and not while a pod may have been asked for: then `stop` must be called to make sure."""
        return self.view.pods.fresh and not (self._launch is not None and self._launch.pod_may_exist)

    def _lay_out(self, pod: Pod | None, end: Ended) -> None:
        """Say why it ended, and clear away what is left."""
        if end.why != "leaving" and not self.view.settling.tells(self.spawn_id):
            now = datetime.now(UTC)
            self.note_end(ended_at(pod, now) if pod is not None else now, EndReason.ENDED)
        ran = self.machine is not None and self.machine.started_at is not None
        if ran and self.failure is None and not self._stopping:
            self.failure = explain_end(pod, end, self.machine, datetime.now(UTC), pod_uid=self._pod_uid)
            if self.failure is not None:
                self.log.warning("%s ended: %s", self._log_name, self.failure.sentence)
        if pod is not None and end.why in ("failed", "exited") and self.delete_stopped_pods:
            self.view.remove_later(self.namespace, self.pod_name, uid_of(pod), grace_s(self))

    def _follow_address(self, pod: Pod) -> None:
        """A pod gets another address when its node was rebooted; the proxy is told at its next check."""
        server = self.server
        if self.pending or server is None or not (pod.get("status") or {}).get("podIP"):
            return
        at = urlsplit(self._get_pod_url(pod))
        if (server.ip, server.port) != (at.hostname, at.port):
            self.log.warning("%s moved to %s", self._log_name, at.netloc)
            server.ip, server.port = at.hostname, at.port
            self._commit()

    async def delete_forever(self) -> None:
        """A person or a named server was removed. The home goes only with its person, and only if the admin says so."""
        if self.catalog is None or self.home is None:
            await super().delete_forever()
            return
        if self.name or self.home.keep_when_user_removed or not self.delete_pvc:
            return
        deadline = asyncio.get_running_loop().time() + CLAIM_DELETION_S
        await delete_home(self.view.cluster, self.namespace, claim_name(self)[0], self.user.name, deadline)

    # What pages and JupyterHub read.

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        if self.catalog is None:
            async for event in super().progress():
                yield event
            return
        async for line in self.story_of_this_start().read():
            yield line.event()

    def story_of_this_start(self) -> Story:
        """A progress page may ask before the start has begun, and again after it has failed."""
        if self._story is None:
            self._story = Story()
        return self._story

    @property
    def progress_message(self) -> str:
        """The latest line, for pages that cannot follow the stream."""
        last = self.story_of_this_start().last
        return last.message if last is not None else ""

    def present_pod(self) -> Pod | None:
        """This start's pod as last seen; pods made before a catalog was configured carry no id."""
        pod = self.view.pods.get(f"{self.namespace}/{self.pod_name}")
        if pod is None or (self.spawn_id and spawn_id_of(pod) not in ("", self.spawn_id)):
            return None
        return pod

    @property
    def pods_are_fresh(self) -> bool:
        return self.view.pods.fresh

    @property
    def view(self) -> ClusterView:
        """The shared picture of the cluster; begun by whoever asks first."""
        return self.sharing.view_for(self)

    @classmethod
    def watch_status(cls) -> dict[str, Any]:
        """For the hub's readiness; docs/reference/spawner.md says what each key is."""
        return cls.sharing.status()

    async def pool_capacity(self) -> Mapping[str, Amounts] | None:
        """What the nodes in service of each pool can give in all; None where nodes may not be seen."""
        nodes = await self.view.nodes()
        if not nodes or self.catalog is None:
            return None
        return {name: gives(pool, nodes) for name, pool in self.catalog.pools.items()}

    async def keep_warm(self, plans: Mapping[str, MachinePlan]) -> None:
        """Exactly these machines, by the id of what they are kept for, have a placeholder on a node of their pool."""
        if self.placeholder:
            what = Placeholder(**self.placeholder)
            wanted = {each: placeholder_pod(each, plan, what) for each, plan in plans.items()}
            await keep_warm(self.view.cluster, self.namespace, wanted)

    @classmethod
    def present_runs(cls) -> tuple[Run, ...] | None:
        """Every pod of a server that the cluster has, ended ones included. None: nobody can tell at present."""
        return cls.sharing.runs()

    @classmethod
    def begin_watching(cls, config: Any) -> None:
        """Start the watch at boot instead of at the first server; call it in the hub's event loop."""
        _ = cls(_mock=True, config=config).view

    def start_polling(self) -> None:
        super().start_polling()
        if self.catalog is not None:
            self._hear_of_the_end()
            self.finish_adoption()

    def stop_polling(self) -> None:
        super().stop_polling()
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None

    def _hear_of_the_end(self) -> None:
        """JupyterHub looks every 30 s; the watch knows at once."""
        if self._unwatch is None:
            self._unwatch = self.view.pods.subscribe(f"{self.namespace}/{self.pod_name}", self._pod_changed)

    def _pod_changed(self) -> None:
        if self._poll_callback is None or self.pending or not isinstance(liveness(self.present_pod()), Ended):
            return
        task = asyncio.get_running_loop().create_task(self.poll_and_notify())
        self._notifying = task  # a reference, or the loop may drop it

    # State.

    def get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super().get_state()
        if self._starting:
            state["starting"] = self.start_timeout  # seconds it may take when another hub process carries it on
        if self._stopping:
            state["stopping"] = True
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self._start_interrupted = bool(state.get("starting"))
        if self._start_interrupted:
            self.start_timeout = int(state["starting"])
        self._stop_interrupted = bool(state.get("stopping"))
        if self._stop_interrupted:
            self.sharing.reasons.say(self.spawn_id, EndReason.STOPPED)

    def clear_state(self) -> None:
        super().clear_state()
        self._launch, self._pod_uid = None, ""
        self._starting = self._stopping = False
        self._start_interrupted = self._stop_interrupted = False

    def _keep_state(self, *, commit: bool = False) -> None:
        if self.orm_spawner is not None:
            self.orm_spawner.state = self.get_state()
            if commit:
                self._commit()

    def _commit(self) -> None:
        session = inspect(self.orm_spawner).session if self.orm_spawner is not None else None
        if session is not None:
            session.commit()

    def _tell(self, line: Line) -> None:
        self.story_of_this_start().tell(line)
