"""Which of a pot's machines are still there at a later moment, as far as their ends are known. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import accumulate

from profiles.amounts import Amounts
from profiles.lease import Lease
from profiles.lease_book import BY_AGE
from profiles.pots import ReservedPot
from profiles.tally import AmountsTally


class Ends:
    """Any moment may be asked for, in any order; machines whose end is not known are there for ever. Sums are made
    once: there may be thousands of machines."""

    def __init__(self, pot: ReservedPot, leases: Iterable[Lease]) -> None:
        names = [name for name, _ in pot.caps.limits()]
        self._leases: list[tuple[Lease, datetime | None]] = []
        self._by_user: dict[str, list[tuple[Lease, datetime | None]]] = {}
        ending: list[tuple[datetime, Lease]] = []
        most = dict.fromkeys(names, 0)
        for lease in leases:
            takes = [(name, n) for name in names if (n := lease.amounts.much(name))]
            if not takes:
                continue
            for name, n in takes:
                most[name] += n
            end = lease.ends_at
            self._leases.append((lease, end))
            self._by_user.setdefault(lease.user, []).append((lease, end))
            if end is not None:
                ending.append((end, lease))
        ending.sort(key=lambda each: each[0])
        self._moments = [end for end, _ in ending]
        self._left = {
            name: list(accumulate((-lease.amounts.much(name) for _, lease in ending), initial=most[name]))
            for name in names
        }

    def much(self, moment: datetime) -> dict[str, int]:
        """What is limited in the pot, and how much of it is still taken."""
        over = bisect_right(self._moments, moment)
        return {name: left[over] for name, left in self._left.items()}

    def of(self, moment: datetime, *users: str) -> list[Lease]:
        return [lease for user in users for lease in _there(self._by_user.get(user, ()), moment)]

    def all_of_them(self, moment: datetime) -> list[Lease]:
        """In the order in which they were given."""
        return list(_there(self._leases, moment))


def _there(leases: Iterable[tuple[Lease, datetime | None]], moment: datetime) -> Iterator[Lease]:
    return (lease for lease, end in leases if end is None or end > moment)


class Staying:
    """As moments pass, and while machines are told to go. Sums are kept."""

    def __init__(
        self, pot: ReservedPot, leases: Iterable[Lease], end_of: Callable[[Lease], datetime | None]
    ) -> None:
        names = [name for name, _ in pot.caps.limits()]
        self._tally = AmountsTally(lambda lease: True)
        self._by_user: dict[str, dict[str, Lease]] = {}
        self._all: dict[str, Lease] = {}
        ending: list[tuple[datetime, Lease]] = []
        for lease in leases:
            if any(lease.amounts.much(name) for name in names):
                self.put(lease)
                end = end_of(lease)
                if end is not None:
                    ending.append((end, lease))
        self._ending = sorted(ending, key=lambda each: each[0], reverse=True)
        self._newest = sorted(self._all.values(), key=BY_AGE, reverse=True)

    def pass_to(self, moment: datetime) -> None:
        while self._ending and self._ending[-1][0] <= moment:
            self.remove(self._ending.pop()[1])

    def put(self, lease: Lease) -> None:
        self._all[lease.id] = lease
        self._by_user.setdefault(lease.user, {})[lease.id] = lease
        self._tally.put(lease)

    def remove(self, lease: Lease) -> None:
        if self._all.pop(lease.id, None) is not None:
            del self._by_user[lease.user][lease.id]
            self._tally.remove(lease)

    def of(self, *users: str) -> list[Lease]:
        return [lease for user in users for lease in self._by_user.get(user, {}).values()]

    def newest_first(self) -> list[Lease]:
        return [lease for lease in self._newest if lease.id in self._all]

    def amounts(self) -> Amounts:
        return self._tally.without(())
