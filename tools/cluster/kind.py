"""The kind cluster: one node for the hub and the proxy, one for each pool of machines."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError
from tools.cluster.image_sources import CORE, GENERAL, GPU, MANY_CORE
from tools.cluster.programs import Programs
from tools.cluster.settings import NODE_PORT, Settings

POOL_KEY = "remuda.dev/pool"
MACHINE_POOLS = (GENERAL, MANY_CORE, GPU)
CLAIMS_IN_NODE = "/var/local-path-provisioner"  # where kind's storage class puts claims
READY_SECONDS = 180


@dataclass(frozen=True)
class Node:
    """A Docker container that is a Kubernetes node."""

    name: str
    pool: str


def node_names(cluster: str) -> tuple[Node, ...]:
    """kind numbers workers from the second on: remuda-worker, remuda-worker2, …"""
    workers = (
        Node(f"{cluster}-worker{number if number > 1 else ''}", pool) for number, pool in enumerate(MACHINE_POOLS, 1)
    )
    return (Node(f"{cluster}-control-plane", CORE), *workers)


def configuration(settings: Settings) -> dict[str, Any]:
    """PURE: kind's configuration of the cluster."""
    mounts = [{"hostPath": str(settings.homes), "containerPath": CLAIMS_IN_NODE}]
    port = {"containerPort": NODE_PORT, "hostPort": settings.port, "listenAddress": "127.0.0.1", "protocol": "TCP"}
    # Images are loaded by this tool and cannot be pulled again, so a full disk must not make kubelet delete them.
    kubelet = {"kind": "KubeletConfiguration", "failCgroupV1": False, "imageGCHighThresholdPercent": 100}
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": settings.name,
        "kubeadmConfigPatches": [json.dumps(kubelet)],
        "nodes": [
            {
                "role": "control-plane",
                "labels": {POOL_KEY: CORE},
                "extraMounts": mounts,
                "extraPortMappings": [port],
                # kubeadm's own taint goes: hub and proxy run here, and machines stay away by their node selectors.
                "kubeadmConfigPatches": [_registration("InitConfiguration", [])],
            },
            *(
                {
                    "role": "worker",
                    "labels": {POOL_KEY: pool},
                    "extraMounts": mounts,
                    "kubeadmConfigPatches": [
                        _registration("JoinConfiguration", [{"key": POOL_KEY, "value": pool, "effect": "NoSchedule"}])
                    ],
                }
                for pool in MACHINE_POOLS
            ),
        ],
    }


def _registration(kind: str, taints: list[dict[str, str]]) -> str:
    return json.dumps({"kind": kind, "nodeRegistration": {"taints": taints}})


def foreign_homes(inspected: str, homes: Path) -> Path | None:
    """The folder of homes that a node container mounts, if it is not `homes`; from `docker inspect`."""
    containers = json.loads(inspected or "[]")
    mounts = containers[0].get("Mounts") or [] if containers else []
    sources = [Path(mount["Source"]) for mount in mounts if mount.get("Destination") == CLAIMS_IN_NODE]
    return next((source for source in sources if source.resolve() != homes.resolve()), None)


