"""PURE: Kubernetes NetworkPolicies (networking.k8s.io/v1, IPv4) as one nftables table for each node.

For a CNI that does not enforce policies itself. All of the API is covered: selectors with expressions, namespace and
pod selectors together, ipBlock with except, named ports, endPort, and the union of all policies that select a pod.
`policy_enforcer` loads what `render` returns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TABLE = "remuda_policies"
INGRESS, EGRESS = "in", "out"
ALL_IPV4 = "0.0.0.0/0"
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """What policies need to know of a pod; `ports` are its named ports as (name, protocol) to number."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    node: str
    ip: str
    ports: Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Snapshot:
    """One moment of the cluster; host-network and finished pods are not in it, as policies do not concern them."""

    pods: tuple[Pod, ...]
    namespaces: Mapping[str, Mapping[str, str]]
    policies: tuple[Document, ...]

    @classmethod
    def of(cls, pods: Iterable[Document], namespaces: Iterable[Document], policies: Iterable[Document]) -> Snapshot:
        """From the API's own JSON."""
        seen = (pod_of(document) for document in pods)
        return cls(
            tuple(sorted((pod for pod in seen if pod is not None), key=lambda pod: (pod.namespace, pod.name))),
            {each["metadata"]["name"]: each["metadata"].get("labels") or {} for each in namespaces},
            tuple(sorted(policies, key=lambda each: (each["metadata"]["namespace"], each["metadata"]["name"]))),
        )


def pod_of(document: Document) -> Pod | None:
    """None for a pod without an address of its own: not yet started, finished, or on the node's network."""
    status, spec = document.get("status") or {}, document["spec"]
    ip = status.get("podIP")
    if not ip or ":" in ip or spec.get("hostNetwork") or status.get("phase") in {"Succeeded", "Failed"}:
        return None
    containers = [*spec["containers"], *(spec.get("initContainers") or [])]
    ports = [port for container in containers for port in container.get("ports") or [] if port.get("name")]
    return Pod(
        namespace=document["metadata"]["namespace"],
        name=document["metadata"]["name"],
        labels=document["metadata"].get("labels") or {},
        node=spec.get("nodeName", ""),
        ip=ip,
        ports={(port["name"], port.get("protocol", "TCP")): port["containerPort"] for port in ports},
    )


def matches(selector: Document | None, labels: Mapping[str, str]) -> bool:
    """Kubernetes' label selector: None selects nothing, an empty one everything."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression_holds(each, labels) for each in selector.get("matchExpressions") or [])


def _expression_holds(expression: Document, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or []
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


def types_of(policy: Document) -> tuple[str, ...]:
    """Directions a policy is about; without policyTypes it is ingress, and egress when it has egress rules."""
    given = policy["spec"].get("policyTypes")
    if not given:
        given = ["Ingress", "Egress"] if policy["spec"].get("egress") else ["Ingress"]
    return tuple({"Ingress": INGRESS, "Egress": EGRESS}[each] for each in given)


def render(snapshot: Snapshot, node: str) -> str:
    """Input for `nft -f -` that replaces the node's whole table in one transaction."""
    chains: list[str] = []
    jumps: dict[str, list[str]] = {INGRESS: [], EGRESS: []}
    for pod in snapshot.pods:
        if pod.node != node:
            continue
        for direction in (INGRESS, EGRESS):
            policies = policies_of(snapshot, pod, direction)
            if not policies:
                continue
            chain = f"{direction}_{hashlib.sha256(f'{pod.namespace}/{pod.name}'.encode()).hexdigest()[:12]}"
            allowed = [rule for policy in policies for rule in allow_rules(snapshot, policy, direction, pod)]
            lines = "".join(f"    {rule} return\n" for rule in dict.fromkeys(allowed))
            chains.append(f"  chain {chain} {{ # {pod.namespace}/{pod.name}\n{lines}    counter drop\n  }}\n")
            jumps[direction].append(f"{pod.ip} : jump {chain}")
    forwarded = _dispatch("saddr", jumps[EGRESS]) + _dispatch("daddr", jumps[INGRESS])
    return (
        f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{''.join(chains)}"
        f"{_hook('forward', forwarded)}"
        # From a pod to its own node: the API server there, or an address such as 169.254.169.254 on it.
        f"{_hook('input', _dispatch('saddr', jumps[EGRESS]))}}}\n"
    )


