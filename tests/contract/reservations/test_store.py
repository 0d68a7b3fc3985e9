"""Reservations as they are kept, on every database: the last slot is one person's, and whoever has to leave is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

from hub_extensions.admission.ahead import look_ahead
from hub_extensions.admission.store import Store
from hub_extensions.audit.entry import Action, Filter, Way
from hub_extensions.audit.store import entries
from hub_extensions.notices import Notices
from hub_extensions.reservations.store import Reservations
from hub_extensions.reservations.words import NotPossible, Why
from profiles.admission import Admit, Deny
from profiles.lease import LeaveWhy
from profiles.policy import Policies
from profiles.refusal import Reason
from profiles.reservations import Reservation
from tests.contract.admission.conftest import Place
from tests.unit.profiles.shares import NOW, request
from tests.unit.reservations.booking import HOUR, at, rules, wanted

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
        ready.wait(10)
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


def test_an_administrator_cancels_and_it_is_said(store: Store) -> None:
    made = book(store, "a")
    reservations = Reservations(store)
    no = reservations.end(made.id, "bea", ONE, NOW, Way.REST)
    assert isinstance(no, NotPossible)
    assert no.reason == Why.NO_SUCH
    assert isinstance(reservations.end(made.id, "root", ONE, NOW, Way.REST, sees_all=True), Reservation)
    [kept] = Notices(store.database).of_user("ada")
    assert kept.notice.text.startswith("root has cancelled your reservation of GPU: Thu 12 Mar, 12:00 to 14:00")
    with store.database.reading() as connection:
        [entry] = entries(connection, Filter())
    assert (entry.actor, entry.action, entry.subject) == ("root", Action.RESERVATION_CANCELLED, "ada")


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
