"""PURE: could this machine ever start, given the cluster's nodes? Says no within milliseconds, with the numbers.

A "no" is only given where waiting cannot help: nodes that are cordoned, not ready or in use still count as large as
they are, since they may come back. Where the nodes cannot be seen (no permission, an empty list) nothing is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from profiles.model import NodeSize, Pool
from profiles.plan import MachinePlan
from profiles.refusal import Reason, Refusal
from spawner.affinity import matches_terms, node_satisfies
from spawner.explain.kube import condition, is_true, items, section, text
from spawner.resources import amount, in_words

Node = Mapping[str, Any]
Amounts = dict[str, Decimal]
#: Taints that come and go with a node's health: they do not make it another pool's.
PASSING_TAINTS = "node.kubernetes.io/"
ZONE_KEYS = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
_ANY = Decimal("Infinity")
_HOST_KEY = "kubernetes.io/hostname"
_ENDED = frozenset({"Succeeded", "Failed"})


def check(plan: MachinePlan, nodes: Sequence[Node]) -> Refusal | None:
    """None when the machine fits, or may fit, on some node of its pool."""
    pool = plan.pool
    if not nodes:
        return None
    mine = pool_nodes(pool, nodes)
    if not mine and pool.autoscaled is None:
        return Refusal(
            Reason.NEVER_FITS,
            f"There are no machines in pool {_name(plan)} at the moment, and none is added by itself.",
            "Choose a machine of another pool, or ask an administrator to add one.",
        )
    wanted = requests(plan)
    sizes = [_size(node) for node in mine]
    if pool.autoscaled is not None:
        if pool.autoscaled.largest_node is None:
            return None
        sizes.append(_largest_added(pool.autoscaled.largest_node))
    if any(_fits(wanted, size) for size in sizes):
        return None
    return _too_large(plan, wanted, sizes, sum(1 for node in mine if not usable(node)))


def requests(plan: MachinePlan) -> Amounts:
    """What the scheduler must find free on one node: cores, bytes and counts."""
    return {
        "cpu": Decimal(plan.cpu.request.millicores) / 1000,
        "memory": Decimal(plan.memory.request.bytes),
        **{name: Decimal(count) for name, count in plan.extended_resources.items() if count},
    }


def pool_nodes(pool: Pool, nodes: Iterable[Node]) -> list[Node]:
    """The nodes that the pool's selector, affinity and tolerations allow; out of service or not."""
    return [
        node
        for node in nodes
        if _selected(node, pool.node_selector) and node_satisfies(node, pool.affinity) and _tolerated(node, pool)
    ]


def usable(node: Node) -> bool:
    """Ready, and not cordoned."""
    return is_true(condition(node, "Ready")) and not section(node, "spec").get("unschedulable")


def _selected(node: Node, selector: Mapping[str, str]) -> bool:
    labels = section(node, "metadata", "labels")
    return all(labels.get(key) == value for key, value in selector.items())


def _tolerated(node: Node, pool: Pool) -> bool:
    taints = [taint for taint in items(node, "spec", "taints") if taint.get("effect") in {"NoSchedule", "NoExecute"}]
    return all(
        text(taint, "key").startswith(PASSING_TAINTS) or any(_tolerates(each, taint) for each in pool.tolerations)
        for taint in taints
    )


def _tolerates(toleration: Any, taint: Mapping[str, Any]) -> bool:
    if toleration.effect and toleration.effect != taint.get("effect"):
        return False
    if toleration.key and toleration.key != taint.get("key"):
        return False
    if (toleration.operator or "Equal") == "Exists":
        return True
    return bool(toleration.key) and (toleration.value or "") == (taint.get("value") or "")


def _size(node: Node) -> Amounts:
    """Allocatable; for devices the capacity where it is larger, as an unhealthy one may come back."""
    allocatable, capacity = section(node, "status", "allocatable"), section(node, "status", "capacity")
    size = {name: amount(value) for name, value in allocatable.items()}
    for name, value in capacity.items():
        if "/" in name:
            size[name] = max(size.get(name, Decimal(0)), amount(value))
    return size


