"""PURE: a `MachinePlan` and a `HomePolicy` put onto the pod manifest that KubeSpawner made.

`pod_patch` takes KubeSpawner's own manifest as JSON (`ApiClient.sanitize_for_serialization(await get_pod_manifest())`)
and returns a new one; `WorkbenchSpawner` sends it. Nothing that comes in is changed, and applying it twice gives the
same pod, so an adopted start and a retried create agree.

Who wins where
--------------
- resources, image, node selector: the plan.
- environment: the profile over the spawner's, except `JUPYTERHUB_*` and the hub's token: those are the hub's.
- labels, annotations: KubeSpawner's identity (dashboards join on it) over the profile's; ours over both.
- security: what is absent is filled in to pass Pod Security `restricted`; what an admin set explicitly stays,
  and `concerns` names it.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from profiles.fields import HUBS_ENV, OUR_LABELS, OURS
from profiles.frozen import thaw
from profiles.model import HomePolicy
from profiles.plan import MachinePlan
from spawner.affinity import merge_affinity
from spawner.home_claim import ClaimDecision, CreateClaim, GrowClaim, LeaveClaim, claim_manifest
from spawner.names import label_value
from spawner.pod_security import concerns, restricted

__all__ = [
    "ClaimDecision",
    "CreateClaim",
    "GrowClaim",
    "LeaveClaim",
    "PodStart",
    "claim_manifest",
    "concerns",
    "pod_patch",
]

NOTEBOOK = "notebook"  # the container dashboards and KubeSpawner look for
PREFIX = "remuda.dev/"
HOME_VOLUME = "home"
RESCUE_ENV = "REMUDA_RESCUE"  # "1": the server keeps its own files off the home, which may be full
MACHINE_ENV = "REMUDA_MACHINE"  # RunningMachine as JSON: Lab's top bar shows it, with the way to another one
PROFILE_ENV = "REMUDA_PROFILE"
OUR_ENV = frozenset({RESCUE_ENV, MACHINE_ENV, PROFILE_ENV})
#: A running server is a person's work: autoscalers may not move it to save a node.
KEEP = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}

Json = dict[str, Any]
Expand = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class PodStart:
    """What is particular to one start: its id, the home's claim, and the machine as it is remembered."""

    spawn_id: str
    claim_name: str | None = None  # None: no home is mounted
    default_image: str = ""  # for plans that name none; empty: KubeSpawner's own
    machine: Mapping[str, Any] | None = None  # RunningMachine.to_dict(), kept in an annotation for adoption


def pod_patch(
    manifest: Mapping[str, Any],
    plan: MachinePlan,
    home: HomePolicy | None,
    start: PodStart,
    expand: Expand = lambda template: template,
) -> Json:
    """The pod to create. `expand` fills templates such as `{username}` in what the profile adds."""
    expand = _forgiving(expand)
    spec = dict(manifest["spec"])
    containers = [dict(container) for container in spec["containers"]]
    notebook = next((c for c in containers if c.get("name") == NOTEBOOK), containers[0])

    notebook["resources"] = _resources(notebook.get("resources") or {}, plan)
    image = plan.image or start.default_image
    if image:
        notebook["image"] = image
    if plan.image_pull_policy:
        notebook["imagePullPolicy"] = plan.image_pull_policy
    notebook["env"] = _env(notebook.get("env") or (), plan, _told(plan, start, notebook.get("image", "")), expand)
    # The last log lines become the reason of a crash: the kubelet copies up to 2 KiB into the pod's status.
    notebook.setdefault("terminationMessagePolicy", "FallbackToLogsOnError")

    volumes, mounts = _disks(spec.get("volumes") or (), notebook.get("volumeMounts") or (), plan, expand)
    if home is not None and start.claim_name:
        volumes, mounts = _with_home(volumes, mounts, start.claim_name, home.mount_path)
    spec["volumes"], notebook["volumeMounts"] = volumes, mounts

    spec["containers"] = containers
    _place(spec, plan)
    spec["enableServiceLinks"] = False  # links would leak every service's address into the environment
    spec.setdefault("automountServiceAccountToken", False)
    return {
        **manifest,
        "metadata": _metadata(manifest.get("metadata") or {}, plan, start, expand),
        "spec": restricted(spec, notebook),
    }


def _forgiving(expand: Expand) -> Expand:
    """A value with braces that are no template, such as JSON in a variable, is taken as it is."""

    def expanded(value: Any) -> Any:
        try:
            return expand(value)
        except (KeyError, IndexError, ValueError, AttributeError):
            return value

    return expanded


def _resources(existing: Mapping[str, Any], plan: MachinePlan) -> Json:
    """Requests and limits of the plan; an extended resource must be in both, and they must be equal."""
    extended = {name: str(count) for name, count in plan.extended_resources.items() if count}
    amounts = {
        "requests": {"cpu": str(plan.cpu.request), "memory": str(plan.memory.request)},
        "limits": {"cpu": str(plan.cpu.limit), "memory": str(plan.memory.limit)},
    }
    return {**existing, **{side: {**(existing.get(side) or {}), **amounts[side], **extended} for side in amounts}}


def _env(
    existing: Iterable[Mapping[str, Any]], plan: MachinePlan, told: Mapping[str, str], expand: Expand
) -> list[Json]:
    """In KubeSpawner's order (a variable may refer to one before it); what is new comes last."""
    existing = list(existing)
    names = {variable["name"] for variable in existing}
    wanted = {
        **told,
        **{name: expand(value) for name, value in plan.env.items() if not _is_the_hubs(name, names)},
    }
    merged = []
    for variable in existing:
        name = variable["name"]
        merged.append({"name": name, "value": wanted.pop(name)} if name in wanted else dict(variable))
    return merged + [{"name": name, "value": value} for name, value in sorted(wanted.items())]


