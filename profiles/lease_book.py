"""All leases that are out, found by person, group and profile without looking through all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import TypeVar, cast

from profiles.caps import Per
from profiles.lease import Lease
from profiles.tally import Tally

T = TypeVar("T", bound=Tally)
V = TypeVar("V")
Place = tuple[Per, str]
#: Sorts leases in the order in which they were granted.
BY_AGE = attrgetter("held_at", "id")
#: Fewer leases than these are summed as quickly as a tally is kept.
FEW = 16
#: Rules at one place; more than these are rules that are no longer asked for.
TALLIES = 200


class LeaseBook:
    """An index in memory; whoever keeps it tells it of every change. Order is that in which leases were granted."""

    def __init__(self, leases: Iterable[Lease] = ()) -> None:
        self._all: dict[str, Lease] = {}
        self._by_user: dict[str, dict[str, Lease]] = {}
        self._by_group: dict[str, dict[str, Lease]] = {}
        self._by_profile: dict[str, dict[str, Lease]] = {}
        self._tallies: dict[Place, dict[int, tuple[object, Tally]]] = {}
        self._found: dict[Place, dict[int, tuple[object, object]]] = {}
        #: Counts what was put and removed: what was made of the book before is out of date.
        self.changes = 0
        for lease in leases:
            self.put(lease)

    def copy(self) -> LeaseBook:
        """As it is now, whatever becomes of this one."""
        other = LeaseBook()
        other._all = dict(self._all)
        other._by_user, other._by_group, other._by_profile = (
            {key: dict(leases) for key, leases in index.items()}
            for index in (self._by_user, self._by_group, self._by_profile)
        )
        return other

    def put(self, lease: Lease) -> None:
        """Add it, or take its new state."""
        known = self._all.get(lease.id)
        if known is not None and (known.user, known.groups, known.profile) != (lease.user, lease.groups, lease.profile):
            self.remove(lease.id)
        elif known is not None:
            self._tell(known, remove=True)
        self._all[lease.id] = lease
        for index, keys in self._places(lease):
            for key in keys:
                index.setdefault(key, {})[lease.id] = lease
        self._tell(lease)

    def remove(self, lease_id: str) -> Lease | None:
        """What is not there is gone already."""
        lease = self._all.pop(lease_id, None)
        if lease is not None:
            self._tell(lease, remove=True)
            for index, keys in self._places(lease):
                for key in keys:
                    index[key].pop(lease_id, None)
                    if not index[key]:
                        del index[key]
        return lease

    def get(self, lease_id: str) -> Lease | None:
        return self._all.get(lease_id)

    def of_user(self, name: str) -> Iterable[Lease]:
        return self._by_user.get(name, {}).values()

    def of_group(self, name: str) -> Iterable[Lease]:
        return self._by_group.get(name, {}).values()

    def groups(self) -> Iterable[str]:
        """Those with something out."""
        return self._by_group.keys()

    def of_profile(self, name: str) -> Iterable[Lease]:
        return self._by_profile.get(name, {}).values()

    def at(self, place: Place) -> Mapping[str, Lease]:
        """The leases of a person, group, profile or, with any subject, all of the hub."""
        per, subject = place
        if per == "hub":
            return self._all
        return {"user": self._by_user, "group": self._by_group, "profile": self._by_profile}[per].get(subject, {})

    def tally(self, place: Place, rule: object, make: Callable[[], T]) -> T:
        """The sums that `make` makes for this rule (this very object) over the leases at that place, kept from now on
        where there are many."""
        leases = self.at(place)
        kept = self._tallies.get(place, {})
        if id(rule) in kept:
            return cast(T, kept[id(rule)][1])
        tally = make()
        for lease in leases.values():
            tally.put(lease)
        if len(leases) >= FEW:
            if len(kept) >= TALLIES:
                kept.clear()
            # The rule is kept beside its sums, so that no other object can have its id meanwhile.
            self._tallies.setdefault(place, kept)[id(rule)] = (rule, tally)
        return tally

    def found(self, place: Place, rule: object, find: Callable[[Iterable[Lease]], V]) -> V:
        """What `find` makes of the leases at that place by this rule (this very object), kept until one of them
        changes."""
        kept = self._found.setdefault(place, {})
        if id(rule) not in kept:
            if len(kept) >= TALLIES:
                kept.clear()
            kept[id(rule)] = (rule, find(self.at(place).values()))
        return cast(V, kept[id(rule)][1])

    def __iter__(self) -> Iterator[Lease]:
        return iter(self._all.values())

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, lease_id: str) -> bool:
        return lease_id in self._all

    def _tell(self, lease: Lease, *, remove: bool = False) -> None:
        """What is kept of the places where it is."""
        self.changes += 1
        if not self._tallies and not self._found:
            return
        places: list[Place] = [("hub", ""), ("user", lease.user), ("profile", lease.profile)]
        places += (("group", name) for name in lease.groups)
        for place in places:
            self._found.pop(place, None)
            for _, tally in self._tallies.get(place, {}).values():
                if remove:
                    tally.remove(lease)
                else:
                    tally.put(lease)

    def _places(self, lease: Lease) -> tuple[tuple[dict[str, dict[str, Lease]], Iterable[str]], ...]:
        return (
            (self._by_user, (lease.user,)),
            (self._by_group, lease.groups),
            (self._by_profile, (lease.profile,)),
        )
