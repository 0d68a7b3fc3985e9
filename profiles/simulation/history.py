"""Real visits: from the ledger, so that the people who come are those who came."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from random import Random

from profiles.amounts import Amounts
from profiles.choice import MachineChoice
from profiles.lease import Entry, Lease
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.refusal import Refusal
from profiles.resolve import resolve
from profiles.simulation.invented import answers_after, patience_of
from profiles.simulation.visit import Visit

#: Combinations of options that are looked through for the one a machine had.
MOST_COMBINATIONS = 4096


def visits_of(
    entries: Iterable[Entry], catalog: Catalog, admins: frozenset[str] = frozenset(), seed: int = 1
) -> tuple[Visit, ...]:
    """One visit for each run that began. How long they would have waited is not in a ledger: it is drawn, as for
    invented people, and the same for the same run and seed.

    Someone who was stopped by a limit is taken to have wanted just that long.
    """
    choices = Choices(catalog)
    visits = []
    for entry in entries:
        if entry.lease.began_at is None:
            continue
        chance = Random(f"{seed}/{entry.lease.id}")  # noqa: S311, nothing secret about it
        visit = Visit(
            id=entry.lease.id,
            person=person_of(entry.lease, admins),
            server=entry.lease.server,
            choice=choices.of(entry.lease),
            comes_at=entry.lease.held_at,
            works_for=entry.lease.ran(entry.ended_at),
            patience=patience_of(chance),
            answers_after=answers_after(chance),
        )
        visits.append(visit)
    return tuple(sorted(visits, key=lambda visit: (visit.comes_at, visit.id)))


def span_of(visits: Iterable[Visit]) -> tuple[datetime, datetime]:
    """Whole UTC days, from the first visit to the last."""
    times = [visit.comes_at.astimezone(UTC) for visit in visits]
    first = min(times).replace(hour=0, minute=0, second=0, microsecond=0)
    last = max(times).replace(hour=0, minute=0, second=0, microsecond=0)
    return first, last + timedelta(days=1)


def person_of(lease: Lease, admins: frozenset[str]) -> Person:
    """A ledger does not say who was an administrator."""
    return Person(lease.user, lease.groups, lease.user in admins)


class Choices:
    """Which options a machine of the ledger had: those that give its amounts, in the catalog of today."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: dict[str, dict[Amounts, MachineChoice]] = {}

    def of(self, lease: Lease) -> MachineChoice:
        """The default options where none give these amounts (any more)."""
        if lease.profile not in self._known:
            self._known[lease.profile] = self._all_of(lease.profile)
        return self._known[lease.profile].get(lease.amounts, MachineChoice(lease.profile))

    def plan(self, lease: Lease, person: Person) -> MachinePlan | Refusal:
        return resolve(self._catalog, self.of(lease), person)

    def _all_of(self, profile_id: str) -> dict[Amounts, MachineChoice]:
        profile = self._catalog.profiles.get(profile_id)
        if profile is None:
            return {}
        named = [[(name, choice) for choice in option.choices] for name, option in profile.options.items()]
        known: dict[Amounts, MachineChoice] = {}
        for combination in islice(product(*named), MOST_COMBINATIONS):
            choice = MachineChoice(profile_id, dict(combination))
            plan = resolve(self._catalog, choice, _everybody(self._catalog, profile_id))
            if isinstance(plan, MachinePlan):
                known.setdefault(Amounts.of(plan), choice)
        return known


def _everybody(catalog: Catalog, profile_id: str) -> Person:
    """Somebody who may use it: what it is made of is asked here, not by whom."""
    allow = catalog.profiles[profile_id].allow
    return Person(allow.users[0] if allow.users else "", frozenset(allow.groups), allow.admins)
