"""The chart really installed on the kind cluster of `make up`, where Pod Security `restricted` is enforced."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.cluster.installed import SETTINGS
from tests.helm.helm_chart import CHART, ROOT, Refused, helm
from tests.helm.kube_api import KubeApi
from tests.people import wait_for

pytestmark = pytest.mark.cluster

STATE = SETTINGS.state
RELEASE = "second"
VALUES: dict[str, Any] = {
    "hub": {"db": {"type": "sqlite-memory"}},
    "proxy": {"service": {"type": "ClusterIP", "nodePorts": {"http": None}}},
    "prePuller": {"hook": {"enabled": True}, "continuous": {"enabled": True}},
    "pools": {"many-core": {"placeholders": {"replicas": 1, "cpu": "10m", "memory": "8Mi"}}},
}


@dataclass(frozen=True)
class Kind:
    """A namespace of this test alone."""

    api: KubeApi
    namespace: str

    def logs(self) -> str:
        return self.api.kubectl("logs", "deployment/hub", "--namespace", self.namespace).stdout

    def install(self, **more: Any) -> None:
        """Returns when helm says that everything is ready."""
        files = ["--values", str(ROOT / "tools/cluster/values.yaml"), "--values", str(STATE / "images.json")]
        helm(
            "upgrade", "--install", RELEASE, str(CHART), "--namespace", self.namespace,
            "--wait", "--timeout", "300s", *files,
            values={**VALUES, **more}, env={"KUBECONFIG": str(self.api.kubeconfig)},
        )  # fmt: skip

    def items(self, what: str) -> list[dict[str, Any]]:
        return json.loads(self.api.ok("get", what, "--namespace", self.namespace, "-o", "json"))["items"]

    def pods(self) -> dict[str, str]:
        """Node by component and pool of every pod."""
        found = {}
        for pod in self.items("pods"):
            labels = pod["metadata"]["labels"]
            found[f"{labels['component']} {labels.get('remuda.dev/pool', '')}".strip()] = pod["spec"]["nodeName"]
        return found


@pytest.fixture
def kind() -> Iterator[Kind]:
    kubeconfig = STATE / "kubeconfig"
    if not kubeconfig.exists() or not (STATE / "images.json").exists():
        reason = "no kind cluster with the chart's images here: `make up` makes one"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    namespace = f"chart-on-kind-{uuid.uuid4().hex[:8]}"
    api = KubeApi("", kubeconfig, kubeconfig, kubeconfig)
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
    api.ok("apply", "-f", "-", stdin=yaml.safe_dump(manifest))
    yield Kind(api, namespace)
    helm(
        "uninstall", RELEASE, "--namespace", namespace, "--ignore-not-found",
        env={"KUBECONFIG": str(kubeconfig)},
    )  # fmt: skip
    api.ok("delete", "namespace", namespace, "--wait=false")  # nobody waits for it: no other test has it


def test_pullers_and_placeholders_stand_on_their_pools_and_an_upgrade_moves_nobody(kind: Kind) -> None:
    kind.install()
    nodes = {
        node["metadata"]["name"]: node["metadata"]["labels"].get("remuda.dev/pool", "")
        for node in json.loads(kind.api.ok("get", "nodes", "-o", "json"))["items"]
    }
    where = {who: nodes[node] for who, node in kind.pods().items()}
    assert where == {
        "hub": "core",
        "proxy": "core",
        "continuous-image-puller general": "general",
        "continuous-image-puller many-core": "many-core",
        "continuous-image-puller gpu": "gpu",
        "user-placeholder many-core": "many-core",
    }, "the hook's own pods are gone when it is done"

    before = {pod["metadata"]["uid"] for pod in kind.items("pods")}
    kind.install()
    assert {pod["metadata"]["uid"] for pod in kind.items("pods")} == before, "the same values again restart nothing"


def test_a_hub_that_cannot_start_fails_the_install_with_its_reason(kind: Kind) -> None:
    """What the schema cannot see, the hub refuses at boot, by name of the field; helm does not report success."""
    broken = {"profiles": {"gpu": {"cpu": {"request": 8, "limit": 2}}}, "prePuller": {"hook": {"enabled": False}}}
    api = kind.api
    with pytest.raises(Refused):
        helm(
            "upgrade", "--install", RELEASE, str(CHART), "--namespace", kind.namespace, "--wait", "--timeout", "15s",
            "--values", str(ROOT / "tools/cluster/values.yaml"), "--values", str(STATE / "images.json"),
            values={**VALUES, **broken}, env={"KUBECONFIG": str(api.kubeconfig)},
        )  # fmt: skip
    # On a busy node the hub may not have said anything yet when helm gives up; and one that begins anew has not either.
    told = re.compile(r"gpu.*limit 2 is less than request 8", re.DOTALL)
    wait_for(lambda: told.search(kind.logs()), 120, every=0.5)
