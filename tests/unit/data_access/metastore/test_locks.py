"""Whose lock may be taken away."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from data_access.metastore.glue.lease import SKEW_S, STALE_S, Lease, free
from data_access.metastore.hive.locks import AGENT, Standing, dead, lock_name
from data_access.names import TableName

MINE = Standing(7, f"{AGENT}x", "ann", "a", False, 100_000)
DEAD = Standing(3, f"{AGENT}y", "bob", "b", True, 80_000)


def test_only_older_locks_of_this_module_without_heartbeat_are_dead() -> None:
    queue = [
        DEAD,
        replace(DEAD, id=4, acquired=False),  # died while it waited; it blocks as well
        replace(DEAD, id=5, agent="HiveServer2"),  # another program's is never touched
        replace(DEAD, id=6, beat=86_000),  # alive
        MINE,
        replace(DEAD, id=8),  # behind us
    ]
    assert [lock.id for lock in dead(7, queue, 15_000)] == [3, 4]
    assert dead(9, queue, 15_000) == [], "without our own lock there is no clock to compare with"
    assert dead(7, [replace(DEAD, beat=85_000), MINE], 15_000) == [], "exactly the limit is alive"


def test_what_is_locked_has_a_name_that_no_table_has_and_that_fits() -> None:
    assert lock_name(TableName("sales", "orders")) == "orders#commit"
    assert len(lock_name(TableName("sales", "t" * 128))) <= 128


LEASE = Lease("token", 3, 1_000_000.0, "ann", "host")


def test_a_lease_is_free_when_nobody_renews_it() -> None:
    now = LEASE.at + 5
    assert free(None, 0, now)
    assert free("no lease at all", 0, now)
    assert not free(str(LEASE), 0, now)
    assert not free(str(LEASE), STALE_S, now)
    assert free(str(LEASE), STALE_S + 0.1, now), "unchanged while we looked on"
    assert free(str(LEASE), 0, LEASE.at + STALE_S + SKEW_S + 1), "older than any skew of clocks"
    assert not free(str(LEASE), 0, LEASE.at - SKEW_S), "its clock may be ahead of ours"


@given(st.text("abc0", min_size=1), st.integers(0), st.integers(0, 10**10), st.text("ann", min_size=1))
def test_leases_go_round(token: str, beat: int, at: int, owner: str) -> None:
    lease = Lease(token, beat, float(at), owner, "host")
    assert Lease.parse(str(lease)) == lease
