"""The cleaner: whose pods it releases, and what it says that they cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from spawner.billed import FINALIZER
from spawner.cluster import POD
from spawner.release import release_all, told_of
from tests.fakes.cluster import FakeCluster

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
MACHINE = (
    '{"profile_id":"gpu","display_name":"GPU","pool_id":"gpu","cpu_cores":4,"memory_bytes":1,"gpus":1,'
    '"price_per_hour":{"amount":"2.40","currency":"EUR"}}'
)


def pod(name: str, state: dict[str, Any] | None, *, held: bool = True, **metadata: Any) -> Any:
    finalizers = {"finalizers": ["example.org/theirs", FINALIZER]} if held else {}
    notes = {"hub.jupyter.org/username": "ada", "remuda.dev/machine": MACHINE}
    statuses = [{"name": "notebook", "state": state}] if state else []
    return {
        "metadata": {"name": name, "namespace": "hub", "annotations": notes, **finalizers, **metadata},
        "spec": {"nodeName": "n1", "containers": [{"name": "notebook"}]},
        "status": {"phase": "Running", "containerStatuses": statuses},
    }


RUNS = {"running": {"startedAt": "2026-03-04T11:00:00Z"}}
ENDED = {"terminated": {"startedAt": "2026-03-04T11:00:00Z", "finishedAt": "2026-03-04T11:30:00Z", "exitCode": 0}}
LEAVING = {"deletionTimestamp": "2026-03-04T11:45:30Z", "deletionGracePeriodSeconds": 30}


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (pod("a", RUNS), "2026-03-04 11:00:00 to now, and it runs on: 3600 s, 2.40 EUR as GPU"),
        (pod("a", ENDED), "2026-03-04 11:00:00 to 2026-03-04 11:30:00 UTC: 1800 s, 1.20 EUR as GPU"),
        (pod("a", ENDED, **LEAVING), "2026-03-04 11:00:00 to 2026-03-04 11:30:00 UTC: 1800 s, 1.20 EUR as GPU"),
        (pod("a", None), "never ran"),
        (pod("a", RUNS, annotations={}), "2026-03-04 11:00:00 to now, and it runs on: 3600 s"),
    ],
)
def test_what_it_says_of_a_pod(seen: Any, told: str) -> None:
    owner = seen["metadata"]["annotations"].get("hub.jupyter.org/username", "nobody")
    assert told_of(seen, NOW) == f"hub/a  {owner}  {told}"


async def test_every_held_pod_is_released_and_others_finalizers_stay() -> None:
    cluster, told = FakeCluster(), []
    for each in (pod("runs", RUNS), pod("goes", ENDED, **LEAVING), pod("theirs", RUNS, held=False)):
        cluster.put(POD, each, "hub")
    cluster.things["pods", "hub", "goes"]["metadata"] |= {"finalizers": [FINALIZER], "deletionGracePeriodSeconds": 0}
    assert await release_all(cluster, "hub", told.append, dry_run=True) == 2
    assert len(told) == 2 and ("pods", "hub", "goes") in cluster.things
    assert "patch pods" not in cluster.requests
    assert await release_all(cluster, "hub", told.append, dry_run=False) == 2
    assert ("pods", "hub", "goes") not in cluster.things, "it waited for nothing else"
    assert cluster.things["pods", "hub", "runs"]["metadata"]["finalizers"] == ["example.org/theirs"]
    assert await release_all(cluster, "hub", told.append, dry_run=False) == 0
