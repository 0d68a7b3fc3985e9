"""What is promised: who starts meanwhile, who makes room and when, and that whoever reserved finds what they need."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.admission import Admit, Deny, decide, lease_of
from profiles.amounts import total
from profiles.lease import KEPT, Lease, LeaveWhy, Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import ReservedPot
from profiles.refusal import Reason
from profiles.reservations import Leave, Reservation, clear_from, to_clear, unused
from profiles.snapshot import Snapshot
from tests.unit.profiles.shares import (
    NOW,
    admitted,
    amounts,
    asked,
    lease,
    policies,
    refused,
    request,
    reservation,
    reserved_most,
    waiting,
)

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def rules(gpus: int = 4, notice: str = "1h", clear: str = "10m", **given_: Any) -> Policies:
    return policies(reservations={"gpus": {"gpus": gpus, "notice": notice, "clearBefore": clear, **given_}})


def pot_of(which: Policies) -> ReservedPot:
    return ReservedPot.of("gpus", which.reservations["gpus"])


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def clear(which: Policies, promised: list[Reservation], *out: Lease, now: datetime = NOW) -> dict[str, datetime]:
    return {leave.lease.id: leave.at for leave in to_clear(pot_of(which), promised, LeaseBook(out), now)}


def old(lease_id: str, hours: float, user: str = "eve", gpus: int = 1, **given_: Any) -> Lease:
    return lease(lease_id, user, gpus=gpus, ran=hours * HOUR, **given_)


# Starting


@pytest.mark.parametrize(
    ("promised", "used", "wanted", "now", "answer"),
    [
        ((0.5, 1.5, 2), 0, 3, 0.0, 20 * MINUTE),  # until it is cleared for them
        ((0.5, 1.5, 2), 0, 2, 0.0, None),  # both fit
        ((0.25, 1.5, 2), 0, 3, 0.0, Reason.RESERVED),  # five minutes are too short
        ((0.5, 1.5, 2), 0, 3, 0.4, Reason.RESERVED),  # it is kept clear already
        ((0.5, 1.5, 2), 0, 3, 1.0, Reason.RESERVED),
        ((0.5, 1.5, 2), 0, 3, 1.5, None),  # over
        ((0.5, 1.5, 2), 1, 1, 1.0, None),
        ((0.5, 1.5, 2), 2, 1, 1.0, Reason.RESERVED),
        ((0.5, 1.5, 2), 4, 1, 1.0, Reason.OVER_QUOTA),
        ((0.5, 1.5, 2), 4, 0, 1.0, None),  # it takes none of it
        ((2, 3, 4), 0, 4, 0.0, 110 * MINUTE),
    ],
)
def test_others_use_what_is_reserved_until_shortly_before(
    promised: tuple[float, float, int], used: int, wanted: int, now: float, answer: timedelta | Reason | None
) -> None:
    out = [old("1", 1, gpus=used)] if used else []
    known = Snapshot(LeaseBook(out), reservations=(reservation("bob", *promised),))
    decision = decide(request(gpus=wanted), known, rules(), at(now))
    if isinstance(answer, Reason):
        assert refused(decision).refusal.reason is answer
    else:
        assert admitted(decision).longest == answer


def test_a_machine_shorter_than_a_quarter_of_an_hour_starts_where_it_is_over_by_then() -> None:
    known = Snapshot(LeaseBook(), reservations=(reservation("bob", 0.25, 1, 4),))
    assert refused(decide(request(gpus=1, longest=6 * MINUTE), known, rules(), NOW)).refusal.reason is Reason.RESERVED
    assert admitted(decide(request(gpus=1, longest=5 * MINUTE), known, rules(), NOW)).clear_at == NOW + 5 * MINUTE


def test_a_reservation_given_up_gives_back_the_time_that_it_took() -> None:
    known = Snapshot(LeaseBook(), reservations=(reservation("bob", 2, 3, 4),))
    decision = admitted(decide(request(gpus=1, longest=8 * HOUR), known, rules(), NOW))
    given_ = lease_of(request(gpus=1, longest=8 * HOUR), decision, NOW)
    assert (decision.longest, decision.lifetime) == (110 * MINUTE, 8 * HOUR)
    assert (given_.longest, given_.leaves_at, given_.leaves_why) == (8 * HOUR, at(2) - 10 * MINUTE, LeaveWhy.RESERVED)


def test_whoever_reserved_starts_in_the_slot_before_all_who_wait_and_to_its_last_minute() -> None:
    which = policies(reservations={"gpus": {"gpus": 4}}, quotas={"all": {"per": "hub", "gpus": 4}})
    all_, reserved = (replace(pot_of(which).pot, rule=rule) for rule in ("all", "gpus"))
    line = (waiting("1", "bob", pot=all_, gpus=4), waiting("2", "eve", pot=reserved, gpus=4))
    later = reservation("bob", 1.2, 3, 4)
    known = Snapshot(LeaseBook(), reservations=(reservation("ada", 0, 1, 2), later), waiting=line)
    for minutes in (0, 30, 55, 59):
        assert admitted(decide(request(gpus=2), known, which, NOW + minutes * MINUTE)).clear_at == at(1.2) - 10 * MINUTE
    assert refused(decide(request(gpus=3), known, which, NOW)).refusal.reason is Reason.OTHERS_WAIT
    assert refused(decide(request(gpus=0, cores=1), known, policies(quotas={"c": {"per": "hub", "cores": 0}}), NOW))


def test_a_reservation_of_gpus_is_no_place_in_line_for_cores() -> None:
    which = policies(reservations={"gpus": {"gpus": 4}}, quotas={"all": {"per": "hub", "cores": 4}})
    line = (waiting("1", "bob", pot=replace(pot_of(which).pot, rule="all"), cores=4, gpus=0),)
    known = Snapshot(LeaseBook(), reservations=(reservation("ada", 0, 1, 2),), waiting=line)
    assert refused(decide(request(gpus=0), known, which, NOW)).refusal.reason is Reason.OTHERS_WAIT


def test_until_when_others_have_it_is_told_by_those_that_hold_now() -> None:
    promised = (reservation("bob", 0, 3, 4), reservation("eve", 4, 4.5, 4), reservation("cy", 0, 2, 0))
    sentence = refused(decide(request(gpus=1), Snapshot(LeaseBook(), reservations=promised[:2]), rules(), NOW)).refusal
    assert "until 15:00 (UTC)" in sentence.sentence


@pytest.mark.parametrize(
    ("mine", "goes"),
    [
        ((), 0.5 - 1 / 6),  # with nothing reserved, when it is kept clear for others
        (((0.25, 3, 2),), None),  # on a reservation of one's own until after the others'
        (((0.25, 1, 2),), 1.0),  # when one's own is over, and the others' goes on
        (((0.25, 1, 1),), 0.5 - 1 / 6),  # a reservation of less is none for this machine
    ],
)
def test_whoever_starts_before_a_reservation_of_their_own_goes_on_into_it(
    mine: tuple[tuple[float, float, int], ...], goes: float | None
) -> None:
    promised = [reservation("bob", 0.5, 2, 2), *(reservation("ada", *each) for each in mine)]
    book = LeaseBook([old("1", 1, gpus=1)])
    answer = clear_from(pot_of(rules()), promised, book, request(gpus=2), NOW)
    assert answer == (None if goes is None else at(goes))


def test_a_machine_that_would_only_be_promised_to_its_own_person_instead_is_left_alone() -> None:
    out = [old("bobs", 0, "bob", gpus=1), old("eves", 1, gpus=2)]
    assert set(clear(rules(3), [reservation("bob", 2, 3, 2)], *out)) == {"eves"}


# Making room


def test_newest_first_and_only_as_many_as_are_needed() -> None:
    out = [old(str(number), 9 - number) for number in range(4)]
    assert clear(rules(), [reservation("ada", 2, 3, 2)], *out) == {n: at(2) - 10 * MINUTE for n in ("3", "2")}
    assert clear(rules(), [reservation("ada", 2, 3, 2)], *out[:2]) == {}


def test_one_that_is_enough_by_itself_spares_the_smaller_one() -> None:
    out = [old("large", 2, gpus=3), old("small", 1, gpus=1)]
    assert set(clear(rules(), [reservation("ada", 2, 3, 3)], *out)) == {"large"}


def test_at_short_notice_it_is_the_notice_that_holds() -> None:
    told = clear(rules(), [reservation("ada", 0.5, 3, 4)], old("1", 1))
    assert told == {"1": at(1)}
    known = replace(old("1", 1), leaves_at=at(1), leaves_why=LeaveWhy.RESERVED)
    assert clear(rules(), [reservation("ada", 0.5, 3, 4)], known, now=at(0.75)) == {"1": at(1)}, "it does not move"


def test_a_machine_that_ends_by_itself_is_not_told() -> None:
    assert clear(rules(), [reservation("ada", 2, 3, 4)], old("1", 1, longest=2 * HOUR)) == {}
    assert clear(rules(), [reservation("ada", 2, 3, 4)], old("1", 1, longest=4 * HOUR)) == {"1": at(2) - 10 * MINUTE}


def test_a_reservation_that_is_moved_away_gives_time_back() -> None:
    known = replace(old("1", 1), leaves_at=at(2), leaves_why=LeaveWhy.RESERVED)
    assert clear(rules(), [reservation("ada", 5, 6, 4)], known) == {"1": at(5) - 10 * MINUTE}
    assert clear(rules(), [], known) == {}


def test_whoever_runs_on_a_reservation_stays_until_its_end_and_no_longer_than_others_need_it() -> None:
    promised = [reservation("ada", 0, 3, 4), reservation("bob", 3.5, 5, 4)]
    assert clear(rules(), promised, old("1", 0, "ada", gpus=4)) == {"1": at(3.5) - 10 * MINUTE}
    close = [reservation("ada", 0, 3, 4), reservation("bob", 3, 5, 4)]
    assert clear(rules(), close, old("1", 0, "ada", gpus=4)) == {"1": at(3)}


def test_a_reservation_covers_as_much_as_was_reserved_and_no_more() -> None:
    out = [old("first", 2, "ada", gpus=1), old("second", 1, "ada", gpus=1), old("third", 0, "ada", gpus=2)]
    promised = [reservation("ada", 1, 4, 1), reservation("bob", 1, 4, 2)]
    assert set(clear(rules(), promised, *out)) == {"third"}
    assert set(clear(rules(3), promised, *out)) == {"third", "second"}


@pytest.mark.parametrize("gap", [0.0, 0.1])
def test_reservations_of_one_person_that_follow_each_other_are_one_machines(gap: float) -> None:
    out = [old("eves", 2, "eve", gpus=2), old("bobs", 1, "bob", gpus=1)]
    promised = [reservation("bob", 1, 2, 1), reservation("bob", 2 + gap, 3, 1)]
    assert clear(rules(3), promised, *out) == {}
    both = [reservation("bob", 1, 2, 1), reservation("bob", 1.9, 3, 1)]
    assert clear(rules(3), both, *out) == {"eves": at(1.9) - 10 * MINUTE}, "these overlap"


def test_nobody_is_told_twice() -> None:
    promised = [reservation("ada", 0.5, 3, 4), reservation("bob", 0.5, 3, 0), reservation("cy", 0.75, 3, 0)]
    leaves = list(to_clear(pot_of(rules()), promised, LeaseBook([old("1", 1)]), NOW))
    assert [leave.lease.id for leave in leaves] == ["1"]


def test_a_place_that_is_kept_ends_by_itself() -> None:
    place = replace(lease(f"{KEPT}1", "eve", gpus=4), leaves_at=at(0.9), leaves_why=LeaveWhy.KEPT)
    assert clear(rules(notice="0s"), [reservation("ada", 0.5, 3, 4)], place) == {place.id: at(0.9)}


@pytest.mark.parametrize(
    ("begin", "end", "most"), [(0, 1, 2), (1, 2, 3), (2, 3, 1), (0, 3, 3), (0.5, 1, 2), (3, 4, 0)]
)
def test_the_most_that_is_reserved_at_any_moment(begin: float, end: float, most: int) -> None:
    promised = [reservation("ada", 0, 2, 2), reservation("bob", 1, 3, 1), reservation("eve", 0, 9, 4, over_at=NOW)]
    assert reserved_most(pot_of(rules()), promised, at(begin), at(end)) == {"gpus": most}


# Whatever happens.

USERS = ("ada", "bob", "eve", "cy")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.sampled_from(USERS[:2]), st.integers(1, 2)),
        st.tuples(st.just("start"), st.sampled_from(USERS), st.integers(1, 3)),
        st.tuples(st.just("book"), st.sampled_from(["ada", "bob"]), *map(st.integers, (1, 0, 1), (2, 14, 5))),
        st.tuples(st.just("stop"), st.integers(0, 9)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("pass"), st.integers(1, 9)),
    ),
    max_size=25,
)
variants = st.builds(
    rules, st.integers(2, 4), st.sampled_from(["0s", "15m", "1h"]), st.sampled_from(["0s", "10m", "30m"])
)
TICK = 5 * MINUTE


class World:
    """A hub that does what the rules say, to the second."""

    def __init__(self, which: Policies) -> None:
        self.rules, self.pot, self.now, self.count = which, pot_of(which), NOW, 0
        self.out: dict[str, Lease] = {}
        self.promised: list[Reservation] = []

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(LeaseBook(self.out.values()), reservations=tuple(self.promised))

    def do(self, step: tuple[Any, ...]) -> None:
        match step:
            case "start", user, gpus:
                self.count += 1
                self.start(request(user, gpus=gpus, lease_id=f"l{self.count}", server=f"{self.count}"))
            case "book", user, gpus, begins, lasts:
                self.book(user, gpus, self.now + begins * TICK, lasts * 2 * TICK)
            case "stop", number if number < len(self.out):
                del self.out[sorted(self.out)[number]]
            case "cancel", number if number < len(self.promised):
                del self.promised[number]
            case "pass", ticks:
                for _ in range(ticks):
                    self.look()
                    self.now += TICK
                    self.holders_can_start()
        self.look()
        self.holders_can_start()
        assert total(each.amounts for each in self.out.values()).gpus <= self.pot.quota.gpus

    def start(self, wanted: Request) -> None:
        decision = decide(wanted, self.snapshot, self.rules, self.now)
        if isinstance(decision, Admit):
            self.out[wanted.lease_id] = lease_of(wanted, decision, self.now)
            self.agrees(wanted, decision)

    def agrees(self, wanted: Request, decision: Admit) -> None:
        """`clear_from` is the first moment at which this very start would be refused, as far as is known."""
        moments = [self.now, *(each.begins_at - self.clear for each in self.promised)]
        for moment in sorted({moment for moment in moments if moment >= self.now}):
            there = [each for each in self.out.values() if each.ends_at is None or each.ends_at > moment]
            there = [each for each in there if each.id != wanted.lease_id]
            then = decide(wanted, replace(self.snapshot, book=LeaseBook(there)), self.rules, moment)
            full = any(not standing.fits for standing in then.standings)
            covered = unused(self.pot, self.promised, there, wanted.person.name, moment)
            if decision.clear_at is None or moment < decision.clear_at:
                assert not full or (covered is not None and covered.gpus >= wanted.amounts.gpus)
            elif moment == decision.clear_at:
                assert full

    @property
    def clear(self) -> timedelta:
        return timedelta(seconds=self.pot.quota.clear_before.seconds)

    def book(self, user: str, gpus: int, begins: datetime, lasts: timedelta) -> None:
        """As whoever takes bookings has to: all that is promised fits, and what runs leaves in time."""
        new = reservation(user, gpus=gpus, id=f"r{self.count}-{len(self.promised)}-{begins}")
        new = replace(new, begins_at=begins, ends_at=begins + lasts)
        most = reserved_most(self.pot, [*self.ahead(), self.early(new)], begins - self.clear, new.ends_at)
        if most["gpus"] > self.pot.quota.gpus or self.now > begins - self.clear:
            return
        leaves = to_clear(self.pot, [*self.promised, new], self.snapshot.book, self.now)
        if all(leave.at <= begins - self.clear or leave.lease.leaves_at == leave.at for leave in leaves):
            self.promised.append(new)

    def early(self, each: Reservation) -> Reservation:
        return replace(each, begins_at=each.begins_at - self.clear)

    def ahead(self) -> list[Reservation]:
        return [self.early(each) for each in self.promised]

    def look(self) -> None:
        self.out = {
            id_: each for id_, each in self.out.items() if each.leaves_at is None or each.leaves_at > self.now
        }
        leaves = list(to_clear(self.pot, self.promised, self.snapshot.book, self.now))
        self.is_fair(leaves)
        at_ = {leave.lease.id: leave.at for leave in leaves}
        for id_, each in self.out.items():
            told = at_.get(id_)
            self.out[id_] = replace(each, leaves_at=told, leaves_why=LeaveWhy.RESERVED if told else None)
        again = to_clear(self.pot, self.promised, self.snapshot.book, self.now)
        assert {leave.lease.id: leave.at for leave in again} == at_, "thinking anew changes nothing"

    def is_fair(self, leaves: list[Leave]) -> None:
        notice = timedelta(seconds=self.pot.quota.notice.seconds)
        assert len({leave.lease.id for leave in leaves}) == len(leaves)
        for leave in leaves:
            known = leave.lease.leaves_at
            assert leave.at >= min(self.now + notice, known or self.now + notice), "nobody leaves without notice"
            own = unused(self.pot, self.promised, (), leave.lease.user, leave.at)
            theirs = total(each.amounts for each in self.out.values() if each.user == leave.lease.user)
            assert own is None or theirs.gpus > own.gpus, "nobody leaves who stands on a reservation"

    def holders_can_start(self) -> None:
        for each in self.promised:
            if each.holds(self.now):
                left = unused(self.pot, self.promised, self.out.values(), each.user, self.now)
                assert left is not None
                wanted = request(each.user, gpus=left.gpus, lease_id="holder", server="holder")
                there = [one for one in self.out.values() if one.leaves_at is None or one.leaves_at > self.now]
                known = replace(self.snapshot, book=LeaseBook(there))
                assert isinstance(decide(wanted, known, self.rules, self.now), Admit)


@settings(max_examples=200, deadline=None)
@given(variants, steps)
def test_whoever_reserved_can_start_at_any_moment_of_the_slot(which: Policies, done: list[tuple[Any, ...]]) -> None:
    world = World(which)
    for step in done:
        world.do(step)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(USERS), st.integers(0, 3), st.integers(1, 9)), max_size=8),
    st.lists(
        st.tuples(st.sampled_from(USERS), st.integers(0, 6), st.integers(1, 4), st.integers(1, 3)), max_size=4
    ),
)
def test_none_is_told_that_is_not_needed(
    out: list[tuple[str, int, int]], promised: list[tuple[str, int, int, int]]
) -> None:
    """Without any one of them there would be a shortage that there is not with them."""
    which = rules(notice="0s", clear="0s")
    pot = pot_of(which)
    leases_ = [old(str(n), age, user, gpus=gpus) for n, (user, gpus, age) in enumerate(out)]
    reserved_ = [
        reservation(user, begins, begins + lasts, gpus, id=str(n))
        for n, (user, begins, lasts, gpus) in enumerate(promised)
    ]
    leaves = list(to_clear(pot, reserved_, LeaseBook(leases_), NOW))

    def short(moment: datetime, staying: list[Lease]) -> int:
        held: dict[str, int] = {}
        for each in reserved_:
            if each.holds(moment):
                held[each.user] = held.get(each.user, 0) + each.amounts.gpus
        taken = {name: sum(one.amounts.gpus for one in staying if one.user == name) for name in held}
        needed = sum(max(0, n - taken[name]) for name, n in held.items())
        return max(0, needed + sum(one.amounts.gpus for one in staying) - 4) if held else 0

    for leave in leaves:
        staying = [one for one in leases_ if not any(x.lease.id == one.id and x.at <= leave.at for x in leaves)]
        assert short(leave.at, [*staying, leave.lease]) > short(leave.at, staying)
    if leaves and not any(user in {name for name, *_ in promised} for user, *_ in out):
        sizes = {one.amounts.gpus for one in leases_}
        if len(sizes) == 1:
            told = {leave.lease.id for leave in leaves}
            newest = sorted(leases_, key=lambda one: (one.held_at, one.id), reverse=True)[: len(told)]
            assert {one.id for one in newest} == told


def test_clear_from_is_asked_of_what_would_still_be_there() -> None:
    which = rules(2)
    promised = (reservation("bob", 2, 3, 1),)
    ends = old("1", 1, longest=2 * HOUR)
    book = LeaseBook([ends])
    assert clear_from(pot_of(which), promised, book, request(gpus=1), NOW) is None
    assert clear_from(pot_of(which), promised, LeaseBook([old("1", 1)]), request(gpus=1), NOW) == at(2) - 10 * MINUTE
    assert isinstance(asked(request(gpus=1), which, ends, reservations=promised), Admit)
    assert isinstance(asked(request(gpus=1), which, old("1", 1), old("2", 1), reservations=promised), Deny)
    assert amounts(gpus=1).gpus == 1
