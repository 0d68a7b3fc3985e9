"""What a pod's JSON says, however little of it there is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.ports import Run
from spawner.podstate import (
    Alive,
    Ended,
    began_at,
    belongs_to,
    claims_of,
    ended_at,
    has_address,
    is_leaving,
    liveness,
    spawn_id_of,
)
from spawner.sharing import run_of


def pod(**parts: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": "n"}, **parts}


def ended(reason: str, code: int) -> dict[str, Any]:
    state = {"terminated": {"exitCode": code, "reason": reason}}
    return {
        "phase": "Running",
        "containerStatuses": [{"name": "sidecar", "state": {}}, {"name": "notebook", "state": state}],
    }


LEAVING = {"name": "p", "namespace": "n", "deletionTimestamp": "2026-01-01T00:00:00Z"}
CASES = [
    (None, Ended(1, "gone")),
    (pod(), Alive()),
    (pod(status={"phase": "Pending"}), Alive()),
    (pod(status={"phase": "Running", "containerStatuses": []}), Alive()),
    (pod(status={"phase": "Unknown"}), Alive()),
    (pod(status=ended("OOMKilled", 137)), Ended(137, "exited")),
    (pod(status=ended("Completed", 0)), Ended(0, "exited")),
    (pod(status={"phase": "Failed", "reason": "Evicted"}), Ended(1, "failed")),
    (pod(status={"phase": "Succeeded"}), Ended(0, "failed")),
    ({"metadata": LEAVING, "status": {"phase": "Running"}}, Ended(1, "leaving")),
]


@pytest.mark.parametrize(("seen", "expected"), CASES, ids=lambda case: str(case)[:60])
def test_liveness(seen: dict[str, Any] | None, expected: Alive | Ended) -> None:
    assert liveness(seen) == expected


def test_a_sidecar_that_ended_is_not_the_server() -> None:
    status = {"phase": "Running", "containerStatuses": [{"name": "sidecar", "state": {"terminated": {"exitCode": 1}}}]}
    assert liveness(pod(status=status)) == Alive()


def test_an_address_counts_before_the_pod_runs_but_not_when_it_leaves() -> None:
    assert has_address(pod(status={"phase": "Pending", "podIP": "10.0.0.1"}))
    assert has_address(pod(status={"phase": "Running", "podIP": "10.0.0.1"}))
    assert not has_address(pod(status={"phase": "Running"}))
    assert not has_address(pod(status={"phase": "Failed", "podIP": "10.0.0.1"}))
    assert not has_address({"metadata": LEAVING, "status": {"phase": "Running", "podIP": "10.0.0.1"}})


def test_whose_pod_it_is() -> None:
    theirs = {"metadata": {"annotations": {"hub.jupyter.org/username": "ada", "hub.jupyter.org/servername": "two"}}}
    assert belongs_to(theirs, "ada", "two")
    assert not belongs_to(theirs, "ada", "")
    assert not belongs_to(theirs, "bob", "two")
    assert belongs_to(pod(), "anybody", ""), "no annotation is no evidence"


def test_claims_and_ids() -> None:
    volumes = [{"name": "a", "persistentVolumeClaim": {"claimName": "home-ada"}}, {"name": "b", "emptyDir": {}}]
    assert claims_of(pod(spec={"volumes": volumes})) == {"home-ada"}
    assert claims_of(pod()) == frozenset()
    assert spawn_id_of({"metadata": {"labels": {"remuda.dev/spawn-id": "x"}}}) == "x"
    assert spawn_id_of(pod()) == ""


@given(phase=st.sampled_from(["Pending", "Running", "Failed", "Succeeded", "Unknown", None]), leaving=st.booleans())
def test_leaving_always_ends_it(phase: str | None, leaving: bool) -> None:
    seen = pod(status={"phase": phase})
    if leaving:
        seen["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert is_leaving(seen) == leaving
    assert not leaving or isinstance(liveness(seen), Ended)


NOON, ONE = datetime(2026, 3, 4, 12, tzinfo=UTC), datetime(2026, 3, 4, 13, tzinfo=UTC)
RUNNING = {"running": {"startedAt": "2026-03-04T12:00:00Z"}}
OVER = {"terminated": {"exitCode": 0, "startedAt": "2026-03-04T12:00:00Z", "finishedAt": "2026-03-04T13:00:00Z"}}


def with_state(state: dict[str, Any], phase: str = "Running", **meta: Any) -> dict[str, Any]:
    statuses = [{"name": "sidecar", "state": {"running": {"startedAt": "2020-01-01T00:00:00Z"}}}]
    statuses.append({"name": "notebook", "state": state})
    labels = {"remuda.dev/spawn-id": "a"}
    return pod(status={"phase": phase, "containerStatuses": statuses}) | {
        "metadata": {"name": "p", "namespace": "n", "labels": labels, **meta}
    }


@pytest.mark.parametrize(
    ("state", "phase", "run"),
    [
        ({"waiting": {"reason": "ContainerCreating"}}, "Pending", Run("a")),
        (RUNNING, "Running", Run("a", NOON)),
        (OVER, "Succeeded", Run("a", NOON, ONE)),
        (OVER, "Running", Run("a", NOON, ONE)),  # a sidecar goes on; the server does not
    ],
)
def test_a_run_is_timed_by_the_nodes_own_clock(state: dict[str, Any], phase: str, run: Run) -> None:
    assert run_of(with_state(state, phase)) == run


def test_a_pod_that_is_being_deleted_runs_until_it_is_gone() -> None:
    leaving = with_state(RUNNING, deletionTimestamp="2026-03-04T12:30:00Z")
    assert run_of(leaving) == Run("a", NOON)


@pytest.mark.parametrize("text", ["", "yesterday", None, 17])
def test_a_time_that_cannot_be_read_is_not_known(text: Any) -> None:
    odd = with_state({"terminated": {"exitCode": 1, "startedAt": text, "finishedAt": text}}, "Failed")
    assert began_at(odd) is None
    assert ended_at(odd, ONE) == ONE
