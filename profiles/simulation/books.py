"""What the Hub keeps in its database, kept in memory: leases, what is spent, permissions, reservations, the line."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from profiles.admission import Admit, Decision, decide, lease_of
from profiles.grants import Grant, covering, machines_granted, machines_out, rules_for
from profiles.lease import Entry, Lease, Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import own_leases, reserved_pots
from profiles.reservations import Reservation
from profiles.simulation.spending import Spending
from profiles.snapshot import Snapshot
from profiles.turns import Decide, Line
from profiles.waiting import Waiting


class Books:
    """Every change goes through here: what was worked out from the leases and the line holds as long as both do."""

    def __init__(self, policies: Policies) -> None:
        self.policies = policies
        self.leases, self.spending = LeaseBook(), Spending(policies)
        self.reservations: tuple[Reservation, ...] = ()
        self.past: list[Reservation] = []
        self.waiting: tuple[Waiting, ...] = ()
        self._grants: dict[str, tuple[Grant, ...]] = {}
        self._thought: dict[object, object] = {}

    def decide(self, request: Request, now: datetime, *, gone: Collection[str] = ()) -> Decision:
        """As if the leases `gone` were over. Nothing changes."""
        leases = LeaseBook(each for each in self.leases if each.id not in gone) if gone else self.leases
        snapshot = Snapshot(
            leases,
            self.spending.of(request, now),
            self._grants.get(request.person.name, ()),
            self.reservations,
            self.waiting,
            {} if gone else self._thought,
        )
        return decide(request, snapshot, self.policies, now)

    def deciding(self, now: datetime) -> Decide:
        """For `profiles.turns`."""

        def decided(request: Request, *, gone: Collection[str] = ()) -> Decision:
            return self.decide(request, now, gone=gone)

        return decided

    def admit(self, request: Request, now: datetime) -> Decision:
        """Decide and, if so, hold. Who starts takes up the place that is kept for that server, the place in line, and
        what they have reserved."""
        decision = self.decide(request, now)
        if isinstance(decision, Admit):
            for each in own_leases(request, self.leases):
                self.leases.remove(each)
            self.put(lease_of(request, decision, now))
            if any(each.is_for(request) for each in self.waiting):
                self.line(each for each in self.waiting if not each.is_for(request))
            if self.reservations:
                self._come(request, now)
        return decision

    def _come(self, request: Request, now: datetime) -> None:
        rules = {pot.pot.rule for pot in reserved_pots(self.policies, request)}
        self.reserve(
            replace(each, taken_at=now)
            if each.user == request.person.name and each.rule in rules and each.taken_at is None and each.holds(now)
            else each
            for each in self.reservations
        )

    def put(self, lease: Lease) -> None:
        self.leases.put(lease)
        self._thought = {}

    def remove(self, lease_id: str) -> Lease | None:
        self._thought = {}
        return self.leases.remove(lease_id)

    def settle(self, entry: Entry) -> None:
        """It is over and in the ledger."""
        self.remove(entry.lease.id)
        self.spending.add(entry)

    def line(self, waiting: Iterable[Waiting]) -> None:
        """The line as it is from now on, in its order."""
        self.waiting = tuple(waiting)
        self._thought = {}

    def in_line(self) -> Line:
        return Line(
            waiting=self.waiting,
            requests={},
            book=self.leases,
            reservations=self.reservations,
            policies=self.policies,
        )

    def reserve(self, reservations: Iterable[Reservation]) -> None:
        """All that stand from now on; those that are over are kept for the figures."""
        there = tuple(reservations)
        self.past += (each for each in there if each.over_at is not None)
        self.reservations = tuple(each for each in there if each.over_at is None)

    def grants_of(self, user: str) -> tuple[Grant, ...]:
        return self._grants.get(user, ())

    def say_yes(self, request: Request, now: datetime) -> None:
        """By every rule that asks for one, for as long as it may hold; where the yes there is is in use, one more."""
        name = request.person.name
        for rule, approval in rules_for(self.policies, request):
            grants = self.grants_of(name)
            out = machines_out(self.leases.of_user(name), approval, request)
            if covering(grants, rule, request, now) is None or out >= machines_granted(grants, rule, request, now):
                yes = Grant(
                    id=f"{rule}/{request.lease_id}",
                    rule=rule,
                    user=name,
                    profile=request.profile,
                    amounts=request.amounts,
                    begins_at=now,
                    ends_at=now + timedelta(seconds=approval.longest.seconds),
                )
                self._grants[name] = (*grants, yes)
