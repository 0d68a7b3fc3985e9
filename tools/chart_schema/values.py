"""All values of the chart `helm/remuda`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from hub_extensions.settings import Section
from profiles.model import Profile
from profiles.policy import Policies
from tools.chart_schema.data_values import DataValues
from tools.chart_schema.hub_values import CullValues, HubValues, SingleuserValues
from tools.chart_schema.pool_values import PoolValues, PrePuller, Scheduling
from tools.chart_schema.proxy_values import Ingress, ProxyValues


class Rbac(Section):
    create: bool = Field(True, description="Make roles; without them give the hub's account its rights yourself.")
    cluster_reads: bool = Field(
        True,
        description="Also a small read-only ClusterRole (nodes, volumes, storage classes, attachments): lets the hub "
        "say beforehand that a machine will never fit, or that a disk is elsewhere.",
    )


class Dashboards(Section):
    enabled: bool = Field(False, description="Make a ConfigMap of each dashboard, for Grafana's sidecar to find.")
    labels: dict[str, str] = Field({"grafana_dashboard": "1"}, description="Labels that the sidecar looks for.")
    annotations: dict[str, str] = Field({}, description="Annotations, such as the folder: `{grafana_folder: Remuda}`.")


class Grafana(Section):
    dashboards: Dashboards = Field(
        Dashboards(),
        description="Who holds what, refusals and the time of decisions, over the hub's metrics in Prometheus. "
        "Without a sidecar, import helm/remuda/files/dashboards/shares.json by hand.",
    )


class Values(Section):
    """What an admin may write. Defaults are the chart's values.yaml."""

    currency: str | None = Field(
        None, description="Currency of all prices; null: the shipped catalog's.", pattern=r"^[A-Z]{3}$"
    )
    default_profile: str | None = Field(
        None, description="Machine preselected for a newcomer; null: the shipped catalog's."
    )
    shipped_profiles: bool = Field(True, description="Start from the shipped small-cpu, many-core and gpu.")
    pools: dict[str, PoolValues] = Field(
        {},
        description="Node pools by id: which nodes, and how to get onto them. Laid over the shipped ones, key by key.",
    )
    profiles: dict[str, Profile] = Field(
        {},
        description="Machines people choose from, by id. The same id as a shipped one changes it key by key; "
        "`enabled: false` hides it; `extends` inherits.",
    )
    policies: Policies = Field(
        Policies(),
        description="How much people may have at once and use up over time, and what needs somebody's yes; empty: no "
        "limits. docs/how-to/fair-shares.md has examples.",
    )
    hub: HubValues = Field(HubValues(), description="The Hub.")
    proxy: ProxyValues = Field(ProxyValues(), description="The proxy people connect to.")
    singleuser: SingleuserValues = Field(SingleuserValues(), description="What every machine has in common.")
    data: DataValues = Field(DataValues(), description="Tables and files: where `data_access` finds them.")
    cull: CullValues = Field(CullValues(), description="Stopping servers nobody uses.")
    scheduling: Scheduling = Field(Scheduling(), description="Priorities, and where hub and proxy run.")
    pre_puller: PrePuller = Field(PrePuller(), description="Images on the nodes before somebody needs them.")
    grafana: Grafana = Field(Grafana(), description="Dashboards.")
    ingress: Ingress = Field(Ingress(), description="An Ingress before the proxy.")
    rbac: Rbac = Field(Rbac(), description="Rights of the hub in Kubernetes: the namespace, and no Secrets.")
    image_pull_secrets: list[str | dict[str, str]] = Field([], description="Secrets with which all images are pulled.")
    fullname_override: str | None = Field(
        "", description="Prefix of all names, for a second release in one namespace. Empty: `hub`, `proxy-public`, …"
    )
    enabled: bool | None = Field(None, description="Not read: for the `condition` of a chart that contains this one.")
    global_: dict[str, Any] = Field({}, alias="global", description="Helm's own, for charts that contain this one.")
