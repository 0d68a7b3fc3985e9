"""Idle shares are lent, and given back: newest first, with notice, no more than is wanted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.admission import Admit, Deny, decide, lease_of
from profiles.borrowing import all_borrowed, give_back
from profiles.lease import KEPT, Lease, LeaveWhy, Request
from profiles.lease_book import LeaseBook
from profiles.pots import Pot
from profiles.refusal import Reason
from profiles.snapshot import Snapshot
from profiles.waiting import Waiting
from tests.unit.profiles.shares import NOW, admitted, asked, lease, policies, refused, request, waiting

HOUR, NOTICE = timedelta(hours=1), timedelta(minutes=15)
WHOLE = Pot("whole", "hub")


def shared(most: dict[str, Any] | None = None, **more: Any) -> Any:
    """Two shares of two GPUs in a whole of four; the third group has a share of none."""
    borrowing = {"within": "whole", **({"most": most} if most else {})}
    share = {"per": "group", "gpus": 2, "borrowing": borrowing, "overrides": {"groups": {"guests": {"gpus": 0}}}}
    return policies(quotas={"share": share, "whole": {"per": "hub", "gpus": 4}, **more})


def out(lease_id: str, groups: str, age: float, gpus: int = 1, **given_: Any) -> Lease:
    return replace(lease(lease_id, f"of-{lease_id}", groups, gpus=gpus, **given_), held_at=NOW - age * HOUR)


def told(rules: Any, *leases_: Lease, wants: tuple[Request, ...], now: datetime = NOW) -> dict[str, datetime]:
    return {leave.lease.id: leave.at for leave in give_back(wants, rules, LeaseBook(leases_), now)}


ML = [out(f"ml{n}", "ml", 9 - n) for n in range(4)]


def test_what_is_idle_is_lent_and_the_whole_always_holds() -> None:
    assert not admitted(asked(request(groups="ml", gpus=2), shared())).borrows
    assert admitted(asked(request(groups="ml", gpus=2), shared(), *ML[:2])).borrows
    full = refused(asked(request(groups="ml", gpus=1), shared(), *ML))
    assert (full.refusal.reason, full.rule) == (Reason.OVER_QUOTA, "whole")


def test_at_most_so_much_beyond_the_share() -> None:
    assert admitted(asked(request(groups="ml", gpus=1), shared({"gpus": 1}), *ML[:2]))
    assert refused(asked(request(groups="ml", gpus=2), shared({"gpus": 1}), *ML[:2])).rule == "share"


def test_nothing_is_lent_to_a_machine_that_the_whole_is_not_about() -> None:
    rules = policies(
        quotas={
            "share": {"per": "group", "gpus": 2, "borrowing": {"within": "whole"}},
            "whole": {"per": "hub", "pools": ["a"], "gpus": 4},
        }
    )
    assert refused(asked(request(groups="ml", gpus=3, pool="b"), rules)).rule == "share"
    assert admitted(asked(request(groups="ml", gpus=3, pool="a"), rules)).borrows


def test_who_came_first_stands_on_the_share() -> None:
    assert list(all_borrowed(shared(), LeaseBook(ML))) == ["ml3", "ml2"]
    large = [out("l1", "ml", 3), out("l2", "ml", 2, gpus=2), out("l3", "ml", 1)]
    assert list(all_borrowed(shared(), LeaseBook(large))) == ["l2"]


@pytest.mark.parametrize(
    ("wants", "leaves"),
    [
        (["bio"], ["ml3"]),
        (["bio", "bio"], ["ml3", "ml2"]),
        (["bio", "bio", "bio"], ["ml3", "ml2"]),  # the third would borrow itself
        (["ml"], []),
        (["guests"], []),  # whose share is none
        (["ml", "bio"], ["ml3"]),
        ([""], []),  # no group, no share
        ([], []),
    ],
)
def test_owners_get_back_as_much_as_is_theirs(wants: list[str], leaves: list[str]) -> None:
    requests = tuple(request(f"p{n}", groups, gpus=1, lease_id=f"w{n}") for n, groups in enumerate(wants))
    assert told(shared(), *ML, wants=requests) == dict.fromkeys(leaves, NOW + NOTICE)


def test_what_is_free_comes_first() -> None:
    wants = (request("p", "bio", gpus=2),)
    assert told(shared(), *ML[:3], wants=wants) == {"ml2": NOW + NOTICE}
    assert told(shared(), *ML[:2], wants=wants) == {}


def test_nothing_is_taken_where_it_would_not_be_enough() -> None:
    without_share = out("x", "", 1, gpus=3)
    assert told(shared(), without_share, ML[0], wants=(request("p", "bio", gpus=2),)) == {}


def test_one_that_is_enough_by_itself_spares_the_smaller_one() -> None:
    some = [out("l1", "guests", 3, gpus=3), out("l2", "guests", 1)]
    assert set(told(shared(), *some, wants=(request("p", "bio", gpus=2),))) == {"l1"}


def test_what_was_told_stays_told_and_nobody_else_is() -> None:
    first = told(shared(), *ML, wants=(request("p", "bio", gpus=1),))
    after = [replace(one, leaves_at=first.get(one.id), leaves_why=LeaveWhy.LENT if one.id in first else None)
             for one in ML]  # fmt: skip
    later = NOW + timedelta(minutes=5)
    newer = out("ml9", "ml", -0.05, gpus=0)
    assert told(shared(), *after, newer, wants=(request("p", "bio", gpus=1),), now=later) == first
    assert told(shared(), *after, wants=(), now=later) == {}
    two = tuple(request(name, "bio", gpus=1, lease_id=name) for name in ("p", "q"))
    assert told(shared(), *after, wants=two, now=later) == {**first, "ml2": later + NOTICE}
    assert told(shared(), *after[1:], wants=(request("p", "bio", gpus=1),), now=later) == {}, "something got free"


def test_whoever_would_borrow_waits_behind_the_owners() -> None:
    line = (
        waiting("1", "bob", "ml", pot=WHOLE),
        waiting("2", "eve", "bio", pot=WHOLE),
        waiting("3", "cy", "bio", pot=WHOLE),
        waiting("4", "dan", "bio", pot=WHOLE),
    )

    def may(place: Waiting, *leases_: Lease) -> bool:
        return isinstance(asked(place.request, shared(), *leases_, waiting=line), Admit)

    assert [may(place, *ML[:3]) for place in line] == [False, True, False, False]
    assert [may(place, *ML[:2]) for place in line] == [False, True, True, False]
    assert not may(line[0], ML[0], ML[1], out("b", "bio", 1)), "cy is still within the share, and comes first"
    direct = asked(request("zoe", "ml", gpus=1), shared(), *ML[:3], waiting=line)
    assert refused(direct).refusal.reason is Reason.OTHERS_WAIT
    owner = asked(request("zoe", "bio", gpus=1), shared(), *ML[:2], waiting=line[:2])
    assert isinstance(owner, Admit), "of those who wait, only eve is an owner"


def test_for_other_pots_the_line_stays_as_it_is() -> None:
    rules = shared(cores={"per": "hub", "cores": 4})
    line = (waiting("1", "bob", "ml", pot=Pot("cores", "hub"), cores=2, gpus=0),)
    wants = request("eve", "bio", gpus=1, cores=3)
    assert refused(asked(wants, rules, *ML[:1], waiting=line)).rule == "cores"


# Whatever happens.

GROUPS_ = ("ml", "bio", "guests")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.sampled_from(GROUPS_), st.integers(0, 3)),
        st.tuples(st.just("stop"), st.integers(0, 5)),
        st.tuples(st.just("leave"), st.integers(0, 5)),
        st.tuples(st.just("pass"), st.integers(1, 4)),
    ),
    max_size=25,
)


class World:
    """Whoever is refused waits; a look every five minutes; borrowed machines leave when they were told."""

    def __init__(self) -> None:
        self.rules, self.now, self.count = shared(), NOW, 0
        self.out: dict[str, Lease] = {}
        self.line: list[Waiting] = []
        self.within: dict[str, datetime] = {}  # since when a place is the first that its group's share has room for

    def known(self) -> Snapshot:
        return Snapshot(LeaseBook(self.out.values()), waiting=tuple(self.line))

    def do(self, step: tuple[Any, ...]) -> None:
        match step:
            case "start", group, gpus:
                self.count += 1
                wanted = request(f"p{self.count}", group, gpus=gpus, lease_id=f"l{self.count}")
                decision = decide(wanted, self.known(), self.rules, self.now)
                if isinstance(decision, Admit):
                    self.out[wanted.lease_id] = lease_of(wanted, decision, self.now)
                else:
                    place = waiting(str(self.count), f"p{self.count}", group, pot=WHOLE, gpus=gpus)
                    self.line.append(place)
            case "stop", number if number < len(self.out):
                del self.out[sorted(self.out)[number]]
            case "leave", number if number < len(self.line):
                self.within.pop(self.line.pop(number).id, None)
            case "pass", ticks:
                for _ in range(ticks):
                    self.now += timedelta(minutes=5)
                    self.look()
        self.look()

    def used(self, group: str) -> int:
        return sum(one.amounts.gpus for one in self.out.values() if group in one.groups)

    def look(self) -> None:
        self.out = {id_: one for id_, one in self.out.items() if one.leaves_at is None or one.leaves_at > self.now}
        again = True
        while again:
            again = False
            for place in list(self.line):
                decision = decide(place.request, self.known(), self.rules, self.now)
                if isinstance(decision, Admit):
                    started = replace(place.request, lease_id=f"l{place.id}")
                    self.out[started.lease_id] = lease_of(started, decision, self.now)
                    self.line.remove(place)
                    self.within.pop(place.id, None)
                    again = True
                    break
        self.take_back()
        assert sum(one.amounts.gpus for one in self.out.values()) <= 4
        self.owners_are_served()

    def take_back(self) -> None:
        demands = [
            place.request
            for place in self.line
            if isinstance(decision := decide(place.request, self.known(), self.rules, self.now), Deny)
            and decision.rule == "whole"
        ]
        borrowed = all_borrowed(self.rules, LeaseBook(self.out.values()))
        leaves = {one.lease.id: one.at for one in give_back(demands, self.rules, self.known().book, self.now)}
        assert not leaves or demands
        for id_, at in leaves.items():
            known = self.out[id_].leaves_at
            assert id_ in borrowed
            assert at == (known or self.now + NOTICE), "told once, with notice, and the time does not move"
        for id_, one in self.out.items():
            why = LeaveWhy.LENT if id_ in leaves else None
            self.out[id_] = replace(one, leaves_at=leaves.get(id_), leaves_why=why)

    def owners_are_served(self) -> None:
        """Within the share, and still waiting: no longer than the notice and a look."""
        for group in ("ml", "bio"):
            places = [place for place in self.line if group in place.request.person.groups]
            for place in places[:1]:
                if self.used(group) + place.request.amounts.gpus <= 2:
                    since = self.within.setdefault(place.id, self.now)
                    assert self.now - since <= NOTICE, f"{place.id} waits for what is its own"
                else:
                    self.within.pop(place.id, None)


@settings(max_examples=200, deadline=None)
@given(steps)
def test_owners_have_their_share_after_the_notice(done: list[tuple[Any, ...]]) -> None:
    world = World()
    for step in done:
        world.do(step)


def test_a_place_that_is_kept_is_lent_like_a_machine() -> None:
    kept = replace(out(f"{KEPT}x", "ml", 0), leaves_at=NOW + 10 * timedelta(minutes=1), leaves_why=LeaveWhy.KEPT)
    assert set(told(shared(), *ML[:3], kept, wants=(request("p", "bio", gpus=1),))) == {kept.id}
