"""What of a reservation can be otherwise, what then is as it was, and that it is judged as if it were booked anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub_extensions.reservations.change import Around, Change, change
from hub_extensions.reservations.decide import book
from hub_extensions.reservations.words import NotPossible, Why
from profiles.choice import MachineChoice
from profiles.frozen import EMPTY
from profiles.lease_book import LeaseBook
from profiles.pots import ReservedPot
from profiles.reservations import Reservation, clear_time, promised_to, to_clear
from profiles.snapshot import Snapshot
from tests.unit.profiles.shares import NOW, grant, lease
from tests.unit.reservations.booking import CLEAR, HOUR, ask, at, books, reserved, rules, wanted
from tests.unit.reservations.test_decide import TEN, lengths, made, situations, starts, why

MINE = reserved("mine", 24, user="ada")


def tried(
    said: Change, old: Reservation = MINE, known: Snapshot | None = None, policies: Any = None, **more: Any
) -> Reservation | NotPossible:
    now, by, asked = more.pop("now", NOW), more.pop("by", old.user), more.pop("ask", ask(old.user))
    around = Around(asked, known or books(reservations=(old,)), policies or rules(), **more)
    return change(old, said, by, around, now)


def test_longer_shorter_moved_and_another_machine() -> None:
    longer = made(tried(Change(ends_at=at(30))))
    assert (longer.begins_at, longer.ends_at, longer.id) == (at(24), at(30), "mine")
    assert (longer.revision, longer.changed_at, longer.made_at) == (1, NOW, MINE.made_at)
    shorter = made(tried(Change(lasts=HOUR)))
    assert (shorter.ends_at, shorter.revision) == (at(25), 1)
    moved = made(tried(Change(begins_at=at(30))))
    assert (moved.begins_at, moved.ends_at) == (at(30), at(32)), "it lasts as long as before"
    two = made(tried(Change(machine=MachineChoice("gpu", {"gpus": "2"}), note="Both")))
    assert (two.amounts.gpus, dict(two.options), two.note) == (2, {"gpus": "2"}, "Both")
    again = made(tried(Change(begins_at=at(31)), replace(moved, revision=7)))
    assert again.revision == 8


def test_what_is_not_otherwise_is_no_change() -> None:
    for said in (Change(), Change(begins_at=MINE.begins_at, ends_at=MINE.ends_at, note=""), Change(lasts=2 * HOUR)):
        assert tried(said) is MINE
    assert tried(Change(machine=MachineChoice("gpu", {})), replace(MINE, options=EMPTY)) == MINE


@pytest.mark.parametrize(
    ("said", "given_", "expected"),
    [
        (Change(ends_at=at(33)), {}, Why.TOO_LONG),
        (Change(ends_at=at(23)), {}, Why.NO_LENGTH),
        (Change(ends_at=at(24.05)), {}, Why.NO_LENGTH),
        (Change(begins_at=at(-2)), {}, Why.PAST),
        (Change(begins_at=at(24 * 14 - 1)), {}, Why.TOO_FAR),
        (Change(note="x" * 201), {}, Why.TOO_LONG_TEXT),
        (Change(machine=MachineChoice("no", {})), {}, "unknown-profile"),
        (Change(machine=MachineChoice("gpu", {"gpus": "3"})), {}, Why.TAKEN),
        (Change(ends_at=at(27)), {"revision": 3}, Why.CHANGED),
        (Change(ends_at=at(27)), {"by": "bea"}, Why.NO_SUCH),
        (Change(ends_at=at(27)), {"by": "root", "acts_for_all": True}, Why.NOT_YOURS),
        (Change(ends_at=at(27)), {"now": at(26)}, Why.OVER),
    ],
)
def test_what_is_refused_leaves_it_as_it_was(said: Change, given_: dict[str, Any], expected: str) -> None:
    if "revision" in given_:
        said = replace(said, revision=given_.pop("revision"))
    outcome = tried(said, **given_)
    assert why(outcome) == expected
    stays = "It stays as it was: Thu 12 Mar, 12:00 to 14:00 (UTC)." in outcome.remedy  # type: ignore[union-attr]
    assert stays is (expected not in {Why.CHANGED, Why.NO_SUCH, Why.NOT_YOURS, Why.OVER})


def test_others_stand_in_the_way_and_oneself_does_not() -> None:
    known = books(reservations=(MINE, reserved("a", 27, gpus=2), reserved("b", 20, 2)))
    assert made(tried(Change(begins_at=at(23), ends_at=at(26)), known=known)).begins_at == at(23)
    assert made(tried(Change(ends_at=at(27) - CLEAR), known=known))
    longer = tried(Change(ends_at=at(27)), known=known)
    assert why(longer) == Why.TAKEN
    assert "2 of 2 GPUs are reserved until Thu 12 Mar, 17:00" in longer.sentence  # type: ignore[union-attr]
    one = rules(gpus=1, perPerson=1)
    assert made(tried(Change(ends_at=at(27)), policies=one)), "neither too many nor over itself"


def test_what_has_begun_can_only_end_otherwise() -> None:
    now = at(25)
    taken = replace(MINE, taken_at=at(24.1))
    running = lease("l", gpus=1)
    known = books(running, reservations=(taken,))
    longer = made(tried(Change(ends_at=at(28)), taken, known, now=now))
    assert (longer.begins_at, longer.ends_at, longer.taken_at) == (at(24), at(28), at(24.1))
    assert made(tried(Change(ends_at=at(25.5)), taken, known, now=now)).ends_at == at(25.5)
    for said, expected in (
        (Change(begins_at=at(25.5)), Why.BEGUN),
        (Change(machine=MachineChoice("other", {})), Why.BEGUN),
        (Change(ends_at=at(24.5)), Why.PAST),
        (Change(ends_at=at(33)), Why.TOO_LONG),
    ):
        outcome = tried(said, taken, known, now=now)
        assert why(outcome) == expected
    full = books(running, reservations=(taken, reserved("a", 26.5, gpus=2)))
    outcome = tried(Change(ends_at=at(27)), taken, full, now=now)
    assert (why(outcome), outcome.remedy.split(".")[0]) == (Why.TAKEN, "Choose an earlier end")  # type: ignore[union-attr]


def test_at_short_notice_those_who_would_have_to_leave_cannot_be_told() -> None:
    """Another reservation takes what is left; somebody's machine would have to go for it."""
    taken = replace(MINE, taken_at=at(24))
    mine, theirs = lease("l", gpus=1, ran=HOUR), lease("m", "bea", gpus=1, ran=HOUR)
    known = books(mine, theirs, reservations=(taken, reserved("c", 26, user="cat")))
    outcome = tried(Change(ends_at=at(27)), taken, known, now=at(25.5))
    assert why(outcome) == Why.IN_USE
    assert made(tried(Change(ends_at=at(27)), taken, known, now=at(24.5))), "now they can"


