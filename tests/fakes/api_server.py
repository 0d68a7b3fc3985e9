"""A real kube-apiserver on loopback, with etcd and no nodes; `NodesByHand` does what kubelets would.

For what a fake cannot show: connections that are refused, a server that comes back with its watch caches empty,
resourceVersions that mean something. The programs are those that `make up` has built or fetched.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import Configuration

from spawner.cluster import POD, ApiCluster, Json, Kind, Request, Select
from spawner.retry import ClusterError
from spawner.watch import Watch
from tests.fakes.cluster import now_text
from tools.servers.process import free_ports

PROGRAMS = Path(os.environ.get("REMUDA_CACHE", Path.home() / ".cache/remuda")) / "bin"
NEEDED = ("etcd", "kube-apiserver")


def missing() -> list[str]:
    """Programs that are not there."""
    return [name for name in NEEDED if not (PROGRAMS / name).exists() and shutil.which(name) is None]


class ApiServer:
    def __init__(self, folder: Path) -> None:
        self.folder, self.token = folder, secrets.token_hex(16)
        self.port, self._etcd_port, self._peer_port = free_ports(3)
        self._etcd: subprocess.Popen[bytes] | None = None
        self._api: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        tokens = self.folder / "tokens.csv"
        tokens.write_text(f"{self.token},admin,admin,system:masters\n")
        tokens.chmod(0o600)
        self._make_key()
        etcd, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{self._peer_port}"
        self._etcd = self._run(
            "etcd",
            f"--data-dir={self.folder}/etcd",
            f"--listen-client-urls={etcd}",
            f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )
        await self.come_back()

    async def come_back(self) -> None:
        """Start the API server and wait until it is ready."""
        self._api = self._run(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.folder}/certs",
            f"--token-auth-file={self.folder}/tokens.csv",
            "--authorization-mode=RBAC",
            f"--service-account-key-file={self.folder}/sa.pub",
            f"--service-account-signing-key-file={self.folder}/sa.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--endpoint-reconciler-type=none",
            "--disable-admission-plugins=ServiceAccount",
        )
        probe = ApiCluster()
        probe.configure = self.configuration  # type: ignore[method-assign]
        async with asyncio.timeout(90):
            while True:
                try:
                    await probe.get(Kind("/api/v1", "namespaces", namespaced=False), None, "default")
                    break
                except ClusterError:
                    await asyncio.sleep(0.1)
        await probe.close()

    def go_away(self) -> None:
        """As a crash: connections reset, then refused."""
        assert self._api is not None
        self._api.kill()
        self._api.wait()

    async def stop(self) -> None:
        for process in (self._api, self._etcd):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()

    async def configuration(self) -> Configuration:
        configuration = Configuration(host=f"https://127.0.0.1:{self.port}")
        configuration.verify_ssl = False
        configuration.api_key["BearerToken"] = f"Bearer {self.token}"
        return configuration

    def client(self) -> ApiCluster:
        cluster = ApiCluster()
        cluster.configure = self.configuration  # type: ignore[method-assign]
        return cluster

    def _run(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        program = PROGRAMS / name
        log = (self.folder / f"{name}.log").open("ab")
        command = [str(program) if program.exists() else name, *arguments]
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)

    def _make_key(self) -> None:
        key, public = self.folder / "sa.key", self.folder / "sa.pub"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        subprocess.run(
            ["openssl", "rsa", "-in", str(key), "-pubout", "-out", str(public)], check=True, capture_output=True
        )


class NodesByHand:
    """Runs every pod of a namespace at once, on loopback, and lets every pod go that is told to."""

    def __init__(self, cluster: ApiCluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self._watch = Watch(cluster, POD, namespace, Select())
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.ran: set[str] = set()

    def start(self) -> None:
        self._watch.subscribe("*", self._changed.set)
        self._watch.start()
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._watch.stop()
        await self._cluster.close()

    async def _work(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            for pod in list(self._watch.objects.values()):
                try:
                    await self._look_after(pod)
                except ClusterError:
                    await asyncio.sleep(0.05)
                    self._changed.set()

    async def _look_after(self, pod: Json) -> None:
        meta = pod["metadata"]
        if meta.get("deletionTimestamp"):
            await self._cluster.delete(POD, self._namespace, meta["name"], grace_s=0, uid=meta["uid"])
        elif pod["status"].get("phase") == "Pending" and meta["uid"] not in self.ran:
            await self._cluster.send(_running(self._namespace, meta["name"]))
            self.ran.add(meta["uid"])


def _running(namespace: str, name: str) -> Request:
    server: dict[str, Any] = {
        "name": "notebook",
        "ready": True,
        "restartCount": 0,
        "image": "none",
        "imageID": "none",
        "state": {"running": {"startedAt": now_text()}},
    }
    status = {
        "phase": "Running",
        "podIP": "127.0.0.1",
        "podIPs": [{"ip": "127.0.0.1"}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [server],
    }
    return Request("PATCH", POD, namespace, name, body={"status": status}, part="status")
