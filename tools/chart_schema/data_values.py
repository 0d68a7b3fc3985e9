"""`data`: what `data_access` in every machine is told, and the way to servers inside the cluster."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from data_access.config import Settings
from hub_extensions.settings import Section
from tools.chart_schema.kubernetes_values import Cidr, Port


class DataSettings(Settings):
    """The same keys as in a person's own file; who writes is known from the machine."""

    set_by_chart: ClassVar[frozenset[str]] = frozenset({"user"})


class Destination(Section):
    namespace: str | None = Field(None, description="Namespace of the pods; null: the release's own.")
    pod_labels: dict[str, str] = Field({}, description="Labels of the pods.")
    cidr: Cidr | None = Field(None, description="Addresses, in place of pods: a store or database beside the cluster.")
    ports: list[Port] = Field(description="TCP ports; of pods their own, not their service's.", min_length=1)


class DataValues(Section):
    settings: DataSettings = Field(
        DataSettings(),
        description="Mounted into every machine as /etc/remuda/data.yaml, for all of its kernels. No credentials: "
        "those come from the machine's cloud role or from what `singleuser` mounts.",
    )
    reach: list[Destination] = Field(
        [],
        description="Servers on private addresses that machines may connect to: the metastore, the store, databases. "
        "The internet needs no rule.",
    )
