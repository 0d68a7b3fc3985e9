"""What a probe is told, and when it is told no."""

from __future__ import annotations

from typing import Any

import pytest

from hub_extensions.health.view import STALE_AFTER_S, Health

FRESH = {"synced": True, "stale_seconds": 0.0, "relists": 1, "expiries": 0, "reconnects": 0, "watching": 1}


@pytest.mark.parametrize(
    ("watch", "database", "problem"),
    [
        (FRESH, True, None),
        (None, True, None),
        ({**FRESH, "stale_seconds": STALE_AFTER_S}, True, None),
        ({**FRESH, "stale_seconds": STALE_AFTER_S + 1}, True, "nothing was heard from the cluster for 121 s"),
        ({**FRESH, "synced": False}, True, "the cluster's pods have not been listed yet"),
        ({**FRESH, "watching": 0}, True, "the cluster's pods have not been listed yet"),
        (FRESH, False, "the Hub's database does not answer"),
    ],
)
def test_ready_or_why_not(watch: dict[str, Any] | None, database: bool, problem: str | None):
    health = Health(profiles=3, database=database, watch=watch)
    assert health.ok is (problem is None)
    assert health.to_dict()["problems"] == ([problem] if problem else [])


def test_a_database_that_only_reads_is_told():
    health = Health(profiles=3, database=True, watch=None, unwritten="database or disk is full")
    told = health.to_dict()
    assert told["problems"] == ["the database of leases and ledger cannot be written (database or disk is full)"]
    assert told["database"] == {"ok": False, "problem": "cannot be written (database or disk is full)"}


def test_the_spawner_tells_what_the_probe_reads():
    from spawner.kubernetes import WorkbenchSpawner

    assert set(WorkbenchSpawner.watch_status()) == set(FRESH)
    assert callable(WorkbenchSpawner.begin_watching)
