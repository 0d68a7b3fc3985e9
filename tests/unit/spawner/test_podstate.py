"""What a pod's JSON says, however little of it there is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawner.podstate import Alive, Ended, belongs_to, claims_of, has_address, is_leaving, liveness, spawn_id_of


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
