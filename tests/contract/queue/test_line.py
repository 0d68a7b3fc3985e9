"""Joining the line, leaving it and being called, on every database, also by two hubs at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from hub_extensions.admission.ahead import Looked, look_ahead
from hub_extensions.admission.store import Store
from hub_extensions.notices.post import post
from hub_extensions.notices.store import Notices
from hub_extensions.queue.store import Line
from hub_extensions.queue.told import notices_of
from hub_extensions.queue.words import NotPossible, Why
from profiles.admission import Admit, Deny
from profiles.lease import KEPT, EndReason
from profiles.policy import Policies
from profiles.refusal import Reason
from profiles.waiting import Waiting
from tests.contract.admission.asking import NOW, ONE_GPU, ask, rules
from tests.contract.admission.conftest import SHARED, Place

SOON = NOW + timedelta(minutes=1)


def waits(user: str, place: str = "", **more: object) -> Waiting:
    place = place or f"p-{user}"
    return Waiting(id=place, request=ask(KEPT + place, user, **more), joined_at=NOW)  # type: ignore[arg-type]


def joined(store: Store, user: str, policies: Policies = ONE_GPU, place: str = "", **more: object) -> Waiting:
    outcome = Line(store).join(waits(user, place, **more), policies, NOW)
    assert isinstance(outcome, Waiting), outcome
    return outcome


def refused(store: Store, user: str, policies: Policies = ONE_GPU, **more: object) -> str:
    outcome = Line(store).join(waits(user, **more), policies, NOW)
    assert isinstance(outcome, NotPossible)
    return outcome.reason


@pytest.fixture
def taken(store: Store) -> Store:
    """Ada has the only GPU."""
    assert isinstance(store.admit(ask("one", "ada"), ONE_GPU, NOW), Admit)
    return store


def test_what_others_have_is_waited_for_in_the_order_of_joining(taken: Store) -> None:
    joined(taken, "bea")
    Line(taken).join(waits("cleo"), ONE_GPU, SOON)
    assert [each.request.person.name for each in Line(taken).line()] == ["bea", "cleo"]
    assert {each.pot.rule for each in Line(taken).line() if each.pot} == {"gpus"}


def test_what_is_free_is_not_waited_for(store: Store) -> None:
    assert refused(store, "bea") == Why.FREE_NOW


def test_what_there_never_is_so_much_of_is_not_waited_for(taken: Store) -> None:
    assert refused(taken, "bea", gpus=2) == Why.NEVER


def test_what_nobody_gives_back_is_not_waited_for(store: Store) -> None:
    assert refused(store, "bea", rules(budgets={"b": {"per": "user", "money": 0.01}})) == Reason.OVER_BUDGET
    yes = rules(approvals={"a": {"profiles": ["gpu"], "approvers": {"users": ["boss"]}}})
    assert refused(store, "bea", yes) == Reason.NEEDS_APPROVAL


def test_where_there_is_no_line_nobody_waits(taken: Store) -> None:
    off = rules(quotas={"gpus": {"per": "hub", "gpus": 1}}, queue={"enabled": False})
    assert refused(taken, "bea", off) == Why.NO_LINE


def test_so_many_places_and_no_more(taken: Store) -> None:
    one = rules(quotas={"gpus": {"per": "hub", "gpus": 1}}, queue={"perPerson": 1})
    joined(taken, "bea", one)
    second = waits("bea", "second")
    outcome = Line(taken).join(replace(second, request=replace(second.request, server="other")), one, NOW)
    assert isinstance(outcome, NotPossible) and outcome.reason == Why.TOO_MANY


def test_who_asks_again_for_the_same_keeps_the_place(taken: Store) -> None:
    joined(taken, "bea")
    Line(taken).join(waits("cleo"), ONE_GPU, SOON)
    again = Line(taken).join(replace(waits("bea", "again"), starts_itself=True), ONE_GPU, SOON)
    assert isinstance(again, Waiting)
    assert (again.id, again.joined_at, again.starts_itself) == ("p-bea", NOW, True)
    assert [each.id for each in Line(taken).line()] == ["p-bea", "p-cleo"]


def test_another_machine_for_the_same_server_begins_anew(taken: Store) -> None:
    joined(taken, "bea")
    joined(taken, "cleo")
    other = waits("bea", "other", profile="big")
    outcome = Line(taken).join(other, ONE_GPU, SOON)
    assert isinstance(outcome, Waiting)
    assert [each.id for each in Line(taken).line()] == ["p-cleo", "other"]


def test_only_ones_own_place_is_left(taken: Store) -> None:
    joined(taken, "bea")
    assert isinstance(Line(taken).leave("p-bea", "cleo"), NotPossible)
    assert isinstance(Line(taken).leave("p-bea", "bea"), Waiting)
    assert isinstance(Line(taken).leave("p-bea", "bea"), NotPossible)
    assert Line(taken).line() == ()


def test_who_was_called_and_leaves_lets_the_next_one_have_it(taken: Store) -> None:
    joined(taken, "bea")
    joined(taken, "cleo")
    taken.ended("one", NOW, EndReason.STOPPED, NOW)
    (called,) = look_ahead(taken, ONE_GPU, {}, SOON).called
    assert called.id == "p-bea"
    assert isinstance(taken.admit(ask("late", "dora"), ONE_GPU, SOON), Deny)
    Line(taken).leave("p-bea", "bea")
    assert [each.id for each in look_ahead(taken, ONE_GPU, {}, SOON).called] == ["p-cleo"]


def test_what_people_are_told_is_written_with_what_they_are_told_of(taken: Store) -> None:
    joined(taken, "bea")
    taken.ended("one", NOW, EndReason.STOPPED, NOW)

    class Crash(Exception):
        pass

    def told(connection: object, looked: Looked) -> None:
        for notice in notices_of(looked, ONE_GPU, SOON):
            post(connection, notice)  # type: ignore[arg-type]

    def crashes(connection: object, looked: Looked) -> None:
        told(connection, looked)
        raise Crash

    with pytest.raises(Crash):
        look_ahead(taken, ONE_GPU, {}, SOON, crashes)
    assert Line(taken).line()[0].kept_until is None
    assert not Notices(taken.database).of_user("bea")
    look_ahead(taken, ONE_GPU, {}, SOON, told)
    assert Line(taken).line()[0].kept_until is not None
    assert [kept.notice.subject for kept in Notices(taken.database).of_user("bea")] == ["Your GPU is free"]


def test_two_hundred_want_the_machine_that_is_free_and_one_gets_it(place: Place) -> None:
    """Two hubs, one line: people join, are called and start at once."""
    first = place.store()
    first.admit(ask("one", "ada"), ONE_GPU, NOW)
    hubs = (first, place.store()) if place.kind in SHARED else (first, first)
    names = [f"u{n:03}" for n in range(200)]

    def join(n: int) -> None:
        Line(hubs[n % 2]).join(waits(names[n]), ONE_GPU, NOW + timedelta(seconds=n))

    def start(n: int) -> bool:
        hub, name = hubs[n % 2], names[n]
        if n % 40 == 0:
            look_ahead(hub, ONE_GPU, {}, SOON)
        return isinstance(hub.admit(ask(f"s-{name}", name), ONE_GPU, SOON), Admit)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(join, range(200)))
        assert not any(threads.map(start, range(20))), "ada still has it"
        first.ended("one", SOON, EndReason.STOPPED, SOON)
        assert sum(threads.map(start, reversed(range(200)))) == 1
    (lease,) = first.leases()
    assert lease.user == "u000", "who joined first"
    assert len(Line(hubs[1]).line()) == 199
