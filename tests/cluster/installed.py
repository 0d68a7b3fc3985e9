"""The Hub of `make up`: its address, its logins, and its cluster as kubectl sees it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.people import Person
from tools.cluster.settings import from_environment

#: As for `make up`: REMUDA_CLUSTER and PORT name another one.
SETTINGS = from_environment()
ROOT, STATE, CACHE_BIN = SETTINGS.root, SETTINGS.state, SETTINGS.bin
PATH = f"{CACHE_BIN}{os.pathsep}{os.environ.get('PATH', '')}"


@dataclass
class InstalledHub:
    """One release of the chart. kubectl's errors are raised with what it said."""

    url: str = SETTINGS.url
    namespace: str = SETTINGS.namespace
    kubeconfig: Path = SETTINGS.kubeconfig
    _secrets: dict[str, str] = field(default_factory=dict)

    def kubectl(self, *words: str, stdin: bytes | None = None, check: bool = True) -> str:
        done = subprocess.run(self.kubectl_command(*words), input=stdin, capture_output=True, timeout=180, check=False)
        assert not check or done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr.decode()}"
        return done.stdout.decode()

    def kubectl_command(self, *words: str) -> list[str]:
        program = shutil.which("kubectl", path=PATH)
        assert program, "no kubectl: `make up` puts one into the cache"
        return [program, "--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace, *words]

    def get(self, *words: str) -> dict[str, Any]:
        return dict(json.loads(self.kubectl("get", *words, "-o", "json")))

    def items(self, *words: str) -> list[dict[str, Any]]:
        return list(self.get(*words)["items"])

    def secret(self, name: str) -> str:
        if not self._secrets:
            for secret in self.items("secrets"):
                for key, value in (secret.get("data") or {}).items():
                    if key.startswith("hub.config.SharedPasswordAuthenticator."):
                        self._secrets[key.rsplit(".", 1)[1]] = base64.b64decode(value).decode()
        return self._secrets[name]

    def person(self, name: str) -> Person:
        return Person(self, name)

    def pods_of(self, person: str) -> list[dict[str, Any]]:
        """Every pod of this person's servers, whatever state it is in."""
        return [
            pod
            for pod in self.items("pods", "-l", "component=singleuser-server")
            if pod["metadata"]["annotations"].get("hub.jupyter.org/username") == person
        ]

    def pod_of(self, person: str) -> dict[str, Any]:
        (pod,) = self.pods_of(person)
        return pod

    def pool_of(self, pod: dict[str, Any]) -> str:
        """By the node's own label: where the pod sits, not where it was sent."""
        node = self.get("node", pod["spec"]["nodeName"])
        return str(node["metadata"]["labels"]["remuda.dev/pool"])

    def hub_pod(self) -> dict[str, Any]:
        (pod,) = [p for p in self.items("pods", "-l", "component=hub") if not p["metadata"].get("deletionTimestamp")]
        return pod


def gpus_of(pod: dict[str, Any]) -> int:
    (notebook,) = [c for c in pod["spec"]["containers"] if c["name"] == "notebook"]
    return int(notebook["resources"].get("limits", {}).get("nvidia.com/gpu", 0))
