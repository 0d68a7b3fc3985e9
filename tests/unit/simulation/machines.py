"""A small catalog and its visits, shared by the tests of simulations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from profiles.catalog import from_mapping, load_catalog
from profiles.choice import MachineChoice
from profiles.model import Catalog
from profiles.person import Person
from profiles.simulation.visit import Visit

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SPAN = (MONDAY, MONDAY + timedelta(days=1))


def catalog(profiles: Mapping[str, Any] | None = None, **policies: Mapping[str, Any]) -> Catalog:
    """The shipped machines with these changes, nodes of a known size, and these rules."""
    node = {"cpu": 16, "memory": "128Gi"}
    values = {
        "pools": {
            "general": {"autoscaled": {"largestNode": node}},
            "gpu": {"autoscaled": {"largestNode": {**node, "extendedResources": {"nvidia.com/gpu": 4}}}},
        },
        "profiles": profiles or {},
        "policies": policies,
    }
    return load_catalog(from_mapping("test", values))


def visit(
    name: str, minute: float, works: float = 60, profile: str = "gpu", *, groups: str = "", **more: Any
) -> Visit:
    """`minute` counts from Monday's midnight; `works` is in minutes too."""
    return Visit(
        id=f"{name}-{minute:g}",
        person=Person(name, frozenset(groups.split())),
        choice=MachineChoice(profile, more.pop("options", {})),
        comes_at=MONDAY + timedelta(minutes=minute),
        works_for=timedelta(minutes=works),
        **more,
    )
