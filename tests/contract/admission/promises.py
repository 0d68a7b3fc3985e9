"""Histories with promises: reservations, the line of those who wait, borrowed machines that are given back.

The same two hubs that die, and beside what always holds: places are kept for those who were called and for nobody else,
within all quotas; both hubs know the same line; nobody is told to make room without notice; in the end nothing is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy.engine import Connection

from hub_extensions.admission.ahead import Looked, look_ahead
from hub_extensions.admission.database import Database
from hub_extensions.admission.store import Books, Store
from hub_extensions.queue.store import Line
from hub_extensions.queue.words import NotPossible
from profiles.admission import Admit, Decision
from profiles.lease import KEPT, LeaveWhy, Request
from profiles.policy import Policies
from profiles.reservations import Leave
from profiles.waiting import Waiting
from tests.contract.admission import history
from tests.contract.admission.asking import NO_RULES, rules
from tests.contract.admission.history import FATES, HUBS, PEOPLE, Killed
from tests.contract.admission.promising import book, cancel

POLICIES = (
    history.POLICIES[1],
    history.POLICIES[2],
    rules(
        quotas={"gpus": {"per": "hub", "gpus": 3}},
        reservations={"gpus": {"gpus": 3, "notice": "30m", "clear_before": "10m", "no_show": "40m"}},
    ),
    rules(
        quotas={
            "share": {"per": "group", "groups": ["ml", "bio"], "gpus": 1, "borrowing": {"within": "gpus"}},
            "gpus": {"per": "hub", "gpus": 2},
        },
        queue={"keep_for": "30m"},
    ),
)
#: Nothing is promised shorter than this.
NOTICE = {LeaveWhy.RESERVED: timedelta(minutes=30), LeaveWhy.LENT: timedelta(minutes=15)}


class Promises(history.Histories):
    @initialize(which=st.sampled_from(POLICIES))
    def begin(self, which: Policies) -> None:
        self.policies = which

    @rule(which=st.sampled_from(POLICIES))
    def rules_change(self, which: Policies) -> None:
        self.policies = which

    @rule(who=st.sampled_from(sorted(PEOPLE)), gpus=st.integers(1, 3), hub=HUBS, fate=FATES)
    def waits_in_line(self, who: str, gpus: int, hub: int, fate: str) -> None:
        wanted = self._asked(who, gpus)
        place = Waiting(id=f"q{self.count}", request=wanted, joined_at=self.now)
        answer = self._tried(hub, fate, lambda store: Line(store).join(place, self.policies, self.now))
        if answer is not Killed and not isinstance(answer, NotPossible):
            assert any(each.id == answer.id for each in self._line())  # type: ignore[attr-defined]

    @precondition(lambda self: self._line())
    @rule(data=st.data(), hub=HUBS, fate=FATES)
    def leaves_the_line(self, data: st.DataObject, hub: int, fate: str) -> None:
        place = data.draw(st.sampled_from([each.id for each in self._line()]))
        self._tried(hub, fate, lambda store: Line(store).leave(place, None))

    @precondition(lambda self: self.policies.reservations)
    @rule(
        who=st.sampled_from(sorted(PEOPLE)),
        gpus=st.integers(1, 3),
        times=st.tuples(st.integers(10, 300), st.integers(30, 200)),
        hub=HUBS,
        fate=FATES,
    )
    def reserves(self, who: str, gpus: int, times: tuple[int, int], hub: int, fate: str) -> None:
        wanted, (begins, lasts) = self._asked(who, gpus), (timedelta(minutes=minutes) for minutes in times)
        slot = self.now + begins, self.now + begins + lasts
        told = self._tried(hub, fate, lambda store: book(store, wanted, slot, self.policies, self.now))
        self._had_notice(told)

    @precondition(lambda self: self._promised())
    @rule(data=st.data(), hub=HUBS, fate=FATES)
    def cancels(self, data: st.DataObject, hub: int, fate: str) -> None:
        which = data.draw(st.sampled_from([each.id for each in self._promised()]))
        self._tried(hub, fate, lambda store: cancel(store, which, self.now))

    @rule(hub=HUBS, fate=FATES)
    def looks_ahead(self, hub: int, fate: str) -> None:
        looked = self._tried(hub, fate, lambda store: look_ahead(store, self.policies, {}, self.now))
        if isinstance(looked, Looked):
            self._had_notice([leave for leave, _ in looked.told])
            for called in looked.called:
                self._within_quotas(called.request)
            again = look_ahead(self.hubs[1 - hub], self.policies, {}, self.now)
            assert not again.called, "who can be called is called at the first look"
            # What is released or over frees what others have to be told of anew.
            assert looked.released or again.released or not again.told, "thinking anew changes nothing"

    @rule(hub=HUBS, fate=FATES)
    def machines_make_room(self, hub: int, fate: str) -> None:
        """What stays longer than it may is stopped."""
        for lease in self.hubs[hub].leases():
            over = lease.leaves_at is not None and lease.leaves_at <= self.now and lease.leaves_why in NOTICE
            if over and lease.id in self.world:
                self.end(lease.id, 0)
                self._ended(lease.id, hub, fate)

    @invariant()
    def _promises_are_true(self) -> None:
        with self.hubs[0].looking() as one, self.hubs[1].looking() as other:
            assert (one.reservations, one.waiting) == (other.reservations, other.waiting)
            line, leases = one.waiting, tuple(one.leases)
        kept = {lease.id: lease for lease in leases if lease.id.startswith(KEPT)}
        called = {KEPT + each.id: each for each in line if each.kept_until is not None}
        assert kept.keys() == called.keys(), "places are kept for those who were called, and for nobody else"
        for lease_id, place in kept.items():
            waiting = called[lease_id]
            assert (place.leaves_why, place.user) == (LeaveWhy.KEPT, waiting.request.person.name)
            assert place.leaves_at == waiting.kept_until
            assert place.began_at is None
        servers = [(each.request.person.name, each.request.server) for each in line]
        assert len(set(servers)) == len(servers), "one place for each server"

    def _had_notice(self, told: object) -> None:
        for leave in told if isinstance(told, (list, tuple)) else ():
            assert leave.at >= self.now + min(NOTICE.values())

    def _line(self) -> tuple[Waiting, ...]:
        with self.hubs[0].looking() as books:
            return books.waiting

    def _promised(self) -> tuple[object, ...]:
        with self.hubs[0].looking() as books:
            return books.reservations

    def all_goes(self) -> None:
        self.now += timedelta(days=30)
        self.policies = NO_RULES
        for _ in range(2):  # once to call them all, once because nobody comes
            look_ahead(self.hubs[0], self.policies, {}, self.now)
            self.now += timedelta(days=1)
        look_ahead(self.hubs[1], self.policies, {}, self.now)
        assert not self._line(), "nobody waits for ever"
        assert not self._promised()


# Stores with one mistake each, for the machine to find.


class KeepsThePlaceForEver(Store):
    """Whoever leaves the line or does not come leaves a machine behind that nobody else gets."""

    def drop_place_in(self, books: Books, lease_id: str) -> None:
        pass


class ReadsPromisesOnce(Store):
    """Knows reservations and the line as they were when it began."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        read = self._book.read_promises

        def once(connection: Connection) -> None:
            self._book.read_promises = lambda _: None  # type: ignore[method-assign]
            read(connection)

        self._book.read_promises = once  # type: ignore[method-assign]


class GivesNoNotice(Store):
    """Machines have to make room sooner than people can be told."""

    def leave_in(self, books: Books, leaves: Iterable[Leave], why: LeaveWhy) -> tuple[Leave, ...]:
        return super().leave_in(books, [replace(leave, at=leave.at - timedelta(minutes=55)) for leave in leaves], why)


class KeepsPlacesBesideTheRules(Store):
    """Calls whoever is first in line, whether or not there is room."""

    def decide_in(self, books: Books, request: Request, policies: Policies, now: datetime) -> Decision:
        if any(request.lease_id == KEPT + each.id for each in books.waiting):
            return Admit(None)
        return super().decide_in(books, request, policies, now)