@dataclass(frozen=True)
class KindCluster:
    """Creates, wakes and deletes the cluster; every call may be repeated."""

    settings: Settings
    commands: Commands
    programs: Programs

    @property
    def nodes(self) -> tuple[Node, ...]:
        return node_names(self.settings.name)

    def ensure(self, image: str) -> str:
        """What was done; `image` matters when it has to be created.

        A cluster whose creation was interrupted is made anew; one that was stopped is started.
        """
        running = self._containers()
        if not self.is_complete():
            if running:
                self._need_own()
                self.delete()
            self._need_free_port()
            self._create(image)
            return "created"
        self._need_same_port()
        stopped = [name for name, state in running.items() if state != "running"]
        if stopped:
            self.commands.run("docker", "start", *sorted(stopped))
        self._write_kubeconfig()
        self._wait_until_ready()
        return "started again" if stopped else "running"

    def is_complete(self) -> bool:
        """Whether its creation once came to its end, and it is this checkout's: one of the same name may have been made
        since by another. `ensure` needs an image only when not."""
        complete = self._marker.exists() and set(self._containers()) == {node.name for node in self.nodes}
        return complete and self._other_homes() is None

    def exists(self) -> bool:
        return bool(self._containers())

    def delete(self) -> None:
        self._marker.unlink(missing_ok=True)
        kind = self.programs.find("kind")
        if kind is not None:
            self.commands.run(kind, "delete", "cluster", "--name", self.settings.name)
        elif names := list(self._containers()):
            self.commands.run("docker", "rm", "-f", "-v", *names)
        self.settings.kubeconfig.unlink(missing_ok=True)

    @property
    def _marker(self) -> Path:
        return self.settings.state / "created"

    def _create(self, image: str) -> None:
        self.settings.homes.mkdir(parents=True, exist_ok=True)
        self.settings.homes.chmod(0o777)  # claims' folders are made by root in a pod, used by uid 1000
        config = self.settings.state / "kind.json"  # JSON is YAML, and needs nothing but the standard library
        config.write_text(json.dumps(configuration(self.settings), indent=2))
        self.commands.run(
            self.programs.need("kind"), "create", "cluster", "--config", config, "--image", image,
            "--kubeconfig", self.settings.kubeconfig, "--wait", f"{READY_SECONDS}s",
            remedy=f"All output is in {self.commands.log}. `make down` removes what is left.",
        )  # fmt: skip
        self.settings.kubeconfig.chmod(0o600)
        self._wait_until_ready()
        self._marker.write_text(image + "\n")

    def _containers(self) -> dict[str, str]:
        """Node containers of this cluster and their states."""
        listing = self.commands.attempt(
            "docker", "ps", "-a", "--filter", f"label=io.x-k8s.kind.cluster={self.settings.name}",
            "--format", "{{.Names}} {{.State}}",
        )  # fmt: skip
        return dict(line.split(" ", 1) for line in listing.stdout.splitlines())

    def _need_own(self) -> None:
        """Not to delete the cluster that another checkout works with; on a CI machine nobody does."""
        other = self._other_homes()
        if other is not None and other.exists() and os.environ.get("CI") != "true":
            raise ClusterError(
                f"The cluster '{self.settings.name}' belongs to another checkout: its homes are in {other}.",
                "If nobody works with it, `make down` removes it, and its homes stay in that folder; or make a second "
                "one beside it: REMUDA_CLUSTER=second PORT=8001 make up",
            )

    def _other_homes(self) -> Path | None:
        described = self.commands.attempt("docker", "inspect", self.nodes[0].name)
        return foreign_homes(described.stdout, self.settings.homes)

    def _need_free_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.settings.port))
            except OSError as error:
                other = self.settings.port + 1
                raise ClusterError(
                    f"Port {self.settings.port} on 127.0.0.1 cannot be had: {error.strerror}.",
                    f"End the program that listens there (ss -ltnp), or take another one: make up PORT={other}",
                ) from error

    def _need_same_port(self) -> None:
        control_plane = self.nodes[0].name
        described = json.loads(self.commands.run("docker", "inspect", control_plane))[0]
        bindings = described["HostConfig"]["PortBindings"].get(f"{NODE_PORT}/tcp") or [{}]
        port = bindings[0].get("HostPort")
        if port != str(self.settings.port):
            raise ClusterError(
                f"The cluster that is there serves on port {port}, and this was asked for port {self.settings.port}.",
                f"Use make up PORT={port}, or make down first: a kind cluster's ports are fixed when it is made.",
            )

    def _write_kubeconfig(self) -> None:
        """Also after a restart of Docker, which may give the API server another port."""
        text = self.commands.run(self.programs.need("kind"), "get", "kubeconfig", "--name", self.settings.name)
        if not self.settings.kubeconfig.exists() or self.settings.kubeconfig.read_text() != text:
            self.settings.kubeconfig.touch(mode=0o600)
            self.settings.kubeconfig.write_text(text)

    def _wait_until_ready(self) -> None:
        """Until every node is registered and ready: kubeadm's join can return before the one, and an API server that
        has just started refuses (connections, then its own administrator) before it knows its roles."""
        deadline = time.monotonic() + READY_SECONDS
        nodes = [f"node/{node.name}" for node in self.nodes]
        for condition in ("create", "condition=Ready"):
            while True:
                left = deadline - time.monotonic()
                wait = ("wait", f"--for={condition}", *nodes, f"--timeout={max(left, 1):.0f}s")
                done = self.commands.attempt(
                    self.programs.need("kubectl"), "--kubeconfig", self.settings.kubeconfig, *wait
                )
                if done.returncode == 0:
                    break
                if left <= 0:
                    raise ClusterError(
                        f"Not every node is ready after {READY_SECONDS} s: {done.stderr.strip()[-400:]}",
                        "`make down && make up` makes the cluster anew; homes are kept.",
                    )
                time.sleep(1)
