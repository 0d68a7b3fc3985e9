"""What is promised, played through a simulated day: the line, reservations, lent shares, permissions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.amounts import total
from profiles.borrowing import may_borrow
from profiles.choice import MachineChoice
from profiles.cost import charge
from profiles.lease import Charge, EndReason, Lease, LeaveWhy
from profiles.model import Catalog
from profiles.person import Person
from profiles.policy import Policies
from profiles.pots import ReservedPot, in_use
from profiles.simulation.books import Books
from profiles.simulation.day import Circumstances, simulate
from profiles.simulation.figures import figures
from profiles.simulation.invented import Invention, invent, invent_bookings, span_of
from profiles.simulation.outcome import Fate, Outcome, Story
from profiles.simulation.room import Room, sizes_of
from profiles.simulation.visit import Booking, Visit
from profiles.waiting import Waiting
from tests.unit.simulation.machines import MONDAY, SPAN, catalog, visit

PATIENT = {"patience": timedelta(hours=8)}
ONE = {"one": {"per": "hub", "gpus": 1}}

_shares = st.fixed_dictionaries(
    {},
    optional={
        "all": st.fixed_dictionaries({"per": st.just("hub"), "gpus": st.integers(1, 9), "servers": st.integers(1, 9)}),
        "each": st.builds(lambda servers: {"per": "user", "servers": servers}, st.integers(1, 3)),
        "kind": st.builds(lambda servers: {"per": "profile", "servers": servers}, st.integers(1, 20)),
    },
)
_borrowing = st.fixed_dictionaries({"within": st.just("all")}, optional={"most": st.just({"gpus": 2})})
_reservations = st.fixed_dictionaries(
    {"gpus": st.integers(1, 4)}, optional={"notice": st.sampled_from(["0s", "20m"]), "noShow": st.just("5m")}
)
_rules = st.fixed_dictionaries(
    {"quotas": _shares},
    optional={
        "reservations": st.builds(lambda rule: {"slots": {**rule, "pools": ["gpu"]}}, _reservations),
        "queue": st.fixed_dictionaries({"enabled": st.booleans(), "keepFor": st.sampled_from(["1m", "10m", "1h"])}),
        "budgets": st.just({"day": {"per": "user", "money": 20, "window": "day"}}),
        "approvals": st.just({"large": {"moreThan": {"gpus": 1}}}),
    },
)


def _with_shares(rules: Mapping[str, Any], borrowing: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if borrowing is None or "all" not in rules["quotas"]:
        return rules
    return {**rules, "quotas": {"team": {"per": "group", "gpus": 1, "borrowing": borrowing}, **rules["quotas"]}}


@settings(max_examples=30)
@given(
    _rules,
    st.none() | _borrowing,
    st.builds(Invention, users=st.integers(1, 40), seed=st.integers(0, 99), reserving=st.sampled_from([0.0, 0.5, 1.0])),
    st.none() | st.sampled_from([timedelta(0), timedelta(hours=1)]),
)
def test_what_always_holds(
    said: Mapping[str, Any], borrowing: Mapping[str, Any] | None, invention: Invention, answers: timedelta | None
) -> None:
    rules = catalog(**_with_shares(said, borrowing))
    visits = invent([rules], invention)
    around = Circumstances(sizes=sizes_of(rules, {"gpu": 2}), answers_after=answers)
    line: dict[str, Waiting] = {}

    def watch(now: datetime, books: Books, rooms: Mapping[str, Room]) -> None:
        _assert_within(books, rules.policies)
        _assert_in_turn(line, books)
        line.clear()
        line.update({each.id: each for each in books.waiting})

    bookings = invent_bookings(visits, invention)
    outcome = simulate(rules, visits, span_of(rules, invention), around, watch, bookings)
    assert outcome == simulate(rules, visits, span_of(rules, invention), around, bookings=bookings)
    assert [story.visit for story in outcome.stories] == list(visits), "every visit ends, once"
    assert not line, "nobody is forgotten in line"
    assert all(each.over_at is not None for each in outcome.reservations)
    _assert_adds_up(outcome)


def _assert_within(books: Books, policies: Policies) -> None:
    """Added up here, from nothing but the leases that are out; places that are kept count as machines do."""
    for quota in policies.quotas.values():
        pots: dict[str, list[Lease]] = {}
        for lease in books.leases:
            subjects = {"user": [lease.user], "profile": [lease.profile], "hub": [""]}.get(quota.per, lease.groups)
            for subject in subjects:
                pots.setdefault(subject, []).append(lease)
        for leases in pots.values():
            there = total(lease.amounts for lease in leases)
            for name, limit in quota.limits():
                assert there.much(name) <= limit + may_borrow(quota.borrowing, name)
    for rule, reservable in policies.reservations.items():
        there = in_use(ReservedPot.of(rule, reservable), books.leases)
        assert all(there.much(name) <= limit for name, limit in reservable.limits())


def _assert_in_turn(before: Mapping[str, Waiting], books: Books) -> None:
    """Nobody is called while somebody who came earlier waits for the same machine in the same pot."""
    called = [each for each in books.waiting if each.kept_until is not None and before[each.id].kept_until is None]
    holding = {each.user for each in books.reservations}
    for each in called:
        for other in books.waiting[: books.waiting.index(each)]:
            alike = _wants(other) == _wants(each)
            assert not alike or other.kept_until is not None or {_name(other), _name(each)} & holding


def _wants(waiting: Waiting) -> object:
    return waiting.pot, waiting.request.profile, waiting.request.amounts, waiting.request.person.groups


def _name(waiting: Waiting) -> str:
    return waiting.request.person.name


def _assert_adds_up(outcome: Outcome) -> None:
    found = figures("", outcome)
    fates = [story.fate for story in outcome.stories]
    assert found.visits == found.started + found.lost + found.gave_up + found.line.left + found.line.missed
    assert len(outcome.entries) == found.started + fates.count(Fate.GAVE_UP)
    runs = [charge(each.lease, each.lease.ran(each.ended_at)) for each in outcome.entries]
    assert found.cost.amount == sum(runs, Charge()).money
    assert found.line.called >= found.line.missed
    assert found.promises.taken_up + found.promises.no_shows == found.promises.reserved


def run(rules: Catalog, *visits: Visit, bookings: tuple[Booking, ...] = (), **around: Any) -> Outcome:
    circumstances = Circumstances(boots_in=timedelta(0), **around)
    return simulate(rules, visits, SPAN, circumstances, bookings=bookings)


def _waited(outcome: Outcome) -> list[float | None]:
    """In minutes."""
    return [None if story.waited is None else story.waited / timedelta(minutes=1) for story in outcome.stories]


def test_in_line_who_came_first_is_first_and_a_newcomer_does_not_overtake() -> None:
    outcome = run(
        catalog(quotas=ONE),
        visit("ada", 0, 60),
        visit("bob", 10, 30, **PATIENT),
        visit("eve", 20, 30, **PATIENT),
        visit("ida", 60, 30, **PATIENT),  # at the moment in which it is free
    )
    assert _waited(outcome) == [0, 50, 70, 60]
    found = figures("", outcome).line
    assert (found.stood, found.called, found.left, found.longest_line) == (3, 3, 0, 2)
    assert found.waits.p50 == 60 * 60 and found.waits.longest == 70 * 60


def test_who_is_called_has_the_machine_kept_and_who_does_not_come_loses_it() -> None:
    late, soon = {"answers_after": timedelta(minutes=30)}, {"answers_after": timedelta(minutes=5)}
    outcome = run(
        catalog(quotas=ONE, queue={"keepFor": "10m"}),
        visit("ada", 0, 60),
        visit("bob", 10, 30, **PATIENT, **late),
        visit("eve", 20, 30, **PATIENT, **soon),
        visit("ida", 65, 30, **PATIENT),  # it is free and kept: she stands behind eve
    )
    assert [story.fate for story in outcome.stories] == [Fate.SERVED, Fate.MISSED, Fate.SERVED, Fate.SERVED]
    assert _waited(outcome) == [0, None, 70 + 5 - 20, 105 - 65]
    assert outcome.stories[1].called_at == MONDAY + timedelta(minutes=60)


def test_who_loses_patience_leaves_the_line_and_is_told_as_such() -> None:
    outcome = run(
        catalog(quotas=ONE),
        visit("ada", 0, 120),
        visit("bob", 10, 30, patience=timedelta(minutes=30)),
        visit("eve", 20, 30, **PATIENT),
    )
    assert [story.fate for story in outcome.stories] == [Fate.SERVED, Fate.LEFT, Fate.SERVED]
    assert _waited(outcome)[2] == 100
    assert (figures("", outcome).lost, figures("", outcome).line.left) == (0, 1)


def test_a_person_has_so_many_places_at_most_and_else_tries_again() -> None:
    rules = catalog(quotas=ONE, queue={"perPerson": 1})
    often = {"retries_after": timedelta(minutes=7), **PATIENT}
    bob = visit("bob", 10, 5, **often), visit("bob", 11, 5, server="2", **often)
    first, second = run(rules, visit("ada", 0, 60), *bob).stories[1:]
    assert first.joined_at is not None and second.joined_at is None
    assert len(first.refusals) == 1 and len(second.refusals) > 5


def _booking(name: str, begins: float, ends: float, *, made: float = 0, groups: str = "") -> Booking:
    at = [MONDAY + timedelta(minutes=minute) for minute in (made, begins, ends)]
    person = Person(name, frozenset(groups.split()))
    return Booking(
        id=f"{name}-books", person=person, choice=MachineChoice("gpu"), made_at=at[0], begins_at=at[1], ends_at=at[2]
    )


SLOTS = {"slots": {"gpus": 1, "pools": ["gpu"], "clearBefore": "10m", "notice": "30m", "noShow": "20m"}}


def test_others_make_room_for_a_reservation_and_its_person_finds_the_machine() -> None:
    outcome = run(
        catalog(reservations=SLOTS),
        visit("ada", 0, 400),
        visit("bob", 180, 60),
        bookings=(_booking("bob", 180, 240, made=60),),
    )
    ada, bob = outcome.stories
    assert ada.entry is not None and ada.entry.ended_at == MONDAY + timedelta(minutes=170)
    assert (ada.entry.reason, ada.entry.lease.leaves_why) == (EndReason.GIVEN_BACK, LeaveWhy.RESERVED)
    assert bob.waited == timedelta(0) and bob.joined_at is None
    found = figures("", outcome).promises
    assert (found.reserved, found.taken_up, found.no_shows, found.cleared) == (1, 1, 0, 1)


def test_a_reservation_nobody_takes_up_is_released_to_who_stands_in_line() -> None:
    outcome = run(
        catalog(reservations=SLOTS),
        visit("ada", 175, 30, **PATIENT),  # ten minutes before it begins it is kept clear
        bookings=(_booking("bob", 180, 400),),
    )
    assert [refused.reason for refused in outcome.stories[0].refusals] == ["reserved"]
    assert _waited(outcome) == [25]
    assert figures("", outcome).promises.no_shows == 1


def test_what_is_taken_cannot_be_reserved_twice_and_its_person_comes_all_the_same() -> None:
    outcome = run(
        catalog(reservations=SLOTS),
        visit("eve", 300, 30),
        bookings=(_booking("bob", 180, 240), _booking("eve", 200, 260, made=1)),
    )
    assert outcome.not_reserved == 1
    assert outcome.stories[0].fate is Fate.SERVED


def test_without_rules_for_reservations_nobody_reserves() -> None:
    outcome = run(catalog(), visit("bob", 180, 60), bookings=(_booking("bob", 180, 240),))
    assert (outcome.reservations, outcome.not_reserved) == ((), 0)


def test_an_owner_gets_back_what_is_lent_from_the_newest_borrower_with_notice() -> None:
    quotas = {
        "share": {"per": "group", "gpus": 1, "borrowing": {"within": "all", "notice": "15m"}},
        "all": {"per": "hub", "gpus": 3},
    }
    outcome = run(
        catalog(quotas=quotas),
        visit("ada", 0, 400, groups="ml"),
        visit("bea", 10, 400, groups="ml"),
        visit("cem", 20, 400, groups="ml"),
        visit("dan", 60, 30, groups="ops", **PATIENT),
    )
    ends = {story.visit.person.name: story.entry for story in outcome.stories}
    assert ends["cem"] is not None and ends["cem"].ended_at == MONDAY + timedelta(minutes=75)
    assert ends["cem"].reason is EndReason.GIVEN_BACK and ends["cem"].lease.leaves_why is LeaveWhy.LENT
    assert ends["bea"] is not None and ends["bea"].reason is EndReason.STOPPED
    assert _waited(outcome)[3] == 15
    assert figures("", outcome).promises.given_back == 1


def test_who_stops_waiting_spares_the_borrower() -> None:
    quotas = {
        "share": {"per": "group", "gpus": 1, "borrowing": {"within": "all", "notice": "15m"}},
        "all": {"per": "hub", "gpus": 2},
    }
    _, bea, dan = run(
        catalog(quotas=quotas),
        visit("ada", 0, 100, groups="ml"),
        visit("bea", 10, 400, groups="ml"),
        visit("dan", 60, 30, groups="ops", patience=timedelta(minutes=10)),
    ).stories
    assert dan.fate is Fate.LEFT
    assert bea.entry is not None and bea.entry.reason is EndReason.STOPPED


APPROVAL = {"large": {"profiles": ["gpu"], "longest": "3h"}}


def _approved(answers_after: timedelta | None) -> Story:
    (story,) = run(catalog(approvals=APPROVAL), visit("ada", 0, 400), answers_after=answers_after).stories
    return story


def test_a_start_that_needs_a_yes_waits_for_it_and_ends_with_it() -> None:
    story = _approved(timedelta(hours=2))
    assert (story.fate, story.asked, story.waited) == (Fate.SERVED, True, timedelta(hours=2))
    assert story.entry is not None and story.entry.reason is EndReason.TIME_OVER
    assert story.entry.lease.ran(story.entry.ended_at) == timedelta(hours=3)


def test_where_nobody_answers_it_is_refused_with_its_own_reason() -> None:
    story = _approved(None)
    assert (story.fate, story.asked) == (Fate.LOST, False)
    assert [refused.reason for refused in story.refusals] == ["needs-approval"]


def test_one_yes_is_for_one_machine_and_a_second_one_is_asked_for() -> None:
    here = {"answers_after": timedelta(minutes=10)}
    outcome = run(catalog(approvals=APPROVAL), visit("ada", 0, 100), visit("ada", 60, 30, server="2"), **here)
    assert _waited(outcome) == [10, 10]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_so_many_people_reserve_and_the_visits_stay_the_same(share: float) -> None:
    rules = catalog(reservations=SLOTS)
    invention = Invention(users=30, reserving=share)
    visits = invent([rules], invention)
    bookings = invent_bookings(visits, invention)
    assert visits == invent([rules], Invention(users=30))
    assert {each.person for each in bookings} == ({each.person for each in visits} if share else set())
    assert all(each.made_at < each.begins_at < each.ends_at for each in bookings)
