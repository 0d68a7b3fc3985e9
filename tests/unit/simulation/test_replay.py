"""Last month once more, under other rules: checked against the simulation, and worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.choice import MachineChoice
from profiles.lease import Charge, Entry
from profiles.ledger_csv import read_ledger, write_ledger
from profiles.person import Person
from profiles.simulation import history
from profiles.simulation.day import Circumstances, simulate
from profiles.simulation.history import visits_of
from profiles.simulation.invented import Invention, invent, span_of
from profiles.simulation.outcome import Outcome
from profiles.simulation.replay import Replayed, Told, replay
from profiles.simulation.room import sizes_of
from profiles.simulation.visit import Booking
from tests.unit.simulation.machines import MONDAY, SPAN, catalog, visit

_subjects = st.sampled_from(["user", "group", "hub"])
_quotas = st.builds(lambda per, servers: {"q": {"per": per, "servers": servers}}, _subjects, st.integers(1, 12))
_budgets = st.builds(
    lambda per, window, unit, most, ahead: {"b": {"per": per, "window": window, unit: most, "holdAtMost": ahead}},
    _subjects,
    st.sampled_from(["day", "week", "6h", "30d"]),
    st.sampled_from(["money", "machineHours", "gpuHours"]),
    st.integers(1, 60),
    st.sampled_from(["30m", "2h", "1d"]),
)
_rules = st.fixed_dictionaries({}, optional={"quotas": _quotas, "budgets": _budgets})


def _day(rules: Mapping[str, Any], invention: Invention) -> Outcome:
    under = catalog(**rules)
    circumstances = Circumstances(sizes=sizes_of(under, {"gpu": 1}))
    return simulate(under, invent([under], invention), span_of(under, invention), circumstances)


@settings(max_examples=25)
@given(_rules, st.builds(Invention, users=st.integers(1, 40), days=st.integers(1, 2), seed=st.integers(0, 99)))
def test_the_same_rules_refuse_nobody_whom_they_admitted(rules: Mapping[str, Any], invention: Invention) -> None:
    entries = read_ledger("".join(write_ledger(_day(rules, invention).entries)))
    found = replay(reversed(entries), catalog(**rules))
    assert (found.refused, found.cut_short) == ((), ())
    assert found.charged == found.instead == sum((entry.charge for entry in entries), Charge())
    assert found.starts == len(entries)


@settings(max_examples=10)
@given(st.builds(Invention, users=st.integers(1, 30), seed=st.integers(0, 99)))
def test_no_rules_refuse_nobody(invention: Invention) -> None:
    entries = _day({"quotas": {"q": {"per": "group", "servers": 3}}}, invention).entries
    assert replay(entries, catalog()).refused == ()


def _ledger(*visits: Any) -> tuple[Entry, ...]:
    return simulate(catalog(), visits, SPAN, Circumstances(boots_in=timedelta(minutes=1))).entries


def _refused(found: Replayed) -> list[tuple[str, int, str]]:
    minutes = [int((each.refused.at - MONDAY).total_seconds() / 60) for each in found.refused]
    return [
        (each.entry.lease.user, minute, each.refused.rule) for each, minute in zip(found.refused, minutes, strict=True)
    ]


def test_a_tighter_quota_refuses_exactly_those_worked_out_by_hand() -> None:
    two = {"options": {"gpus": "2"}}
    entries = _ledger(
        visit("ada", 0, 60, groups="ml"),  # held from 0 to 61, as a start takes a minute
        visit("bob", 10, 30, groups="ml", **two),  # 1 + 2 of 2: refused, and so in nobody's way
        visit("eve", 20, 60, groups="ml ops"),  # 1 + 1 of 2: admitted, until 81
        visit("ada", 30, 10, groups="ml"),  # 2 + 1 of 2: refused
        visit("bob", 61, 10, groups="ml"),  # ada's has ended at this very moment: admitted
        visit("ida", 62, 10, groups="ops"),  # eve is of ops too: ops has 1 of 2
        visit("ida", 63, 10, **two),  # of no group: no quota
    )
    rules = catalog(quotas={"gpus": {"per": "group", "gpus": 2}})
    found = replay(entries, rules)
    assert _refused(found) == [("bob", 10, "gpus"), ("ada", 30, "gpus")]
    assert found.refused[0].refused.sentence == "ml may have 2 GPUs at once, and 1 is in use; GPU needs 2 more."
    assert (found.starts, found.people) == (7, 4)
    saved = found.charged.micros - found.instead.micros
    assert saved == 2_500_000 + 416_667, "half an hour of two GPUs, ten minutes of one"


def test_a_tighter_budget_cuts_short_and_then_refuses() -> None:
    entries = _ledger(visit("ada", 0, 180), visit("ada", 200, 30), visit("bob", 0, 180, "small-cpu"))
    found = replay(entries, catalog(budgets={"five": {"per": "user", "money": 5, "window": "day"}}))
    assert [(each.entry.lease.user, each.lost) for each in found.cut_short] == [("ada", timedelta(hours=1))]
    assert _refused(found) == [("ada", 200, "five")]
    assert float(found.instead.money) == 5 + 3 * 0.05


def test_a_budget_that_several_had_used_up_stops_them_all() -> None:
    entries = _ledger(visit("ada", 0, 300, groups="ml"), visit("bob", 0, 240, groups="ml"))
    budget = {"per": "group", "money": 10, "window": "day", "holdAtMost": "1h", "grace": "15m"}
    found = replay(entries, catalog(budgets={"ten": budget}))
    assert found.refused == ()
    assert {(each.entry.lease.user, each.lost) for each in found.cut_short} == {
        ("ada", timedelta(hours=2, minutes=45)),
        ("bob", timedelta(hours=1, minutes=45)),
    }


def test_hours_of_today_are_asked_of_yesterday() -> None:
    entries = _ledger(visit("ada", 60), visit("bob", 9 * 60), visit("eve", 19 * 60, 180))
    found = replay(entries, catalog(profiles={"gpu": {"hours": {"from": "08:00", "to": "20:00"}}}))
    assert [(each.entry.lease.user, each.refused.reason) for each in found.refused] == [("ada", "outside-hours")]
    assert [each.entry.lease.user for each in found.cut_short] == ["eve"]


def test_shorter_lives_and_machines_that_are_gone_are_told_too() -> None:
    entries = _ledger(visit("ada", 0, 23 * 60), visit("bob", 0, 30, "many-core"))
    now = catalog()
    gpu = now.profiles["gpu"].model_copy(update={"max_lifetime": type(now.profiles["gpu"].start_timeout)(3600)})
    found = replay(entries, now.model_copy(update={"profiles": {"gpu": gpu}}))
    assert [each.lost for each in found.cut_short] == [timedelta(hours=22)]
    assert [(each.refused.rule, each.refused.reason) for each in found.refused] == [("many-core", "unknown-profile")]


def test_who_needs_a_yes_is_told_and_administrators_are_known_only_by_name() -> None:
    rules = catalog(approvals={"large": {"moreThan": {"gpus": 1}, "exempt": {"admins": True}}})
    entries = _ledger(visit("ada", 0, options={"gpus": "2"}), visit("bob", 1))
    assert _refused(replay(entries, rules)) == [("ada", 0, "large")]
    assert replay(entries, rules, Told(admins=frozenset({"ada"}))).refused == ()


def test_visits_of_a_ledger_are_the_same_machines_at_the_same_times() -> None:
    rules = catalog()
    visits = invent([rules], Invention(users=60))
    before = simulate(rules, visits, SPAN)
    again = visits_of(before.entries, rules)
    assert history.span_of(again) == SPAN
    after = simulate(rules, again, SPAN)
    assert [(each.lease.amounts, each.lease.held_at, each.ended_at) for each in after.entries] == [
        (each.lease.amounts, each.lease.held_at, each.ended_at) for each in before.entries
    ]


def test_what_was_reserved_is_kept_from_others_and_their_machines_leave_in_time() -> None:
    entries = _ledger(visit("ada", 0, 400), visit("bob", 180, 60), visit("eve", 175, 30))
    at = [MONDAY + timedelta(minutes=minute) for minute in (60, 180, 300)]
    who, gpu = Person("bob", frozenset()), MachineChoice("gpu")
    bob = Booking(id="b", person=who, choice=gpu, made_at=at[0], begins_at=at[1], ends_at=at[2])
    slots = {"slots": {"gpus": 1, "pools": ["gpu"], "clearBefore": "10m", "notice": "30m"}}
    found = replay(entries, catalog(reservations=slots), Told((bob,)))
    assert [(each.entry.lease.user, each.at - MONDAY) for each in found.cut_short] == [("ada", timedelta(minutes=170))]
    assert [(each.entry.lease.user, each.refused.reason, each.could_wait) for each in found.refused] == [
        ("eve", "reserved", True)
    ]


def test_how_long_people_of_a_ledger_would_wait_is_drawn_by_the_seed() -> None:
    entries = _ledger(*(visit(f"user-{number}", number) for number in range(20)))
    once, again, other = (visits_of(entries, catalog(), seed=seed) for seed in (1, 1, 2))
    assert once == again != other
    assert len({each.patience for each in once}) > 10
    assert 0 < sum(not each.answers_after for each in once) < 20