def _largest_added(largest: NodeSize) -> Amounts:
    """The largest node that the autoscaler adds, as the pool declares it; what is not declared is not judged."""
    return {
        "cpu": _ANY if largest.cpu is None else Decimal(largest.cpu.millicores) / 1000,
        "memory": _ANY if largest.memory is None else Decimal(largest.memory.bytes),
        **{name: Decimal(count) for name, count in largest.extended_resources.items()},
    }


def _fits(wanted: Amounts, size: Amounts) -> bool:
    return all(_holds(size, name, needed) for name, needed in wanted.items())


def _holds(size: Amounts, name: str, needed: Decimal) -> bool:
    return needed <= size.get(name, Decimal(0))


def _too_large(plan: MachinePlan, wanted: Amounts, sizes: Sequence[Amounts], out_of_service: int) -> Refusal:
    # The scarce thing first: a person asked for 99 GPUs, not for their cores.
    order = sorted(wanted, key=lambda name: ("/" not in name, name))
    short = [name for name in order if not any(_holds(size, name, wanted[name]) for size in sizes)]
    note = f" ({out_of_service} of its machines out of service, counted too)" if out_of_service else ""
    if not short:
        together = " and ".join(in_words(name, wanted[name]) for name in order)
        return Refusal(
            Reason.NEVER_FITS,
            f"You asked for {together}; no single machine in pool {_name(plan)} has all of that{note}.",
            "Choose less of one of them, or another machine.",
        )
    name = short[0]
    most = max((size.get(name, Decimal(0)) for size in sizes), default=Decimal(0))
    has = f"has {_bare_number(name, most)}" if most else "has none"
    return Refusal(
        Reason.NEVER_FITS,
        f"You asked for {in_words(name, wanted[name])}; the largest machine in pool {_name(plan)} {has}{note}.",
        f"Choose {_bare_number(name, most)} or fewer, or another machine."
        if "/" in name and most
        else "Choose a smaller machine.",
    )


def _bare_number(name: str, value: Decimal) -> str:
    """ "4", "3.9", "15.5 GiB": the noun was said before."""
    words = in_words(name, value)
    return words.partition(" of ")[0] if name == "memory" else words.partition(" ")[0]


def _name(plan: MachinePlan) -> str:
    return plan.pool.display_name or plan.pool_id


# Zones


def zone_reachable(volume: Mapping[str, Any] | None, nodes: Sequence[Node], plan: MachinePlan) -> Refusal | None:
    """None when the home's PersistentVolume can be used from some node of the plan's pool, or it cannot be told."""
    required = section(volume, "spec", "nodeAffinity", "required")
    terms = items(required, "nodeSelectorTerms")
    if not terms or not nodes:
        return None
    mine = pool_nodes(plan.pool, nodes)
    if any(matches_terms(node, terms) for node in mine):
        return None
    if plan.pool.autoscaled is not None and _may_be_added_there(plan.pool.zones, terms):
        return None
    if not mine and plan.pool.autoscaled is None:
        return None  # an empty pool is another trouble, and `check` tells it
    return _unreachable(plan, terms, mine)


