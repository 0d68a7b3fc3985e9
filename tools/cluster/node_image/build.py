"""Assembles the node image: the node's Debian, component images in its containerd, the manifests that kind applies."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import buildkit, kubernetes_source, versions
from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError
from tools.cluster.node_image import rootfs
from tools.cluster.node_image.storage import storage_manifest
from tools.cluster.programs import CNI, COREDNS, KIND, LOCAL_PATH, Programs
from tools.cluster.progress import Progress
from tools.cluster.settings import Settings

FILES = Path(__file__).with_name("files")
NODE_TOOLS = "remuda/node-tools:1"
LOCAL_PATH_IMAGE = "remuda/local-path-provisioner:1"
SANDBOX = "registry.k8s.io/pause:3.10"  # the name in kind's containerd configuration
ENTRYPOINT = '["/usr/local/bin/entrypoint", "/sbin/init"]'


def recipe_digest() -> str:
    """Changes whenever a version or a file that goes into the image changes; part of the image's tag."""
    digest = hashlib.sha256()
    for path in sorted([*FILES.iterdir(), *Path(__file__).parent.glob("*.py"), Path(versions.__file__)]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def image_name() -> str:
    return f"remuda/kind-node:v{versions.KUBERNETES}-{recipe_digest()}"


@dataclass(frozen=True)
class NodeImageBuild:
    """One run; `ensure` is all that others call."""

    settings: Settings
    commands: Commands
    programs: Programs
    progress: Progress

    def ensure(self) -> str:
        """The image's name; builds what is not in the cache yet."""
        name = image_name()
        if self.commands.succeeds("docker", "image", "inspect", name):
            return name
        self._build_programs()
        with self.progress.step("Debian for the node and for images") as outcome:
            done = [rootfs.ensure(each, self.settings, self.commands) for each in (rootfs.NODE, rootfs.IMAGE_BASE)]
            outcome.text = ", ".join(done)
        work = self.settings.cache / "work" / "node-image"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        with self.progress.step("node image's components") as outcome:
            images = self._component_images(work)
            outcome.text = f"{len(images)} images"
        with self.progress.step(f"node image {name}") as outcome:
            self._node_base(work)
            self._manifests(work)
            self._assemble(work, images, name)
            outcome.text = "built"
        shutil.rmtree(work)
        return name

    def _build_programs(self) -> None:
        with self.progress.step(
            "programs of the node image", expect="about 2 minutes when nothing is cached"
        ) as outcome:
            built = [program.name for program in (KIND, COREDNS, LOCAL_PATH) if self.programs.ensure(program)]
            built += [program.name for program in CNI if self.programs.ensure(program, self.settings.cache / "cni")]
            outcome.text = f"built {', '.join(built)}" if built else "cached"
        missing = kubernetes_source.missing(self.programs, kubernetes_source.ALL)
        if missing:
            with self.progress.step(
                f"Kubernetes {versions.KUBERNETES} from source", expect="about 5 minutes on 2 cores"
            ):
                kubernetes_source.build(self.programs, missing)

    def _component_images(self, work: Path) -> list[str]:
        """Static programs need no file system around them: only what has to run a shell gets Debian."""
        folder = work / "components"
        (folder / "bin").mkdir(parents=True)
        for name in ("kube-proxy", "kubectl", *kubernetes_source.CONTROL_PLANE, "etcd", "coredns", LOCAL_PATH.name):
            _link(self.settings.bin / name, folder / "bin" / name)
        shutil.copyfile(FILES / "route-sync", folder / "route-sync")
        static = {"CGO_ENABLED": "1"}
        pause = folder / "bin" / "pause"
        self.commands.run(
            "gcc", "-static", "-Os", "-s", "-o", pause, FILES / "pause.c", env=static, remedy="Install gcc."
        )
        self._docker_build(folder, (FILES / "node-tools.Dockerfile").read_text(), NODE_TOOLS)
        images = [NODE_TOOLS]
        for image in self._kubeadm_images():
            component = re.split(r"[/:]", image)[-2]
            if component == "kube-proxy":
                self.commands.run("docker", "tag", NODE_TOOLS, image)
            else:
                self._scratch_image(folder, component, image)
            images.append(image)
        self._scratch_image(folder, LOCAL_PATH.name, LOCAL_PATH_IMAGE)
        self._scratch_image(folder, "pause", SANDBOX)
        return [*images, LOCAL_PATH_IMAGE, SANDBOX]

    def _kubeadm_images(self) -> list[str]:
        listing = self.commands.run(
            self.settings.bin / "kubeadm", "config", "images", "list", "--kubernetes-version", f"v{versions.KUBERNETES}"
        )
        return listing.split()

    def _scratch_image(self, folder: Path, program: str, image: str) -> None:
        text = f'FROM scratch\nCOPY bin/{program} /usr/local/bin/{program}\nENTRYPOINT ["/usr/local/bin/{program}"]\n'
        self._docker_build(folder, text, image)

    def _docker_build(self, folder: Path, dockerfile: str, image: str) -> None:
        self.commands.run(
            buildkit.client(self.commands), "build", "-q", "--network", "host", "-t", image, "-f", "-", folder,
            stdin=dockerfile, env=buildkit.ENVIRONMENT, timeout=900,
        )  # fmt: skip

    def _node_base(self, work: Path) -> None:
        folder = work / "node"
        kind = self._kind_source()
        shutil.copytree(kind / "images" / "base" / "files", folder / "files")
        for path in folder.rglob("*"):
            path.chmod(path.stat().st_mode | 0o200)  # the module cache is read-only
        config = folder / "files" / "etc" / "containerd" / "config.toml"
        # A host without CAP_SYS_RESOURCE cannot lower a score; harmless elsewhere.
        replaced = config.read_text().replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
        config.write_text(replaced)
        shutil.copytree(self.settings.cache / "cni", folder / "cni")
        (folder / "bin").mkdir()
        for name in ("kubeadm", "kubelet", "kubectl"):
            _link(self.settings.bin / name, folder / "bin" / name)
        self._docker_build(folder, (FILES / "node.Dockerfile").read_text(), "remuda/node-base:build")

    def _kind_source(self) -> Path:
        found = self.commands.run(
            "go", "mod", "download", "-json", f"sigs.k8s.io/kind@{versions.KIND}", cwd=self.settings.cache
        )
        return Path(json.loads(found)["Dir"])

    def _manifests(self, work: Path) -> None:
        folder = work / "manifests"
        folder.mkdir()
        shutil.copyfile(FILES / "default-cni.yaml", folder / "default-cni.yaml")
        source = (self._kind_source() / "pkg" / "build" / "nodeimage" / "const_storage.go").read_text()
        (folder / "default-storage.yaml").write_text(storage_manifest(source, LOCAL_PATH_IMAGE, NODE_TOOLS))

    def _assemble(self, work: Path, images: list[str], name: str) -> None:
        """Component images go into the node's own containerd, as `kind build node-image` does it, then one commit."""
        run = self.commands.run
        archive = work / "images.tar"
        run("docker", "save", "-o", archive, *images)
        container = run(
            "docker", "run", "-d", "--privileged", "--entrypoint", "sleep", "remuda/node-base:build", "infinity"
        ).strip()
        try:
            run("docker", "exec", "-d", container, "containerd")
            self._wait_for_containerd(container)
            run("docker", "cp", archive, f"{container}:/images.tar")
            imported = ("ctr", "-n", "k8s.io", "images", "import", "--all-platforms", "--no-unpack", "/images.tar")
            run("docker", "exec", container, *imported)
            run("docker", "exec", container, "sh", "-c", "rm /images.tar; pkill containerd; mkdir -p /kind/manifests")
            run("docker", "exec", container, "sh", "-c", f"printf v{versions.KUBERNETES} > /kind/version")
            run("docker", "cp", f"{work}/manifests/.", f"{container}:/kind/manifests/")
            run("docker", "commit", "--change", f"ENTRYPOINT {ENTRYPOINT}", container, name)
        finally:
            self.commands.attempt("docker", "rm", "-f", container)

    def _wait_for_containerd(self, container: str) -> None:
        deadline = time.monotonic() + 30
        while not self.commands.succeeds("docker", "exec", container, "ctr", "version"):
            if time.monotonic() > deadline:
                raise ClusterError("containerd did not start in the new node image.", f"See {self.commands.log}.")
            time.sleep(0.2)


def _link(source: Path, target: Path) -> None:
    """A hard link where the file system allows it: these programs are 60–100 MB each."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
