"""Who may reserve what, and when; what a search proposes is what can be had."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub_extensions.reservations.decide import book, end, proposed
from hub_extensions.reservations.words import MEANING, NotPossible, Why
from profiles.amounts import total
from profiles.lease_book import LeaseBook
from profiles.pots import ReservedPot
from profiles.reservations import Reservation, clear_from, clear_time, promised_to, to_clear
from tests.unit.profiles.shares import NOW, grant, hours, lease
from tests.unit.reservations.booking import CLEAR, HOUR, at, books, reserved, rules, wanted

MINUTE = timedelta(minutes=1)


def why(outcome: object) -> str:
    assert isinstance(outcome, NotPossible), outcome
    assert outcome.sentence.endswith(".")
    return str(outcome.reason)


def why_words(outcome: object) -> str:
    assert isinstance(outcome, NotPossible), outcome
    return outcome.sentence


def made(outcome: object) -> Reservation:
    assert isinstance(outcome, Reservation), outcome
    return outcome


def test_what_is_booked_is_what_was_said() -> None:
    kept = made(book(wanted(24, 2, note="Workshop"), books(), rules(), NOW))
    assert (kept.rule, kept.user, kept.begins_at, kept.ends_at) == ("gpus", "ada", at(24), at(26))
    assert (kept.note, kept.made_at, kept.amounts.gpus) == ("Workshop", NOW, 1)


@pytest.mark.parametrize(
    ("said", "policies", "expected"),
    [
        ({}, rules(who={"groups": ["leads"]}), Why.MAY_NOT),
        ({"pool": "cpu"}, rules(), Why.NOT_RESERVABLE),
        ({"gpus": 0}, rules(), Why.NOT_RESERVABLE),
        ({"lasts": 0}, rules(), Why.NO_LENGTH),
        ({"lasts": -1}, rules(), Why.NO_LENGTH),
        ({"begins": -1}, rules(), Why.PAST),
        ({"lasts": 9}, rules(), Why.TOO_LONG),
        ({"begins": 14 * 24 - 1}, rules(), Why.TOO_FAR),
        ({"note": "x" * 201}, rules(), Why.TOO_LONG_TEXT),
        ({"gpus": 3}, rules(), Why.TAKEN),
        ({"gpus": 2}, rules(atMost={"gpus": 1}), Why.TAKEN),
        ({"hours": hours(**{"from": "08:00", "to": "13:00"})}, rules(), Why.CLOSED),
        ({"gpus": 2}, rules(others={"quotas": {"own": {"per": "user", "gpus": 1}}}), "over-quota"),
        ({}, rules(others={"approvals": {"big": {"profiles": ["gpu"]}}}), "needs-approval"),
    ],
)  # fmt: skip
def test_what_is_refused(said: dict[str, Any], policies: Any, expected: str) -> None:
    assert why(book(wanted(**said), books(), policies, NOW)) == expected


def test_numbers_of_refusals_are_true_and_read_well() -> None:
    one = rules(longest="1d", perPerson=1, clearBefore="1m")
    assert why_words(book(wanted(lasts=9999 * 24), books(), one, NOW)) == (
        "9999 days is too long: this machine can be reserved for 1 day at most."
    )
    assert why_words(book(wanted(lasts=1 / 60), books(), one, NOW)) == (
        "1 minute is too short: a reservation lasts 5 minutes at least."
    )
    assert why_words(book(wanted(lasts=-1), books(), one, NOW)) == (
        "It would end on Thu 12 Mar, 11:00, and begin on Thu 12 Mar, 12:00 (UTC)."
    )
    far = replace(wanted(), begins_at=at(24 * 365 * 10), ends_at=at(24 * 365 * 10 + 2))
    assert "It would go on until Sat 8 Mar 2036, 14:00, and" in why_words(book(far, books(), one, NOW))
    mine = (reserved("a", 48, user="ada"),)
    assert why_words(book(wanted(), books(reservations=mine), one, NOW)) == (
        "You have 1 reservation ahead, and may have 1 at most."
    )
    other = books(reservations=(reserved("a", 24),))
    assert why_words(book(wanted(), other, rules(gpus=1, clearBefore="1m"), NOW)) == (
        "1 of 1 GPU is reserved until Thu 12 Mar, 14:00 (UTC), with 1 minute between two reservations; GPU needs 1."
    )


def test_a_permission_has_to_hold_all_the_time() -> None:
    policies = rules(others={"approvals": {"big": {"profiles": ["gpu"]}}})
    for ends, expected in ((25, Why.PERMISSION_ENDS), (26, None)):
        outcome = book(wanted(24, 2), books(grants=(grant(ends=ends),)), policies, NOW)
        assert (why(outcome) == expected) if expected else made(outcome)
    later = book(wanted(24, 2), books(grants=(grant(ends=20),)), policies, NOW)
    assert why(later) == Why.PERMISSION_ENDS, "it has not ended yet"
    assert "ends on Thu 12 Mar, 08:00 (UTC)" in later.sentence  # type: ignore[union-attr]
    assert why(book(wanted(24, 2), books(grants=(grant(begins=-9, ends=-1),)), policies, NOW)) == "grant-expired"
    ahead = books(grants=(grant(begins=30, ends=40),))
    assert why(book(wanted(24, 2), ahead, policies, NOW)) == "needs-approval"
    slots = proposed(wanted(24, 2), ahead, policies, at(72), NOW)
    assert slots[0] == (at(30), at(32))  # type: ignore[index]


def test_one_has_so_many_and_not_the_same_twice() -> None:
    mine = (reserved("a", 24, user="ada"),)
    assert why(book(wanted(25), books(reservations=mine), rules(), NOW)) == Why.OVERLAPS_OWN
    assert made(book(wanted(25, profile="other"), books(reservations=mine), rules(), NOW))
    assert why(book(wanted(48), books(reservations=mine), rules(perPerson=1), NOW)) == Why.TOO_MANY
    over = (reserved("a", 24, user="ada", over_at=NOW),)
    assert made(book(wanted(25), books(reservations=over), rules(perPerson=1), NOW))


def test_between_two_on_the_same_machine_the_first_one_is_stopped() -> None:
    there = (reserved("a", 24, 2, gpus=2),)
    full = book(wanted(26), books(reservations=there), rules(), NOW)
    assert why(full) == Why.TAKEN
    assert full.sentence.startswith("2 of 2 GPUs are reserved until Thu 12 Mar, 14:00 (UTC), with 10 min")  # type: ignore[union-attr]
    assert made(book(wanted(26 + 1 / 6), books(reservations=there), rules(), NOW))
    assert made(book(wanted(26), books(reservations=there), rules(clearBefore="0s"), NOW))
    assert made(book(wanted(24), books(reservations=(reserved("a", 24),)), rules(), NOW)), "one of two is left"


def test_ones_own_may_follow_at_once_and_the_machine_runs_through() -> None:
    policies, mine = rules(gpus=1), reserved("a", 24, user="ada")
    after = replace(made(book(wanted(26), books(reservations=(mine,)), policies, NOW)), id="b")
    before = made(book(wanted(22), books(reservations=(mine,)), policies, NOW))
    assert (after.begins_at, before.ends_at) == (mine.ends_at, mine.begins_at)
    assert why(book(wanted(26, user="bea"), books(reservations=(mine,)), policies, NOW)) == Why.TAKEN
    slots = proposed(wanted(24, 2), books(reservations=(mine,)), policies, at(48), NOW)
    assert slots[0] == (at(26), at(28))  # type: ignore[index]
    pot, running = ReservedPot.of("gpus", policies.reservations["gpus"]), lease("l", gpus=1)
    others = reserved("c", 28.5, user="bea")
    for hours_ahead in (24, 25.9, 26, 27):
        for leave in to_clear(pot, (mine, after, others), LeaseBook([running]), at(hours_ahead)):
            assert leave.at == others.begins_at - CLEAR
    asked = replace(wanted().request, lease_id="l2")
    assert clear_from(pot, (mine, after, others), LeaseBook(), asked, at(24)) == others.begins_at - CLEAR
    other_machine = made(book(wanted(26, profile="other"), books(reservations=(mine,)), policies, NOW))
    assert other_machine.begins_at == mine.ends_at, "whichever machine of the pool it is"


def test_at_short_notice_it_has_to_fit_beside_what_runs() -> None:
    running = [lease(f"l{n}", "bea", gpus=1, ran=HOUR) for n in range(2)]
    soon = book(wanted(0.5), books(*running), rules(), NOW)
    assert why(soon) == Why.IN_USE
    assert "can be reserved from Wed 11 Mar, 13:10" in soon.sentence  # type: ignore[union-attr]
    assert made(book(wanted(0.5), books(running[0]), rules(), NOW)), "one is free"
    assert made(book(wanted(1 + 1 / 6), books(*running), rules(), NOW)), "they are told an hour before"
    ends = lease("short", "bea", gpus=1, ran=HOUR, longest=HOUR * 1.25)
    assert made(book(wanted(0.5), books(running[0], ends), rules(), NOW)), "it is over by then"
    assert why(book(wanted(0.25), books(running[0], ends), rules(), NOW)) == Why.IN_USE
    own = [lease(f"l{n}", "ada", gpus=1, ran=HOUR) for n in range(2)]
    assert made(book(wanted(0), books(*own), rules(), NOW)), "one's own machine stands on it"


def test_a_form_takes_a_while() -> None:
    assert made(book(wanted(-0.05), books(), rules(), NOW)).begins_at == NOW


def test_the_search_knows_hours_and_what_is_booked() -> None:
    opened = {"hours": hours(days=["thu", "fri"], **{"from": "09:00", "to": "18:00"})}
    there = (reserved("a", 20, 4, gpus=2), reserved("mine", 26, 1, user="ada"))
    slots = proposed(wanted(0, 2, **opened), books(reservations=there), rules(), at(96), NOW)
    assert slots == (
        (at(27), at(29)), (at(45), at(47)), (at(47), at(49)), (at(49), at(51)), (at(51), at(53)),
    )  # fmt: skip
    assert proposed(wanted(0, 2, **opened), books(reservations=there), rules(), at(24), NOW) == ()
    assert why(proposed(wanted(0, 9), books(), rules(), at(96), NOW)) == Why.TOO_LONG


def test_who_may_end_one() -> None:
    mine = reserved("a", 24, user="ada")
    ended = made(end(mine, "ada", acts_for_all=False, now=NOW))
    assert (ended.over_at, ended.over_by) == (NOW, "ada")
    assert why(end(mine, "bea", acts_for_all=False, now=NOW)) == Why.NO_SUCH
    assert why(end(None, "ada", acts_for_all=True, now=NOW)) == Why.NO_SUCH
    assert made(end(mine, "root", acts_for_all=True, now=NOW)).over_by == "root"
    assert why(end(mine, "root", acts_for_all=True, now=NOW, reason="")) == Why.NO_REASON
    assert made(end(mine, "ada", acts_for_all=True, now=NOW, reason=""))
    assert why(end(ended, "ada", acts_for_all=False, now=NOW)) == Why.OVER
    assert why(end(mine, "ada", acts_for_all=False, now=at(30))) == Why.OVER


def test_every_code_is_explained() -> None:
    assert set(MEANING) == set(Why)


# Properties. Times on a grid of ten minutes, so that a search by brute force ends.
TEN = 1 / 6
starts = st.integers(0, 40).map(lambda n: n * TEN)
lengths = st.integers(1, 12).map(lambda n: n * TEN)
kept = st.builds(
    lambda begins, lasts, user, gpus: (begins, lasts, user, gpus),
    starts, lengths, st.sampled_from(["ada", "bea", "cat"]), st.integers(1, 2),
)  # fmt: skip
running = st.tuples(st.sampled_from(["ada", "bea", "cat"]), st.integers(1, 2), st.none() | st.integers(1, 12))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Any, Any]:
    policies = rules(
        gpus=draw(st.integers(1, 3)),
        perPerson=50,
        clearBefore=draw(st.sampled_from(["0s", "10m", "20m"])),
        notice=draw(st.sampled_from(["0s", "30m", "1h"])),
    )
    known = books()
    for n, (begins, lasts, user, gpus) in enumerate(draw(st.lists(kept, max_size=5))):
        outcome = book(wanted(begins, lasts, user, gpus=gpus), known, policies, NOW)
        if isinstance(outcome, Reservation):
            known = books(reservations=(*known.reservations, replace(outcome, id=str(n))))
    leases = [
        lease(f"l{n}", user, gpus=gpus, ran=HOUR, longest=None if left is None else HOUR + HOUR * TEN * left)
        for n, (user, gpus, left) in enumerate(draw(st.lists(running, max_size=3)))
    ]
    return books(*leases, reservations=known.reservations), policies


@settings(max_examples=40, deadline=None)
@given(situations(), lengths, st.integers(1, 2))
def test_what_is_proposed_can_be_booked_and_nothing_earlier(situation: Any, lasts: float, gpus: int) -> None:
    known, policies = situation
    found = proposed(wanted(0, lasts, gpus=gpus), known, policies, at(12), NOW)
    assert not isinstance(found, NotPossible)
    for begin, finish in found:
        hours_ahead = (begin - NOW) / HOUR
        assert finish - begin == at(lasts) - NOW
        assert made(book(wanted(hours_ahead, lasts, gpus=gpus), known, policies, NOW))
    first = (found[0][0] - NOW) / HOUR if found else 12 - lasts + TEN
    for n in range(int(12 / TEN)):
        if n * TEN < first - 1e-6 and n * TEN + lasts <= 12:
            assert why(book(wanted(n * TEN, lasts, gpus=gpus), known, policies, NOW))


@settings(max_examples=40, deadline=None)
@given(situations())
def test_what_is_booked_fits_at_every_moment_and_ones_own_machine_runs_through(situation: Any) -> None:
    known, policies = situation
    pot = ReservedPot.of("gpus", policies.reservations["gpus"])
    clear = clear_time(pot.quota)
    for n in range(int(12 / TEN)):
        promised = total(promised_to(known.reservations, at(n * TEN), clear).values())
        assert promised.gpus <= policies.reservations["gpus"].gpus
    for first in known.reservations:
        own = lease("own", first.user, gpus=first.amounts.gpus)
        ends_at = first.ends_at
        for each in known.reservations:
            if each.user == first.user and each.begins_at == ends_at and each.amounts.gpus >= first.amounts.gpus:
                ends_at = each.ends_at
        for leave in to_clear(pot, known.reservations, LeaseBook([own]), first.begins_at):
            assert leave.at >= ends_at


@settings(max_examples=40, deadline=None)
@given(situations(), starts, lengths)
def test_who_has_to_leave_for_what_is_booked_has_the_notice(situation: Any, begins: float, lasts: float) -> None:
    known, policies = situation
    outcome = book(wanted(begins, lasts, user="dan"), known, policies, NOW)
    if isinstance(outcome, NotPossible):
        return
    pot = ReservedPot.of("gpus", policies.reservations["gpus"])
    notice = timedelta(seconds=pot.quota.notice.seconds)
    before = {leave.lease.id for leave in to_clear(pot, known.reservations, known.book, NOW)}
    for leave in to_clear(pot, (*known.reservations, outcome), known.book, NOW):
        assert leave.lease.id in before or leave.at >= NOW + notice
        moments = {max(NOW, each.begins_at - clear_time(pot.quota)) for each in (*known.reservations, outcome)}
        assert leave.lease.id in before or leave.at in moments, "in time"
