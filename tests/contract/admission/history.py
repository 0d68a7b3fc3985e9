"""Histories of two hubs on one database, as a state machine, beside a model that cannot crash.

Hubs die before and after their commits, events are lost, repeated, told to the other hub, with clocks that are wrong;
rules change. After each step: nothing was granted beyond a quota, the leases are the model's, the ledger is what really
ran, each run once, and its sums say the same. In the end, when hubs have compared books and world, nothing is held.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy.engine import Connection

from hub_extensions.admission.database import Database
from hub_extensions.admission.store import Store
from profiles.admission import Admit, Deny, lease_of
from profiles.cost import charge
from profiles.lease import KEPT, Charge, EndReason, LeaseState, Request
from profiles.policy import Policies
from tests.contract.admission.asking import NO_RULES, NOW, ask, rules

POLICIES = (
    NO_RULES,
    rules(quotas={"gpus": {"per": "hub", "gpus": 2}}),
    rules(quotas={"each": {"per": "user", "servers": 1}, "ml": {"per": "group", "groups": ["ml"], "gpus": 1}}),
    rules(
        quotas={"machine": {"per": "profile", "profiles": ["gpu"], "servers": 2}},
        budgets={
            "each": {"per": "user", "groups": ["ml"], "money": 6, "window": "day", "holdAtMost": "1h"},
            "all": {"per": "hub", "machineHours": 9, "window": "30h"},
        },
    ),
)
PEOPLE = {"ada": ("ml",), "bob": ("ml", "bio"), "eve": ()}
FATES = st.sampled_from(["lives", "lives", "dies before the commit", "dies after the commit"])
HUBS = st.integers(0, 1)
SINCE, UNTIL = NOW - timedelta(days=30), NOW + timedelta(days=365)


class Killed(Exception):
    """The hub's process is gone at this point."""


class MortalDatabase(Database):
    fate = "lives"

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with super().writing() as connection:
            yield connection
            if self.fate == "dies before the commit":
                raise Killed
        if self.fate == "dies after the commit":
            raise Killed


@dataclass(frozen=True)
class Run:
    """A server as it really was; `told` is how the hubs' clocks had its end."""

    request: Request
    began: datetime | None = None
    ended: datetime | None = None
    told: datetime | None = None


