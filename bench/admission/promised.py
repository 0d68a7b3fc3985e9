"""What is promised at the large hub: reservations, a line of those who wait, shares that are lent. Data only."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bench.admission.hub import GROUPS, MACHINES, NOW, POLICIES, person, request
from hub_extensions.admission.books import promises_changed
from hub_extensions.admission.rows import reservation_row, waiting_row
from hub_extensions.admission.store import Store
from hub_extensions.admission.tables import QUEUE, RESERVATIONS
from profiles.amounts import Amounts
from profiles.frozen import freeze
from profiles.lease import KEPT, Lease
from profiles.policy import Policies
from profiles.pots import Pot
from profiles.reservations import Reservation
from profiles.waiting import Waiting

DAYS = 14
#: GPUs of each group's own; some groups, whose people wait for what is theirs, have more.
SHARE, LARGE_SHARE = 60, 100_000
OWNERS = {name: {"gpus": LARGE_SHARE} for name in ("g0", "g3", "g1", "g10")}
GPU = "nvidia.com/gpu"


def policies(leases: Iterable[Lease], *, lent: bool) -> Policies:
    """`hub.POLICIES`, and no GPU is free: who wants one waits. `lent`: most groups run more than their own share."""
    out = tuple(leases)
    gpus = sum(lease.amounts.gpus for lease in out)
    in_pool = sum(lease.amounts.gpus for lease in out if lease.pool == "gpu")
    known: dict[str, Any] = POLICIES.model_dump(by_alias=True, exclude_unset=True, mode="json")
    share = {"per": "group", "gpus": SHARE if lent else LARGE_SHARE, "borrowing": {"within": "everybody"}}
    quotas = {
        **known["quotas"],
        "team": {**known["quotas"]["team"], **share, "overrides": {"groups": OWNERS}},
        "everybody": {**known["quotas"]["everybody"], "gpus": gpus},
    }
    reservable = {"pools": ["gpu"], "gpus": in_pool + 20, "atMost": {"gpus": 40}}
    return Policies.model_validate({**known, "quotas": quotas, "reservations": {"gpu-pool": reservable}})


def reservations(many: int, seed: int = 3) -> tuple[Reservation, ...]:
    dice = random.Random(seed)  # noqa: S311 - the same hub each time
    found = []
    for number in range(many):
        begins = NOW + timedelta(minutes=15 * dice.randint(4, DAYS * 96))
        by = person(dice.randrange(5_000))
        found.append(
            Reservation(
                id=f"reserved-{number}",
                rule="gpu-pool",
                user=by.name,
                groups=by.groups,
                profile="machine-2",
                display_name="Machine 2",
                amounts=gpus(dice.choice((2, 4, 8))),
                begins_at=begins,
                ends_at=begins + timedelta(minutes=30 * dice.randint(2, 16)),
                made_at=NOW,
            )
        )
    return tuple(found)


def gpus(count: int) -> Amounts:
    return Amounts(1, 2000, 8 * 2**30, freeze({GPU: count}))


def line(many: int) -> tuple[Waiting, ...]:
    """Every other one of them waits for what is their own group's."""
    dice = random.Random(4)  # noqa: S311
    found = []
    for number in range(many):
        wanted = request(f"{KEPT}waits-{number}", dice)
        by = person(GROUPS * dice.randrange(100) + number % 2) if number % 4 < 2 else wanted.person
        machine = dice.choice([each for each in range(MACHINES) if each % 3])
        machine_asked = {"profile": f"machine-{machine}", "amounts": gpus(machine % 3), "pool": "many-core"}
        wanted = replace(wanted, person=by, server="another", **machine_asked)
        joined = NOW - timedelta(minutes=many - number)
        found.append(Waiting(id=f"waits-{number}", request=wanted, joined_at=joined, pot=Pot("everybody", "hub")))
    return tuple(found)


def promise(store: Store, reserved: Iterable[Reservation], waiting: Iterable[Waiting]) -> None:
    with store.changing() as books:
        books.connection.execute(sa.insert(RESERVATIONS), list(map(reservation_row, reserved)))
        books.connection.execute(sa.insert(QUEUE), list(map(waiting_row, waiting)))
        promises_changed(books.connection)
