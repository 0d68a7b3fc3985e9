"""What the cluster gets besides nodes: GPUs to hand out, a class of shared claims, the namespace with Pod Security."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tools.cluster import certificates
from tools.cluster.command import Commands
from tools.cluster.image_sources import GPU
from tools.cluster.kind import CLAIMS_IN_NODE, Node
from tools.cluster.programs import Programs
from tools.cluster.settings import Settings

STORAGE_CLASS = "remuda-shared"
STORAGE_NAMESPACE = "local-path-storage"
GPU_RESOURCE = "nvidia.com/gpu"


def storage_class() -> dict[str, Any]:
    """PURE: claims any node can mount, in a folder named after the claim, so that homes outlive the cluster."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS},
        "provisioner": "rancher.io/local-path",
        "parameters": {"pathPattern": "{{ .PVC.Namespace }}/{{ .PVC.Name }}"},
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",  # one folder for all nodes: nothing to wait for
    }


def namespace(name: str) -> dict[str, Any]:
    """PURE: a namespace that admits only pods of Pod Security level `restricted`."""
    level = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": level}}


def shared_storage(config: str) -> str | None:
    """PURE: the provisioner's configuration with one directory for all nodes; None when it is so already."""
    document = json.loads(config)
    if document.get("sharedFileSystemPath") == CLAIMS_IN_NODE and not document.get("nodePathMap"):
        return None
    return json.dumps({**document, "nodePathMap": [], "sharedFileSystemPath": CLAIMS_IN_NODE})


@dataclass(frozen=True)
class Furnishing:
    """Every step may be repeated; each returns what it did."""

    settings: Settings
    commands: Commands
    programs: Programs

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        kubectl = self.programs.need("kubectl")
        return self.commands.run(kubectl, "--kubeconfig", self.settings.kubeconfig, *arguments, stdin=stdin)

    def gpus(self, nodes: tuple[Node, ...]) -> str:
        """An extended resource is a number in the node's status: good for scheduling, with no device behind it."""
        path = f"/status/capacity/{GPU_RESOURCE.replace('/', '~1')}"
        patch = json.dumps([{"op": "add", "path": path, "value": str(self.settings.gpus)}])
        names = [node.name for node in nodes if node.pool == GPU]
        for name in names:
            self.kubectl("patch", "node", name, "--subresource=status", "--type=json", "-p", patch)
        return f"{self.settings.gpus} on {', '.join(names)}"

    def storage(self) -> str:
        """Claims that several nodes mount at once, as a file server would give them."""
        listing = self.kubectl("get", "configmap", "local-path-config", "-n", STORAGE_NAMESPACE, "-o", "json")
        changed = shared_storage(json.loads(listing)["data"]["config.json"])
        if changed is not None:
            patch = json.dumps({"data": {"config.json": changed}})
            self.kubectl("patch", "configmap", "local-path-config", "-n", STORAGE_NAMESPACE, "-p", patch)
            self.kubectl("rollout", "restart", "deployment/local-path-provisioner", "-n", STORAGE_NAMESPACE)
        self.apply(storage_class())
        return STORAGE_CLASS

    def namespace(self) -> str:
        self.apply(namespace(self.settings.namespace))
        return f"{self.settings.namespace}, Pod Security restricted"

    def certificates(self) -> bool:
        """True when people's machines must trust what only this computer trusts."""
        bundle = certificates.for_machines()
        if bundle is not None:
            self.apply(certificates.config_map(bundle.read_text(), self.settings.namespace))
        return bundle is not None

    def apply(self, manifest: dict[str, Any]) -> None:
        """By the server: the client's own way copies a manifest into an annotation, which a bundle would not fit."""
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(manifest))

    def cni_enforces_policies(self) -> bool:
        """kindnet of kind 0.24 and later does; the plain routes of our own node image do not."""
        sets = self.kubectl("get", "daemonsets", "-n", "kube-system", "-o", "jsonpath={.items[*].metadata.name}")
        return "route-sync" not in sets.split()
