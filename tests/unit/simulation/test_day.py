"""A simulated day: what must hold whatever the rules are, and small days worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.lease import EndReason, Lease
from profiles.lease_book import LeaseBook
from profiles.model import Catalog
from profiles.policy import Policies
from profiles.simulation.books import Books
from profiles.simulation.day import Circumstances, simulate
from profiles.simulation.figures import figures, time_shares
from profiles.simulation.invented import Invention, invent, span_of
from profiles.simulation.outcome import Fate, Moment, Outcome
from profiles.simulation.room import Room, sizes_of
from profiles.simulation.visit import Visit
from tests.unit.simulation.machines import MONDAY, SPAN, catalog, visit

_caps = st.fixed_dictionaries(
    {"servers": st.integers(1, 12)},
    optional={"gpus": st.integers(0, 8), "cores": st.integers(1, 60), "memory": st.just("64Gi")},
)
_quotas = st.dictionaries(
    st.sampled_from(["one", "two", "three"]),
    st.builds(lambda per, caps: {"per": per, **caps}, st.sampled_from(["user", "group", "profile", "hub"]), _caps),
)
_budgets = st.dictionaries(
    st.sampled_from(["four", "five"]),
    st.builds(
        lambda per, window, money: {"per": per, "window": window, "money": money, "holdAtMost": "1h"},
        st.sampled_from(["user", "group", "hub"]),
        st.sampled_from(["day", "6h", "2d"]),
        st.integers(1, 100),
    ),
)
_nodes = st.fixed_dictionaries({}, optional={"gpu": st.integers(0, 3), "general": st.integers(1, 3)})
_inventions = st.builds(Invention, users=st.integers(1, 40), seed=st.integers(0, 99))


def run(rules: Catalog, *visits: Visit, **nodes: int) -> Outcome:
    return simulate(rules, visits, SPAN, Circumstances(sizes=sizes_of(rules, nodes), boots_in=timedelta(0)))


@settings(max_examples=25)
@given(_quotas, _budgets, _nodes, _inventions)
def test_what_always_holds(
    quotas: Mapping[str, Any], budgets: Mapping[str, Any], nodes: Mapping[str, int], invention: Invention
) -> None:
    rules = catalog(quotas=quotas, budgets=budgets)
    visits = invent([rules], invention)
    times: list[datetime] = []

    def watch(now: datetime, books: Books, rooms: Mapping[str, Room]) -> None:
        times.append(now)
        assert all(room.share <= 1 for room in rooms.values())
        assert sum(room.machines for room in rooms.values()) <= len(books.leases)
        _assert_within_quotas(books.leases, rules.policies)

    outcome = simulate(rules, visits, span_of(rules, invention), Circumstances(sizes=sizes_of(rules, nodes)), watch)
    assert times == sorted(times)
    assert [story.visit for story in outcome.stories] == list(visits), "every visit ends, once"
    for story in outcome.stories:
        admitted = story.fate in {Fate.SERVED, Fate.GAVE_UP}
        assert (story.entry is not None) == admitted, "who was admitted is in the ledger, once"
        assert (story.waited is not None) == (story.fate is Fate.SERVED)
        assert story.refusals or admitted
        assert story.joined_at is not None or story.fate not in {Fate.LEFT, Fate.MISSED}
    assert all(moments[-1].machines == moments[-1].waiting == 0 for moments in outcome.pools.values() if moments)


def _assert_within_quotas(book: LeaseBook, policies: Policies) -> None:
    """Added up here, from nothing but the leases that are out."""
    for quota in policies.quotas.values():
        pots: dict[str, list[Lease]] = {}
        for lease in book:
            for subject in {"user": [lease.user], "profile": [lease.profile], "hub": [""]}.get(quota.per, lease.groups):
                pots.setdefault(subject, []).append(lease)
        for leases in pots.values():
            amounts = [lease.amounts for lease in leases]
            assert quota.servers is None or len(amounts) <= quota.servers
            assert quota.gpus is None or sum(each.gpus for each in amounts) <= quota.gpus
            assert quota.cores is None or sum(each.millicores for each in amounts) <= quota.cores.millicores
            assert quota.memory is None or sum(each.memory for each in amounts) <= quota.memory.bytes


def test_the_same_seed_gives_the_same_day_and_another_one_another() -> None:
    rules = catalog(quotas={"q": {"per": "group", "servers": 5}})
    visits = invent([rules], Invention(users=40))
    assert visits == invent([rules], Invention(users=40))
    assert visits != invent([rules], Invention(users=40, seed=2))
    assert run(rules, *visits, gpu=1) == run(rules, *visits, gpu=1)


def test_a_person_comes_alike_whoever_else_comes() -> None:
    few, many = (invent([catalog()], Invention(users=users)) for users in (20, 40))
    names = {each.person.name for each in few}
    assert [each for each in many if each.person.name in names] == list(few)


def test_people_come_by_day_mostly_for_small_machines_and_less_at_the_weekend() -> None:
    visits = invent([catalog()], Invention(users=300, days=7))
    by_day = [sum(each.comes_at.day == day for each in visits) for day in range(2, 9)]
    assert min(by_day[:5]) > 3 * max(by_day[5:])
    small = sum(each.choice.profile == "small-cpu" for each in visits)
    assert 0.5 < small / len(visits) < 0.85
    assert sum(8 <= each.comes_at.hour < 18 for each in visits) > 0.8 * len(visits)


def test_groups_and_people_of_the_rules_are_among_those_who_come() -> None:
    rules = catalog(
        quotas={"q": {"per": "user", "servers": 2, "overrides": {"users": {"ada": {"servers": 9}}}}},
        budgets={"b": {"per": "group", "groups": ["ml-team"], "money": 5}},
    )
    visits = invent([rules], Invention(users=60))
    assert "ada" in {each.person.name for each in visits}
    assert "ml-team" in {group for each in visits for group in each.person.groups}


def test_without_rules_and_limits_nobody_is_refused_or_waits() -> None:
    rules = catalog()
    found = figures("open", run(rules, *invent([rules], Invention(users=100))))
    assert found.started == found.visits
    assert (found.refused, found.lost, found.gave_up, found.cut_short) == (0, 0, 0, 0)
    assert found.waits.longest == 0


def test_first_come_first_served_and_waiting_is_measured() -> None:
    patient = {"patience": timedelta(hours=5)}
    four = {"options": {"gpus": "4"}}
    outcome = run(
        catalog(),
        visit("ada", 0, 60),
        visit("bob", 10, 30, **four, **patient),
        visit("eve", 20, 30, **patient),  # one of four is free, but bob was first
        gpu=1,
    )
    assert [story.waited for story in outcome.stories] == [timedelta(minutes=each) for each in (0, 50, 70)]
    assert [moment.waiting for moment in outcome.pools["gpu"]][:4] == [0, 1, 2, 1]


def test_who_waits_too_long_gives_up_and_lets_the_next_in() -> None:
    outcome = run(
        catalog(),
        visit("ada", 0, 300),
        visit("bob", 10, 30, options={"gpus": "4"}, patience=timedelta(minutes=30)),
        visit("eve", 20, 30),
        gpu=1,
    )
    assert [story.fate for story in outcome.stories] == [Fate.SERVED, Fate.GAVE_UP, Fate.SERVED]
    assert outcome.stories[1].entry is not None
    assert outcome.stories[1].entry.reason is EndReason.NEVER_RAN
    assert outcome.stories[1].entry.charge.micros == 0
    assert outcome.stories[2].waited == timedelta(minutes=20)


def test_where_there_is_no_line_who_is_refused_asks_again_until_patience_is_over() -> None:
    rules = catalog(quotas={"one": {"per": "hub", "gpus": 1}}, queue={"enabled": False})
    every = {"retries_after": timedelta(minutes=20)}
    outcome = run(rules, visit("ada", 0, 50), visit("bob", 0.5, 50, **every), visit("eve", 1, 5, **every))
    bob, eve = outcome.stories[1:]
    assert [refused.rule for refused in bob.refusals] == ["one"] * 3
    assert (bob.fate, bob.waited) == (Fate.SERVED, timedelta(minutes=60))
    assert (eve.fate, len(eve.refusals)) == (Fate.LOST, 4)
    found = figures("one", outcome)
    assert (found.refused, found.lost, found.rules[0].starts, found.rules[0].tries) == (2, 1, 2, 7)


@pytest.mark.parametrize(
    ("policies", "which", "reason"),
    [
        ({"quotas": {"q": {"per": "user", "gpus": 1}}}, {"options": {"gpus": "2"}}, "over-quota"),
        ({"approvals": {"a": {"profiles": ["gpu"]}}}, {}, "needs-approval"),
        ({}, {"profile": "gone"}, "unknown-profile"),
    ],
)
def test_what_no_waiting_can_change_is_not_asked_again(policies: Any, which: Any, reason: str) -> None:
    (story,) = run(catalog(**policies), visit("ada", 0, **which)).stories
    assert story.fate is Fate.LOST
    assert [refused.reason for refused in story.refusals] == [reason]


def test_a_machine_larger_than_every_node_is_refused_at_once() -> None:
    (story,) = run(catalog(), visit("ada", 0), gpu=0).stories
    assert [refused.reason for refused in story.refusals] == ["never-fits"]


def test_a_budget_stops_a_run_and_frees_itself_by_the_day() -> None:
    rules = catalog(budgets={"five": {"per": "user", "money": 5, "window": "day"}})
    outcome = run(rules, visit("ada", 0, 180), visit("ada", 150, 60), visit("ada", 24 * 60, 60))
    cut, lost, next_day = outcome.stories
    assert cut.entry is not None and cut.entry.reason is EndReason.TIME_OVER
    assert cut.entry.lease.ran(cut.entry.ended_at) == timedelta(hours=2), "5 EUR at 2.50 an hour"
    assert (lost.fate, next_day.fate) == (Fate.LOST, Fate.SERVED)
    assert figures("five", outcome).cut_short == 1
    assert figures("five", outcome).cost.amount == 7.5


def test_a_budget_that_several_use_up_gives_its_grace_and_then_stops_them_all() -> None:
    """Each start set an hour aside, 2.50 of 10; together they use 5 an hour, so after two hours nothing is left."""
    budget = {"per": "group", "money": 10, "window": "day", "holdAtMost": "1h", "grace": "15m"}
    here, there = {"groups": "ml"}, {"groups": "ops"}
    visits = [visit("ada", 0, 600, **here), visit("bob", 0, 180, **here), visit("eve", 0, 180, **there)]
    *stopped, other = run(catalog(budgets={"ten": budget}), *visits).stories
    for story in stopped:
        assert story.entry is not None and story.entry.reason is EndReason.OUT_OF_BUDGET
        assert story.entry.lease.ran(story.entry.ended_at) == timedelta(hours=2, minutes=15)
    assert other.entry is not None and other.entry.reason is EndReason.STOPPED


def test_outside_its_hours_a_machine_is_refused_and_stopped() -> None:
    rules = catalog(profiles={"gpu": {"hours": {"from": "08:00", "to": "20:00"}}})
    outcome = run(rules, visit("ada", 7 * 60 + 30), visit("bob", 6 * 60), visit("eve", 19 * 60, 180))
    bob, ada, eve = outcome.stories
    assert [refused.reason for refused in ada.refusals] == ["outside-hours"] * 3
    assert (bob.fate, ada.fate, ada.waited) == (Fate.LOST, Fate.SERVED, timedelta(minutes=30))
    assert eve.entry is not None and eve.entry.reason is EndReason.TIME_OVER
    assert eve.entry.ended_at == MONDAY + timedelta(hours=20)


def test_who_forgets_pays_until_the_idle_limit_and_never_beyond_the_lifetime() -> None:
    outcome = run(catalog(), visit("ada", 0, 30, forgets=True), visit("bob", 0, 24 * 60, forgets=True))
    hours = [each.entry.lease.ran(each.entry.ended_at) for each in outcome.stories if each.entry]
    assert hours == [timedelta(hours=1.5), timedelta(hours=24)]
    assert {each.entry.reason for each in outcome.stories if each.entry} == {EndReason.CULLED}


def test_shares_of_time_are_exact() -> None:
    at = [MONDAY + timedelta(hours=hour) for hour in (0, 3, 9, 30)]
    moments = [Moment(at[0], 1, 0.5, 0), Moment(at[1], 2, 1.0, 3), Moment(at[2], 0, 0.0, 0)]
    shares = time_shares(moments, *SPAN, 4)
    assert shares == [(0.75, 1.5, 1.5), (0.5, 1.0, 1.5), (0, 0, 0), (0, 0, 0)]
    assert time_shares(moments, *SPAN, 1)[0][1] == pytest.approx((3 * 1 + 6 * 2) / 24)
    assert time_shares([], *SPAN, 1) == [(0, 0, 0)]
