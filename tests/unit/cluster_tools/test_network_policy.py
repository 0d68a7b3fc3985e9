"""What the renderer lets through, decided by reading its rules back: each case is a policy, two pods and an answer."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import pytest

from tools.cluster.network_policy import EGRESS, INGRESS, Snapshot, allow_rules, matches, policies_of, render, types_of


def pod(name: str, namespace: str, ip: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "main", "ports": spec.pop("ports", [])}]
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "spec": {"nodeName": "one", "containers": containers, **spec},
        "status": {"podIP": ip, "phase": "Running"},
    }


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, **labels}}}


def policy(name: str = "p", namespace: str = "users", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"podSelector": {}, **spec}}


HUB = pod("hub", "hub", "10.244.0.2", {"app": "hub"}, ports=[{"name": "api", "containerPort": 8081}])
ADA = pod(
    "ada",
    "users",
    "10.244.1.5",
    {"component": "singleuser-server"},
    ports=[{"name": "notebook", "containerPort": 8888, "protocol": "TCP"}],
)
BEA = pod("bea", "users", "10.244.2.6", {"component": "singleuser-server", "team": "blue"})
NAMESPACES = [namespace("hub", role="hub"), namespace("users")]


def snapshot(*policies: dict[str, Any], pods: tuple[dict[str, Any], ...] = (HUB, ADA, BEA)) -> Snapshot:
    return Snapshot.of(pods, NAMESPACES, policies)


def address_fits(rule: str, field: str, ip: str) -> bool:
    """Every `ip FIELD …` match of the rule holds for the address."""
    for negated, several, one in re.findall(rf"ip {field} (!= )?(?:\{{ (.*?) \}}|(\S+))", rule):
        blocks = [ipaddress.ip_network(each) for each in (several or one).split(", ")]
        if any(ipaddress.ip_address(ip) in block for block in blocks) == bool(negated):
            return False
    return True


def port_fits(rule: str, port: int, protocol: str) -> bool:
    if any_port := re.search(r"meta l4proto (\w+)", rule):
        return any_port[1] == protocol
    found = re.search(r"(tcp|udp|sctp) dport (\d+)(?:-(\d+))?", rule)
    if found is None:
        return True
    return found[1] == protocol and int(found[2]) <= port <= int(found[3] or found[2])


def allowed(seen: Snapshot, source: str, target: str, port: int, protocol: str = "tcp") -> bool:
    """Whether a new connection passes both the source's egress and the target's ingress."""
    for ip, direction in ((source, EGRESS), (target, INGRESS)):
        for each in (p for p in seen.pods if p.ip == ip):
            policies = policies_of(seen, each, direction)
            rules = [rule for one in policies for rule in allow_rules(seen, one, direction, each)]
            if policies and not any(
                address_fits(rule, "saddr", source)
                and address_fits(rule, "daddr", target)
                and port_fits(rule, port, protocol)
                for rule in rules
            ):
                return False
    return True


HUB_IP, ADA_IP, BEA_IP, OUTSIDE = "10.244.0.2", "10.244.1.5", "10.244.2.6", "93.184.216.34"
BLUE = {"podSelector": {"matchLabels": {"team": "blue"}}}
FROM_HUB = {"namespaceSelector": {"matchLabels": {"role": "hub"}}, "podSelector": {"matchLabels": {"app": "hub"}}}
NOT_PRIVATE = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "169.254.0.0/16"]}}

NAMED_PORT = policy(ingress=[{"ports": [{"port": "notebook"}]}])
PORT_RANGE = policy(ingress=[{"ports": [{"port": 8000, "endPort": 8999}]}])
TO_HUB = policy(egress=[{"to": [FROM_HUB], "ports": [{"port": "api"}]}], policyTypes=["Egress"])


@pytest.mark.parametrize(
    ("why", "policies", "source", "target", "port", "answer"),
    [
        ("no policy, no limit", [], BEA_IP, ADA_IP, 22, True),
        ("selected and no rule: closed", [policy(policyTypes=["Ingress"])], BEA_IP, ADA_IP, 8888, False),
        ("ingress alone leaves egress open", [policy(policyTypes=["Ingress"])], ADA_IP, OUTSIDE, 443, True),
        ("a policy of another namespace", [policy(namespace="hub", policyTypes=["Ingress"])], BEA_IP, ADA_IP, 1, True),
        ("an empty rule lets all in", [policy(ingress=[{}])], OUTSIDE, ADA_IP, 8888, True),
        ("own namespace by default", [policy(ingress=[{"from": [BLUE]}])], BEA_IP, ADA_IP, 8888, True),
        ("not another namespace's", [policy(ingress=[{"from": [BLUE]}])], HUB_IP, ADA_IP, 8888, False),
        ("namespace and pod together", [policy(ingress=[{"from": [FROM_HUB]}])], HUB_IP, ADA_IP, 8888, True),
        ("any of that namespace", [policy(ingress=[{"from": [{"namespaceSelector": {}}]}])], HUB_IP, ADA_IP, 1, True),
        ("a peer that nobody is", [policy(ingress=[{"from": [{"podSelector": {"matchLabels": {"x": "y"}}}]}])],
         BEA_IP, ADA_IP, 8888, False),
        ("a named port is the target's", [NAMED_PORT], BEA_IP, ADA_IP, 8888, True),
        ("and no other", [NAMED_PORT], BEA_IP, ADA_IP, 8889, False),
        ("not where it has no name", [NAMED_PORT], ADA_IP, BEA_IP, 8888, False),
        ("a range of ports", [PORT_RANGE], BEA_IP, ADA_IP, 8888, True),
        ("past its end", [PORT_RANGE], BEA_IP, ADA_IP, 9000, False),
        ("egress to a named port of a peer",
         [TO_HUB],
         ADA_IP, HUB_IP, 8081, True),
        ("of that peer alone", [TO_HUB],
         ADA_IP, BEA_IP, 8081, False),
        ("a named port of any peer", [policy(egress=[{"ports": [{"port": "api"}]}])], ADA_IP, HUB_IP, 8081, True),
        ("out to the internet", [policy(egress=[{"to": [NOT_PRIVATE]}])], ADA_IP, OUTSIDE, 443, True),
        ("but not to metadata", [policy(egress=[{"to": [NOT_PRIVATE]}])], ADA_IP, "169.254.169.254", 80, False),
        ("nor to others' pods", [policy(egress=[{"to": [NOT_PRIVATE]}])], ADA_IP, BEA_IP, 8888, False),
        ("policies add up", [policy("a", policyTypes=["Ingress"]), policy("b", ingress=[{"from": [BLUE]}])],
         BEA_IP, ADA_IP, 1, True),
        ("the target's side counts too", [policy(egress=[{}]), policy("b", "hub", policyTypes=["Ingress"])],
         ADA_IP, HUB_IP, 8081, False),
        ("IPv6 blocks do not concern IPv4", [policy(egress=[{"to": [{"ipBlock": {"cidr": "::/0"}}]}])],
         ADA_IP, OUTSIDE, 443, False),
    ],
)  # fmt: skip
def test_who_reaches_whom(
    *, why: str, policies: list[dict[str, Any]], source: str, target: str, port: int, answer: bool
) -> None:
    assert allowed(snapshot(*policies), source, target, port) is answer, why


def test_protocols_are_told_apart() -> None:
    dns = snapshot(policy(egress=[{"ports": [{"port": 53, "protocol": "UDP"}]}]))
    assert allowed(dns, ADA_IP, HUB_IP, 53, "udp")
    assert not allowed(dns, ADA_IP, HUB_IP, 53, "tcp")
    any_udp = snapshot(policy(egress=[{"ports": [{"protocol": "UDP"}]}]))
    assert allowed(any_udp, ADA_IP, HUB_IP, 7, "udp")
    assert not allowed(any_udp, ADA_IP, HUB_IP, 7, "tcp")


@pytest.mark.parametrize(
    ("selector", "answer"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "1", "b": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
        ({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
    ],
)
def test_label_selectors(selector: dict[str, Any] | None, answer: bool) -> None:
    assert matches(selector, {"a": "1"}) is answer


def test_directions_follow_the_rules_where_no_type_is_given() -> None:
    assert types_of(policy(ingress=[])) == (INGRESS,)
    assert types_of(policy(egress=[{}])) == (INGRESS, EGRESS)
    assert types_of(policy(policyTypes=["Egress"])) == (EGRESS,)


@pytest.mark.parametrize(
    "left_out",
    [
        {"status": {"podIP": "172.18.0.2", "phase": "Running"}, "spec": {"hostNetwork": True, "containers": []}},
        {"status": {"podIP": "10.244.9.9", "phase": "Succeeded"}},
        {"status": {"phase": "Pending"}},
    ],
)
def test_pods_without_an_address_of_their_own_are_left_alone(left_out: dict[str, Any]) -> None:
    other = {**pod("x", "users", "unused"), **left_out}
    assert [each.name for each in snapshot(pods=(ADA, other)).pods] == ["ada"]


def test_a_node_gets_the_chains_of_its_own_pods_only() -> None:
    elsewhere = {**BEA, "spec": {**BEA["spec"], "nodeName": "two"}}
    seen = snapshot(policy(policyTypes=["Ingress", "Egress"]), pods=(ADA, elsewhere))
    one, two = render(seen, "one"), render(seen, "two")
    assert f"{ADA_IP} : jump" in one and f"{BEA_IP} : jump" not in one
    assert f"{BEA_IP} : jump" in two and f"{ADA_IP} : jump" not in two


def test_rules_replace_the_whole_table_at_once_and_are_stable() -> None:
    first, second = policy("a", policyTypes=["Ingress"]), policy("b", egress=[{"to": [BLUE]}])
    text = render(snapshot(first, second), "one")
    assert text.splitlines()[:3] == [
        "table inet remuda_policies",
        "delete table inet remuda_policies",
        "table inet remuda_policies {",
    ]
    assert text == render(Snapshot.of([BEA, ADA, HUB], NAMESPACES, [second, first]), "one"), (
        "order of lists must not matter"
    )
    assert text.count("{") == text.count("}")


def test_a_pod_is_held_back_from_its_own_node_as_well() -> None:
    """The API server and 169.254.169.254 may be on the pod's own node: that is the input hook, not forward."""
    text = render(snapshot(policy(egress=[{"to": [NOT_PRIVATE]}], policyTypes=["Egress"])), "one")
    hook = text[text.index("chain input") :]
    assert f"ip saddr vmap {{ {ADA_IP} : jump" in hook
