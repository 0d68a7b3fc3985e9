"""Who reaches whom through the chart's network policies."""

from __future__ import annotations

import pytest

from tests.helm.helm_chart import RELEASE, Manifest, Workload, render
from tests.helm.network import Endpoint, allows
from tests.helm.value_sets import VALUE_SETS

USER = Endpoint(
    "10.1.0.9",
    {"app": "jupyterhub", "component": "singleuser-server", "release": RELEASE},
    ports={"notebook-port": 8888},
)
OTHER_USER = Endpoint("10.1.0.10", USER.labels, ports={"notebook-port": 8888})
DNS = Endpoint("10.2.0.53", {"k8s-app": "kube-dns"}, namespace="kube-system")
DATABASE = Endpoint("10.1.0.32", {"app": "postgres"})
STRANGER = Endpoint("10.1.0.66", {"app": "cronjob"})
ELSEWHERE = Endpoint("10.3.0.1", {"app": "anything"}, namespace="other")
KUBERNETES_API = Endpoint("10.96.0.1")
INTERNET, INTERNET6 = Endpoint("93.184.216.34"), Endpoint("2606:2800:220:1::1")

METADATA = {
    "AWS, Azure, GCP": "169.254.169.254",
    "ECS": "169.254.170.2",
    "EKS pod identity": "169.254.170.23",
    "Alibaba": "100.100.100.200",
    "Oracle": "192.0.0.192",
    "Azure's host agent": "168.63.129.16",
    "AWS on IPv6": "fd00:ec2::254",
    "EKS on IPv6": "fd00:ec2::23",
    "NAT64 to the link-local one": "64:ff9b::a9fe:a9fe",
}
INSIDE = ["10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1", "127.0.0.1", "fc00::1", "fe80::1"]


def endpoint(workload: Workload, address: str) -> Endpoint:
    ports = {name: port for container in workload.containers for name, port in container.ports.items()}
    return Endpoint(address, workload.labels, ports=ports)


@pytest.fixture
def policies() -> list[Manifest]:
    return render().all("NetworkPolicy")


@pytest.fixture
def hub() -> Endpoint:
    return endpoint(render().hub, "10.1.0.2")


@pytest.fixture
def proxy() -> Endpoint:
    return endpoint(render().proxy, "10.1.0.3")


def test_people_reach_the_proxy_and_nothing_else(policies: list[Manifest], hub: Endpoint, proxy: Endpoint) -> None:
    assert allows(policies, INTERNET, proxy, 8000)
    assert not allows(policies, INTERNET, proxy, 8001)
    assert not allows(policies, INTERNET, hub, 8081)
    assert not allows(policies, INTERNET, USER, 8888)


def test_the_proxy_reaches_hub_and_machines(policies: list[Manifest], hub: Endpoint, proxy: Endpoint) -> None:
    assert allows(policies, proxy, hub, 8081)
    assert allows(policies, proxy, USER, 8888)
    assert allows(policies, proxy, DNS, 53, "UDP")
    assert not allows(policies, proxy, KUBERNETES_API, 443)
    assert not allows(policies, proxy, INTERNET, 443)


def test_the_hub_reaches_what_it_works_with(policies: list[Manifest], hub: Endpoint, proxy: Endpoint) -> None:
    assert allows(policies, hub, proxy, 8001)
    assert allows(policies, hub, USER, 8888)
    assert allows(policies, hub, hub, 8081), "its own services call it by the service's name"
    assert allows(policies, hub, DNS, 53, "UDP")
    assert allows(policies, hub, KUBERNETES_API, 443)
    assert allows(policies, hub, DATABASE, 5432)
    assert allows(policies, hub, INTERNET, 443), "login providers"
    assert not allows(policies, hub, Endpoint("169.254.169.254"), 80)


def test_a_machine_reaches_the_hub_names_and_the_internet(policies: list[Manifest], hub: Endpoint) -> None:
    assert allows(policies, USER, hub, 8081)
    assert allows(policies, USER, DNS, 53, "UDP") and allows(policies, USER, DNS, 53)
    assert allows(policies, USER, INTERNET, 443) and allows(policies, USER, INTERNET6, 443)