class Histories(RuleBasedStateMachine):
    store_class: ClassVar[type[Store]] = Store
    new_place: ClassVar[Callable[[], str]]

    def __init__(self) -> None:
        super().__init__()
        self.url = type(self).new_place()
        self.hubs = [self._hub(), self._hub()]
        self.now, self.policies, self.count = NOW, POLICIES[1], 0
        self.world: dict[str, Run] = {}
        self.held: dict[str, datetime | None] = {}  # the model's leases: id → began_at as written
        self.billed: dict[str, Charge] = {}

    def _hub(self) -> Store:
        return self.store_class(MortalDatabase(self.url))

    def teardown(self) -> None:
        try:
            self._compare(0)
            assert all(self.world[lease_id].ended is None for lease_id in self.held), "held by nobody"
            for lease_id, run in self.world.items():
                if run.ended is None:
                    self.end(lease_id, 0)
            self._compare(1)
            self.all_goes()
            assert self.hubs[0].leases() == self.hubs[1].leases() == (), "orphans"
            self._books_are_true()
        finally:
            for hub in self.hubs:
                hub.database.close()

    # What happens.

    @initialize(which=st.sampled_from(POLICIES))
    def begin(self, which: Policies) -> None:
        self.policies = which

    @rule(minutes=st.integers(1, 400))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes, microseconds=minutes * 1013)

    @rule(which=st.sampled_from(POLICIES))
    def rules_change(self, which: Policies) -> None:
        self.policies = which

    @rule(hub=HUBS)
    def hub_restarts(self, hub: int) -> None:
        before, self.hubs[hub] = self.hubs[hub], self._hub()
        for who, groups in PEOPLE.items():  # what was remembered of books and ledger is what is written there
            asked = ask("restarted", who, groups=groups, gpus=1, profile="gpu", price="2.333333")
            answers = [store.foresee(asked, self.policies, self.now) for store in (before, self.hubs[hub])]
            assert type(self).store_class is not Store or answers[0] == answers[1]
        before.database.close()

    @rule(who=st.sampled_from(sorted(PEOPLE)), gpus=st.integers(0, 2), hub=HUBS, fate=FATES)
    def start(self, who: str, gpus: int, hub: int, fate: str) -> None:
        self._admit(self._asked(who, gpus), hub, fate)

    @rule(who=st.sampled_from(sorted(PEOPLE)), other=st.sampled_from(sorted(PEOPLE)))
    def two_start_at_once(self, who: str, other: str) -> None:
        both = [self._asked(who, 1), self._asked(other, 1)]
        with ThreadPoolExecutor(2) as threads:
            answers = threads.map(lambda n: self.hubs[n].admit(both[n], self.policies, self.now), (0, 1))
        granted = [asked for asked, answer in zip(both, answers, strict=True) if isinstance(answer, Admit)]
        for asked in granted:
            self._granted(asked)
        if granted:
            self._within_quotas(granted[-1])

    @precondition(lambda self: self.held)
    @rule(data=st.data(), hub=HUBS)
    def start_is_asked_again(self, data: st.DataObject, hub: int) -> None:
        lease_id = data.draw(st.sampled_from(sorted(self.held)))
        assert isinstance(self.hubs[hub].admit(self.world[lease_id].request, self.policies, self.now), Admit)

    @precondition(lambda self: self.billed)
    @rule(data=st.data(), hub=HUBS)
    def start_that_is_over_is_asked_again(self, data: st.DataObject, hub: int) -> None:
        lease_id = data.draw(st.sampled_from(sorted(self.billed)))
        assert isinstance(self.hubs[hub].admit(self.world[lease_id].request, self.policies, self.now), Deny)

    @rule(who=st.sampled_from(sorted(PEOPLE)), hub=HUBS)
    def started_while_the_books_were_away(self, who: str, hub: int) -> None:
        asked = self._asked(who, 1)
        self.world[asked.lease_id] = Run(asked, began=self.now)
        self._compare(hub)

    @precondition(lambda self: self._starting())
    @rule(data=st.data(), hub=HUBS, heard=st.booleans(), twice=st.booleans())
    def server_answers(self, data: st.DataObject, hub: int, heard: bool, twice: bool) -> None:
        lease_id = data.draw(st.sampled_from(self._starting()))
        self.world[lease_id] = replace(self.world[lease_id], began=self.now)
        if heard:
            self._began(lease_id, hub)
        if heard and twice:
            self.hubs[1 - hub].began(lease_id, self.now + timedelta(minutes=9), self.now)

    @precondition(lambda self: self._there())
    @rule(data=st.data(), hub=HUBS, fate=FATES, heard=st.booleans(), skew=st.sampled_from([0, 0, -3, -1000, 7]))
    def server_ends(self, data: st.DataObject, hub: int, fate: str, heard: bool, skew: int) -> None:
        lease_id = data.draw(st.sampled_from(self._there()))
        self.end(lease_id, skew)
        if heard and self.held.get(lease_id, self.now) == self.world[lease_id].began:
            self._ended(lease_id, hub, fate)

    @precondition(lambda self: self.billed)
    @rule(data=st.data(), hub=HUBS, later=st.integers(0, 500))
    def events_come_again(self, data: st.DataObject, hub: int, later: int) -> None:
        lease_id = data.draw(st.sampled_from(sorted(self.billed)))
        self.hubs[hub].began(lease_id, self.now, self.now)
        again = self.hubs[hub].ended(lease_id, self.now + timedelta(minutes=later), EndReason.LOST, self.now)
        assert again is None

    @rule(hub=HUBS)
    def books_are_compared(self, hub: int) -> None:
        self._compare(hub)

    def all_goes(self) -> None:
        """Nobody comes any more."""

    # What must hold.

    @invariant()
    def _books_are_true(self) -> None:
        for hub in self.hubs:
            machines = [lease for lease in hub.leases() if not lease.id.startswith(KEPT)]
            assert {lease.id: lease.began_at for lease in machines} == self.held
        hub = self.hubs[self.count % 2]
        ledger = hub.ledger(since=SINCE, until=UNTIL)
        assert {entry.lease.id: entry.charge for entry in ledger} == self.billed
        assert len(ledger) == len(self.billed), "each run once"
        for entry in ledger:
            assert entry.ended_at == self.world[entry.lease.id].told
        for by in ("user", "profile"):
            summed = sum((row.charge for row in hub.used(since=SINCE, until=UNTIL, by=by)), Charge())
            assert summed == sum(self.billed.values(), Charge()), by

    def _within_quotas(self, asked: Request) -> None:
        """Nothing that this start counts in is over its limit now that it was granted."""
        out = [self.world[lease_id].request for lease_id in self.held]
        out += [lease.request() for lease in self.hubs[0].leases() if lease.id.startswith(KEPT)]
        for name, quota in self.policies.quotas.items():
            if quota.borrowing is not None:
                continue  # the whole holds all
            groups = sorted(asked.person.groups & set(quota.groups)) if quota.per == "group" else [""]
            for group in groups:
                same = [
                    each
                    for each in out
                    if (quota.per != "user" or each.person.name == asked.person.name)
                    and (quota.per != "profile" or each.profile == asked.profile)
                    and (not group or group in each.person.groups)
                    and (not quota.profiles or each.profile in quota.profiles)
                ]
                if any(each.lease_id in {asked.lease_id, KEPT + asked.lease_id} for each in same):
                    gpus = sum(each.amounts.gpus for each in same)
                    assert quota.gpus is None or not asked.amounts.gpus or gpus <= quota.gpus, name
                    assert quota.servers is None or len(same) <= quota.servers, name

    # The world and the model.

    def _asked(self, who: str, gpus: int) -> Request:
        self.count += 1
        name = "gpu" if gpus else "cpu"
        return ask(f"{self.count}", who, groups=PEOPLE[who], gpus=gpus, profile=name, price="2.333333")

    def _admit(self, asked: Request, hub: int, fate: str) -> None:
        answer = self._tried(hub, fate, lambda store: store.admit(asked, self.policies, self.now))
        if answer is Killed:
            if fate == "dies after the commit" and asked.lease_id in {lease.id for lease in self.hubs[hub].leases()}:
                self._granted(asked)  # and nobody heard of it: no server will ever come of it
                self._within_quotas(asked)
                self.end(asked.lease_id, 0)
        elif isinstance(answer, Admit):
            self._granted(asked)
            self._within_quotas(asked)

    def _granted(self, asked: Request) -> None:
        self.world[asked.lease_id] = Run(asked)
        self.held[asked.lease_id] = None

    def _began(self, lease_id: str, hub: int) -> None:
        began = self.world[lease_id].began
        assert began is not None
        self.hubs[hub].began(lease_id, began, self.now)
        if lease_id in self.held and self.held[lease_id] is None:
            self.held[lease_id] = began

    def end(self, lease_id: str, skew: int) -> None:
        run = self.world[lease_id]
        self.world[lease_id] = replace(run, ended=self.now, told=self.now + timedelta(minutes=skew))

    def _ended(self, lease_id: str, hub: int, fate: str = "lives") -> None:
        told = self.world[lease_id].told
        assert told is not None
        self._tried(hub, fate, lambda store: store.ended(lease_id, told, EndReason.STOPPED, self.now))
        if fate != "dies before the commit" and lease_id in self.held:
            began = self.held.pop(lease_id)
            run = lease_of(self.world[lease_id].request, Admit(None), told)
            ran = max(timedelta(0), told - began) if began is not None else timedelta(0)
            self.billed[lease_id] = charge(run, ran)

    def _compare(self, hub: int) -> None:
        """As the reconciler does: what runs without a lease is adopted, what began and ended unheard is written."""
        for lease_id, run in list(self.world.items()):
            if lease_id in self.billed:
                continue
            if lease_id not in self.held:
                lease = lease_of(run.request, Admit(None), self.now)
                state = LeaseState.HELD if run.began is None else LeaseState.RUNNING
                self.hubs[hub].adopt(replace(lease, state=state, began_at=run.began), self.now)
                self.held[lease_id] = run.began
            if run.began is not None and self.held[lease_id] is None:
                self._began(lease_id, hub)
            if run.ended is not None:
                self._ended(lease_id, hub)

    def _tried(self, hub: int, fate: str, call: Callable[[Store], object]) -> object:
        store = self.hubs[hub]
        assert isinstance(store.database, MortalDatabase)
        store.database.fate = fate
        try:
            return call(store)
        except Killed:
            store.database.close()
            self.hubs[hub] = self._hub()
            return Killed
        finally:
            store.database.fate = "lives"

    def _starting(self) -> list[str]:
        return sorted(i for i in self.held if self.world[i].began is None and self.world[i].ended is None)

    def _there(self) -> list[str]:
        return sorted(lease_id for lease_id, run in self.world.items() if run.ended is None)