def policies_of(snapshot: Snapshot, pod: Pod, direction: str) -> tuple[Document, ...]:
    return tuple(
        policy
        for policy in snapshot.policies
        if policy["metadata"]["namespace"] == pod.namespace
        and direction in types_of(policy)
        and matches(policy["spec"].get("podSelector") or {}, pod.labels)
    )


def allow_rules(snapshot: Snapshot, policy: Document, direction: str, pod: Pod) -> Iterator[str]:
    """nft matches of what the policy lets through from (or to) `pod`; an empty match lets everything through."""
    rules, peers, address = ("ingress", "from", "saddr") if direction == INGRESS else ("egress", "to", "daddr")
    for rule in policy["spec"].get(rules) or []:
        ports = rule.get("ports") or []
        # A named port is the destination's: of this pod for ingress, of each peer for egress.
        target = pod if direction == INGRESS else None
        if not rule.get(peers):
            yield from _ports(ports, target)
            if target is None:
                yield from _named_ports(ports, snapshot.pods)
            continue
        for peer in rule[peers]:
            if block := peer.get("ipBlock"):
                yield from (
                    f"{_block(block, address)}{port}".strip() for port in _ports(ports, target) if _is_ipv4(block)
                )
                continue
            selected = tuple(peer_pods(snapshot, peer, policy["metadata"]["namespace"]))
            if not selected:
                continue
            addresses = ", ".join(sorted({each.ip for each in selected}))
            yield from (f"ip {address} {{ {addresses} }} {port}".strip() for port in _ports(ports, target))
            if target is None:
                yield from _named_ports(ports, selected)


def peer_pods(snapshot: Snapshot, peer: Document, namespace: str) -> Iterator[Pod]:
    """Without a namespace selector a peer is of the policy's own namespace; without a pod selector, any pod there."""
    for pod in snapshot.pods:
        if "namespaceSelector" in peer:
            if not matches(peer["namespaceSelector"] or {}, snapshot.namespaces.get(pod.namespace, {})):
                continue
        elif pod.namespace != namespace:
            continue
        if "podSelector" not in peer or matches(peer["podSelector"] or {}, pod.labels):
            yield pod


def _ports(ports: Sequence[Document], target: Pod | None) -> Iterator[str]:
    """One match for each port; named ones only when the pod they belong to is known."""
    if not ports:
        yield ""
    for port in ports:
        protocol, number = port.get("protocol", "TCP"), port.get("port")
        if number is None:
            yield f"meta l4proto {protocol.lower()}"
        elif isinstance(number, int):
            end = port.get("endPort")
            yield f"{protocol.lower()} dport {number}{f'-{end}' if end else ''}"
        elif target is not None and (number, protocol) in target.ports:
            yield f"{protocol.lower()} dport {target.ports[number, protocol]}"


def _named_ports(ports: Sequence[Document], peers: Iterable[Pod]) -> Iterator[str]:
    named = [(port["port"], port.get("protocol", "TCP")) for port in ports if isinstance(port.get("port"), str)]
    for peer in peers if named else ():
        for name, protocol in named:
            if (name, protocol) in peer.ports:
                yield f"ip daddr {peer.ip} {protocol.lower()} dport {peer.ports[name, protocol]}"


def _is_ipv4(block: Document) -> bool:
    return ":" not in block["cidr"]


def _block(block: Document, address: str) -> str:
    inside = "meta nfproto ipv4 " if block["cidr"] == ALL_IPV4 else f"ip {address} {block['cidr']} "
    if block.get("except"):
        inside += f"ip {address} != {{ {', '.join(block['except'])} }} "
    return inside


def _dispatch(address: str, jumps: Sequence[str]) -> str:
    return f"    ip {address} vmap {{ {', '.join(jumps)} }}\n" if jumps else ""


def _hook(name: str, dispatch: str) -> str:
    return (
        f"  chain {name} {{\n    type filter hook {name} priority -5; policy accept;\n"
        f"    ct state established,related accept\n{dispatch}  }}\n"
    )