def test_whoever_gives_time_back_needs_no_leave() -> None:
    asks = {"approvals": {"big": {"profiles": ["gpu"]}}}
    strict = rules(longest="30m", ahead="1h", who={"groups": ["leads"]}, others=asks)
    assert made(tried(Change(lasts=HOUR), policies=strict)).ends_at == at(25)
    assert why(tried(Change(lasts=HOUR, begins_at=at(25.5)), policies=strict)) == Why.MAY_NOT
    gone = tried(Change(begins_at=at(25), ends_at=at(26)), policies=rules(), ask=lambda choice: pytest.fail())
    assert made(gone).begins_at == at(25)


def test_a_permission_that_holds_now_lets_a_begun_one_go_on() -> None:
    policies = rules(others={"approvals": {"big": {"profiles": ["gpu"]}}})
    grants = (grant(begins=23, ends=24.5), grant(begins=24.4, ends=30))
    known = books(reservations=(MINE,), grants=grants)
    assert made(tried(Change(ends_at=at(28)), known=known, policies=policies, now=at(25)))
    assert why(tried(Change(ends_at=at(31)), known=known, policies=policies, now=at(25))) == Why.PERMISSION_ENDS


@settings(max_examples=40, deadline=None)
@given(situations(), st.integers(0, 4), starts, lengths, st.integers(1, 2))
def test_it_is_judged_as_if_it_were_booked_and_the_old_one_not_there(
    situation: Any, which: int, begins: float, lasts: float, gpus: int
) -> None:
    known, policies = situation
    if which >= len(known.reservations):
        return
    old = known.reservations[which]
    machine = MachineChoice("gpu", {"gpus": str(gpus)})
    said = Change(begins_at=at(begins), ends_at=at(begins + lasts), machine=machine)
    outcome = tried(said, old, known, policies)
    others = replace(known, reservations=tuple(each for each in known.reservations if each is not old))
    anew = book(wanted(begins, lasts, old.user, gpus=gpus), others, policies, NOW)
    less = old.amounts.gpus == gpus and old.begins_at <= at(begins) and at(begins + lasts) <= old.ends_at
    if old.begins_at <= NOW and (at(begins) != old.begins_at or old.amounts.gpus != gpus):
        assert why(outcome) == Why.BEGUN
        return
    if isinstance(outcome, Reservation):
        assert (outcome.begins_at, outcome.ends_at, outcome.amounts.gpus) == (at(begins), at(begins + lasts), gpus)
        assert less or isinstance(anew, Reservation)
        now_there = (*others.reservations, outcome)
        pot = ReservedPot.of("gpus", policies.reservations["gpus"])
        for n in range(int(12 / TEN)):
            promised = promised_to(now_there, at(n * TEN), clear_time(pot.quota))
            assert sum(each.gpus for each in promised.values()) <= policies.reservations["gpus"].gpus
        own = lease("own", old.user, gpus=outcome.amounts.gpus)
        for leave in to_clear(pot, now_there, LeaseBook([own]), outcome.begins_at):
            assert leave.at >= outcome.ends_at, "one's own machine runs to the new end"
    else:
        assert not less
        assert why(anew) == outcome.reason
