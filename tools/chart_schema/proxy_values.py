"""`proxy` and `ingress`: how people reach the Hub. The proxy is configurable-http-proxy 5."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hub_extensions.settings import Section
from tools.chart_schema.kubernetes_values import (
    DisruptionBudget,
    EgressAllowRules,
    Environment,
    ImageWithDefault,
    KubeObject,
    NetworkPolicy,
    NodePort,
    Probe,
)


class NodePorts(Section):
    http: NodePort | None = Field(None, description="Node port of http.")
    https: NodePort | None = Field(None, description="Node port of https.")


class PublicService(Section):
    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        "LoadBalancer", description="Kind of service; ClusterIP where an ingress is before it."
    )
    labels: dict[str, str] = Field({}, description="Labels of the service.")
    annotations: dict[str, str] = Field(
        {}, description="Annotations of the service, such as a cloud's load balancer options."
    )
    node_ports: NodePorts = Field(NodePorts(), description="Fixed node ports.")
    disable_http_port: bool = Field(False, description="No plain http, with proxy.https.")
    extra_ports: list[KubeObject] = Field([], description="Further ports.")
    load_balancer_ip: str | None = Field(
        None, alias="loadBalancerIP", description="Address asked of the load balancer."
    )
    load_balancer_source_ranges: list[str] = Field([], description="Networks the load balancer lets in.")


class ManualTls(Section):
    key: str | None = Field(None, description="Private key (PEM).")
    cert: str | None = Field(None, description="Certificate and its chain (PEM).")


class SecretTls(Section):
    name: str | None = Field(None, description="Name of a kubernetes.io/tls Secret.")
    key: str = Field("tls.key", description="Key of the private key within it.")
    crt: str = Field("tls.crt", description="Key of the certificate within it.")


class Https(Section):
    enabled: bool = Field(False, description="Serve https.")
    type: Literal["offload", "manual", "secret"] = Field(
        "secret",
        description="secret: certificate from a Secret; manual: from these values; offload: the load balancer before "
        "the proxy ends TLS. For Let's Encrypt put an ingress with cert-manager before the proxy.",
    )
    hosts: list[str] = Field([], description="Names in the certificate; the first one is the Hub's public address.")
    manual: ManualTls = Field(ManualTls(), description="With type manual.")
    secret: SecretTls = Field(SecretTls(), description="With type secret.")


class ConfigurableHttpProxy(Section):
    image: ImageWithDefault = Field(ImageWithDefault(name="remuda/proxy"), description="Image of the proxy.")
    extra_command_line_flags: list[str] = Field([], description="Flags added to configurable-http-proxy's command.")
    extra_env: Environment = Field({}, description="Environment of the proxy.")
    resources: KubeObject = Field(
        {"requests": {"cpu": "100m", "memory": "128Mi"}}, description="What the proxy reserves and may use."
    )
    node_selector: dict[str, str] = Field({}, description="Labels of the node the proxy runs on.")
    tolerations: list[KubeObject] = Field([], description="Taints the proxy's pod tolerates.")
    affinity: KubeObject = Field({}, description="Kubernetes affinity of the proxy's pod.")
    priority_class_name: str | None = Field(None, description="Null: the chart's class for hub and proxy.")
    pod_security_context: KubeObject = Field({}, description="Added to the restricted one of the pod.")
    container_security_context: KubeObject = Field(
        {"runAsUser": 65534, "runAsGroup": 65534, "readOnlyRootFilesystem": True},
        description="Added to the restricted one: no privileges, no capabilities, the runtime's seccomp profile.",
    )
    liveness_probe: Probe = Field(
        Probe(initial_delay_seconds=60, failure_threshold=30), description="Past this many bad answers it is restarted."
    )
    readiness_probe: Probe = Field(Probe(period_seconds=2), description="Whether it gets traffic.")
    network_policy: NetworkPolicy = Field(
        NetworkPolicy(
            egress_allow_rules=EgressAllowRules(dnsPortsPrivateIPs=True, nonPrivateIPs=False),
            allowed_ingress_ports=["http", "https"],
        ),
        description="In: people, and the hub alone on the API's port. Out: the hub and people's servers; a Hub service "
        "elsewhere needs an `egress` rule.",
    )
    revision_history_limit: int | None = Field(None, ge=0, description="Old versions of the Deployment to keep.")


class ProxyValues(Section):
    secret_token: str | None = Field(
        None, description="What the hub shows the proxy: 64 hexadecimal digits. Null: generated, and kept."
    )
    service: PublicService = Field(PublicService(), description="The service `proxy-public`.")
    https: Https = Field(Https(), description="TLS at the proxy.")
    chp: ConfigurableHttpProxy = Field(ConfigurableHttpProxy(), description="The proxy's pod.")
    labels: dict[str, str] = Field({}, description="Labels of the proxy's pod.")
    annotations: dict[str, str] = Field({}, description="Annotations of the proxy's pod.")
    pdb: DisruptionBudget = Field(DisruptionBudget(), description="Disruption budget of the proxy.")


class Ingress(Section):
    enabled: bool = Field(False, description="Make an Ingress to the proxy.")
    annotations: dict[str, str] = Field({}, description="Annotations, such as cert-manager's or the controller's.")
    ingress_class_name: str | None = Field(None, description="Which controller serves it; null: the cluster's default.")
    hosts: list[str] = Field([], description="Names it serves; the first one is the Hub's public address.")
    path_suffix: str = Field("", description="Added to the path, for controllers that want `*`.")
    path_type: Literal["Prefix", "Exact", "ImplementationSpecific"] = Field("Prefix", description="How paths match.")
    extra_paths: list[KubeObject] = Field([], description="Further paths of each host.")
    tls: list[KubeObject] = Field([], description="Certificates: `[{hosts: […], secretName: …}]`.")
