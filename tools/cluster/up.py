"""The steps of `up`, `down` and the others, in order. Each step finds out by itself whether there is anything to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.cluster import engine, kubernetes_source, space
from tools.cluster.background import PolicyProcess
from tools.cluster.chart import ChartInstall
from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError
from tools.cluster.furnish import Furnishing
from tools.cluster.images import ImageBuilds
from tools.cluster.kind import KindCluster
from tools.cluster.load import ImageLoading
from tools.cluster.node_image.build import NodeImageBuild, image_name
from tools.cluster.node_image.choose import choose
from tools.cluster.programs import COREDNS, HELM, KIND, LOCAL_PATH, Programs
from tools.cluster.progress import Progress
from tools.cluster.room import Room
from tools.cluster.services import DataServices
from tools.cluster.settings import Settings


@dataclass(frozen=True)
class _RoomyNodeImage(NodeImageBuild):
    """Looks for room before it builds: only then is it known that no registry gave the image."""

    room: Room

    def ensure(self) -> str:
        if not self.commands.succeeds("docker", "image", "inspect", image_name()):
            names = (*kubernetes_source.ALL, *(program.name for program in (KIND, COREDNS, LOCAL_PATH)))
            missing = [name for name in names if not (self.settings.bin / name).exists()]
            self.room.need(space.NODE_IMAGE + space.for_programs(missing))
        return super().ensure()


@dataclass(frozen=True)
class LocalCluster:
    """All parts, made once from the settings."""

    settings: Settings
    commands: Commands
    progress: Progress
    programs: Programs
    kind: KindCluster
    furnishing: Furnishing
    images: ImageBuilds
    loading: ImageLoading
    services: DataServices
    chart: ChartInstall
    policies: PolicyProcess
    room: Room

    @classmethod
    def of(cls, settings: Settings) -> LocalCluster:
        settings.state.mkdir(parents=True, exist_ok=True)
        commands = Commands(settings.log)
        settings.log.touch(mode=0o600)
        progress, programs = Progress(), Programs(settings, commands)
        furnishing = Furnishing(settings, commands, programs)
        kind, loading = KindCluster(settings, commands, programs), ImageLoading(settings, commands, progress)
        return cls(
            settings=settings,
            commands=commands,
            progress=progress,
            programs=programs,
            kind=kind,
            furnishing=furnishing,
            images=ImageBuilds(settings, commands, progress),
            loading=loading,
            services=DataServices(settings, furnishing),
            chart=ChartInstall(settings, commands, programs, furnishing),
            policies=PolicyProcess(settings),
            room=Room(settings, commands, kind, loading),
        )

    def up(self) -> None:
        """Images are built while the cluster comes up; a failure of one is told after the other has ended."""
        self._engine()
        self._room(space.for_nodes, space.for_images, space.for_loading, also=self._for_programs())
        self._programs()
        with ThreadPoolExecutor(2) as pool:
            cluster, images = pool.submit(self._cluster), pool.submit(self.images.ensure)
            cluster.result()
            references = images.result()
        self.loading.ensure(references, self.kind.nodes)
        self.services.start(references)  # they come up while the chart is installed
        with self.progress.step("chart") as outcome:
            outcome.text = self.chart.ensure(references)
        with self.progress.step("S3 and Hive Metastore") as outcome:
            outcome.text = self.services.wait()
        self._tell()

    def cluster_alone(self) -> None:
        """Kubernetes with its pools, GPUs, storage and namespace; no images, no chart."""
        self._engine()
        self._room(space.for_nodes, also=self._for_programs())
        self._programs()
        self._cluster()

    def load_images(self) -> None:
        self._engine()
        self._room(space.for_images, *((space.for_loading,) if self.kind.exists() else ()))
        references = self.images.ensure()
        if self.kind.exists():
            self.loading.ensure(references, self.kind.nodes)

    def build_images(self) -> None:
        self._engine()
        self._room(space.for_images)
        self.images.ensure()

    def node_image(self) -> str:
        self._engine()
        return self._node_image().ensure()

    def tools(self) -> None:
        """Programs that tests of the chart and of the spawner use without a cluster."""
        names = tuple(name for name in ("kube-apiserver", "etcd") if self.programs.find(name) is None)
        self.room.need(self._for_programs() + space.for_programs(names))
        self._programs()
        missing = kubernetes_source.missing(self.programs, names)
        if missing:
            with self.progress.step(", ".join(missing), expect="a few minutes"):
                kubernetes_source.build(self.programs, missing)

    def down(self, *, purge: bool) -> None:
        with self.progress.step("network policies") as outcome:
            outcome.text = "enforcer ended" if self.policies.stop() else "no enforcer was running"
        with self.progress.step("kind cluster") as outcome:
            existed = engine.answers(self.commands) and self.kind.exists()
            if existed:
                self.kind.delete()
            outcome.text = "removed" if existed else "there was none"
        self._forget_claims(purge=purge)

    def status(self) -> int:
        """0 when the Hub is served, 1 when not; says what is there."""
        if not engine.answers(self.commands):
            self.progress.say("Docker does not answer. `make up` starts it.")
            return 1
        if not self.kind.exists():
            self.progress.say("There is no cluster. `make up` makes it.")
            return 1
        print(self.furnishing.kubectl("get", "nodes", "-L", "remuda.dev/pool").rstrip())
        print(self.furnishing.kubectl("get", "pods", "-n", self.settings.namespace, "-o", "wide").rstrip())
        for reference in self.images.references().values():
            print(f"image {reference}: {'built' if self.images.is_built(reference) else 'not built yet'}")
        process = self.policies.running()
        print(
            f"network policies: {f'enforcer is process {process}' if process else 'left to the CNI, or not enforced'}"
        )
        return 0 if self._tell() else 1

    def _engine(self) -> None:
        with self.progress.step("Docker engine") as outcome:
            outcome.text = engine.ensure(self.settings, self.commands)

    def _room(self, *steps: Callable[[space.Present], space.Need], also: space.Need = space.NOTHING) -> None:
        """Before the first of them writes anything."""
        with self.progress.step("disk space") as outcome:
            present = self.room.present(self.images.references())
            outcome.text = self.room.need(sum((step(present) for step in steps), space.ROOM_TO_RUN + also))

    def _for_programs(self) -> space.Need:
        return space.for_programs([name for name in ("kind", "helm", "kubectl") if self.programs.find(name) is None])

    def _node_image(self) -> NodeImageBuild:
        return _RoomyNodeImage(self.settings, self.commands, self.programs, self.progress, self.room)

    def _programs(self) -> None:
        with self.progress.step("kind, helm, kubectl") as outcome:
            built = [
                each.name
                for each in (KIND, HELM)
                if self.programs.find(each.name) is None and self.programs.ensure(each)
            ]
            if self.programs.find("kubectl") is None:
                kubernetes_source.build(self.programs, ("kubectl",))
                built.append("kubectl")
            outcome.text = f"built {', '.join(built)}" if built else "there"

    def _cluster(self) -> None:
        image = "" if self.kind.is_complete() else choose(self.commands, self._node_image())
        with self.progress.step(f"kind cluster {self.settings.name}") as outcome:
            outcome.text = self.kind.ensure(image)
        with self.progress.step("GPUs, storage, namespace") as outcome:
            done = (self.furnishing.gpus(self.kind.nodes), self.furnishing.storage(), self.furnishing.namespace())
            outcome.text = "; ".join(done)
        with self.progress.step("network policies") as outcome:
            if self.furnishing.cni_enforces_policies():
                outcome.text = "enforced by the CNI"
            else:
                outcome.text = f"enforcer {self.policies.start()}"

    def _forget_claims(self, *, purge: bool) -> None:
        homes = self.settings.homes
        if not homes.exists():
            return
        if purge:
            shutil.rmtree(homes)
            self.progress.say("homes and tables: removed")
            return
        for folder in homes.glob("pvc-*"):  # claims that belonged to this cluster alone, such as the hub's database
            shutil.rmtree(folder)
        if any(homes.iterdir()):
            self.progress.say(f"homes and tables: kept in {homes} (down --purge removes them)")

    def _tell(self) -> bool:
        try:
            logins = self.chart.logins()
        except ClusterError as error:
            self.progress.say(str(error))
            return False
        print(f"\n  {self.settings.url}\n")
        for login in logins:
            also = "" if login.name == "admin" else "   (any name goes with this password)"
            print(f"  log in as {login.name:<6} password {login.password}{also}")
        print(f"\n  export KUBECONFIG={self.settings.kubeconfig}\n", flush=True)
        return bool(logins)
