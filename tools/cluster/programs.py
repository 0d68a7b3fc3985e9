"""kind, helm, kubectl: from this project's cache, else from PATH, else built by Go from the module proxy."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import versions
from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError
from tools.cluster.settings import Settings

STATIC = {"CGO_ENABLED": "0"}
LINKED_SMALL = ("-trimpath", "-ldflags", "-s -w")
VERSION_COMMANDS = {"kind": ("version",), "helm": ("version", "--short"), "kubectl": ("version", "--client")}


@dataclass(frozen=True)
class GoProgram:
    """An ordinary program of the Go module proxy; `module` is what `go version -m` shows as its origin."""

    name: str
    package: str
    module: str
    version: str


KIND = GoProgram("kind", "sigs.k8s.io/kind", "sigs.k8s.io/kind", versions.KIND)
HELM = GoProgram("helm", "helm.sh/helm/v3/cmd/helm", "helm.sh/helm/v3", versions.HELM)
COREDNS = GoProgram("coredns", "github.com/coredns/coredns", "github.com/coredns/coredns", versions.COREDNS)
LOCAL_PATH = GoProgram(
    "local-path-provisioner",
    "github.com/rancher/local-path-provisioner",
    "github.com/rancher/local-path-provisioner",
    versions.LOCAL_PATH,
)
CNI = tuple(
    GoProgram(
        path.rsplit("/", 1)[1],
        f"github.com/containernetworking/plugins/plugins/{path}",
        "github.com/containernetworking/plugins",
        versions.CNI_PLUGINS,
    )
    for path in ("main/loopback", "main/ptp", "ipam/host-local", "meta/portmap")
)


def first_version(output: str) -> tuple[int, int] | None:
    """(1, 34) of 'Client Version: v1.34.4'."""
    match = re.search(r"v(\d+)\.(\d+)", output)
    return (int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True)
class Programs:
    """Looks programs up and builds missing ones. A cached program of the pinned version is never built again."""

    settings: Settings
    commands: Commands

    def environment(self) -> Mapping[str, str]:
        return {"KUBECONFIG": str(self.settings.kubeconfig)}

    def find(self, name: str) -> Path | None:
        """The cached program, else one on PATH that is new enough; None when it has to be built."""
        cached = self.settings.bin / name
        if cached.exists():
            return cached
        found = shutil.which(name)
        if found is None:
            return None
        output = self.commands.attempt(found, *VERSION_COMMANDS[name], timeout=20).stdout
        version = first_version(output)
        return Path(found) if version is not None and version >= versions.MINIMUM[name] else None

    def need(self, name: str) -> Path:
        """As `find`, for steps that come after the programs were made sure of."""
        found = self.find(name)
        if found is None:
            raise ClusterError(f"{name} is not there.", "Run `python -m tools.cluster tools` first.")
        return found

    def ensure(self, program: GoProgram, folder: Path | None = None) -> bool:
        """True when it had to be built. `folder` is the cache's bin unless said otherwise."""
        place = (folder or self.settings.bin) / program.name
        if place.exists() and self._is(place, program):
            return False
        self.need_go(program.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        self.commands.run(
            "go",
            "install",
            *LINKED_SMALL,
            f"{program.package}@{program.version}",
            env={**STATIC, "GOBIN": str(place.parent)},
        )
        return True

    def need_go(self, what: str) -> None:
        if shutil.which("go") is None:
            minimum = ".".join(str(part) for part in versions.MINIMUM.get(what, ()))
            raise ClusterError(
                f"{what} is not installed (or older than {minimum}) and there is no Go to build it with."
                if minimum
                else f"{what} has to be built, and there is no Go to build it with.",
                f"Install {what}, or Go 1.25 or later (https://go.dev/doc/install), and run the command again.",
            )

    def _is(self, place: Path, program: GoProgram) -> bool:
        """Go writes module and version into what it builds; without Go at hand, what is cached is believed."""
        shown = self.commands.attempt("go", "version", "-m", place, timeout=30)
        if shown.returncode != 0:
            return True
        return f"{program.module}\t{program.version}" in shown.stdout
