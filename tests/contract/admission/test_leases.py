"""A lease's life: granted once, begun once, billed once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hub_extensions.admission.store import Promise, Store
from profiles.admission import Admit, Deny, lease_of
from profiles.lease import Charge, EndReason, LeaseState, Request
from profiles.refusal import Reason
from tests.contract.admission.asking import HOUR, NO_RULES, NOW, ONE_GPU, ask, rules
from tests.contract.admission.conftest import Place


def test_granted_held_begun_ended(store: Store) -> None:
    request = ask("1", groups=("ml", "staff"), longest=timedelta(hours=8, microseconds=3))
    assert isinstance(store.admit(request, ONE_GPU, NOW), Admit)
    (lease,) = store.leases()
    assert lease == lease_of(request, Admit(request.longest), NOW), "all of it comes back as it went in"
    store.began("1", NOW + timedelta(seconds=20), NOW)
    (running,) = store.leases()
    assert running == replace(lease, state=LeaseState.RUNNING, began_at=NOW + timedelta(seconds=20))
    entry = store.ended("1", NOW + timedelta(seconds=20) + 2 * HOUR, EndReason.CULLED, NOW)
    assert entry is not None
    assert entry.lease == running
    assert entry.reason is EndReason.CULLED
    assert entry.charge == Charge(7200, 7200, 5_800_000)
    assert store.leases() == ()
    assert store.ledger(since=NOW, until=NOW + 9 * HOUR) == (entry,)


def test_asking_again_is_the_same_request(store: Store) -> None:
    first = store.admit(ask("1"), ONE_GPU, NOW)
    assert isinstance(first, Admit)
    assert store.admit(ask("1"), ONE_GPU, NOW + HOUR) == first
    assert len(store.leases()) == 1
    stricter = rules(quotas={"gpus": {"per": "hub", "gpus": 0}})
    assert isinstance(store.admit(ask("1"), stricter, NOW), Admit), "what was promised stays"


def test_an_id_is_for_one_start(store: Store) -> None:
    assert isinstance(store.admit(ask("1"), NO_RULES, NOW), Admit)
    assert isinstance(store.admit(ask("1", gpus=8), NO_RULES, NOW), Deny), "not a way to more than was granted"
    store.ended("1", NOW, EndReason.STOPPED, NOW)
    over = store.admit(ask("1"), NO_RULES, NOW)
    assert isinstance(over, Deny)
    assert over.refusal.message == "This start of GPU is over already. Start the machine again."
    store.adopt(lease_of(ask("1"), Admit(None), NOW), NOW)
    assert store.leases() == ()


def test_refused_is_told_and_not_written(store: Store) -> None:
    store.admit(ask("1"), ONE_GPU, NOW)
    refused = store.admit(ask("2", "bob"), ONE_GPU, NOW)
    assert isinstance(refused, Deny)
    assert refused.refusal.reason is Reason.OVER_QUOTA
    assert [lease.id for lease in store.leases()] == ["1"]
    store.ended("1", NOW, EndReason.STOPPED, NOW)
    assert isinstance(store.admit(ask("2", "bob"), ONE_GPU, NOW), Admit), "free again at once"


def test_foresee_answers_as_admit_and_writes_nothing(store: Store) -> None:
    assert store.foresee(ask("1"), ONE_GPU, NOW) == store.foresee(ask("1"), ONE_GPU, NOW)
    assert store.leases() == ()
    foreseen = store.foresee(ask("1"), ONE_GPU, NOW)
    assert store.admit(ask("1"), ONE_GPU, NOW) == foreseen
    foreseen = store.foresee(ask("2"), ONE_GPU, NOW)
    assert isinstance(foreseen, Deny)
    assert store.admit(ask("2"), ONE_GPU, NOW) == foreseen


def test_a_snapshot_stays_as_it_was(store: Store) -> None:
    before = store.snapshot(ONE_GPU, ask("1"), NOW)
    store.admit(ask("1"), ONE_GPU, NOW)
    assert len(before.book) == 0
    assert len(store.snapshot(ONE_GPU, ask("2"), NOW).book) == 1


def test_the_first_began_counts_and_the_first_ended(store: Store) -> None:
    store.admit(ask("1"), NO_RULES, NOW)
    store.began("1", NOW, NOW)
    store.began("1", NOW + HOUR, NOW)
    first = store.ended("1", NOW + HOUR, EndReason.STOPPED, NOW)
    assert first is not None
    assert first.charge.seconds == 3600
    assert store.ended("1", NOW + 5 * HOUR, EndReason.LOST, NOW) is None
    store.began("1", NOW, NOW)
    assert store.leases() == ()
    assert store.ledger(since=NOW, until=NOW + 9 * HOUR) == (first,)
    assert store.ended("unknown", NOW, EndReason.LOST, NOW) is None
    store.began("unknown", NOW, NOW)
    assert store.leases() == ()


def test_what_never_began_costs_nothing(store: Store) -> None:
    store.admit(ask("1"), NO_RULES, NOW)
    entry = store.ended("1", NOW + 3 * HOUR, EndReason.STOPPED, NOW)
    assert entry is not None
    assert (entry.reason, entry.charge) == (EndReason.NEVER_RAN, Charge())


@pytest.mark.parametrize("skew", [timedelta(microseconds=1), timedelta(days=400)])
def test_a_clock_that_goes_back_costs_nothing(store: Store, skew: timedelta) -> None:
    store.admit(ask("1"), NO_RULES, NOW)
    store.began("1", NOW, NOW)
    entry = store.ended("1", NOW - skew, EndReason.STOPPED, NOW)
    assert entry is not None
    assert entry.charge == Charge()
    assert store.used(since=NOW - timedelta(days=500), until=NOW + HOUR, by="user") == ()


def test_adopted_leases_count_without_a_decision(store: Store) -> None:
    found = replace(lease_of(ask("1", gpus=8), Admit(None), NOW), state=LeaseState.RUNNING, began_at=NOW - HOUR)
    store.adopt(found, NOW)
    store.adopt(replace(found, user="somebody else"), NOW)
    assert store.leases() == (found,), "what is known is left as it is"
    refused = store.admit(ask("2"), ONE_GPU, NOW)
    assert isinstance(refused, Deny)
    assert refused.standings[0].used == 8


def test_running_machines_take_from_a_budget_before_they_are_billed(store: Store) -> None:
    budget = rules(budgets={"money": {"per": "group", "money": 20, "holdAtMost": "4h"}})
    store.admit(ask("1", groups=("ml",), price="4"), budget, NOW)  # 16 set aside of 20
    second = store.admit(ask("2", "bob", groups=("ml",), price="4"), budget, NOW)
    assert isinstance(second, Admit)
    assert second.longest == HOUR, "the rest pays for an hour"
    refused = store.admit(ask("3", "eve", groups=("ml",), price="4"), budget, NOW)
    assert isinstance(refused, Deny)
    assert refused.refusal.reason is Reason.OVER_BUDGET
    store.began("1", NOW, NOW)
    store.ended("1", NOW + HOUR, EndReason.STOPPED, NOW + HOUR)
    again = store.admit(ask("3", "eve", groups=("ml",), price="4"), budget, NOW + HOUR)
    assert isinstance(again, Admit)
    (balance,) = again.balances
    assert (balance.used, balance.held) == (Decimal(4), Decimal(4)), "one hour billed, one set aside for bob"


def test_heartbeat(store: Store) -> None:
    assert store.last_seen() is None
    store.seen(NOW)
    store.seen(NOW + HOUR)
    assert store.last_seen() == NOW + HOUR


def test_the_ledger_cannot_be_changed(place: Place, store: Store) -> None:
    store.admit(ask("1", groups=("ml",)), NO_RULES, NOW)
    store.began("1", NOW, NOW)
    entry = store.ended("1", NOW + HOUR, EndReason.STOPPED, NOW)
    attacks = [
        "UPDATE remuda_ledger SET micros = 0",
        "UPDATE remuda_ledger SET reason = 'culled' WHERE lease_id = '1'",
        "DELETE FROM remuda_ledger",
        "DELETE FROM remuda_ledger_groups",
        *(["TRUNCATE remuda_ledger"] if place.kind == "postgresql" else []),
    ]
    for attack in attacks:
        with pytest.raises(IntegrityError, match="append-only"), store.database.writing() as connection:
            connection.execute(text(attack))
    assert store.ledger(since=NOW, until=NOW + 9 * HOUR) == (entry,)
    assert store.ledger(since=NOW, until=NOW + 9 * HOUR, group="ml") == (entry,)


# A switch: the old machine's end and the new one's place are one transaction.

TEAM = rules(quotas={"team": {"per": "group", "groups": ["ml"], "servers": 1}})


def switching(store: Store, wanted: Request) -> None:
    """ada's machine has ended, and the place for the next one is kept if the rules allow it."""
    assert isinstance(store.admit(ask("1", groups=("ml",)), TEAM, NOW), Admit)
    store.began("1", NOW, NOW)
    assert store.ended("1", NOW + HOUR, EndReason.STOPPED, NOW + HOUR, Promise(wanted, TEAM)) is not None


