"""Where things are and what they are called; read once from the environment, then passed along."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.cluster.errors import ClusterError

ROOT = Path(__file__).resolve().parents[2]
NODE_PORT = 30080  # the chart's proxy-public in tools/cluster/values.yaml


@dataclass(frozen=True)
class Settings:
    """`cache` is shared by all checkouts (programs, root file systems); `state` belongs to this checkout's cluster."""

    root: Path
    cache: Path
    state: Path
    name: str = "remuda"
    namespace: str = "remuda"
    port: int = 8000
    gpus: int = 4

    @property
    def bin(self) -> Path:
        return self.cache / "bin"

    @property
    def homes(self) -> Path:
        """The directory that all nodes share: every claim is a folder in it."""
        return self.state / "homes"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    @property
    def log(self) -> Path:
        return self.state / "up.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """PORT, REMUDA_CACHE and REMUDA_CLUSTER (the kind cluster's name; another name gets another state folder)."""
    name = environ.get("REMUDA_CLUSTER") or "remuda"
    folder = "cluster" if name == "remuda" else f"cluster-{name}"
    port = environ.get("PORT") or "8000"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ClusterError(
            f"PORT is {port!r}, which is no TCP port.", "Use a number from 1 to 65535: make up PORT=8001"
        )
    cache = environ.get("REMUDA_CACHE")
    return Settings(
        root=ROOT,
        cache=Path(cache).expanduser().resolve() if cache else Path.home() / ".cache" / "remuda",
        state=ROOT / ".remuda" / folder,
        name=name,
        port=int(port),
    )
