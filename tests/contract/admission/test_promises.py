"""The line, kept places and what ends, on every database: what the books must hold at each step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hub_extensions.admission.ahead import look_ahead
from hub_extensions.admission.store import Promise, Store
from hub_extensions.queue.store import Line
from profiles.admission import Admit, Deny
from profiles.lease import KEPT, EndReason, LeaveWhy, Request
from profiles.policy import Policies
from profiles.waiting import Waiting
from tests.contract.admission.asking import HOUR, NOW, ask, rules
from tests.contract.admission.conftest import Place

TWO = rules(quotas={"gpus": {"per": "hub", "gpus": 2}})
KEEP = timedelta(minutes=10)


def waits(store: Store, place: str, wanted: Request, policies: Policies = TWO) -> None:
    joined = Line(store).join(Waiting(id=place, request=wanted, joined_at=NOW), policies, NOW)
    assert isinstance(joined, Waiting), joined


def test_places_of_several_who_do_not_come_go_to_the_next(place: Place) -> None:
    store, other = place.store(), place.store()
    store.admit(ask("1", "eve", gpus=2), TWO, NOW)
    for number, user in enumerate(("ada", "bob", "cy")):
        waits(store, user, ask(f"w{number}", user))
    store.ended("1", NOW, EndReason.STOPPED, NOW)
    assert [each.id for each in look_ahead(store, TWO, {}, NOW).called] == ["ada", "bob"]
    looked = look_ahead(other, TWO, {}, NOW + KEEP)
    assert ([each.id for each in looked.passed], [each.id for each in looked.called]) == (["ada", "bob"], ["cy"])
    assert [lease.id for lease in store.leases()] == [f"{KEPT}cy"] == [lease.id for lease in other.leases()]
    assert isinstance(store.admit(ask("2", "cy"), TWO, NOW + KEEP), Admit)
    assert [lease.id for lease in other.leases()] == ["2"]


def test_a_place_kept_beyond_the_machine_that_runs_takes_what_that_one_leaves(store: Store) -> None:
    """ada swaps one GPU for two: the one that is missing gets free, she stops, and nobody takes her first one."""
    store.admit(ask("small", "ada"), TWO, NOW)
    store.admit(ask("1", "eve"), TWO, NOW)
    waits(store, "ada", ask("w", "ada", gpus=2))
    store.ended("1", NOW, EndReason.STOPPED, NOW)
    assert [each.id for each in look_ahead(store, TWO, {}, NOW).called] == ["ada"]
    assert isinstance(store.foresee(ask("2", "eve"), TWO, NOW), Deny)
    store.ended("small", NOW, EndReason.STOPPED, NOW, policies=TWO)
    assert isinstance(store.foresee(ask("2", "eve"), TWO, NOW), Deny)
    assert isinstance(store.admit(ask("large", "ada", gpus=2), TWO, NOW), Admit)


def test_a_switch_into_a_place_that_is_kept_takes_no_more_than_the_machine(store: Store) -> None:
    store.admit(ask("small", "ada"), TWO, NOW)
    store.admit(ask("1", "eve"), TWO, NOW)
    waits(store, "ada", ask("w", "ada", gpus=2))
    store.ended("1", NOW, EndReason.STOPPED, NOW)
    look_ahead(store, TWO, {}, NOW)
    store.ended("small", NOW, EndReason.STOPPED, NOW, then=Promise(ask("large", "ada", gpus=2), TWO))
    assert sum(lease.amounts.gpus for lease in store.leases()) == 2
    assert not look_ahead(store, TWO, {}, NOW).passed
    assert isinstance(store.admit(ask("large", "ada", gpus=2), TWO, NOW), Admit)
    assert [lease.id for lease in store.leases()] == ["large"]


def test_a_place_is_kept_no_longer_than_the_machine_could_run(store: Store) -> None:
    longer = rules(quotas={"gpus": {"per": "hub", "gpus": 2}}, queue={"keep_for": "4h"})
    store.admit(ask("1", "eve", gpus=2), longer, NOW)
    waits(store, "ada", ask("w", "ada"), longer)
    store.ended("1", NOW, EndReason.STOPPED, NOW)
    (called,) = look_ahead(store, longer, {}, NOW).called
    assert called.kept_until == NOW + 4 * HOUR


def test_what_was_lent_is_given_back_to_as_many_as_still_wait(store: Store) -> None:
    lent = rules(
        quotas={
            "share": {"per": "group", "gpus": 1, "borrowing": {"within": "all"}},
            "all": {"per": "hub", "gpus": 3},
        }
    )
    for number in range(3):
        store.admit(ask(f"{number}", f"ml{number}", groups=("ml",)), lent, NOW + number * KEEP)
    waits(store, "q", ask("w", "ada", groups=("bio",)), lent)
    waits(store, "r", ask("v", "bob", groups=("geo",)), lent)
    looked = look_ahead(store, lent, {}, NOW)
    assert [(leave.lease.id, why) for leave, why in looked.told] == [("2", LeaveWhy.LENT), ("1", LeaveWhy.LENT)]
    assert look_ahead(store, lent, {}, NOW).nothing, "nobody is told twice"
    Line(store).leave("q", None)
    assert [lease.id for lease in look_ahead(store, lent, {}, NOW).spared] == ["1"]
    assert [lease.id for lease in store.leases() if lease.leaves_at] == ["2"]
    Line(store).leave("r", None)
    assert [lease.id for lease in look_ahead(store, lent, {}, NOW).spared] == ["2"]
    assert not any(lease.leaves_at for lease in store.leases())


def test_what_was_lent_is_given_back_where_it_can_be_reserved_as_well(store: Store) -> None:
    """The same machines are in two pots: what leaves makes room in both. Where only the other one is full, it stays."""
    quotas = {
        "share": {"per": "group", "gpus": 1, "borrowing": {"within": "all"}},
        "all": {"per": "hub", "gpus": 3},
    }
    lent = rules(quotas=quotas, reservations={"gpus": {"gpus": 3}})
    for number in range(3):
        store.admit(ask(f"{number}", f"ml{number}", groups=("ml",)), lent, NOW + number * KEEP)
    waits(store, "q", ask("w", "ada", groups=("bio",)), lent)
    full = rules(quotas={**quotas, "few": {"per": "hub", "servers": 1}}, reservations={"gpus": {"gpus": 3}})
    assert not look_ahead(store, full, {}, NOW).told
    assert [leave.lease.id for leave, _ in look_ahead(store, lent, {}, NOW).told] == ["2"]


def test_a_place_follows_its_machine_in_the_catalog(store: Store) -> None:
    store.admit(ask("1", "eve", gpus=2), TWO, NOW)
    waits(store, "ada", ask("w", "ada"))
    waits(store, "bob", ask("v", "bob"))
    grown = {"ada": ask("w", "ada", gpus=2)}
    look_ahead(store, TWO, grown, NOW)
    store.ended("1", NOW, EndReason.STOPPED, NOW)
    assert [each.id for each in look_ahead(store, TWO, grown, NOW).called] == ["ada"]
    assert replace(store.leases()[0].amounts, servers=0).gpus == 2
