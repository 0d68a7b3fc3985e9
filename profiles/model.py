"""The catalog's models: the one source of truth for the Helm values schema, the reference page and the spawn page.

Keys are camelCase in YAML and snake_case here. Everything is frozen, mappings included. A model checks what can be seen
in itself; `catalog` checks what needs two of them (pools, extends, defaults, prices, names).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from profiles import fields as f
from profiles.access import Access
from profiles.base import Model
from profiles.fields import wrong
from profiles.frozen import EMPTY, freeze
from profiles.hours import WorkingHours
from profiles.option_range import choices_of, default_of
from profiles.policy import Policies
from profiles.quantity import Cpu, Duration, Memory
from profiles.volumes import KubeVolume, KubeVolumeMount

PullPolicy = Literal["Always", "IfNotPresent", "Never"]


class Range(Model):
    """What is reserved, and what may be used at most. One amount means both."""

    _amount: ClassVar[type[Cpu | Memory]]

    @model_validator(mode="before")
    @classmethod
    def _one_amount_means_both(cls, value: Any) -> Any:
        if not isinstance(value, Mapping | list | BaseModel):
            amount = cls._amount.validated(value)
            return {"request": amount, "limit": amount}
        if isinstance(value, Mapping):
            given = {key: amount for key, amount in value.items() if amount is not None}
            if not given:
                raise wrong("no amount is given", "write one, or {request: …, limit: …}")
            return cls._counterpart(given) | given
        return value

    @classmethod
    def _counterpart(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """The side that is not given. A bad amount gets a harmless one, as it is told where it was written."""
        if ("request" in given) == ("limit" in given):
            return {}
        side, other = ("request", "limit") if "request" in given else ("limit", "request")
        try:
            return {other: cls._amount.validated(given[side])}
        except PydanticCustomError:
            return {other: cls._amount.parse("1Gi" if cls._amount is Memory else 1)}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        whole = handler.resolve_ref_schema(handler(schema))
        whole.pop("required", None)
        amount = whole["properties"]["request"]
        return {
            "anyOf": [whole, *({k: v for k, v in one.items() if k != "description"} for one in amount["anyOf"])],
            "examples": [*amount.get("examples", [])[:2]],
        }


class CpuRange(Range):
    """Cores: reserved, and at most."""

    _amount = Cpu

    request: Cpu = Field(description="Cores reserved on the node: what the machine always has.")
    limit: Cpu = Field(description="Cores it may use while the node has some to spare.")

    @model_validator(mode="after")
    def _ordered(self) -> CpuRange:
        if self.limit.millicores <= 0:
            raise wrong("a machine needs some cpu", 'write cores such as 2, or thousandths such as "500m"')
        if self.limit < self.request:
            raise wrong(
                f"limit {self.limit} is less than request {self.request}", "raise the limit or lower the request"
            )
        return self


class MemoryRange(Range):
    """Memory: reserved, and at most."""

    _amount = Memory

    request: Memory = Field(description="Memory reserved on the node: what the machine always has.")
    limit: Memory = Field(description="Memory above which a process of the machine is killed.")

    @model_validator(mode="after")
    def _ordered(self) -> MemoryRange:
        if self.limit.bytes < 2**20:
            raise wrong(f"{self.limit} is less than a mebibyte", 'give the unit, such as "8Gi"')
        if self.limit < self.request:
            raise wrong(
                f"limit {self.limit} is less than request {self.request}", "raise the limit or lower the request"
            )
        return self


class Toleration(Model):
    """A taint of the pool's nodes that its machines accept."""

    key: str | None = Field(
        default=None, description="Key of the taint; null with `operator: Exists` tolerates every taint."
    )
    operator: Literal["Equal", "Exists"] = Field(default="Equal", description="`Exists` accepts any value.")
    value: f.Text | None = Field(default=None, description="Value of the taint, with `Equal`.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; null: every effect."
    )
    toleration_seconds: int | None = Field(default=None, ge=0, description="With `NoExecute`: seconds until eviction.")

    @model_validator(mode="after")
    def _sensible(self) -> Toleration:
        if self.operator == "Exists" and self.value:
            raise wrong("operator Exists takes no value", "remove the value, or write operator: Equal")
        if self.operator == "Equal" and not self.key:
            raise wrong("operator Equal needs a key", "name the taint's key, or write operator: Exists")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise wrong("tolerationSeconds counts only with effect NoExecute", "remove it")
        return self


