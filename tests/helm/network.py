"""What NetworkPolicies let through, by the rules of Kubernetes: enough to ask "may this pod reach that one?"."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """A pod (with labels), or an address outside (with none)."""

    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = "corral"
    ports: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_pod(self) -> bool:
        return bool(self.labels)


@dataclass(frozen=True)
class Connection:
    source: Endpoint
    target: Endpoint
    port: int
    protocol: str


def allows(policies: Iterable[Manifest], source: Endpoint, target: Endpoint, port: int, protocol: str = "TCP") -> bool:
    """Both ends must agree: the source's egress and the target's ingress."""
    found, wanted = list(policies), Connection(source, target, port, protocol)
    return _side(found, "Egress", wanted) and _side(found, "Ingress", wanted)


def _side(policies: list[Manifest], kind: str, wanted: Connection) -> bool:
    own, other = (wanted.source, wanted.target) if kind == "Egress" else (wanted.target, wanted.source)
    if not own.is_pod or own.namespace != "corral":
        return True
    applying = [
        policy["spec"]
        for policy in policies
        if kind in policy["spec"]["policyTypes"] and _selects(policy["spec"]["podSelector"], own.labels)
    ]
    if not applying:
        return True
    rules = [rule for spec in applying for rule in spec.get(kind.lower()) or []]
    peers = {"Ingress": "from", "Egress": "to"}[kind]
    return any(_peer(rule.get(peers), other) and _port(rule.get("ports"), wanted) for rule in rules)


def _selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}, "this test reads matchLabels only"
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())


def _peer(peers: list[Manifest] | None, other: Endpoint) -> bool:
    return not peers or any(_one_peer(peer, other) for peer in peers)


def _one_peer(peer: Manifest, other: Endpoint) -> bool:
    if "ipBlock" in peer:
        address = ipaddress.ip_address(other.address)
        network = ipaddress.ip_network(peer["ipBlock"]["cidr"])
        if address.version != network.version or address not in network:
            return False
        excepted = [ipaddress.ip_network(cidr) for cidr in peer["ipBlock"].get("except", [])]
        return not any(address in block for block in excepted)
    if not other.is_pod:
        return False
    if "namespaceSelector" in peer:
        if not _selects(peer["namespaceSelector"] or {}, {"kubernetes.io/metadata.name": other.namespace}):
            return False
    elif other.namespace != "corral":
        return False
    return _selects(peer.get("podSelector") or {}, other.labels)


def _port(ports: list[Manifest] | None, wanted: Connection) -> bool:
    if not ports:
        return True
    return any(
        entry.get("protocol", "TCP") == wanted.protocol
        and (wanted.target.ports.get(entry["port"]) if isinstance(entry["port"], str) else entry["port"]) == wanted.port
        for entry in ports
    )
