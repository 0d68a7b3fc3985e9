"""What history says about checks: usual row counts, and who passed last. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from data_access.checks.table import last_passes, past_of, stored_rows
from data_access.names import TableName
from data_access.tables.model import CheckRecord, Column, Commit, PartitionDelta, Schema

SCHEMA = Schema((), (Column("day", "string", "string"),), "")


def commit(number: int, rows: dict[str, int], operation: str = "store", *checks: CheckRecord) -> Commit:
    at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=number)
    deltas = tuple(PartitionDelta((day,), "replaced", n, 0) for day, n in rows.items())
    return Commit(
        TableName("a", "b"), number, f"id{number}", None, operation, "overwrite", at, "ann", "", SCHEMA, deltas,  # type: ignore[arg-type]
        rows=0, bytes=0, files=0, checks=checks,
    )  # fmt: skip


COMMITS = [
    commit(6, {"mon": 60}),
    commit(5, {"tue": 50, "wed": 51}),
    commit(4, {"mon": 1}, "rollback"),
    commit(3, {"mon": 30}),
    commit(2, {}, "checks"),
    commit(1, {"mon": 10}, "create"),
]


def test_the_past_of_a_partition_is_its_own_stores() -> None:
    (past,) = past_of({("mon",): 70}, COMMITS, SCHEMA, 2)
    assert (past.label, past.now, past.earlier, past.same) == ("day=mon", 70, (60, 30), True)


def test_a_new_partition_is_compared_with_the_last_stored_ones() -> None:
    new, old = past_of({("thu",): 7, ("mon",): 8}, COMMITS, SCHEMA, 2)
    assert (new.earlier, new.same) == ((50, 51), False)
    assert (old.earlier, old.same) == ((60, 30), True)


def test_removed_partitions_and_rollbacks_are_no_stores() -> None:
    removed = replace(COMMITS[0], changed=(PartitionDelta(("mon",), "removed", 9, 0),))
    assert stored_rows(removed) == {}
    assert stored_rows(COMMITS[2]) == {}


def test_the_last_pass_is_the_newest_one() -> None:
    fine, wrong = (CheckRecord("n", "stop", passed, "") for passed in (True, False))
    commits = [
        commit(4, {}, "store", wrong),
        commit(3, {}, "checks"),
        commit(2, {}, "store", fine),
        commit(1, {}, "store", fine),
    ]
    passes, looked = last_passes(commits, ["n", "new"])
    assert passes["n"].number == 2
    assert "new" not in passes
    assert looked == 3