def test_a_machine_reaches_nothing_else(policies: list[Manifest], hub: Endpoint, proxy: Endpoint) -> None:
    assert not allows(policies, USER, proxy, 8001)
    assert not allows(policies, USER, proxy, 8000)
    assert not allows(policies, USER, OTHER_USER, 8888)
    assert not allows(policies, USER, KUBERNETES_API, 443)
    assert not allows(policies, USER, DATABASE, 5432)
    assert not allows(policies, USER, STRANGER, 80)
    assert not allows(policies, USER, hub, 22)
    assert not allows(policies, USER, DNS, 9153)
    for address in INSIDE:
        assert not allows(policies, USER, Endpoint(address), 443), address


@pytest.mark.parametrize("address", METADATA.values(), ids=METADATA)
def test_a_machine_reaches_no_metadata_address(policies: list[Manifest], address: str) -> None:
    assert not allows(policies, USER, Endpoint(address), 80)
    assert not allows(policies, USER, Endpoint(address), 53, "UDP")


def test_strangers_reach_no_machine_and_no_hub(policies: list[Manifest], hub: Endpoint, proxy: Endpoint) -> None:
    for stranger in (STRANGER, ELSEWHERE):
        assert not allows(policies, stranger, USER, 8888)
        assert not allows(policies, stranger, hub, 8081)
        assert not allows(policies, stranger, proxy, 8001)


def test_labelled_pods_get_in_from_other_namespaces_only_when_accepted(hub: Endpoint) -> None:
    label = {"hub.jupyter.org/network-access-hub": "true"}
    near, far = Endpoint("10.1.0.7", label), Endpoint("10.3.0.7", label, namespace="other")
    closed = render().all("NetworkPolicy")
    opened = render(VALUE_SETS["network policies opened"]).all("NetworkPolicy")
    assert allows(closed, near, hub, 8081) and not allows(closed, far, hub, 8081)
    assert allows(opened, far, hub, 8081)


def test_each_refusal_is_the_policys_doing(hub: Endpoint) -> None:
    """A check that passes without any policy would prove nothing."""
    none = render(VALUE_SETS["network policies off"]).all("NetworkPolicy")
    assert not none
    for target, port in (
        (OTHER_USER, 8888),
        (KUBERNETES_API, 443),
        (DATABASE, 5432),
        (Endpoint("169.254.169.254"), 80),
    ):
        assert allows(none, USER, target, port)


def test_what_an_admin_opens_is_open_and_what_is_blocked_is_not() -> None:
    opened = render(VALUE_SETS["network policies opened"]).all("NetworkPolicy")
    assert allows(opened, USER, KUBERNETES_API, 443)
    assert allows(opened, USER, Endpoint("169.254.169.254"), 80)
    assert not allows(opened, USER, Endpoint("169.254.170.2"), 80)
    assert allows(opened, USER, Endpoint("10.1.0.40", {"app": "minio"}), 9000)
    assert not allows(opened, USER, Endpoint("203.0.113.10"), 443)
    assert not allows(opened, USER, Endpoint("2001:db8::1"), 443)
    assert allows(opened, USER, Endpoint("203.0.113.11"), 443)


def test_only_the_hub_reaches_its_database(hub: Endpoint) -> None:
    policies = render(VALUE_SETS["postgres with an existing secret"]).all("NetworkPolicy")
    assert allows(policies, hub, DATABASE, 5432)
    assert not allows(policies, STRANGER, DATABASE, 5432)
    assert not allows(policies, USER, DATABASE, 5432)
    assert not allows(policies, hub, DATABASE, 22)


def test_a_machine_reaches_its_data_and_nothing_beside_them() -> None:
    values = VALUE_SETS["data inside the cluster"]
    policies, closed = render(values).all("NetworkPolicy"), render().all("NetworkPolicy")
    store, hive = Endpoint("10.1.0.40", {"app": "minio"}), Endpoint("10.3.0.9", {"app": "hms"}, namespace="storage")
    for target, port in ((store, 9000), (hive, 9083), (Endpoint("10.0.0.7"), 5432)):
        assert allows(policies, USER, target, port)
        assert not allows(closed, USER, target, port)
        assert not allows(policies, USER, target, 22)
    assert not allows(policies, USER, Endpoint("10.3.0.9", {"app": "hms"}, namespace="other"), 9083)
    assert not allows(policies, USER, Endpoint("10.3.0.10", {"app": "cronjob"}, namespace="storage"), 9083)
    assert not allows(policies, USER, Endpoint("10.0.0.8"), 5432)
