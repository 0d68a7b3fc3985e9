"""What pots of budgets have spent, kept as the hub keeps it: by the hour."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import datetime

from profiles.cost import by_hour
from profiles.lease import Charge, Entry, Lease, Request
from profiles.person import Person
from profiles.policy import Policies
from profiles.pots import Pot, budget_pots


class Spending:
    """Time only goes forward here, so what has left a window is forgotten, and a sum is kept instead of summed."""

    def __init__(self, policies: Policies) -> None:
        self.policies = policies
        self._pots: dict[Pot, _Window] = {}

    def add(self, entry: Entry) -> None:
        began = entry.lease.began_at
        if began is None or not self.policies.budgets:
            return
        windows = [
            self._pots.setdefault(pot.pot, _Window())
            for pot in budget_pots(self.policies, request_of(entry.lease), entry.ended_at)
        ]
        if windows:
            for hour, part in by_hour(entry.lease, began, entry.ended_at):
                for window in windows:
                    window.add(hour, part)

    def of(self, request: Request, now: datetime) -> Mapping[Pot, Charge]:
        """For a snapshot: each budget that the request draws from, in its window of this moment."""
        if not self.policies.budgets:
            return {}
        return {
            pot.pot: self._pots[pot.pot].since(pot.begin)
            for pot in budget_pots(self.policies, request, now)
            if pot.pot in self._pots
        }


class _Window:
    def __init__(self) -> None:
        self._hours: list[tuple[datetime, int, int, int]] = []
        self._seconds = self._gpu_seconds = self._micros = 0

    def add(self, hour: datetime, part: Charge) -> None:
        heapq.heappush(self._hours, (hour, part.seconds, part.gpu_seconds, part.micros))
        self._count(part.seconds, part.gpu_seconds, part.micros)

    def since(self, begin: datetime) -> Charge:
        """A sliding window begins within an hour: that hour counts as a whole."""
        first = begin.replace(minute=0, second=0, microsecond=0)
        while self._hours and self._hours[0][0] < first:
            _, seconds, gpu_seconds, micros = heapq.heappop(self._hours)
            self._count(-seconds, -gpu_seconds, -micros)
        return Charge(self._seconds, self._gpu_seconds, self._micros)

    def _count(self, seconds: int, gpu_seconds: int, micros: int) -> None:
        self._seconds += seconds
        self._gpu_seconds += gpu_seconds
        self._micros += micros


def request_of(lease: Lease) -> Request:
    """The request that gave this lease, as far as pots are concerned."""
    return Request(
        lease_id=lease.id,
        person=Person(lease.user, lease.groups),
        server=lease.server,
        profile=lease.profile,
        display_name=lease.display_name,
        pool=lease.pool,
        amounts=lease.amounts,
        price_per_hour=lease.price_per_hour,
    )
