"""PURE: what is on offer to one person."""

from __future__ import annotations

from dataclasses import dataclass

from profiles.access import allows
from profiles.choice import MachineChoice
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.resolve import resolve


@dataclass(frozen=True)
class Menu:
    """The catalog as this person sees it now. Without a catalog nothing is on offer."""

    catalog: Catalog | None
    person: Person

    def plan(self, choice: MachineChoice | None) -> MachinePlan | None:
        """The plan of a choice that a start would accept, else None."""
        if self.catalog is None or choice is None:
            return None
        outcome = resolve(self.catalog, choice, self.person)
        return outcome if isinstance(outcome, MachinePlan) else None

    def may_reserve(self, profile_id: str, pool_id: str) -> bool:
        """Whether some rule lets this person reserve this machine."""
        reservable = self.catalog.policies.reservations.values() if self.catalog is not None else ()
        return any(
            allows(each.who, self.person)
            and (not each.profiles or profile_id in each.profiles)
            and (not each.pools or pool_id in each.pools)
            for each in reservable
        )
