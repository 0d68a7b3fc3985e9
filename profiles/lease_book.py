"""All leases that are out, found by person, group and profile without looking through all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from profiles.lease import Lease


class LeaseBook:
    """An index in memory; whoever keeps it tells it of every change. Order is that in which leases were granted."""

    def __init__(self, leases: Iterable[Lease] = ()) -> None:
        self._all: dict[str, Lease] = {}
        self._by_user: dict[str, dict[str, Lease]] = {}
        self._by_group: dict[str, dict[str, Lease]] = {}
        self._by_profile: dict[str, dict[str, Lease]] = {}
        for lease in leases:
            self.put(lease)

    def put(self, lease: Lease) -> None:
        """Add it, or take its new state."""
        known = self._all.get(lease.id)
        if known is not None and (known.user, known.groups, known.profile) != (lease.user, lease.groups, lease.profile):
            self.remove(lease.id)
        self._all[lease.id] = lease
        for index, keys in self._places(lease):
            for key in keys:
                index.setdefault(key, {})[lease.id] = lease

    def remove(self, lease_id: str) -> Lease | None:
        """What is not there is gone already."""
        lease = self._all.pop(lease_id, None)
        if lease is not None:
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

    def of_profile(self, name: str) -> Iterable[Lease]:
        return self._by_profile.get(name, {}).values()

    def __iter__(self) -> Iterator[Lease]:
        return iter(self._all.values())

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, lease_id: str) -> bool:
        return lease_id in self._all

    def _places(self, lease: Lease) -> tuple[tuple[dict[str, dict[str, Lease]], Iterable[str]], ...]:
        return (
            (self._by_user, (lease.user,)),
            (self._by_group, lease.groups),
            (self._by_profile, (lease.profile,)),
        )
