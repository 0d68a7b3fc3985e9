"""Reservations as they are kept, on every database: the last slot is one person's, and whoever has to leave is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from hub_extensions.admission.ahead import look_ahead
from hub_extensions.admission.store import Store
from hub_extensions.audit.entry import Action, Filter, Way
from hub_extensions.audit.store import entries
from hub_extensions.notices import Notices
from hub_extensions.reservations.change import Change
from hub_extensions.reservations.store import Reservations
from hub_extensions.reservations.words import NotPossible, Why
from profiles.admission import Admit, Deny
from profiles.lease import LeaveWhy
from profiles.policy import Policies
from profiles.refusal import Reason
from profiles.reservations import Reservation
from tests.contract.admission.conftest import Place
from tests.unit.profiles.shares import NOW, request
from tests.unit.reservations.booking import HOUR, ask, at, rules, wanted

ONE = rules(gpus=1)


def book(store: Store, name: str, policies: Policies = ONE, begins: float = 24, user: str = "ada") -> Reservation:
    outcome = Reservations(store).book(replace(wanted(begins, user=user), id=name), policies, NOW)
    assert isinstance(outcome, Reservation), outcome
    return outcome


def start(store: Store, name: str, user: str, hours: float = 0, policies: Policies = ONE) -> Admit | Deny:
    return store.admit(request(user, lease_id=name, gpus=1), policies, at(hours))


def test_what_is_booked_is_kept_and_read_by_others(place: Place) -> None:
    one, other = place.store(), place.store()
    made = book(one, "a")
    assert Reservations(other).of_user("ada", NOW) == (made,)
    assert Reservations(other).between(at(25), at(26)) == (made,)
    assert Reservations(other).between(at(26), at(50)) == ()
    denied = start(other, "l1", "bea", 24)
    assert isinstance(denied, Deny)
    assert denied.refusal.reason is Reason.RESERVED
    assert isinstance(start(other, "l2", "ada", 24), Admit)
    assert Reservations(one).of_user("ada", NOW)[0].taken_at == at(24)


def test_two_hubs_book_the_last_slot_and_one_of_them_has_it(place: Place) -> None:
    hubs = [place.store() for _ in range(4)]
    ready = Barrier(len(hubs))

    def race(number: int) -> Reservation | NotPossible:
        said = replace(wanted(24, user=f"user{number}"), id=f"r{number}")
        ready.wait(60)
        return Reservations(hubs[number]).book(said, ONE, NOW)

    with ThreadPoolExecutor(len(hubs)) as pool:
        outcomes = list(pool.map(race, range(len(hubs))))
    assert sum(isinstance(each, Reservation) for each in outcomes) == 1
    assert {each.reason for each in outcomes if isinstance(each, NotPossible)} == {Why.TAKEN}
    assert len(Reservations(hubs[0]).between(NOW, at(48))) == 1


def test_whoever_runs_there_is_told_when_it_stops(store: Store) -> None:
    running = start(store, "l1", "bea")
    assert isinstance(running, Admit)
    assert running.leaves_at is None
    store.began("l1", NOW, NOW)
    book(store, "a", begins=3)
    [lease] = store.leases()
    assert (lease.leaves_at, lease.leaves_why) == (at(3) - timedelta(minutes=10), LeaveWhy.RESERVED)
    [kept] = Notices(store.database).of_user("bea")
    assert kept.notice.text.startswith("Your GPU stops at 14:50 (UTC), because somebody has reserved what it takes.")
    assert "ada" not in kept.notice.text
    assert look_ahead(store, ONE, {}, NOW).told == (), "that was told already"


def test_who_cancels_gives_it_back(store: Store) -> None:
    start(store, "l1", "bea")
    made = book(store, "a", begins=3)
    reservations = Reservations(store)
    ended = reservations.end(made.id, "ada", ONE, at(1), Way.PAGE)
    assert isinstance(ended, Reservation)
    again = reservations.end(made.id, "ada", ONE, at(1), Way.PAGE)
    assert isinstance(again, NotPossible)
    assert again.reason == Why.OVER
    look_ahead(store, ONE, {}, at(1))
    assert store.leases()[0].leaves_at is None, "bea may stay"
    assert reservations.between(NOW, at(48)) == ()
    assert Notices(store.database).unread("ada") == 0
    with store.database.reading() as connection:
        assert entries(connection, Filter()) == ()
    book(store, "b", begins=3)


def change(store: Store, name: str, hours: float = 0, policies: Policies = ONE, by: str = "ada", **said: Any) -> Any:
    return Reservations(store).change(
        name, Change(**said), by, ask(by), policies, at(hours), Way.PAGE
    )


def test_a_change_is_kept_read_by_others_and_in_the_audit(place: Place) -> None:
    one, other = place.store(), place.store()
    made = book(one, "a")
    changed = change(one, "a", 1, begins_at=at(30), note="Later")
    assert isinstance(changed, Reservation)
    assert Reservations(other).of_user("ada", NOW) == (changed,)
    assert (changed.id, changed.begins_at, changed.ends_at, changed.revision) == ("a", at(30), at(32), 1)
    assert isinstance(start(other, "l1", "bea", 24), Admit), "what it was is free"
    assert isinstance(start(other, "l2", "cat", 30), Deny)
    with one.database.reading() as connection:
        [entry] = entries(connection, Filter())
    assert (entry.actor, entry.action, entry.subject) == ("ada", Action.RESERVATION_CHANGED, "ada")
    assert entry.details["was_begins_at"] == made.begins_at.isoformat()
    assert entry.details["begins_at"] == changed.begins_at.isoformat()


def test_what_is_refused_stays_as_it_was(store: Store) -> None:
    made = book(store, "a")
    book(store, "b", begins=30, user="bea")
    refused = change(store, "a", begins_at=at(30))
    assert isinstance(refused, NotPossible)
    assert refused.reason == Why.TAKEN
    assert refused.remedy.endswith("It stays as it was: Thu 12 Mar, 12:00 to 14:00 (UTC).")
    assert Reservations(store).of_user("ada", NOW) == (made,)
    assert change(store, "a", by="bea", ends_at=at(27)).reason == Why.NO_SUCH
    with store.database.reading() as connection:
        assert entries(connection, Filter()) == ()


def test_who_makes_room_is_thought_anew_with_the_change_and_told_each_time(store: Store) -> None:
    start(store, "l1", "bea")
    store.began("l1", NOW, NOW)
    book(store, "a", begins=3)

    def told() -> list[str]:
        return [each.notice.subject for each in Notices(store.database).of_user("bea")]

    change(store, "a", 0.1, begins_at=at(6))
    assert store.leases()[0].leaves_at == at(6) - timedelta(minutes=10)
    assert told() == ["Your GPU stops at 17:50 (UTC)", "Your GPU stops at 14:50 (UTC)"]
    Reservations(store).end("a", "ada", ONE, at(0.2), Way.PAGE)
    assert (store.leases()[0].leaves_at, told()[0]) == (None, "Your GPU may stay")
    made = Reservations(store).book(replace(wanted(6), id="b"), ONE, at(0.3))
    assert isinstance(made, Reservation)
    assert told()[0] == "Your GPU stops at 17:50 (UTC)", "once more, though it was told before"
    assert look_ahead(store, ONE, {}, at(0.3)).nothing


def test_the_machine_of_a_longer_one_runs_on_and_of_a_shorter_one_leaves_for_the_next(store: Store) -> None:
    book(store, "a", begins=0)
    admitted = start(store, "l1", "ada")
    assert isinstance(admitted, Admit)
    store.began("l1", NOW, NOW)
    change(store, "a", 0.5, ends_at=at(5))
    book(store, "b", begins=6, user="bea")
    assert store.leases()[0].leaves_at == at(6) - timedelta(minutes=10)
    assert isinstance(change(store, "a", 1, ends_at=at(6)), NotPossible)
    assert change(store, "a", 1, ends_at=at(2)).ends_at == at(2)
    assert store.leases()[0].leaves_at == at(6) - timedelta(minutes=10), "until others need it"
    book(store, "c", begins=2.5, user="cat")
    assert store.leases()[0].leaves_at == at(2.5) - timedelta(minutes=10)
    Reservations(store).end("c", "cat", ONE, at(1.1), Way.PAGE)
    assert change(store, "a", 1.2, ends_at=at(6) - timedelta(minutes=10)).revision == 3
    assert store.leases()[0].leaves_at == at(6) - timedelta(minutes=10)


def test_ones_own_machine_runs_through_into_the_next_reservation(store: Store) -> None:
    book(store, "a", begins=0)
    book(store, "b", begins=2)
    later = Reservations(store).book(replace(wanted(4, user="bea"), id="c"), ONE, NOW)
    assert isinstance(later, NotPossible), "others still keep clear of it"
    book(store, "c", begins=4 + 1 / 6, user="bea")
    assert isinstance(start(store, "l1", "ada"), Admit)
    store.began("l1", NOW, NOW)
    for hours in (0.0, 1.9, 2.0, 2.5, 3.5):
        look_ahead(store, ONE, {}, at(hours))
        [lease] = store.leases()
        assert lease.leaves_at == at(4), "when the second one is over, and the next person's begins"
    taken = {each.id: each.taken_at for each in Reservations(store).of_user("ada", NOW)}
    assert taken == {"a": NOW, "b": at(2)}
    assert isinstance(start(store, "l2", "cat", 2), Deny)


def test_two_hubs_move_to_the_last_slot_and_one_of_them_has_it(place: Place) -> None:
    hubs = [place.store() for _ in range(2)]
    for number in range(2):
        book(hubs[0], f"r{number}", begins=24 + 4 * number, user=f"user{number}")
    ready = Barrier(2)

    def race(number: int) -> Reservation | NotPossible:
        ready.wait(60)
        outcome: Reservation | NotPossible = change(hubs[number], f"r{number}", by=f"user{number}", begins_at=at(40))
        return outcome

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(race, range(2)))
    assert sum(isinstance(each, Reservation) for each in outcomes) == 1
    there = Reservations(hubs[0]).between(NOW, at(48))
    assert sum(each.begins_at == at(40) for each in there) == 1
    assert len(there) == 2, "the other one is where it was"


@pytest.mark.parametrize("second", ["cancel", "change"])
def test_a_change_and_what_races_with_it_happen_one_after_the_other(place: Place, second: str) -> None:
    """Whichever comes first; both saw the same revision."""
    hubs = [place.store() for _ in range(2)]
    book(hubs[0], "a")
    ready = Barrier(2)

    def longer() -> Any:
        ready.wait(60)
        return change(hubs[0], "a", ends_at=at(27), revision=0)

    def other() -> Any:
        ready.wait(60)
        if second == "cancel":
            return Reservations(hubs[1]).end("a", "ada", ONE, at(0.5), Way.PAGE)
        return change(hubs[1], "a", begins_at=at(28), revision=0)

    with ThreadPoolExecutor(2) as pool:
        one, two = (each.result() for each in (pool.submit(longer), pool.submit(other)))
    [kept] = Reservations(hubs[1]).of_user("ada", NOW)
    if second == "cancel":
        assert isinstance(two, Reservation)
        assert kept.over_by == "ada"
        assert kept.ends_at == (at(27) if isinstance(one, Reservation) else at(26))
        assert isinstance(one, Reservation) or one.reason == Why.OVER
    else:
        won, lost = (one, two) if isinstance(one, Reservation) else (two, one)
        assert (kept, lost.reason) == (won, Why.CHANGED)


def test_an_administrator_cancels_and_it_is_said(store: Store) -> None:
    made = book(store, "a")
    reservations = Reservations(store)
    no = reservations.end(made.id, "bea", ONE, NOW, Way.REST)
    assert isinstance(no, NotPossible)
    assert no.reason == Why.NO_SUCH
    long = reservations.end(made.id, "root", ONE, NOW, Way.REST, acts_for_all=True, reason="x" * 201)
    assert isinstance(long, NotPossible)
    assert long.sentence == "The reason has 201 characters, and 200 is the most."
    ended = reservations.end(made.id, "root", ONE, NOW, Way.REST, acts_for_all=True, reason="The node is repaired.")
    assert isinstance(ended, Reservation)
    [kept] = Notices(store.database).of_user("ada")
    assert kept.notice.text.endswith("They say: “The node is repaired.”")
    assert kept.notice.text.startswith("root has cancelled your reservation of GPU: Thu 12 Mar, 12:00 to 14:00")
    with store.database.reading() as connection:
        [entry] = entries(connection, Filter())
    assert (entry.actor, entry.action, entry.subject) == ("root", Action.RESERVATION_CANCELLED, "ada")
    assert entry.details["text"] == "The node is repaired."


def test_a_no_show_is_released(store: Store) -> None:
    made = book(store, "a")
    late = made.begins_at + timedelta(minutes=30)
    assert look_ahead(store, ONE, {}, late - timedelta(seconds=1)).released == ()
    [released] = look_ahead(store, ONE, {}, late).released
    assert (released.id, released.over_at) == ("a", late)
    assert isinstance(start(store, "l1", "bea", 24.6), Admit)


def test_who_leaves_the_hub_leaves_nothing(store: Store) -> None:
    reservations = Reservations(store)
    cancelled, other = book(store, "a"), book(store, "b", begins=30, user="bea")
    reservations.end(cancelled.id, "ada", ONE, NOW, Way.PAGE)
    book(store, "c")
    secret = reservations.new_feed("ada", NOW)
    reservations.leave("ada")
    assert reservations.feed_of(secret) is None
    assert reservations.of_user("ada", at(-1000)) == (), "a new account of that name reads none of it"
    assert reservations.between(NOW, at(48)) == (other,)
    assert isinstance(start(store, "l1", "bea", 24), Admit)


def test_a_calendars_secret_is_told_once_and_can_be_taken_back(store: Store) -> None:
    reservations = Reservations(store)
    assert reservations.feed_since("ada") is None
    first = reservations.new_feed("ada", NOW)
    second = reservations.new_feed("ada", NOW + HOUR)
    assert (reservations.feed_of(first), reservations.feed_of(second)) == (None, "ada")
    assert reservations.feed_since("ada") == NOW + HOUR
    assert reservations.feed_of("\ud800") is None
    reservations.no_feed("ada")
    assert reservations.feed_of(second) is None
