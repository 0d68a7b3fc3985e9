"""The chart once more on the cluster of `make up`: a namespace, a Hub and homes that tests may break."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import Any

import httpx
import yaml

from tests.cluster.installed import CACHE_BIN, PATH, ROOT, SETTINGS, STATE, InstalledHub
from tests.cluster.standins import REGISTRY_PORT
from tests.people import wait_for

CHART = ROOT / "helm" / "remuda"
RELEASE, NAMESPACE = "trials", "remuda-trials"
CONTROL_PLANE = f"{SETTINGS.name}-control-plane"
#: In the registry of standins.py, which has none at all.
NO_IMAGE = f"localhost:{REGISTRY_PORT}/remuda/no-such-image:1"
#: A pool that has a node only while a test labels one: a start on it stays pending for as long as the test wants.
LATE_POOL, LATE_LABEL = "late", "remuda.dev/trials-late"

VALUES: dict[str, Any] = {
    "hub": {
        "allowNamedServers": True,
        "consecutiveFailureLimit": 5,
        # A stand-in for a database in the cluster, see test_network_policy.py.
        "db": {"networkPolicy": {"podLabels": {"app": "trial-database"}}},
    },
    "proxy": {"service": {"nodePorts": {"http": None}}},  # 30080 is taken by the Hub of `make up`
    "cull": {"enabled": False},
    "pools": {
        LATE_POOL: {
            "displayName": "Late",
            "nodeSelector": {LATE_LABEL: "yes"},
            "tolerations": [{"key": "remuda.dev/pool", "operator": "Exists"}],
            "autoscaled": {"largestNode": None},
        }
    },
    "profiles": {
        "ninety-nine": {
            "displayName": "Ninety-nine GPUs",
            "purpose": "More than this cluster has.",
            "pool": "gpu",
            "cpu": {"request": "100m", "limit": 2},
            "memory": {"request": "256Mi", "limit": "1Gi"},
            "extendedResources": {"nvidia.com/gpu": 99},
            "pricePerHour": 1,
        },
        "no-image": {"extends": "small-cpu", "displayName": "No image", "image": NO_IMAGE},
        "tiny": {"extends": "small-cpu", "displayName": "Tiny", "cpu": {"request": "10m", "limit": 2}},
        "lab-only": {
            "extends": "small-cpu",
            "displayName": "For the lab",
            "allow": {"everyone": False, "groups": ["lab"]},
        },
        "staff-only": {
            "extends": "small-cpu",
            "displayName": "For staff",
            "allow": {"everyone": False, "admins": True},
        },
        "late-node": {"extends": "small-cpu", "displayName": "Late node", "pool": LATE_POOL},
    },
}


@dataclass
class OwnRelease(InstalledHub):
    """`install` may be repeated with other values; it returns when the Hub serves."""

    namespace: str = NAMESPACE
    _client: httpx.Client | None = field(default=None, repr=False)

    def install(self, **more: Any) -> None:
        labels = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": labels}}
        if self._is_leaving():
            self.kubectl("wait", "--for=delete", f"namespace/{self.namespace}", "--timeout=150s")
        self.apply(manifest)
        files = [word for file in self.value_files() for word in ("--values", str(file))]
        mine = yaml.safe_dump(_merged(VALUES, more))
        self.helm(
            "upgrade", "--install", RELEASE, str(CHART), "--wait", "--timeout", "180s", *files, "--values", "-",
            stdin=mine,
        )  # fmt: skip
        self.url = self._node_url()
        self.wait_served()

    def uninstall(self) -> None:
        """The namespace takes some seconds more; nobody waits for them but the next `install`."""
        self.helm("uninstall", RELEASE, "--ignore-not-found")
        self.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false")

    def _is_leaving(self) -> bool:
        there = self.kubectl("get", "namespace", self.namespace, "--ignore-not-found", "-o", "json")
        return bool(there) and bool(json.loads(there)["metadata"].get("deletionTimestamp"))

    def value_files(self) -> list[Any]:
        """Those of `make up`."""
        return [ROOT / "tools" / "cluster" / "values.yaml", STATE / "images.json"]

    @property
    def notebook_image(self) -> str:
        """It is on every node already."""
        image = json.loads((STATE / "images.json").read_text())["singleuser"]["image"]
        return f"{image['name']}:{image['tag']}"

    def helm(self, *words: str, stdin: str | None = None) -> str:
        program = shutil.which("helm", path=PATH)
        assert program, f"no helm: `make up` puts one into {CACHE_BIN}"
        done = subprocess.run(
            [program, *words, "--namespace", self.namespace, "--kubeconfig", str(self.kubeconfig)],
            input=stdin, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"helm {' '.join(words)}: {done.stderr}"
        return done.stdout

    def apply(self, *manifests: dict[str, Any], namespace: str = "") -> None:
        where = ("--namespace", namespace) if namespace else ()
        self.kubectl("apply", "-f", "-", *where, stdin=yaml.safe_dump_all(manifests).encode())

    def _node_url(self) -> str:
        """The proxy's node port, straight at a node: a port-forward would end with the API server."""
        (port,) = [each["nodePort"] for each in self.get("service", "proxy-public")["spec"]["ports"]]
        addresses = self.get("node", CONTROL_PLANE)["status"]["addresses"]
        (ip,) = [each["address"] for each in addresses if each["type"] == "InternalIP"]
        return f"http://{ip}:{port}"

    def wait_served(self, seconds: float = 60) -> None:
        wait_for(self.is_served, seconds)

    def is_served(self) -> bool:
        try:
            return httpx.get(f"{self.url}/hub/health/remuda", timeout=3).status_code == 200
        except httpx.HTTPError:
            return False

    def health(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.url}/hub/health/remuda", timeout=5).json())

    # Breaking it.

    def delete_hub_pod(self) -> None:
        """As if its node had been switched off: no grace, nothing is waited for."""
        name = self.hub_pod()["metadata"]["name"]
        self.kubectl("delete", "pod", name, "--grace-period=0", "--force", "--wait=false")

    def kill_hub_process(self) -> None:
        """SIGKILL to the container's first process, from the node; works without the Kubernetes API."""
        (status,) = self.hub_pod()["status"]["containerStatuses"]
        container = status["containerID"].split("//")[1]
        tasks = self.on_node(CONTROL_PLANE, "ctr", "-n", "k8s.io", "task", "ls")
        (process,) = [line.split()[1] for line in tasks.splitlines() if line.startswith(container)]
        self.on_node(CONTROL_PLANE, "kill", "-9", process)

    def on_node(self, node: str, *words: str) -> str:
        done = subprocess.run(["docker", "exec", node, *words], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{' '.join(words)} on {node}: {done.stderr}"
        return done.stdout

    def wait_new_hub(self, seconds: float = 120) -> None:
        """After a kill: a hub that serves, and whose pod Kubernetes sends traffic to."""
        self.kubectl("rollout", "status", "deployment/hub", f"--timeout={seconds:g}s")
        self.wait_served(seconds)

    def hub_restarts(self) -> tuple[str, int]:
        """(uid of the hub's pod, restarts of its container): equal as long as nothing has restarted it."""
        pod = self.hub_pod()
        return pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"]

    def log(self) -> str:
        return self.kubectl("logs", "deployment/hub", "--tail=400", check=False)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        result[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result
