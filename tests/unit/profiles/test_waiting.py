"""The line: who comes before whom, for what, and that nobody overtakes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.admission import Admit, decide, lease_of
from profiles.lease import KEPT
from profiles.pots import Pot
from profiles.refusal import Reason
from profiles.snapshot import Snapshot
from profiles.waiting import Waiting
from tests.unit.profiles.shares import (
    NOW,
    USERS,
    admitted,
    asked,
    budgets,
    lease,
    leases,
    policies,
    quotas,
    refused,
    request,
    requests,
    reservation,
    snapshot,
    waiting,
)

GPUS, CORES = Pot("gpus", "hub"), Pot("cores", "hub")
FOUR = policies(quotas={"gpus": {"per": "hub", "gpus": 4}, "cores": {"per": "hub", "pools": ["cpu"], "cores": 8}})


@pytest.mark.parametrize(
    ("line", "wanted", "admits"),
    [
        ([("1", "bob", {})], {}, False),
        ([("1", "bob", {})], {"gpus": 0}, True),  # it takes none of what bob waits for
        ([("1", "bob", {"pot": CORES})], {}, True),
        ([("1", "bob", {"pot": None})], {}, True),  # for hours, or for a yes
        ([("1", "bob", {"kept_until": NOW})], {}, True),  # holds a machine already
        ([("1", "ada", {}), ("2", "bob", {})], {}, True),
        ([("2", "bob", {}), ("1", "ada", {})], {}, False),
        ([("1", "ada", {}), ("2", "bob", {})], {"gpus": 2}, False),  # more than what its place is for
        ([("1", "ada", {}), ("2", "bob", {})], {"profile": "other"}, False),
        ([("1", "ada", {"server": "b"}), ("2", "bob", {})], {}, False),  # another server's place
        ([("1", "ada", {"server": "b"})], {}, True),  # nobody waits for themselves
        ([("1", "ada", {"gpus": 4})], {"gpus": 1}, True),
    ],
)
def test_who_comes_before(line: list[tuple[str, str, dict[str, Any]]], wanted: dict[str, Any], admits: bool) -> None:
    """Two of four are in use, and each place before takes two."""
    places = [waiting(place, user, **{"pot": GPUS, "gpus": 2 if user == "bob" else 1, **more})
              for place, user, more in line]  # fmt: skip
    known = snapshot(lease("out", "eve", gpus=2), waiting=tuple(places))
    decision = decide(request(**{"gpus": 1, **wanted}), known, FOUR, NOW)
    assert isinstance(decision, Admit) == admits
    if not admits:
        assert refused(decision).refusal.reason is Reason.OTHERS_WAIT
        assert "1 person waits in line before you" in refused(decision).refusal.sentence


def test_what_is_enough_for_all_before_is_enough_for_the_next() -> None:
    line = tuple(waiting(str(n), "bob", pot=GPUS, server=str(n)) for n in range(3))
    assert admitted(asked(request(gpus=1), FOUR, waiting=line))
    assert refused(asked(request(gpus=2), FOUR, waiting=line)).standings[0].people == 3


def test_a_place_that_is_kept_never_counts_against_its_person() -> None:
    place = replace(lease(f"{KEPT}1", gpus=4), leaves_at=NOW + timedelta(minutes=10))
    line = (waiting("1", kept_until=NOW, pot=GPUS, gpus=4), waiting("2", "bob", pot=GPUS))
    assert admitted(asked(request(gpus=4), FOUR, place, waiting=line))
    assert refused(asked(request("bob", gpus=1), FOUR, place, waiting=line)).refusal.reason is Reason.OVER_QUOTA


def test_a_switch_at_the_edge_overtakes_nobody_as_long_as_it_takes_no_more() -> None:
    mine, line = lease("mine", gpus=2), (waiting("1", "bob", pot=GPUS),)
    full = lease("full", "eve", gpus=2)
    assert admitted(asked(request(lease_id="mine", gpus=2), FOUR, mine, full, waiting=line))
    assert admitted(asked(request(lease_id="mine", gpus=1), FOUR, mine, full, waiting=line))
    more = asked(request(lease_id="mine", gpus=3), FOUR, mine, lease("less", "eve", gpus=1), waiting=line)
    assert refused(more).refusal.reason is Reason.OTHERS_WAIT


def test_a_machine_that_takes_nothing_from_the_pot_is_no_ticket_into_it() -> None:
    rules = policies(quotas={"big": {"per": "hub", "pools": ["big"], "gpus": 4}})
    line = (waiting("1", "bob", pot=Pot("big", "hub"), pool="big", gpus=4),)
    elsewhere = lease("mine", gpus=2, pool="other")
    decision = asked(request(lease_id="mine", gpus=2, pool="big"), rules, elsewhere, waiting=line)
    assert refused(decision).refusal.reason is Reason.OTHERS_WAIT


def test_those_who_wait_for_what_is_reserved_come_before_others() -> None:
    rules = policies(reservations={"gpus": {"gpus": 4}})
    line = (waiting("1", "bob", pot=GPUS, gpus=2),)
    known = {"waiting": line, "reservations": (reservation("eve", 0, 1, 2),)}
    assert refused(asked(request(gpus=1), rules, **known)).refusal.reason is Reason.OTHERS_WAIT
    assert admitted(asked(request("bob", gpus=2), rules, **known))


def test_a_place_whose_machine_has_grown_meanwhile_still_goes_in_its_turn() -> None:
    line = (waiting("1", pot=GPUS), waiting("2", "bob", pot=GPUS, gpus=4))
    assert admitted(asked(request(lease_id=f"{KEPT}1", gpus=2), FOUR, waiting=line))


# Whatever the rules are.

rules_of_all_kinds = st.builds(
    lambda q, b: policies(quotas=q, budgets=b),
    st.dictionaries(st.sampled_from(["a", "b"]), quotas(), max_size=2),
    st.dictionaries(st.sampled_from(["c", "d"]), budgets(), max_size=1),
)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Waiting, ...]:
    found = []
    for number in range(draw(st.integers(0, 5))):
        wanted = replace(draw(requests()), lease_id=f"{KEPT}{number}", server=f"s{draw(st.integers(0, 2))}")
        pot = draw(st.sampled_from([None, Pot("a", "hub"), Pot("b", "hub"), Pot("a", "group", "ml")]))
        kept = draw(st.sampled_from([None, None, None, NOW]))
        found.append(Waiting(id=str(number), request=wanted, joined_at=NOW, pot=pot, kept_until=kept))
    return tuple(found)


@settings(max_examples=150, deadline=None)
@given(requests(), leases(), rules_of_all_kinds, lines())
def test_a_line_only_ever_refuses_and_an_empty_one_changes_nothing(
    wanted: Any, out: Any, rules: Any, line: tuple[Waiting, ...]
) -> None:
    alone = decide(wanted, snapshot(*out), rules, NOW)
    assert decide(wanted, snapshot(*out, waiting=(), reservations=()), rules, NOW) == alone
    behind = decide(wanted, snapshot(*out, waiting=line), rules, NOW)
    if isinstance(behind, Admit):
        assert isinstance(alone, Admit)
    elsewhere = tuple(each for each in line if each.pot is None or each.kept_until is not None)
    assert decide(wanted, snapshot(*out, waiting=elsewhere), rules, NOW) == alone, "nobody waits for them"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(USERS), st.integers(1, 4)), max_size=6),
    st.lists(st.integers(0, 5), max_size=12),
)
def test_in_one_pot_nobody_is_served_before_those_in_front(who: list[tuple[str, int]], ends: list[int]) -> None:
    """Machines of four GPUs end one after the other; whoever may start does, and newcomers always try."""
    rules = policies(quotas={"gpus": {"per": "hub", "gpus": 4}})
    out = [lease(f"o{n}", f"x{n}", gpus=1) for n in range(4)]
    line = [waiting(str(n), user, pot=GPUS, gpus=gpus, server=str(n)) for n, (user, gpus) in enumerate(who)]
    for number in ends:
        if number < len(out):
            del out[number]
        newcomer = decide(request("new", gpus=1), snapshot(*out, waiting=tuple(line)), rules, NOW)
        for each in list(line):
            known = Snapshot(snapshot(*out).book, waiting=tuple(line))
            decision = decide(each.request, known, rules, NOW)
            in_front = [other for other in line[: line.index(each)] if other.request.person != each.request.person]
            if isinstance(decision, Admit):
                used = sum(one.amounts.gpus for one in out)
                before_me = sum(one.request.amounts.gpus for one in in_front)
                assert used + before_me + each.request.amounts.gpus <= 4, "all in front fit as well"
                out.append(lease_of(replace(each.request, lease_id=f"s{each.id}"), decision, NOW))
                line.remove(each)
            elif not in_front:
                assert sum(one.amounts.gpus for one in out) + each.request.amounts.gpus > 4, "the first goes if it fits"
        if isinstance(newcomer, Admit) and line:
            assert sum(each.request.amounts.gpus for each in line) < 4
