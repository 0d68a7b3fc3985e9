"""A large hub: its people, groups, machines and rules. Data only; the same at every run."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal

from profiles.amounts import Amounts
from profiles.frozen import freeze
from profiles.lease import Request
from profiles.person import Person
from profiles.policy import Policies
from profiles.quantity import Money

NOW = datetime(2026, 11, 18, 14, 20, tzinfo=UTC)
PEOPLE, GROUPS, MACHINES = 5_000, 50, 12
POOLS = ("small-cpu", "many-core", "gpu")
#: None of them is reached: every start is measured against all of them.
POLICIES = Policies.model_validate(
    {
        "timezone": "Europe/Berlin",
        "quotas": {
            "each": {"per": "user", "servers": 50, "gpus": 50},
            "team": {"per": "group", "gpus": 10_000, "cores": 100_000},
            "machine": {"per": "profile", "servers": 10_000},
            "everybody": {"per": "hub", "servers": 100_000, "cores": 1_000_000, "memory": "8Pi", "gpus": 100_000},
            "gpu-pool": {"per": "hub", "pools": ["gpu", "many-core"], "gpus": 100_000},
        },
        "budgets": {
            "each": {"per": "user", "money": 1_000_000},
            "students": {"per": "user", "groups": [f"g{n}" for n in range(25)], "machineHours": 1_000_000},
            "team": {"per": "group", "gpuHours": 10_000_000},
            "everybody": {"per": "hub", "money": 1_000_000_000},
            "project": {"per": "hub", "groups": ["g0", "g1", "g2", "g3"], "money": 1_000_000_000, "window": "30d"},
        },
    }
)


def person(number: int) -> Person:
    """Two groups of fifty each: some two hundred people in a group."""
    first = number % GROUPS
    return Person(f"person-{number}", frozenset({f"g{first}", f"g{(first * 7 + 3) % GROUPS}"}))


def request(lease_id: str, dice: random.Random) -> Request:
    machine = dice.randrange(MACHINES)
    gpus = machine % 3
    return Request(
        lease_id=lease_id,
        person=person(dice.randrange(PEOPLE)),
        server="",
        profile=f"machine-{machine}",
        display_name=f"Machine {machine}",
        pool=POOLS[gpus],
        amounts=Amounts(1, 2000, 8 * 2**30, freeze({"nvidia.com/gpu": gpus} if gpus else {})),
        price_per_hour=Money(Decimal("0.37") * (machine + 1), "EUR"),
    )
