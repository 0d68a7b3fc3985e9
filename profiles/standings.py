"""How a start stands with each quota, and with what is reserved: used, promised, wanted, and the most there may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from profiles.amounts import Amounts, total
from profiles.borrowing import borrowing_of, may_borrow
from profiles.lease import Request
from profiles.policy import Policies
from profiles.pots import Pot, QuotaPot, ReservedPot, drawn, in_use, own_leases, quota_pots, reserved_pots
from profiles.reservations import for_others
from profiles.snapshot import Snapshot
from profiles.waiting import wanted_before


@dataclass(frozen=True, slots=True)
class Standing:
    """One amount of one pot: used by others and oneself, wanted now, and the most there may be.

    Cores in thousandths, memory in bytes, all else counted. `resource` is servers, cores, memory, gpus or a device.
    `reserved` has to be free for others, `ahead` is what those before in line (`people`) want, and `lent` is how much
    of what other groups leave idle may be taken beyond the limit.
    """

    pot: Pot
    resource: str
    used: int
    wanted: int
    limit: int
    reserved: int = 0
    ahead: int = 0
    people: int = 0
    lent: int = 0

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used - self.reserved - self.ahead)

    @property
    def fits(self) -> bool:
        """A machine that wants none of it is not kept out where somebody else is over the limit."""
        return self.wanted == 0 or self.used + self.reserved + self.ahead + self.wanted <= self.limit + self.lent

    @property
    def borrows(self) -> bool:
        """It fits because others leave theirs idle."""
        return self.wanted > 0 and self.fits and self.used + self.wanted > self.limit


def standings(request: Request, policies: Policies, snapshot: Snapshot, now: datetime) -> Iterator[Standing]:
    """In the order of the rules: quotas, then what is reserved."""
    book, reservations = snapshot.book, snapshot.reservations
    pots = tuple(quota_pots(policies, request))
    for pot in pots:
        rule = borrowing_of(pot, pots)
        lent = {name: may_borrow(rule, name) for name, _ in pot.caps.limits()} if rule is not None else {}
        yield from _of_pot(pot, request, snapshot, Amounts(), lent)
    for promised in reserved_pots(policies, request):
        theirs = drawn(promised.pot, promised.quota, book) if reservations else ()
        others = for_others(promised, reservations, theirs, request.person.name, now)
        yield from _of_pot(promised, request, snapshot, others, {})


def _of_pot(
    pot: QuotaPot | ReservedPot, request: Request, snapshot: Snapshot, reserved: Amounts, lent: dict[str, int]
) -> Iterator[Standing]:
    book, waiting = snapshot.book, snapshot.waiting
    instead = own_leases(request, book)
    used, wanted = in_use(pot, book, leaving_out=instead), request.amounts
    people, ahead = wanted_before(waiting, request, pot.pot) if waiting else (0, Amounts())
    there = book.at((pot.pot.per, pot.pot.subject)) if people else {}
    own = total(there[each].amounts for each in instead if each in there)
    for name, limit in pot.caps.limits():
        # Whoever takes no more than the machine that this one replaces overtakes nobody.
        overtakes = people and wanted.much(name) > own.much(name)
        yield Standing(
            pot.pot,
            name,
            used.much(name),
            wanted.much(name),
            limit,
            reserved=reserved.much(name),
            ahead=ahead.much(name) if overtakes else 0,
            people=people if overtakes else 0,
            lent=lent.get(name, 0),
        )
