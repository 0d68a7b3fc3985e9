"""Requests, rules and moments for tests of admission."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from profiles.amounts import Amounts
from profiles.frozen import freeze
from profiles.lease import Request
from profiles.person import Person
from profiles.policy import Policies
from profiles.quantity import Money

NOW = datetime(2026, 3, 10, 9, 30, 0, 250_000, tzinfo=UTC)
HOUR = timedelta(hours=1)
GPU = "nvidia.com/gpu"
NO_RULES = Policies()


def rules(**sections: Any) -> Policies:
    return Policies.model_validate(sections)


ONE_GPU = rules(quotas={"gpus": {"per": "hub", "gpus": 1}})


def ask(
    lease_id: str,
    user: str = "ada",
    *,
    groups: tuple[str, ...] = (),
    gpus: int = 1,
    price: str = "2.90",
    profile: str = "gpu",
    pool: str = "gpus",
    longest: timedelta | None = None,
) -> Request:
    return Request(
        lease_id=lease_id,
        person=Person(user, frozenset(groups)),
        server="",
        profile=profile,
        display_name="GPU" if gpus else "CPU",
        pool=pool,
        amounts=Amounts(1, 4000, 16 * 2**30, freeze({GPU: gpus} if gpus else {})),
        price_per_hour=Money(Decimal(price), "EUR"),
        longest=longest,
    )