def _may_be_added_there(zones: Sequence[str], terms: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a node in one of the pool's declared zones would do; no zones declared: any."""
    wanted = _values(terms, ZONE_KEYS)
    if _values(terms, (_HOST_KEY,)):
        return False  # a disk of one host: no new node is that host
    return not zones or not wanted or bool(set(zones) & set(wanted))


def _values(terms: Iterable[Mapping[str, Any]], keys: Sequence[str]) -> list[str]:
    return [
        str(value)
        for term in terms
        for each in (*items(term, "matchExpressions"), *items(term, "matchFields"))
        if each.get("key") in keys and each.get("operator") == "In"
        for value in each.get("values") or ()
    ]


def _unreachable(plan: MachinePlan, terms: Sequence[Mapping[str, Any]], mine: Sequence[Node]) -> Refusal:
    remedy = "Choose a machine of another pool, or ask an administrator to move your home."
    zones, hosts = _values(terms, ZONE_KEYS), _values(terms, (_HOST_KEY,))
    if hosts:
        sentence = f"Your home disk is on node {_listed(hosts)}, which is not in pool {_name(plan)}."
    elif zones:
        there = sorted({zone for node in mine if (zone := node_zone(node))} or set(plan.pool.zones))
        only = f"has machines only in {_listed(there)}" if there else "has no machines there"
        sentence = f"Your home disk is in zone {_listed(zones)}, but pool {_name(plan)} {only}."
    else:
        sentence = f"Your home disk cannot be reached from any machine in pool {_name(plan)}."
    return Refusal(Reason.HOME_UNREACHABLE, sentence, remedy)


def node_zone(node: Node) -> str:
    labels = section(node, "metadata", "labels")
    return next((str(labels[key]) for key in ZONE_KEYS if labels.get(key)), "")


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


# What is free


@dataclass(frozen=True, slots=True)
class PoolRoom:
    """A pool at a glance. Amounts are cores, bytes and counts; `free` is over nodes in service only."""

    total: int  # nodes of the pool
    usable: int  # of them ready and not cordoned
    cordoned: int
    not_ready: int
    allocatable: Mapping[str, Decimal]
    used: Mapping[str, Decimal]
    free: Mapping[str, Decimal]
    free_by_node: Mapping[str, Mapping[str, Decimal]]

    def places_for(self, plan: MachinePlan) -> int:
        """How many machines like this could start now. Other constraints (taints, disks) are not looked at."""
        wanted = requests(plan)
        return sum(_times(wanted, free) for free in self.free_by_node.values())


def free_in_pool(pool: Pool, nodes: Iterable[Node], pods: Iterable[Mapping[str, Any]]) -> PoolRoom:
    """Requests of all pods on the pool's nodes (any namespace given) against what the nodes can give."""
    mine = pool_nodes(pool, nodes)
    used: dict[str, Amounts] = {text(node, "metadata", "name"): {} for node in mine}
    for pod in pods:
        on_node = used.get(text(pod, "spec", "nodeName"))
        if on_node is not None and text(pod, "status", "phase") not in _ENDED:
            _add(on_node, pod_requests(pod) | {"pods": Decimal(1)})
    by_node: dict[str, Amounts] = {}
    allocatable: Amounts = {}
    for node in mine:
        name, gives = text(node, "metadata", "name"), _amounts(section(node, "status", "allocatable"))
        _add(allocatable, gives)
        if usable(node):
            by_node[name] = {
                each: max(Decimal(0), there - used[name].get(each, Decimal(0))) for each, there in gives.items()
            }
    total_used: Amounts = {}
    free: Amounts = {}
    for amounts in used.values():
        _add(total_used, amounts)
    for amounts in by_node.values():
        _add(free, amounts)
    return PoolRoom(
        total=len(mine),
        usable=len(by_node),
        cordoned=sum(1 for node in mine if section(node, "spec").get("unschedulable")),
        not_ready=sum(1 for node in mine if not is_true(condition(node, "Ready"))),
        allocatable=allocatable,
        used=total_used,
        free=free,
        free_by_node=by_node,
    )


def pod_requests(pod: Mapping[str, Any]) -> Amounts:
    """What the scheduler counts: the containers together or the largest init container, and the overhead."""
    together: Amounts = {}
    for container in items(pod, "spec", "containers"):
        _add(together, _requested(container))
    for container in items(pod, "spec", "initContainers"):
        first = _requested(container)
        if container.get("restartPolicy") == "Always":  # a sidecar stays
            _add(together, first)
        else:
            together |= {name: max(needed, together.get(name, Decimal(0))) for name, needed in first.items()}
    _add(together, _amounts(section(pod, "spec", "overhead")))
    return together


def _requested(container: Mapping[str, Any]) -> Amounts:
    """A limit without a request is one (the API server writes it so; a pod not made yet may lack it)."""
    resources = section(container, "resources")
    return _amounts(section(resources, "limits")) | _amounts(section(resources, "requests"))


def _amounts(listed: Mapping[str, Any]) -> Amounts:
    return {name: amount(value) for name, value in listed.items()}


def _add(sums: Amounts, more: Mapping[str, Decimal]) -> None:
    for name, value in more.items():
        sums[name] = sums.get(name, Decimal(0)) + value


def _times(wanted: Amounts, free: Mapping[str, Decimal]) -> int:
    counts = [int(free.get(name, Decimal(0)) // needed) for name, needed in wanted.items() if needed > 0]
    return min([*counts, int(free.get("pods", Decimal(110)))])


__all__ = ["PoolRoom", "check", "free_in_pool", "node_zone", "pod_requests", "pool_nodes", "zone_reachable"]
