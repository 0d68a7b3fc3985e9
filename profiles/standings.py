"""How a start stands with each quota, and with what is reserved: used, promised, wanted, and the most there may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from profiles.amounts import Amounts, total
from profiles.borrowing import borrowing_of, may_borrow, owners_first
from profiles.lease import Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import Pot, QuotaPot, ReservedPot, drawing, drawn, in_use, own_leases, quota_pots, reserved_pots
from profiles.reservations import covers, for_others, unused
from profiles.snapshot import Snapshot
from profiles.waiting import Waiting, wanted_before

NOBODY = (0, Amounts())


@dataclass(frozen=True, slots=True)
class Standing:
    """One amount of one pot: used by others and oneself, wanted now, and the most there may be.

    Cores in thousandths, memory in bytes, all else counted. `resource` is servers, cores, memory, gpus or a device.
    `reserved` has to be free for others, `ahead` is what those before in line (`people`) want, and `lent` is how much
    of what other groups leave idle may be taken beyond the limit. `reservable`: of what can be reserved, no quota.
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
    reservable: bool = False

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
    # Whoever takes what they have reserved waits for nobody.
    line = () if has_reserved(request, policies, snapshot, now) else snapshot.waiting
    ahead = _Ahead(request)
    pots = tuple(quota_pots(policies, request))
    for pot in pots:
        rule = borrowing_of(pot, pots)
        lent = {name: may_borrow(rule, name) for name, _ in pot.caps.limits()} if rule is not None else {}
        in_turn = owners_first(line, request, pot.pot, policies, book, snapshot.thought) if line else ()
        yield from _of_pot(pot, request, book, ahead.of(in_turn, pot.pot), Amounts(), lent)
    for promised in reserved_pots(policies, request):
        theirs = drawn(promised.pot, promised.quota, book) if reservations else ()
        others = for_others(promised, reservations, theirs, request.person.name, now)
        yield from _of_pot(promised, request, book, ahead.of(line, promised.pot), others, {})


class _Ahead:
    """Who comes before this request, for each pot: looked up once for each line, and all pots see one of two."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._known: dict[int, tuple[Sequence[Waiting], dict[Pot, tuple[int, Amounts]]]] = {}

    def of(self, line: Sequence[Waiting], pot: Pot) -> tuple[int, Amounts]:
        if not line:
            return NOBODY
        if id(line) not in self._known:  # the line is kept beside it, so that no other can have its id
            self._known[id(line)] = (line, wanted_before(line, self._request))
        return self._known[id(line)][1].get(pot, NOBODY)


def has_reserved(request: Request, policies: Policies, snapshot: Snapshot, now: datetime) -> bool:
    """This machine stands on what its person has reserved for this moment."""
    name, reservations = request.person.name, snapshot.reservations
    if not any(each.user == name and each.holds(now) for each in reservations):
        return False
    instead = own_leases(request, snapshot.book)
    theirs = [lease for lease in snapshot.book.of_user(name) if lease.id not in instead]
    return any(
        covers(pot, unused(pot, reservations, drawing(pot.quota, theirs), name, now), request.amounts)
        for pot in reserved_pots(policies, request)
    )


def _of_pot(  # noqa: PLR0913, PLR0917 - what a standing is made of
    pot: QuotaPot | ReservedPot,
    request: Request,
    book: LeaseBook,
    before: tuple[int, Amounts],
    reserved: Amounts,
    lent: dict[str, int],
) -> Iterator[Standing]:
    instead = own_leases(request, book)
    used, wanted = in_use(pot, book, leaving_out=instead), request.amounts
    people, ahead = before
    there = book.at((pot.pot.per, pot.pot.subject)) if people else {}
    own = total(each.amounts for each in drawing(pot.quota, (there[each] for each in instead if each in there)))
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
            reservable=isinstance(pot, ReservedPot),
        )
