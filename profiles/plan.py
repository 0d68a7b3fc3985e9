"""The machine that a start gets: everything decided, nothing left to look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from profiles.accelerators import count_gpus
from profiles.choice import MachineChoice
from profiles.frozen import EMPTY, thaw
from profiles.hours import WorkingHours
from profiles.model import CpuRange, MemoryRange, Pool, PullPolicy
from profiles.quantity import Duration, Money


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePlan:
    """Made by `resolve` alone. Mappings are the catalog's own, frozen: `frozen.thaw` gives copies to change.

    A limit of None is no limit. `run_for` is how long its person asked for; `max_lifetime` is the shorter one of that
    and of the machine's own. `image=None` is the hub's default image. `options` is complete: also what was not
    asked is in it, so that the same machine can be asked for again.
    """

    profile_id: str
    display_name: str
    purpose: str
    pool_id: str
    pool: Pool
    cpu: CpuRange
    memory: MemoryRange
    price_per_hour: Money
    start_timeout: Duration
    extended_resources: Mapping[str, int] = EMPTY
    image: str | None = None
    image_pull_policy: PullPolicy | None = None
    env: Mapping[str, str] = EMPTY
    volumes: tuple[Mapping[str, Any], ...] = ()
    volume_mounts: tuple[Mapping[str, Any], ...] = ()
    annotations: Mapping[str, str] = EMPTY
    labels: Mapping[str, str] = EMPTY
    idle_timeout: Duration | None = None
    max_lifetime: Duration | None = None
    keep_alive_at_most: Duration | None = None
    hours: WorkingHours | None = None
    options: Mapping[str, str] = EMPTY
    rescue: bool = False
    run_for: Duration | None = None

    @property
    def gpus(self) -> int:
        """Whole devices and MIG slices; `accelerators` says which names count."""
        return count_gpus(self.extended_resources)

    @property
    def choice(self) -> MachineChoice:
        """The choice that gives this plan again."""
        return MachineChoice(self.profile_id, self.options, self.rescue, self.run_for)

    def lasting(self, run_for: Duration | None) -> MachinePlan:
        """The same for so long. What is asked for beyond its own limit is cut to it: whoever wants eight hours of what
        runs for six takes six."""
        if run_for is None:
            return self
        own = self.max_lifetime
        return replace(self, run_for=run_for, max_lifetime=run_for if own is None else min(own, run_for))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, for logs and `python -m profiles show`."""
        return {
            "profile": self.profile_id,
            "displayName": self.display_name,
            "purpose": self.purpose,
            "pool": {"id": self.pool_id, **self.pool.model_dump(mode="json", by_alias=True, exclude_defaults=True)},
            "cpu": {"request": str(self.cpu.request), "limit": str(self.cpu.limit)},
            "memory": {"request": str(self.memory.request), "limit": str(self.memory.limit)},
            "extendedResources": dict(self.extended_resources),
            "gpus": self.gpus,
            "image": self.image,
            "imagePullPolicy": self.image_pull_policy,
            "pricePerHour": str(self.price_per_hour),
            "env": dict(self.env),
            "volumes": thaw(self.volumes),
            "volumeMounts": thaw(self.volume_mounts),
            "annotations": dict(self.annotations),
            "labels": dict(self.labels),
            "idleTimeout": None if self.idle_timeout is None else str(self.idle_timeout),
            "maxLifetime": None if self.max_lifetime is None else str(self.max_lifetime),
            "keepAliveAtMost": None if self.keep_alive_at_most is None else str(self.keep_alive_at_most),
            "hours": None if self.hours is None else self.hours.model_dump(mode="json", by_alias=True),
            "startTimeout": str(self.start_timeout),
            "options": dict(self.options),
            "rescue": self.rescue,
            "runFor": None if self.run_for is None else str(self.run_for),
        }
