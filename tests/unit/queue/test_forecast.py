"""What is told about how long it takes: from which past, for which line."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hub_extensions.queue.forecast import Forecast, expect, lengths_of
from hub_extensions.queue.store import Picture
from profiles.lease import KEPT, Charge, EndReason, Entry, Lease, LeaseState
from profiles.pots import Pot
from profiles.reservations import Reservation
from profiles.waiting import Waiting
from tests.contract.admission.asking import HOUR, NOW, ONE_GPU, ask, rules

POT = Pot("gpus", "hub")
RUNS = replace(Lease.hold(ask("x", "ada"), NOW, None), began_at=NOW, state=LeaseState.RUNNING)
AN_HOUR = {"gpu": [3600.0] * 5}


def entry(seconds: int, reason: EndReason = EndReason.STOPPED, profile: str = "gpu") -> Entry:
    lease = replace(RUNS, id=f"{seconds}-{reason}", profile=profile)
    return Entry(lease=lease, ended_at=NOW, reason=reason, charge=Charge(seconds))


def waits(name: str, pot: Pot | None = POT) -> Waiting:
    return Waiting(id=name, request=ask(KEPT + name, name), joined_at=NOW, pot=pot)


def test_the_past_is_what_ran_by_profile() -> None:
    found = lengths_of([entry(90), entry(60), entry(0, EndReason.NEVER_RAN), entry(7, profile="cpu")])
    assert found == {"gpu": [60.0, 90.0], "cpu": [7.0]}


def test_only_those_who_wait_for_the_same_come_before() -> None:
    line = (waits("bea", Pot("other", "hub")), waits("cy"), waits("dan"))
    picture = Picture(line, (RUNS,), ())
    forecast = Forecast()
    forecast._lengths = AN_HOUR
    assert forecast.place(line[1], picture, ONE_GPU, NOW) == "You are 1st in line; about 1 hour."
    assert forecast.place(line[2], picture, ONE_GPU, NOW) == "You are 2nd in line; about 2 hours."
    assert forecast.would_be(ask("x", "eve"), POT, picture, ONE_GPU, NOW) == "You would be 3rd in line; about 3 hours."
    assert forecast.place(waits("zoe", None), picture, ONE_GPU, NOW).startswith("You are in line:")


def test_a_rule_that_is_gone_foretells_nothing() -> None:
    assert expect(ask("x", "bea"), (), Pot("gone", "hub"), Picture((), (RUNS,), ()), ONE_GPU, AN_HOUR, NOW) is None


@pytest.mark.parametrize("pot", [POT, Pot("all", "hub")], ids=["what can be reserved", "a quota beside it"])
def test_where_somebody_elses_reservation_comes_in_between_nothing_is_told(pot: Pot) -> None:
    policies = rules(quotas={"all": {"per": "hub", "gpus": 1}}, reservations={"gpus": {"gpus": 1}})
    reservation = Reservation(
        id="r",
        rule="gpus",
        user="cy",
        groups=frozenset(),
        profile="gpu",
        display_name="GPU",
        amounts=RUNS.amounts,
        begins_at=NOW + HOUR / 2,
        ends_at=NOW + 2 * HOUR,
        made_at=NOW,
    )
    def told(each: Reservation) -> bool:
        picture = Picture((), (RUNS,), (each,))
        return expect(ask("x", "bea"), (), pot, picture, policies, AN_HOUR, NOW) is not None

    assert not told(reservation)
    assert not told(replace(reservation, begins_at=NOW + HOUR + timedelta(minutes=5))), "it is kept clear before"
    assert told(replace(reservation, user="bea"))
    assert told(replace(reservation, begins_at=NOW + 5 * HOUR, ends_at=NOW + 6 * HOUR))


def test_an_answer_is_remembered_for_some_seconds() -> None:
    forecast = Forecast()
    forecast._lengths = AN_HOUR
    picture = Picture((), (RUNS,), ())
    first = forecast.would_be(ask("x", "bea"), POT, picture, ONE_GPU, NOW)
    gone = Picture((), (), ())
    assert forecast.would_be(ask("x", "bea"), POT, gone, ONE_GPU, NOW + timedelta(seconds=5)) == first
    assert forecast.would_be(ask("x", "bea"), POT, gone, ONE_GPU, NOW + timedelta(seconds=60)) != first
