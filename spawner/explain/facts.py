"""What the caller knows about a start that the cluster's objects do not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from profiles.plan import MachinePlan
    from spawner.feasibility import PoolRoom


@dataclass(frozen=True, slots=True)
class Facts:
    """All optional: without them sentences are less precise, and fewer hopeless starts are recognised."""

    machine: str = ""  # the profile's display name
    pool: str = ""  # the pool's display name
    autoscaled: bool = False  # the pool's autoscaler may add nodes
    image_bytes: int | None = None  # size of the image where some node has it already
    pod_uid: str = ""  # of the pod that was made, for when it has vanished
    room: PoolRoom | None = None  # feasibility.free_in_pool(...): tells an empty pool from a cordoned one
    attachments: Sequence[Mapping[str, Any]] = ()  # VolumeAttachment objects: where the home is attached
    nodes: frozenset[str] | None = None  # names of the cluster's nodes; None: not known

    @classmethod
    def of(cls, plan: MachinePlan, **more: Any) -> Self:
        return cls(
            machine=plan.display_name,
            pool=plan.pool.display_name or plan.pool_id,
            autoscaled=plan.pool.autoscaled is not None,
            **more,
        )

    @property
    def the_machine(self) -> str:
        return f"The machine '{self.machine}'" if self.machine else "The machine"

    @property
    def in_the_pool(self) -> str:
        return f"in pool {self.pool}" if self.pool else "in its pool"

    @property
    def the_pool(self) -> str:
        return f"pool {self.pool}" if self.pool else "this machine's pool"


NO_FACTS = Facts()