class NodeSize(Model):
    """What one node offers to machines, after what the system takes."""

    cpu: Cpu | None = Field(default=None, description="Allocatable cores; null: not judged.")
    memory: Memory | None = Field(default=None, description="Allocatable memory; null: not judged.")
    extended_resources: f.Resources = Field(
        default=EMPTY, description="Devices of a node, such as `nvidia.com/gpu: 4`."
    )


class Autoscaled(Model):
    """A pool that grows on demand: with no node in sight, a request is measured against the largest it can get."""

    largest_node: NodeSize | None = Field(
        default=None, description="The largest node that the autoscaler can add; null: nothing is called too large."
    )


class Pool(Model):
    """Where machines run: which nodes, and how to get onto them."""

    display_name: f.Line = Field(default="", description="Name people see; empty: the id.")
    node_selector: f.NodeLabels = Field(
        default=EMPTY, description="Labels of the pool's nodes. Left out: `remuda.dev/pool: <id>`; `{}`: any node."
    )
    tolerations: tuple[Toleration, ...] = Field(
        default=(),
        description="Taints accepted. Left out: `remuda.dev/pool=<id>:NoSchedule`. A list replaces an inherited one.",
    )
    affinity: f.KubeObject | None = Field(default=None, description="Kubernetes affinity of the machines' pods.")
    priority_class: str | None = Field(default=None, description="PriorityClass of the machines' pods.")
    runtime_class: str | None = Field(default=None, description="RuntimeClass, such as `nvidia` or `gvisor`.")
    autoscaled: Autoscaled | None = Field(default=None, description="Set it if an autoscaler adds nodes to this pool.")
    zones: tuple[str, ...] = Field(default=(), description="Zones the pool has nodes in; empty: any, or not known.")


class Overrides(Model):
    """What a choice changes. Maps are laid over the profile's; everything else replaces it."""

    cpu: CpuRange | None = Field(default=None, description="Cores, instead of the profile's.")
    memory: MemoryRange | None = Field(default=None, description="Memory, instead of the profile's.")
    extended_resources: f.Resources = Field(default=EMPTY, description="Devices by name; 0 takes one away.")
    image: f.Image | None = Field(default=None, description="Image, instead of the profile's.")
    image_pull_policy: PullPolicy | None = Field(default=None, description="When to pull that image.")
    idle_timeout: f.Limit | None = Field(default=None, description="Idle limit, instead of the profile's.")
    max_lifetime: f.Limit | None = Field(default=None, description="Lifetime, instead of the profile's.")
    env: f.Env = Field(default=EMPTY, description="Environment variables, over the profile's.")
    annotations: f.Annotations = Field(default=EMPTY, description="Annotations of the pod, over the profile's.")
    labels: f.Labels = Field(default=EMPTY, description="Labels of the pod, over the profile's.")


class OptionChoice(Model):
    """One of the things an option offers."""

    display_name: f.Line = Field(default="", description="What people read; empty: the choice's id.")
    price_per_hour: f.Price = Field(
        default=0, description="Added to the profile's price per hour.", validate_default=True
    )
    overrides: Overrides = Field(default=Overrides(), description="What this choice changes of the machine.")


