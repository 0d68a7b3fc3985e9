"""Pieces of values that several sections share: images, probes, disruption budgets, network policies."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from hub_extensions.settings import Image, Section

KubeObject = dict[str, Any]
Port = Annotated[int, Field(ge=1, le=65535)]
NodePort = Annotated[int, Field(ge=1, le=65535, description="Usually 30000–32767.")]
PortOrName = Port | str
Cidr = Annotated[str, Field(pattern=r"^[0-9a-fA-F.:]+/[0-9]{1,3}$")]
Environment = dict[str, str | int | float | bool | KubeObject] | list[KubeObject]


class ImageWithDefault(Image):
    tag: str = Field("", description="Tag; empty: the chart's own version. A digest is written `sha256:…`.")


class Probe(Section):
    enabled: bool = Field(True, description="Whether Kubernetes asks at all.")
    initial_delay_seconds: int = Field(0, ge=0, description="Seconds before the first question.")
    period_seconds: int = Field(10, ge=1, description="Seconds between two questions.")
    timeout_seconds: int = Field(3, ge=1, description="Seconds to wait for an answer.")
    failure_threshold: int = Field(3, ge=1, description="Bad answers in a row that count.")


class StartupProbe(Section):
    initial_delay_seconds: int = Field(0, ge=0, description="Seconds before the first question.")
    period_seconds: int = Field(1, ge=1, description="Seconds between two questions.")
    timeout_seconds: int = Field(3, ge=1, description="Seconds to wait for an answer.")
    failure_threshold: int = Field(
        600, ge=1, description="Bad answers in a row that count; times periodSeconds, the longest start."
    )


class DisruptionBudget(Section):
    enabled: bool = Field(
        False,
        description="There is one pod: with minAvailable 1 a node under it cannot be drained until an admin "
        "deletes the pod.",
    )
    max_unavailable: int | str | None = Field(None, description="Pods that may be away; wins over minAvailable.")
    min_available: int | str | None = Field(1, description="Pods that must be there.")


class EgressAllowRules(Section):
    """Destinations by name; the ranges are in the chart's templates/_netpol.tpl."""

    dns_ports_kube_system_namespace: bool = Field(True, description="Names: port 53 of pods in kube-system.")
    dns_ports_cloud_metadata_server: bool = Field(
        False, alias="dnsPortsCloudMetadataServer", description="Names: port 53 of 169.254.169.254 (GKE's Cloud DNS)."
    )
    dns_ports_private_ips: bool = Field(
        False,
        alias="dnsPortsPrivateIPs",
        description="Names: port 53 of every private address and of NodeLocal DNSCache (169.254.20.10); "
        "for clusters whose DNS does not run in kube-system.",
    )
    non_private_ips: bool = Field(
        True, alias="nonPrivateIPs", description="The internet, without private, link-local and metadata addresses."
    )
    private_ips: bool = Field(
        False,
        alias="privateIPs",
        description="Private addresses: the cluster's pods, services, "
        "nodes and Kubernetes API, and the network around it.",
    )
    cloud_metadata_server: bool = Field(
        False, description="169.254.169.254: whoever reaches it can act with the cloud rights of the node."
    )


class NetworkPolicy(Section):
    enabled: bool = Field(True, description="Whether there is a policy; your cluster's network plugin enforces it.")
    ingress: list[KubeObject] = Field([], description="Kubernetes ingress rules added to the built-in ones.")
    egress: list[KubeObject] = Field([], description="Kubernetes egress rules added to the built-in ones.")
    egress_allow_rules: EgressAllowRules = Field(EgressAllowRules(), description="Where connections may go.")
    blocked_cidrs: list[Cidr] = Field(
        [],
        alias="blockedCIDRs",
        description="Addresses taken out of nonPrivateIPs, such as a Kubernetes API with a public address.",
    )
    inter_namespace_access_labels: Literal["accept", "ignore"] = Field(
        "ignore", description="Whether pods of other namespaces get in by the label `hub.jupyter.org/network-access-…`."
    )
    allowed_ingress_ports: list[PortOrName] = Field([], description="Ports open to everyone.")


class ServiceAccount(Section):
    create: bool = Field(True, description="Whether the chart makes it.")
    name: str | None = Field(None, description="Its name; null: the chart's.")
    annotations: dict[str, str] = Field({}, description="Annotations, such as a cloud role.")