def test_whoever_switches_at_the_edge_of_a_quota_does_not_lose_the_place(store: Store) -> None:
    switching(store, ask("1", groups=("ml",), profile="other"))
    assert isinstance(store.admit(ask("2", "bob", groups=("ml",)), TEAM, NOW + HOUR), Deny)
    assert isinstance(store.admit(ask("3", groups=("ml",), profile="other"), TEAM, NOW + HOUR), Admit)
    assert [lease.id for lease in store.leases()] == ["3"]
    assert [entry.lease.id for entry in store.ledger(since=NOW, until=NOW + 9 * HOUR)] == ["1"]
    store.ended("3", NOW + 2 * HOUR, EndReason.STOPPED, NOW + 2 * HOUR)
    assert isinstance(store.admit(ask("4", "bob", groups=("ml",)), TEAM, NOW + 2 * HOUR), Admit)


def test_a_place_is_for_the_same_server_of_the_same_person(store: Store) -> None:
    switching(store, ask("1", groups=("ml",)))
    named = replace(ask("2", groups=("ml",)), server="second")
    assert isinstance(store.admit(named, TEAM, NOW + HOUR), Deny)


def test_no_place_is_kept_for_what_the_rules_refuse(store: Store) -> None:
    none = rules(quotas={"gpus": {"per": "hub", "gpus": 1}})
    store.admit(ask("1"), none, NOW)
    store.ended("1", NOW, EndReason.STOPPED, NOW, Promise(ask("1", gpus=2), none))
    assert store.leases() == ()


def test_a_place_that_nobody_takes_leaves_no_entry(store: Store) -> None:
    switching(store, ask("1", groups=("ml",)))
    (kept,) = store.leases()
    assert kept.state is LeaseState.HELD
    assert store.ended(kept.id, NOW + HOUR, EndReason.NEVER_RAN, NOW + HOUR) is None
    assert store.leases() == ()
    assert len(store.ledger(since=NOW, until=NOW + 9 * HOUR)) == 1


def test_an_end_that_is_told_twice_keeps_one_place(store: Store) -> None:
    switching(store, ask("1", groups=("ml",)))
    assert store.ended("1", NOW + HOUR, EndReason.STOPPED, NOW + HOUR, Promise(ask("1", groups=("ml",)), TEAM)) is None
    assert len(store.leases()) == 1


def test_another_hub_process_sees_the_place(store: Store, place: Place) -> None:
    other = place.store()
    switching(store, ask("1", groups=("ml",)))
    assert isinstance(other.admit(ask("2", "bob", groups=("ml",)), TEAM, NOW + HOUR), Deny)
    assert isinstance(other.admit(ask("3", groups=("ml",)), TEAM, NOW + HOUR), Admit)
    assert [lease.id for lease in store.leases()] == ["3"]
