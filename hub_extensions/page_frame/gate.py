"""Asking the gate before the click: many machines at once, one call to its thread, the decision that a start gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from hub_extensions.admission.away import without_books
from hub_extensions.admission.database import DatabaseAway
from profiles.admission import Decision, decide
from profiles.cost import by_hour
from profiles.frozen import freeze
from profiles.lease import Charge, Lease, Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import budget_pots, drawn
from profiles.snapshot import Snapshot

K = TypeVar("K")

#: The lease id of a start that is only thought of.
FORESEEN = "foreseen"
#: Where handlers find the gate among the Hub's tornado settings.
SETTING = "remuda_gate"


def gate_of(settings: Mapping[str, Any]) -> Any:
    """The Hub's `SqlGate`; None where admission is off."""
    return settings.get(SETTING)


async def foreseen(
    gate: Any, requests: Mapping[K, Request], policies: Policies, now: datetime
) -> dict[K, Decision]:
    """What a start of each of these, all one person's, would be told. A request with the id of a lease that is out is
    for a machine *instead of* that one. Where the database is away, what a start of each is told then."""
    if not requests:
        return {}
    try:
        return dict(await gate.call(decide_all, gate.store, requests, policies, now))
    except DatabaseAway:
        return {key: without_books(request, policies, now) for key, request in requests.items()}


def decide_all(store: Any, requests: Mapping[K, Request], policies: Policies, now: datetime) -> dict[K, Decision]:
    """Runs in the gate's thread. One decision per different machine: options that change only software cost nothing."""
    different = {_machine(request): request for request in requests.values()}
    starts = [request for request in different.values() if request.lease_id == FORESEEN]
    decided = dict(zip(map(_machine, starts), store.foresee_all(starts, policies, now), strict=True))
    snapshots: dict[tuple[Any, ...], Snapshot] = {}
    for machine, request in different.items():
        if machine in decided:
            continue
        # Instead of one that is out: what it has used so far stays used, and it holds nothing any more.
        seen_by = (request.lease_id, *(pot.pot for pot in budget_pots(policies, request, now)))
        if seen_by not in snapshots:
            snapshots[seen_by] = as_if_ended(store.snapshot(policies, request, now), request, policies, now)
        decided[machine] = decide(request, snapshots[seen_by], policies, now)
    return {key: decided[_machine(request)] for key, request in requests.items()}


def as_if_ended(snapshot: Snapshot, request: Request, policies: Policies, now: datetime) -> Snapshot:
    """Whoever switches gives back what runs, and has used what it has used so far: that stays used."""
    ending = snapshot.book.get(request.lease_id)
    if ending is None:
        return snapshot
    alone, spent = LeaseBook([ending]), dict(snapshot.spent)
    for pot in budget_pots(policies, request, now):
        if ending in drawn(pot.pot, pot.budget, alone):
            spent[pot.pot] = spent.get(pot.pot, Charge()) + _since(ending, pot.begin, now)
    rest = (lease for lease in snapshot.book if lease.id != ending.id)
    return replace(snapshot, book=LeaseBook(rest), spent=freeze(spent))


def _since(lease: Lease, begin: datetime, now: datetime) -> Charge:
    total = Charge()
    if lease.began_at is not None:
        for hour, part in by_hour(lease, lease.began_at, now):
            if hour >= begin:
                total += part
    return total


def _machine(request: Request) -> tuple[Any, ...]:
    kind = (request.lease_id, request.profile, request.pool)
    return (*kind, request.amounts, request.price_per_hour, request.longest)
