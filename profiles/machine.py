"""What a server runs on: kept in the spawner's state and in the pod's annotation, read by pages and the culler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from profiles.amounts import Amounts
from profiles.frozen import EMPTY, freeze
from profiles.plan import MachinePlan
from profiles.quantity import Money


@dataclass(frozen=True, slots=True)
class RunningMachine:
    """As it was when it started: a later change of the catalog does not change a running machine's price or limits.

    `cpu_cores` and `memory_bytes` are the limits: what the person may use; `reserved` is what quotas count, None for a
    machine that an earlier version started. `started_at` is aware UTC, None until the
    server answers. Limits are seconds; None is no limit. `run_for_s` is how long its person asked for; its life may be
    shorter, by its own limit or a budget. `leaves_at` is when it closes or has to make room for others.
    """

    profile_id: str
    display_name: str
    pool_id: str
    cpu_cores: float
    memory_bytes: int
    gpus: int
    price_per_hour: Money
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    spawn_id: str = ""
    started_at: datetime | None = None
    idle_timeout_s: int | None = None
    max_lifetime_s: int | None = None
    keep_alive_at_most_s: int | None = None
    node: str | None = None
    reserved: Amounts | None = None
    leaves_at: datetime | None = None
    run_for_s: int | None = None

    @classmethod
    def of(cls, plan: MachinePlan, spawn_id: str, started_at: datetime | None = None) -> RunningMachine:
        return cls(
            profile_id=plan.profile_id,
            display_name=plan.display_name,
            pool_id=plan.pool_id,
            cpu_cores=plan.cpu.limit.cores,
            memory_bytes=plan.memory.limit.bytes,
            gpus=plan.gpus,
            price_per_hour=plan.price_per_hour,
            options=plan.options,
            spawn_id=spawn_id,
            started_at=started_at,
            idle_timeout_s=plan.idle_timeout.seconds if plan.idle_timeout else None,
            max_lifetime_s=plan.max_lifetime.seconds if plan.max_lifetime else None,
            keep_alive_at_most_s=plan.keep_alive_at_most.seconds if plan.keep_alive_at_most else None,
            reserved=Amounts.of(plan),
            run_for_s=plan.run_for.seconds if plan.run_for else None,
        )

    @property
    def asked_for(self) -> tuple[str, dict[str, str], int | None]:
        """Which machine, and for how long: two that are alike in it are the same wish."""
        return self.profile_id, dict(self.options), self.run_for_s

    @property
    def ends_as_asked(self) -> bool:
        """Its life is as long as its person wanted it, and no rule has cut it short."""
        return self.run_for_s is not None and self.run_for_s == self.max_lifetime_s

    def stops_at(
        self, now: datetime, last_activity: datetime | None, kept_until: datetime | None = None
    ) -> datetime | None:
        """When it stops by itself if nothing is done from now on; None: never, or not known yet.

        `kept_until`: its person keeps it on until then although nothing is done; its lifetime holds all the same.
        Never in the past: a limit that has run out means "now". A naive time is taken as UTC, as JupyterHub's
        database keeps it.
        """
        started, active = _aware(self.started_at), _aware(last_activity)
        ends = []
        if self.max_lifetime_s and started:
            ends.append(started + timedelta(seconds=self.max_lifetime_s))
        if self.leaves_at:
            ends.append(self.leaves_at)
        seen = max((moment for moment in (started, active) if moment), default=None)
        if self.idle_timeout_s and seen:
            idle = seen + timedelta(seconds=self.idle_timeout_s)
            ends.append(max(idle, kept_until) if kept_until else idle)
        return max(min(ends), now) if ends else None

    def to_dict(self) -> dict[str, Any]:
        """JSON; `from_dict` reads it back."""
        return {
            "profile_id": self.profile_id,
            "display_name": self.display_name,
            "pool_id": self.pool_id,
            "cpu_cores": self.cpu_cores,
            "memory_bytes": self.memory_bytes,
            "gpus": self.gpus,
            "price_per_hour": self.price_per_hour.to_dict(),
            "options": dict(self.options),
            "spawn_id": self.spawn_id,
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "idle_timeout_s": self.idle_timeout_s,
            "max_lifetime_s": self.max_lifetime_s,
            "keep_alive_at_most_s": self.keep_alive_at_most_s,
            "node": self.node,
            "reserved": self.reserved.to_dict() if self.reserved else None,
            "leaves_at": self.leaves_at.isoformat() if self.leaves_at else None,
            "run_for_s": self.run_for_s,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> RunningMachine:
        """Raises KeyError, TypeError or ValueError for what another version wrote; keys it does not know it ignores."""
        price, started_at = kept["price_per_hour"], kept.get("started_at")
        try:
            amount = Decimal(str(price["amount"]))
        except InvalidOperation as e:
            raise ValueError(f"{price['amount']!r} is not an amount of money") from e
        return cls(
            profile_id=str(kept["profile_id"]),
            display_name=str(kept["display_name"]),
            pool_id=str(kept["pool_id"]),
            cpu_cores=float(kept["cpu_cores"]),
            memory_bytes=int(kept["memory_bytes"]),
            gpus=int(kept["gpus"]),
            price_per_hour=Money(amount, str(price["currency"])),
            options=freeze({str(name): str(value) for name, value in dict(kept.get("options") or {}).items()}),
            spawn_id=str(kept.get("spawn_id") or ""),
            started_at=_aware(datetime.fromisoformat(started_at)) if started_at else None,
            idle_timeout_s=_seconds(kept.get("idle_timeout_s")),
            max_lifetime_s=_seconds(kept.get("max_lifetime_s")),
            keep_alive_at_most_s=_seconds(kept.get("keep_alive_at_most_s")),
            node=None if kept.get("node") is None else str(kept["node"]),
            reserved=Amounts.from_dict(kept["reserved"]) if kept.get("reserved") else None,
            leaves_at=_aware(datetime.fromisoformat(leaves_at)) if (leaves_at := kept.get("leaves_at")) else None,
            run_for_s=_seconds(kept.get("run_for_s")),
        )


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _seconds(value: Any) -> int | None:
    return None if value is None else int(value)