class OptionRange(Model):
    """Shorthand for counted choices, such as `{from: 1, to: 4, sets: extendedResources.nvidia.com/gpu}`."""

    from_: int = Field(default=1, alias="from", ge=0, description="First choice.")
    to: int = Field(ge=0, description=f"Last choice; at most {f.MOST_CHOICES} in all.")
    step: int = Field(default=1, ge=1, description="From one choice to the next.")
    sets: f.Settable = Field(description="What the number sets: `cpu`, `memory` or `extendedResources.<name>`.")
    unit: Literal["Ki", "Mi", "Gi", "Ti", "k", "M", "G", "T"] | None = Field(
        default=None, description="Unit of the number, with `sets: memory`."
    )
    price_per_hour_each: f.Price = Field(
        default=0,
        description="Price of each one above the first choice; the profile's price covers the first.",
        validate_default=True,
    )


class Option(Model):
    """Something a person may choose about a machine, always among a listed few."""

    display_name: f.Line = Field(
        default="", description="Question people read, such as `GPUs`; empty: the option's id."
    )
    default: f.Text = Field(
        default="", description="Id of the choice taken when none is made; with `range` it may be left out: the first."
    )
    choices: dict[f.ChoiceId, OptionChoice] = Field(
        default=EMPTY, description=f"What there is to choose from, by id; at most {f.MOST_CHOICES}."
    )
    range: OptionRange | None = Field(
        default=None, description="Instead of `choices`: numbers from … to …. A loaded catalog has it written out."
    )

    @model_validator(mode="after")
    def _bounded(self) -> Option:
        if self.range is not None:
            self._write_out(self.range)
        if not self.choices:
            raise wrong("there is nothing to choose", "list choices, or a range")
        if len(self.choices) > f.MOST_CHOICES:
            raise wrong(f"{len(self.choices)} choices are too many", f"list at most {f.MOST_CHOICES}")
        if self.default not in self.choices:
            known = ", ".join(list(self.choices)[:10])
            problem = f"the default {f.quoted(self.default)} is not among the choices" if self.default else "no default"
            raise wrong(problem, f"write default: with one of: {known}")
        object.__setattr__(self, "choices", freeze(self.choices))
        return self

    def _write_out(self, shorthand: OptionRange) -> None:
        if self.choices:
            raise wrong("both choices and range are given", "keep one of them")
        choices = {name: OptionChoice.model_validate(choice) for name, choice in choices_of(shorthand).items()}
        object.__setattr__(self, "choices", choices)
        object.__setattr__(self, "default", default_of(shorthand, self.default))
        object.__setattr__(self, "range", None)


