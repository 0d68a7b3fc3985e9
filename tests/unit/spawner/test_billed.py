"""When a pod that was told to go is over, and since when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from spawner.billed import (
    FINALIZER,
    FORCED_S,
    NotYet,
    Over,
    held,
    is_confirmed_gone,
    is_held,
    outcome,
    pause_s,
    release_patch,
)

ASKED = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
ENDED = datetime(2026, 3, 4, 12, 0, 7, tzinfo=UTC)
RUNS = {"running": {"startedAt": "2026-03-04T09:00:00Z"}}
WAITS = {"waiting": {"reason": "ContainerCreating"}}
OVER = {"terminated": {"startedAt": "2026-03-04T09:00:00Z", "finishedAt": "2026-03-04T12:00:07Z", "exitCode": 0}}
LOST = {"terminated": {"reason": "ContainerStatusUnknown", "exitCode": 137, "startedAt": None, "finishedAt": None}}


def pod(*states: dict[str, Any], phase: str = "Running", node: str | None = "n1", grace: int | None = 30) -> Any:
    """Containers `notebook`, `side-1` …; `grace` None: nobody has told it to go. Asked for at noon."""
    names = ["notebook", *(f"side-{number}" for number in range(1, 9))]
    metadata: dict[str, Any] = {"name": "jupyter-ada", "uid": "u1", "finalizers": [FINALIZER]}
    if grace is not None:
        metadata["deletionTimestamp"] = f"2026-03-04T12:{grace // 60:02}:{grace % 60:02}Z"
        metadata["deletionGracePeriodSeconds"] = grace
    spec: dict[str, Any] = {"containers": [{"name": name} for name, _ in zip(names, states or ({},), strict=False)]}
    if node:
        spec["nodeName"] = node
    statuses = [{"name": name, "state": state} for name, state in zip(names, states, strict=False)]
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase, "containerStatuses": statuses}}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (pod(OVER, grace=None), NotYet()),  # it ended by itself: whoever clears it away is not there yet
        (pod(RUNS), NotYet()),
        (pod(OVER), Over(ENDED)),
        (pod(OVER, RUNS), NotYet()),  # a companion still runs
        (pod(OVER, OVER), Over(ENDED)),
        (pod(OVER, phase="Succeeded", grace=0), Over(ENDED)),
        (pod(WAITS), NotYet()),  # on a node that is just making it
        (pod(WAITS, phase="Failed"), Over(ASKED)),
        (pod(LOST, phase="Failed"), Over(ASKED)),  # its node was switched off and on
        (pod(LOST, grace=90), Over(ASKED)),
        (pod(phase="Pending", node=None, grace=0), Over(ASKED)),
        (pod(phase="Pending", node="n1"), NotYet()),
        (pod(RUNS, grace=0), NotYet(FORCED_S)),  # by force: its node may still say how it ended
        (pod(RUNS, phase="Failed", grace=0), Over(ASKED)),  # the node is gone, and Kubernetes has cleared up behind it
    ],
)
def test_when_it_is_over(seen: Any, expected: Over | NotYet) -> None:
    assert outcome(seen) == expected


def test_a_node_that_says_nothing_about_a_forced_removal_is_not_waited_for() -> None:
    assert outcome(pod(RUNS, grace=0), FORCED_S - 10) == NotYet(10)
    assert outcome(pod(RUNS, grace=0), FORCED_S) == Over(ASKED)
    assert outcome(pod(RUNS), 10 * FORCED_S) == NotYet(), "asked for with grace, its node has to confirm it"


def test_only_a_node_that_has_let_go_confirms_the_end() -> None:
    assert not is_confirmed_gone(pod(OVER)), "volumes may still be mounted"
    assert is_confirmed_gone(pod(OVER, grace=0))
    assert not is_confirmed_gone(pod(RUNS, grace=0))


def test_ours_is_put_on_and_taken_off_beside_others() -> None:
    plain = {"metadata": {"name": "a", "uid": "u1", "finalizers": ["example.org/theirs"]}}
    ours = held(plain)
    assert ours["metadata"]["finalizers"] == ["example.org/theirs", FINALIZER]
    assert plain["metadata"]["finalizers"] == ["example.org/theirs"]
    assert held(ours) == ours
    assert is_held(ours) and not is_held(plain)
    assert release_patch(ours) == {"metadata": {"uid": "u1", "$deleteFromPrimitiveList/finalizers": [FINALIZER]}}


def test_the_ledger_is_tried_again_ever_more_slowly() -> None:
    pauses = [pause_s(attempt) for attempt in range(1, 40)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.25, 15.0)
