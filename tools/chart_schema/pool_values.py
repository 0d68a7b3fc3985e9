"""`pools`, `profiles` and what keeps pools warm: placeholders, image pullers, priorities."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hub_extensions.settings import Section
from profiles.model import Pool
from profiles.quantity import Cpu, Memory
from tools.chart_schema.kubernetes_values import ImageWithDefault, KubeObject


class Placeholders(Section):
    """Room held free in a pool, so that an autoscaler has a node ready before somebody asks."""

    replicas: int = Field(0, ge=0, description="How many machines' room is held.")
    cpu: Cpu | None = Field(None, description="Cores of each; null: what the pool's first profile by name requests.")
    memory: Memory | None = Field(None, description="Memory of each; null: likewise.")
    extended_resources: dict[str, int] = Field(
        {}, description="Extended resources of each, such as `nvidia.com/gpu: 1`."
    )


class PoolValues(Pool):
    placeholders: Placeholders = Field(Placeholders(), description="Room held free in this pool.")


class PodPriority(Section):
    enabled: bool = Field(True, description="Make priority classes (cluster-wide objects). Placeholders need them.")
    global_default: bool = Field(
        False, description="Give the people's class to all pods of the cluster that name none."
    )
    core_priority: int = Field(10, le=1000000000, description="Hub and proxy.")
    user_priority: int = Field(0, le=1000000000, description="People's servers.")
    image_puller_priority: int = Field(-5, le=1000000000, description="Image pullers.")
    user_placeholder_priority: int = Field(
        -10, le=1000000000, description="Placeholders. Below your autoscaler's cut-off (-10) no node is added for them."
    )


class NodePurpose(Section):
    match_node_purpose: Literal["ignore", "prefer", "require"] = Field(
        "prefer", description="What the label `hub.jupyter.org/node-purpose: core` of a node counts."
    )


class CorePods(Section):
    tolerations: list[KubeObject] = Field(
        [{"key": "hub.jupyter.org/dedicated", "operator": "Equal", "value": "core", "effect": "NoSchedule"}],
        description="Taints that hub and proxy tolerate.",
    )
    node_affinity: NodePurpose = Field(NodePurpose(), description="Nodes for hub and proxy.")


class ResourceQuota(Section):
    enabled: bool = Field(
        False,
        description="Make a Kubernetes ResourceQuota of the device amounts of hub-wide quotas (`per: hub`, about "
        "everybody and everything), as a second lock behind the hub's own: `gpus` limits `nvidia.com/gpu`, `devices` "
        "each its own. Cores and memory are left out: with them Kubernetes would refuse every pod that names none.",
    )
    headroom_percent: int = Field(
        25,
        ge=0,
        le=1000,
        description="So much above the hub's own limit, at least one: a create that conflicts leaks usage for minutes.",
    )


class Scheduling(Section):
    resource_quota: ResourceQuota = Field(ResourceQuota(), description="A backstop of Kubernetes' own.")
    pod_priority: PodPriority = Field(PodPriority(), description="Who gives way to whom.")
    core_pods: CorePods = Field(CorePods(), description="Hub and proxy. People's servers: see pools.")


class HookPuller(Section):
    enabled: bool = Field(True, description="Before an install or upgrade, pull new images on every node of each pool.")
    pull_only_on_changes: bool = Field(True, description="Skip pools whose images the cluster has already.")
    wait_seconds: int = Field(
        180,
        ge=0,
        description="How long the upgrade waits for it; it then goes on, and pulling too. "
        "More than 300 needs `helm --timeout`.",
    )


class ContinuousPuller(Section):
    enabled: bool = Field(True, description="Pull on nodes that join a pool later.")


class ExtraImage(Section):
    name: str = Field(..., min_length=1, description="Repository of the image.")
    tag: str = Field("", description="Tag; empty: the chart's version.")


class Pause(Section):
    image: ImageWithDefault = Field(
        ImageWithDefault(name="registry.k8s.io/pause", tag="3.10"), description="Image that does nothing."
    )


class PrePuller(Section):
    hook: HookPuller = Field(HookPuller(), description="Pulling before an upgrade.")
    continuous: ContinuousPuller = Field(ContinuousPuller(), description="Pulling at all times.")
    extra_images: dict[str, ExtraImage] = Field(
        {}, description="Images to pull in every pool besides the profiles' own."
    )
    extra_tolerations: list[KubeObject] = Field([], description="Taints the pullers tolerate besides the pool's.")
    pause: Pause = Field(Pause(), description="What a puller and a placeholder run.")
    labels: dict[str, str] = Field({}, description="Labels of the pullers.")
    annotations: dict[str, str] = Field({}, description="Annotations of the pullers' pods.")
    container_security_context: KubeObject = Field(
        {"runAsUser": 65534, "runAsGroup": 65534, "readOnlyRootFilesystem": True},
        description="Added to the restricted one.",
    )
    resources: KubeObject = Field(
        {"requests": {"cpu": "1m", "memory": "8Mi"}}, description="What each container of them reserves."
    )