class Profile(Model):
    """A machine people can choose."""

    extends: f.Id | None = Field(
        default=None, description="Id of a profile to start from; all but `enabled` and `displayName` is inherited."
    )
    enabled: bool = Field(default=True, description="false hides it; others may still extend it.")
    display_name: f.Line = Field(default="", description="Name people see; left out: the id.")
    purpose: f.Text = Field(default="", description="What it is good for, in a sentence or two.")
    pool: f.Id = Field(description="Id of the pool it runs in.")
    cpu: CpuRange = Field(description="Cores: `2`, or `{request: 500m, limit: 2}`.")
    memory: MemoryRange = Field(description="Memory: `8Gi`, or `{request: 4Gi, limit: 8Gi}`.")
    extended_resources: f.Resources = Field(
        default=EMPTY, description="Devices by any vendor's name: `nvidia.com/gpu: 1`, `nvidia.com/mig-1g.5gb: 1`."
    )
    image: f.Image | None = Field(default=None, description="Image of the server; null: the hub's default image.")
    image_pull_policy: PullPolicy | None = Field(
        default=None, description="When to pull it; null leaves it to Kubernetes."
    )
    price_per_hour: f.Price = Field(
        default=0, description="Price per hour in the catalog's currency, shown before a start.", validate_default=True
    )
    allow: Access = Field(
        default=Access(everyone=True),
        description="Who may use it; left out: everyone. Replaces an inherited one as a whole.",
    )
    hours: WorkingHours | None = Field(
        default=None,
        description="When it may run, or a list of such; left out: always. A shipped one's keys can be changed one by "
        "one, a list is replaced as a whole.",
    )
    idle_timeout: f.Limit | None = Field(
        default=None, description="Stops after this long without activity; `never`: no limit; null: the hub's setting."
    )
    max_lifetime: f.Limit | None = Field(
        default=None, description="Stops this long after its start; `never`: no limit; null: the hub's setting."
    )
    keep_alive_at_most: f.Limit | None = Field(
        default=None,
        description="How far ahead a person may keep it on although nothing is done, such as `12h`; "
        "`never` or left out: not at all.",
    )
    start_timeout: f.PositiveTime = Field(
        default=Duration(300), description="How long a start may take, pulling the image and adding a node included."
    )
    env: f.Env = Field(default=EMPTY, description="Extra environment variables.")
    volumes: tuple[KubeVolume, ...] = Field(
        default=(), description="Extra Kubernetes volumes. The home is there already."
    )
    volume_mounts: tuple[KubeVolumeMount, ...] = Field(default=(), description="Where those volumes are mounted.")
    annotations: f.Annotations = Field(default=EMPTY, description="Extra annotations of the pod.")
    labels: f.Labels = Field(default=EMPTY, description="Extra labels of the pod.")
    options: dict[f.OptionId, Option] = Field(default=EMPTY, description="What people may choose about it, by id.")

    @model_validator(mode="after")
    def _frozen_options(self) -> Profile:
        object.__setattr__(self, "options", freeze(self.options))
        return self


class Catalog(Model):
    """All machines on offer. `catalog.load_catalog` makes one; it checks what a model alone cannot see."""

    currency: f.Currency = Field(default="EUR", description="Currency of all prices: three letters (ISO 4217).")
    default_profile: str | None = Field(
        default=None,
        description="Machine taken when none is named; it must be open to everyone. Empty: one must be named.",
    )
    pools: dict[f.Id, Pool] = Field(default=EMPTY, description="Node pools by id.")
    profiles: dict[f.Id, Profile] = Field(default=EMPTY, description="Machines by id, in the order of the cards.")
    policies: Policies = Field(default=Policies(), description="Quotas, budgets and approvals.")

    @model_validator(mode="after")
    def _frozen_sections(self) -> Catalog:
        object.__setattr__(self, "pools", freeze(self.pools))
        object.__setattr__(self, "profiles", freeze(self.profiles))
        return self


class HomePolicy(Model):
    """The one home each person has on every machine."""

    storage_class: str | None = Field(default=None, description="Storage class; null: the cluster's default.")
    size: Memory = Field(default=Memory(10 * 2**30), description="Size of a home. Larger values grow existing ones.")
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = Field(
        default="ReadWriteMany", description="ReadWriteOnce makes a switch wait until the disk is free."
    )
    mount_path: f.Path = Field(default="/home/jovyan", description="Where the home is mounted.")
    claim_name_template: str = Field(
        default="home-{username}", description="Name of the claim; one per person, so no {servername}."
    )
    keep_when_user_removed: bool = Field(default=True, description="Keep the claim when the user is removed.")
    labels: f.Labels = Field(default=EMPTY, description="Extra labels of the claim.")
    annotations: f.Annotations = Field(default=EMPTY, description="Extra annotations of the claim.")

    @model_validator(mode="after")
    def _one_home_per_person(self) -> HomePolicy:
        if "{username}" not in self.claim_name_template:
            raise wrong("claimNameTemplate has no {username}: everybody would share one home", "add {username} to it")
        if "server" in self.claim_name_template:
            raise wrong("claimNameTemplate would give every named server another home", "use {username} alone")
        if self.size.bytes < 2**20:
            raise wrong(f"a home of {self.size} is less than a mebibyte", 'give the unit, such as "10Gi"')
        return self
