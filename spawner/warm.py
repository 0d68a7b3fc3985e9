"""Placeholders: pods of the lowest priority that make an autoscaler add a node, and give way to a person's server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from profiles.frozen import thaw
from profiles.plan import MachinePlan
from spawner.cluster import POD, Cluster, Json, Select
from spawner.manifest import toleration_json
from spawner.names import label_value
from spawner.retry import AlreadyThere, NotFound

LABEL = "remuda.dev/warms"
#: Not that of people's servers: nobody counts, bills or sweeps these.
COMPONENT = "user-placeholder"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """What placeholders run, and below what they stand. Without a priority class they would keep people out."""

    image: str
    priority_class: str
    pull_secrets: Sequence[str] = ()


def name_of(reservation: str) -> str:
    return f"warm-{label_value(reservation)[:40].lower().strip('-._')}"


def placeholder_pod(reservation: str, plan: MachinePlan, what: Placeholder) -> Json:
    """PURE. It reserves what the machine does, in the machine's pool, as Pod Security `restricted` allows it."""
    requests = {"cpu": str(plan.cpu.request), "memory": str(plan.memory.request)}
    devices = {name: str(count) for name, count in plan.extended_resources.items() if count}
    pool = plan.pool
    spec: dict[str, Any] = {
        "priorityClassName": what.priority_class,
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Always",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65535,
            "runAsGroup": 65535,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "pause",
                "image": what.image,
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "resources": {"requests": {**requests, **devices}, **({"limits": devices} if devices else {})},
            }
        ],
    }
    if pool.node_selector:
        spec["nodeSelector"] = dict(pool.node_selector)
    if pool.tolerations:
        spec["tolerations"] = [toleration_json(each) for each in pool.tolerations]
    if pool.affinity:
        spec["affinity"] = thaw(pool.affinity)
    if pool.runtime_class:
        spec["runtimeClassName"] = pool.runtime_class
    if what.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in what.pull_secrets]
    metadata = {"name": name_of(reservation), "labels": {"component": COMPONENT, LABEL: label_value(reservation)}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def compared(pods: Iterable[Mapping[str, Any]], wanted: Mapping[str, Json]) -> tuple[list[Json], list[str]]:
    """PURE. What to create and, by name, what to delete: one that has ended, as when it gave way, is made anew once it
    is gone."""
    there = {str(pod["metadata"]["name"]): pod for pod in pods}
    names = {str(body["metadata"]["name"]) for body in wanted.values()}
    over = [name for name, pod in there.items() if name not in names or _is_over(pod)]
    return [body for body in wanted.values() if body["metadata"]["name"] not in there], sorted(over)


def _is_over(pod: Mapping[str, Any]) -> bool:
    return (pod.get("status") or {}).get("phase") in {"Failed", "Succeeded"}


async def keep_warm(cluster: Cluster, namespace: str, wanted: Mapping[str, Json]) -> None:
    """One look. Raises `retry.ClusterError`; the next look tries again."""
    listed = await cluster.list(POD, namespace, Select(labels=LABEL))
    create, delete = compared(listed.get("items") or (), wanted)
    for name in delete:
        with suppress(NotFound):
            await cluster.delete(POD, namespace, name, grace_s=0)
    for body in create:
        with suppress(AlreadyThere):  # another Hub was quicker
            await cluster.create(POD, namespace, body)