def _told(plan: MachinePlan, start: PodStart, image: str) -> dict[str, str]:
    """What the server in the pod is told about its machine."""
    told = {**_size_env(plan), PROFILE_ENV: plan.profile_id}
    if image:
        told |= {"JUPYTER_IMAGE": image, "JUPYTER_IMAGE_SPEC": image}
    if start.machine is not None:  # "$(" would be taken for another variable
        told[MACHINE_ENV] = json.dumps(dict(start.machine), separators=(",", ":")).replace("$(", "$$(")
    if plan.rescue:
        told[RESCUE_ENV] = "1"
    return told


def _size_env(plan: MachinePlan) -> dict[str, str]:
    """What jupyter-resource-usage and others read; JupyterHub sets them from traits that the plan replaces."""
    return {
        "CPU_GUARANTEE": f"{plan.cpu.request.cores:g}",
        "CPU_LIMIT": f"{plan.cpu.limit.cores:g}",
        "MEM_GUARANTEE": str(plan.memory.request.bytes),
        "MEM_LIMIT": str(plan.memory.limit.bytes),
    }


def _is_the_hubs(name: str, set_by_hub: Collection[str]) -> bool:
    """A profile may add a JUPYTERHUB_ variable that the hub does not set, and change none that it does."""
    return name in HUBS_ENV or name in OUR_ENV or (name.startswith("JUPYTERHUB_") and name in set_by_hub)


def _disks(
    volumes: Iterable[Mapping[str, Any]], mounts: Iterable[Mapping[str, Any]], plan: MachinePlan, expand: Expand
) -> tuple[list[Json], list[Json]]:
    """The profile's volumes and mounts over those of the same name and path."""
    by_name = {volume["name"]: dict(volume) for volume in volumes}
    by_name.update({volume["name"]: volume for volume in expand(thaw(plan.volumes))})
    by_path = {_path(mount): dict(mount) for mount in mounts}
    by_path.update({_path(mount): mount for mount in expand(thaw(plan.volume_mounts))})
    return list(by_name.values()), list(by_path.values())


def _with_home(volumes: list[Json], mounts: list[Json], claim: str, mount_path: str) -> tuple[list[Json], list[Json]]:
    """The home, once: a volume of the same claim is used, and nothing else sits on the home's path."""
    name = next((volume["name"] for volume in volumes if _claim(volume) == claim), None)
    if name is None:
        taken = {volume["name"] for volume in volumes}
        name = HOME_VOLUME if HOME_VOLUME not in taken else f"remuda-{HOME_VOLUME}"
        volumes = [*volumes, {"name": name, "persistentVolumeClaim": {"claimName": claim}}]
    path = posixpath.normpath(mount_path)
    present = next((mount for mount in mounts if _path(mount) == path), None)
    # A mount of our claim keeps what else it says (a subPath, say); anybody else's gives way.
    ours = present if present is not None and present["name"] == name else {"name": name, "mountPath": path}
    return volumes, [*(mount for mount in mounts if _path(mount) != path), ours]


def _claim(volume: Mapping[str, Any]) -> str | None:
    name: str | None = (volume.get("persistentVolumeClaim") or {}).get("claimName")
    return name


def _path(mount: Mapping[str, Any]) -> str:
    return posixpath.normpath(str(mount["mountPath"]))


def _place(spec: Json, plan: MachinePlan) -> None:
    """Bind the pod to its pool."""
    pool = plan.pool
    if pool.node_selector:
        spec["nodeSelector"] = {**(spec.get("nodeSelector") or {}), **pool.node_selector}
    tolerations = [thaw(each) for each in spec.get("tolerations") or ()]
    tolerations += [each for each in map(toleration_json, pool.tolerations) if each not in tolerations]
    if tolerations:
        spec["tolerations"] = tolerations
    if pool.affinity:
        spec["affinity"] = merge_affinity(spec.get("affinity") or {}, pool.affinity)
    if pool.priority_class:
        spec["priorityClassName"] = pool.priority_class
    if pool.runtime_class:
        spec["runtimeClassName"] = pool.runtime_class


def toleration_json(toleration: Any) -> Json:
    """As Kubernetes writes one: camelCase, without what is not set."""
    if isinstance(toleration, Mapping):
        return dict(thaw(toleration))
    return dict(toleration.model_dump(by_alias=True, exclude_none=True, mode="json"))


def _metadata(metadata: Mapping[str, Any], plan: MachinePlan, start: PodStart, expand: Expand) -> Json:
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    own_labels = {
        f"{PREFIX}profile": label_value(plan.profile_id),
        f"{PREFIX}pool": label_value(plan.pool_id),
        f"{PREFIX}spawn-id": label_value(start.spawn_id),
    }
    own_annotations = {}
    if start.machine is not None:
        own_annotations[f"{PREFIX}machine"] = json.dumps(dict(start.machine), sort_keys=True, separators=(",", ":"))
    added_labels = {key: label_value(expand(value)) for key, value in plan.labels.items() if not _is_identity(key)}
    added = {key: str(expand(value)) for key, value in plan.annotations.items() if not _is_identity(key)}
    return {
        **metadata,
        "labels": {**labels, **added_labels, **own_labels},
        "annotations": {**KEEP, **annotations, **added, **own_annotations},
    }


def _is_identity(key: str) -> bool:
    return key in OUR_LABELS or key.startswith(OURS)
