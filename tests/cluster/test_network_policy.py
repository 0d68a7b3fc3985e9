"""Network policies really enforced: what a user's pod reaches with them, and what it would reach without."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.cluster.own_release import CONTROL_PLANE, OwnRelease
from tests.cluster.standins import database, metadata_service
from tests.people import Person, wait_for

pytestmark = pytest.mark.cluster
LogIn = Callable[[str], Person]
#: Clouds' metadata: most of them, and the address at which EKS hands out a pod's credentials.
METADATA = ("169.254.169.254", "169.254.170.23")
PROBE = """
import json, socket
from concurrent.futures import ThreadPoolExecutor
def reaches(target):
    try:
        socket.create_connection(target, timeout=3).close()
    except OSError:
        return False
    return True
targets = json.loads({targets!r})
with ThreadPoolExecutor(16) as pool:
    print(json.dumps(dict(zip(targets, pool.map(reaches, map(tuple, targets.values()))))))
"""
Targets = dict[str, tuple[str, int]]


@dataclass
class Scene:
    """A person's pod that looks around, and all that it might find."""

    person: Person
    kernel: str
    welcome: Targets
    forbidden: Targets

    def sees(self, targets: Targets) -> dict[str, bool]:
        code = textwrap.dedent(PROBE).replace("{targets!r}", repr(json.dumps(targets)))
        return dict(json.loads(self.person.run(code, self.kernel)))


@pytest.fixture
def standins(hub: OwnRelease) -> Iterator[str]:
    """A database; and the metadata addresses on the node of the general pool, where the person's pod will be."""
    (node,) = [each["metadata"]["name"] for each in hub.items("nodes", "-l", "remuda.dev/pool=general")]
    try:
        hub.apply(database(hub.notebook_image))
        hub.apply(metadata_service(hub.notebook_image, node), namespace="kube-system")
        for address in METADATA:
            hub.on_node(node, "ip", "address", "replace", f"{address}/32", "dev", "lo")
        hub.kubectl("wait", "--for=condition=Ready", "pod/trial-database", "--timeout=60s")
        hub.kubectl("wait", "-n", "kube-system", "--for=condition=Ready", "pod/trial-metadata", "--timeout=60s")
        yield node
    finally:
        for address in METADATA:
            hub.on_node(node, "sh", "-c", f"ip address del {address}/32 dev lo 2>/dev/null || true")
        hub.kubectl("delete", "pod", "trial-database", "--ignore-not-found", "--wait=false")
        hub.kubectl("delete", "pod", "-n", "kube-system", "trial-metadata", "--ignore-not-found", "--wait=false")


@pytest.fixture
def scene(hub: OwnRelease, log_in: LogIn, standins: str) -> Scene:
    curious, neighbour = log_in("curious"), log_in("neighbour")
    for person, profile in ((curious, "small-cpu"), (neighbour, "many-core")):
        person.start_by_rest({"profile": profile})
    for person in (curious, neighbour):
        person.wait_ready()
    assert hub.pod_of("curious")["spec"]["nodeName"] == standins
    control_plane = hub.get("node", CONTROL_PLANE)["status"]["addresses"]
    (node_ip,) = [each["address"] for each in control_plane if each["type"] == "InternalIP"]
    forbidden: Targets = {
        **{f"metadata {address}": (address, 80) for address in METADATA},
        "Kubernetes API by service": ("kubernetes.default.svc", 443),
        "Kubernetes API by node": (node_ip, 6443),
        "another person's server": (hub.pod_of("neighbour")["status"]["podIP"], 8888),
        "the proxy's API": ("proxy-api", 8001),
        "the hub's database": (hub.get("pod", "trial-database")["status"]["podIP"], 5432),
        "a kubelet": (node_ip, 10250),
    }
    welcome: Targets = {"the hub's API": ("hub", 8081)}
    return Scene(curious, curious.new_kernel(), welcome, forbidden)


@pytest.fixture
def policies(hub: OwnRelease) -> Iterator[list[str]]:
    """All of the release, put back whatever happens."""
    kept = hub.items("networkpolicies")
    assert {each["metadata"]["name"] for each in kept} >= {"hub", "proxy", "singleuser", "hub-db"}
    for each in kept:
        for volatile in ("resourceVersion", "uid", "creationTimestamp", "generation"):
            each["metadata"].pop(volatile, None)
    try:
        yield [each["metadata"]["name"] for each in kept]
    finally:
        hub.apply(*kept)


def test_policies_refuse_what_would_otherwise_be_reached(hub: OwnRelease, scene: Scene, policies: list[str]) -> None:
    nothing, everything = dict.fromkeys(scene.forbidden, False), dict.fromkeys(scene.forbidden, True)
    assert scene.sees(scene.welcome) == dict.fromkeys(scene.welcome, True), "names are resolved, and the hub answers"
    assert scene.sees(scene.forbidden) == nothing

    hub.kubectl("delete", "networkpolicy", *policies)
    wait_for(lambda: scene.sees(scene.forbidden) == everything, every=0.5)
    assert scene.sees(scene.welcome) == dict.fromkeys(scene.welcome, True)


def test_the_hub_reaches_its_database_through_the_policy(hub: OwnRelease, standins: str) -> None:
    """The refusal above is the policy's, and not a database that hears nobody."""
    address = hub.get("pod", "trial-database")["status"]["podIP"]
    connect = f"import socket; socket.create_connection(({address!r}, 5432), timeout=3); print('reached')"
    assert "reached" in hub.kubectl("exec", "deployment/hub", "--", "python", "-c", connect)
