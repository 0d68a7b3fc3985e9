"""`hub`, `singleuser` and `cull`: the Hub's own settings, and what only the chart needs beside them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from hub_extensions.notices.values import Notices
from hub_extensions.settings import Cull, Database, Hub, Section, Singleuser
from tools.chart_schema.kubernetes_values import (
    DisruptionBudget,
    EgressAllowRules,
    Environment,
    ImageWithDefault,
    KubeObject,
    NetworkPolicy,
    NodePort,
    Port,
    Probe,
    ServiceAccount,
    StartupProbe,
)


class DatabaseClaim(Section):
    storage: str = Field("1Gi", pattern=r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$", description="Size of the claim.")
    storage_class_name: str | None = Field(None, description="Its class; null: the cluster's default.")
    access_modes: list[str] = Field(["ReadWriteOnce"], description="How it may be mounted.")
    selector: KubeObject = Field({}, description="Which volumes fit.")
    annotations: dict[str, str] = Field({}, description="Annotations of the claim.")
    sub_path: str | None = Field(None, description="Directory within the claim.")


class SecretKey(Section):
    name: str | None = Field(None, description="Name of a Secret in the release's namespace.")
    key: str = Field("password", min_length=1, description="Key within it.")


class DatabasePolicy(Section):
    pod_labels: dict[str, str] = Field(
        {},
        description="Labels of the database's pods, when it runs in this namespace: then only the hub reaches them.",
    )
    port: Port = Field(5432, description="Port of the database.")


class DatabaseValues(Database):
    type: Literal["sqlite-pvc", "sqlite-memory", "postgres", "mysql", "other"] = Field(
        "sqlite-pvc",
        description="sqlite-pvc: a file on a claim, enough for some hundred people; postgres: by `url`, for more; "
        "sqlite-memory: forgotten at each restart; mysql, other: by `url`, with a driver in your own hub image.",
    )
    password: str | None = Field(None, description="Password of the database; better in `passwordSecret`.")
    password_secret: SecretKey = Field(SecretKey(), description="Where the password is: nothing secret in your values.")
    pvc: DatabaseClaim = Field(DatabaseClaim(), description="The claim of sqlite-pvc.")
    network_policy: DatabasePolicy = Field(DatabasePolicy(), description="Who may reach a database in this namespace.")


class NoticesValues(Notices):
    existing_secret: str | None = Field(
        None,
        description="A Secret of yours with the keys `hub.notices.email.password` and "
        "`hub.notices.webhooks.<name>.secret`; they may also be in `hub.existingSecret`.",
    )


class HubServicePorts(Section):
    node_port: NodePort | None = Field(None, description="Node port, with type NodePort.")


class HubService(Section):
    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field("ClusterIP", description="Kind of service.")
    annotations: dict[str, str] = Field({}, description="Annotations of the service.")
    ports: HubServicePorts = Field(HubServicePorts(), description="Ports of the service.")
    extra_ports: list[KubeObject] = Field([], description="Further ports, such as those of a Hub service.")
    load_balancer_ip: str | None = Field(
        None, alias="loadBalancerIP", description="Address asked of the load balancer."
    )


class HubValues(Hub):
    set_by_chart: ClassVar[frozenset[str]] = frozenset({"internal_url", "connect_url"})

    existing_secret: str | None = Field(
        None,
        description="A Secret of yours with the keys `hub.config.JupyterHub.cookie_secret`, "
        "`hub.config.CryptKeeper.keys` and `hub.config.ConfigurableHTTPProxy.auth_token` (`openssl rand -hex 32` "
        "each) and any other `hub.config.<Class>.<trait>`; the chart then generates none.",
    )
    cookie_secret: str | None = Field(
        None,
        pattern=r"^([0-9a-f]{64})?$",
        description="Signs cookies: 64 hexadecimal digits. Null: generated, and kept.",
    )
    allow_dummy_authenticator: bool = Field(
        False, description="Let `authenticator_class: dummy` be: anyone can log in as anyone. For tests only."
    )
    db: DatabaseValues = Field(DatabaseValues(), description="Where the Hub keeps its state.")
    notices: NoticesValues = Field(
        NoticesValues(), description="Where people are told of things, besides the hub's own page."
    )
    image: ImageWithDefault = Field(ImageWithDefault(name="remuda/hub"), description="Image of the hub.")
    command: list[str] = Field([], description="Command of the container; empty: the image's own.")
    args: list[str] = Field([], description="Its arguments; empty: the image's own.")
    extra_env: Environment = Field(
        {}, description="Environment of the hub: a map of name to value or `{valueFrom: …}`, or a Kubernetes list."
    )
    extra_volumes: list[KubeObject] = Field([], description="Kubernetes volumes of the hub's pod.")
    extra_volume_mounts: list[KubeObject] = Field([], description="Where the hub's container mounts them.")
    init_containers: list[KubeObject] = Field(
        [], description="Containers before the hub; without a securityContext of their own they get the restricted one."
    )
    extra_containers: list[KubeObject] = Field([], description="Containers beside the hub; likewise.")
    resources: KubeObject = Field(
        {"requests": {"cpu": "200m", "memory": "512Mi"}}, description="What the hub reserves and may use."
    )
    labels: dict[str, str] = Field({}, description="Labels of the hub's pod.")
    annotations: dict[str, str] = Field({}, description="Annotations of the hub's pod.")
    node_selector: dict[str, str] = Field({}, description="Labels of the node the hub runs on.")
    tolerations: list[KubeObject] = Field([], description="Taints the hub's pod tolerates.")
    affinity: KubeObject = Field({}, description="Kubernetes affinity of the hub's pod.")
    priority_class_name: str | None = Field(None, description="Null: the chart's class for hub and proxy.")
    fs_gid: int = Field(1000, ge=0, description="Group that owns the mounted files.")
    pod_security_context: KubeObject = Field({}, description="Added to the restricted one of the pod.")
    container_security_context: KubeObject = Field(
        {"runAsUser": 1000, "runAsGroup": 1000, "readOnlyRootFilesystem": True},
        description="Added to the restricted one: no privileges, no capabilities, the runtime's seccomp profile.",
    )
    service_account: ServiceAccount = Field(
        ServiceAccount(), description="The account with which the hub asks Kubernetes."
    )
    service: HubService = Field(HubService(), description="The service `hub`, port 8081.")
    pdb: DisruptionBudget = Field(DisruptionBudget(), description="Disruption budget of the hub.")
    network_policy: NetworkPolicy = Field(
        NetworkPolicy(egress_allow_rules=EgressAllowRules(privateIPs=True, dnsPortsPrivateIPs=True)),
        description="In: the proxy and people's servers, on port 8081. Out: proxy, people's servers, names, the "
        "Kubernetes API and the database (privateIPs), the login provider (nonPrivateIPs).",
    )
    startup_probe: StartupProbe = Field(StartupProbe(), description="Until when a starting hub is left alone.")
    liveness_probe: Probe = Field(
        Probe(failure_threshold=30), description="/hub/health: past this many bad answers the hub is restarted."
    )
    readiness_probe: Probe = Field(
        Probe(period_seconds=5),
        description="/hub/health/remuda, which also knows whether the watch of the pods is up to date.",
    )
    revision_history_limit: int | None = Field(None, ge=0, description="Old versions of the Deployment to keep.")


class SingleuserValues(Singleuser):
    image: ImageWithDefault = Field(
        ImageWithDefault(name="remuda/notebook"), description="Image of machines whose profile names none."
    )
    network_policy: NetworkPolicy = Field(
        NetworkPolicy(),
        description="In: the hub and the proxy. Out: the hub's API, names and the internet; not the cluster, its API, "
        "other people's servers or metadata addresses. Data inside the cluster: add an `egress` rule.",
    )


class CullValues(Cull):
    """The same keys; the chart adds none."""
