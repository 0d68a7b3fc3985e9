"""Leases compared with what runs."""

from __future__ import annotations

from datetime import timedelta

from hub_extensions.admission.reconcile import YOUNG, Adopt, Begin, Settle, reconcile
from profiles.amounts import Amounts
from profiles.lease import EndReason, Lease, LeaseState
from profiles.machine import RunningMachine
from profiles.person import Person
from profiles.ports import Run
from tests.unit.admission.people import HOUR, MINUTE, NOON, lease, machine

ANN = Person("ann", frozenset({"ml"}))
LATER = NOON + HOUR


def seen(spawn_id: str = "a", **other: object) -> dict[str, RunningMachine]:
    return {spawn_id: machine(spawn_id, **other)}


def test_what_runs_and_has_its_lease_is_left_alone() -> None:
    assert reconcile([lease()], seen(), [Run("a", NOON)], last_seen=NOON, now=LATER) == ()


def test_local_processes_have_no_pods_and_the_hubs_list_is_the_truth() -> None:
    assert reconcile([lease()], seen(), (), last_seen=NOON, now=LATER) == ()


def test_a_pod_that_ended_while_the_hub_was_away_is_billed_by_its_own_clock() -> None:
    over = NOON + 17 * MINUTE
    for servers in ({}, seen()):
        actions = reconcile([lease()], servers, [Run("a", NOON, over)], last_seen=NOON, now=LATER)
        assert actions == (Settle(lease(), over, EndReason.ENDED),)


def test_a_pod_that_vanished_ended_when_it_was_last_seen() -> None:
    last = NOON + 20 * MINUTE
    assert reconcile([lease()], {}, [], last_seen=last, now=LATER) == (Settle(lease(), last, EndReason.LOST),)


def test_nobody_pays_for_time_before_the_start_however_old_the_last_look() -> None:
    (action,) = reconcile([lease()], {}, [], last_seen=NOON - HOUR, now=LATER)
    assert action == Settle(lease(), NOON, EndReason.LOST)


def test_without_a_last_look_it_ended_now() -> None:
    assert reconcile([lease()], {}, [], last_seen=None, now=LATER) == (Settle(lease(), LATER, EndReason.LOST),)


def test_a_hold_whose_start_died_is_given_back() -> None:
    held = lease(began=None)
    assert reconcile([held], {}, [], last_seen=NOON, now=LATER) == (Settle(held, LATER, EndReason.NEVER_RAN),)


def test_a_young_hold_waits_for_its_server_to_show() -> None:
    held = lease(began=None)
    assert reconcile([held], {}, [], last_seen=NOON, now=held.held_at + YOUNG - timedelta(seconds=1)) == ()
    assert reconcile([held], {}, [], last_seen=NOON, now=held.held_at + YOUNG) != ()


def test_nothing_is_settled_while_nobody_can_tell_what_runs() -> None:
    assert reconcile([lease(), lease("b", began=None)], {}, None, last_seen=NOON, now=LATER) == ()


def test_a_pod_without_a_server_keeps_its_lease_until_it_is_gone() -> None:
    assert reconcile([lease()], {}, [Run("a", NOON)], last_seen=NOON, now=LATER) == ()


def test_a_start_that_came_up_unheard_begins_when_its_container_did() -> None:
    held = lease(began=None)
    container = NOON + 3 * MINUTE
    actions = reconcile([held], seen(started=NOON + 4 * MINUTE), [Run("a", container)], last_seen=NOON, now=LATER)
    assert actions == (Begin(held, container),)


def test_what_the_hub_remembers_begins_nothing_that_the_cluster_knows_better() -> None:
    held, remembered = lease(began=None), seen(started=NOON + 4 * MINUTE)
    assert reconcile([held], remembered, [Run("a")], last_seen=NOON, now=LATER) == ()
    assert reconcile([held], remembered, None, last_seen=NOON, now=LATER) == ()


def test_a_run_ends_for_the_reason_that_was_said() -> None:
    ended = Run("a", NOON, NOON + MINUTE, EndReason.CULLED)
    assert reconcile([lease()], {}, [ended], last_seen=NOON, now=LATER) == (
        Settle(lease(), NOON + MINUTE, EndReason.CULLED),
    )


def test_a_start_under_way_is_left_alone() -> None:
    assert reconcile([lease(began=None)], seen(started=None), [Run("a")], last_seen=NOON, now=LATER) == ()
    assert reconcile([], seen(started=None), [Run("a")], last_seen=NOON, now=LATER) == ()


def test_a_server_without_a_lease_gets_one_from_when_it_started() -> None:
    reserved = Amounts(1, 500, 2**30)
    machines = seen(reserved=reserved)
    assert reconcile([], machines, [Run("a", NOON)], last_seen=NOON, now=LATER) == (Adopt(machines["a"]),)
    adopted = Lease.found(ANN, "", machines["a"], LATER)
    assert (adopted.id, adopted.user, adopted.groups, adopted.amounts) == ("a", "ann", frozenset({"ml"}), reserved)
    assert (adopted.state, adopted.began_at) == (LeaseState.RUNNING, NOON)


def test_a_server_of_an_earlier_version_counts_what_it_may_use() -> None:
    amounts = Lease.found(ANN, "", machine(), LATER).amounts
    assert (amounts.gpus, amounts.millicores) == (1, 2000)