# Stores with one mistake each, for the machine to find.


class DecidesWithoutTheLock(Store):
    """Looks, and writes later: both of two at once may see the last GPU."""

    _both_have_looked: ClassVar[threading.Barrier] = threading.Barrier(2)

    def admit(self, request: Request, policies: Policies, now: datetime) -> object:  # type: ignore[override]
        if threading.current_thread() is threading.main_thread():
            return super().admit(request, policies, now)
        decision = self.foresee(request, policies, now)
        self._both_have_looked.wait()
        if isinstance(decision, Admit):
            self.adopt(lease_of(request, decision, now), now)
        return decision


class KnowsOnlyItself(Store):
    """Reads the leases when it starts and never again what another hub wrote."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._version_read = False
        refresh = self._book.refresh

        def once(connection: Connection) -> object:
            if not self._version_read:
                self._version_read = True
                refresh(connection)
            return self._book.leases

        self._book.refresh = once  # type: ignore[method-assign,assignment]


class BillsTwice(Store):
    """An end that is told again is summed up again."""

    def ended(self, lease_id: str, at: datetime, reason: EndReason, now: datetime) -> object:  # type: ignore[override]
        from hub_extensions.admission import spent

        entry = super().ended(lease_id, at, reason, now)
        if entry is None:
            for known in self.ledger(since=SINCE, until=UNTIL):
                if known.lease.id == lease_id:
                    with self.database.writing() as connection:
                        spent.add(connection, known)
        return entry


class ForgetsTheBeginning(Store):
    """Takes the last word about when it began for the truth."""

    def began(self, lease_id: str, at: datetime, now: datetime) -> None:
        super().began(lease_id, at, now)
        with self.database.writing() as connection:
            version = self._book.refresh(connection) and self._book.version + 1
            if version:
                connection.exec_driver_sql(f"UPDATE remuda_state SET version = {version}")
                at_ = at.strftime("%Y-%m-%d %H:%M:%S.%f")
                connection.exec_driver_sql(
                    "UPDATE remuda_leases SET began_at = ?, changed = ? WHERE id = ?", (at_, version, lease_id)
                )
