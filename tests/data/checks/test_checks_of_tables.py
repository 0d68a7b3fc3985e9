"""Checks of real tables: what fails is never visible, what was seen is in the history."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars
import pyarrow as pa
import pytest

from data_access import gc, history, load_dataframe, rollback, store_dataframe, tag
from data_access.checks import (
    CheckWarning,
    add_checks,
    check,
    custom,
    demote,
    foreign_key,
    freshness,
    functions,
    get_checks,
    in_range,
    in_set,
    no_drift,
    not_null,
    remove_checks,
    row_count,
    set_checks,
    stored,
    unique,
)
from data_access.checks.stored import FOLDER
from data_access.errors import CheckFailedError, CorruptError, DataError, ForbiddenError, Reason
from data_access.tables.snapshot import open_snapshot
from data_access.workspace import Workspace

DB, TABLE = "sandbox_ann", "orders"
NAME = f"{DB}.{TABLE}"
pytestmark = pytest.mark.parametrize("workspace", ["sqlite+local", "hive+s3"], indirect=True)


def orders(*ids: int | None, day: str = "2026-11-20", **more: Any) -> pa.Table:
    columns = {"id": pa.array(ids, pa.int64()), "day": [day] * len(ids), "amount": [float(i or 0) for i in ids]}
    return pa.table({**columns, **more})


def store(workspace: Workspace, frame: Any, table: str = TABLE, **more: Any) -> Any:
    return store_dataframe(frame, DB, table, workspace=workspace, **more)


def ids(workspace: Workspace, table: str = TABLE) -> list:
    return sorted(load_dataframe(DB, table, into="arrow", workspace=workspace)["id"].to_pylist())


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(functions, "_registered", {})
    yield


def test_what_fails_is_never_visible_and_says_why(workspace: Workspace) -> None:
    note = "Billing joins on it. If one is missing, the export broke: run it again."
    first = store(workspace, orders(1, 2), partition_by=["day"], checks=[not_null("id", note=note)])
    before = {each.url for each in workspace.storage.list(f"{open_snapshot(workspace, first.table).root}/")}
    with pytest.raises(CheckFailedError) as refused:
        store(workspace, orders(3, None, None))
    assert refused.value.reason == Reason.CHECK_FAILED
    assert str(refused.value) == (
        "The rows for sandbox_ann.orders: its one check fails. "
        "Nothing was committed: the table is as it was (commit 1).\n"
        "\n"
        "✗ id is never missing  [stop]\n"
        "  Seen: id is missing in 2 of 3 rows (66.7 %).\n"
        "  Namely:\n"
        "    row    id  amount  day\n"
        "      1  null       0  2026-11-20\n"
        "      2  null       0  2026-11-20\n"
        "  Note from ann: Billing joins on it. If one is missing, the export broke: run it again.\n"
        f"  It last passed in commit 1, {first.at:%Y-%m-%d %H:%M} UTC, by ann.\n"
        "\n"
        "Correct the rows and store again; get_checks(…) shows the checks."
    )
    assert ids(workspace) == [1, 2]
    assert [each.number for each in history(NAME, workspace=workspace)] == [1]
    after = {each.url for each in workspace.storage.list(f"{open_snapshot(workspace, first.table).root}/")}
    assert after == before, "its files are gone too"
    (result,) = refused.value.results
    assert (result.failed, result.last_passed.number) == (2, 1)


def test_what_checks_saw_is_in_the_manifest(workspace: Workspace) -> None:
    rules = [not_null("id"), in_range("amount", 5, severity="warn", note="!")]
    with pytest.warns(CheckWarning):
        commit = store(workspace, orders(1, 2), checks=rules)
    (read,) = history(NAME, workspace=workspace)
    assert read.checks == commit.checks
    assert [(each.name, each.severity, each.passed, each.note) for each in read.checks] == [
        ("not_null(id)", "stop", True, ""),
        ("in_range(amount, 5, …)", "warn", False, "!"),
    ]
    assert "2 of 2 rows (100 %) are outside" in read.checks[1].seen


def test_a_warning_is_said_and_the_rows_are_stored(workspace: Workspace) -> None:
    with pytest.warns(CheckWarning, match="amount is at least 5") as said:
        store(workspace, orders(1), checks=[in_range("amount", 5, severity="warn")])
    assert "They are stored all the same." in str(said[0].message)
    assert ids(workspace) == [1]


def test_checks_of_the_first_store_stay_and_change_by_commits_that_history_shows(workspace: Workspace) -> None:
    store(workspace, orders(1), checks=[not_null("id")])
    assert list(get_checks(NAME, workspace=workspace)) == [not_null("id", author="ann")]
    add_checks(DB, TABLE, in_range("amount", 0, note="new"), message="no refunds", workspace=workspace)
    add_checks(DB, TABLE, [not_null("id", note="key")], workspace=workspace)
    assert [(each.name, each.note) for each in get_checks(NAME, workspace=workspace)] == [
        ("not_null(id)", "key"),
        ("in_range(amount, 0, …)", "new"),
    ]
    remove_checks(DB, TABLE, "not_null(id)", workspace=workspace)
    store(workspace, orders(None))
    told = [(each.number, each.operation, each.by, each.message) for each in history(NAME, workspace=workspace)]
    assert told[1:] == [
        (4, "checks", "ann", ""),
        (3, "checks", "ann", ""),
        (2, "checks", "ann", "no refunds"),
        (1, "create", "ann", ""),
    ]
    assert len(get_checks(NAME, as_of=1, workspace=workspace)) == 1
    rollback(NAME, 1, workspace=workspace)
    assert len(get_checks(NAME, workspace=workspace)) == 1, "a rollback of rows is none of checks"
    assert get_checks(NAME, workspace=workspace)[0].name == "in_range(amount, 0, …)"
    set_checks(DB, TABLE, [], workspace=workspace)
    assert not get_checks(NAME, workspace=workspace)


def test_checks_that_many_add_at_once_are_all_there(workspace: Workspace) -> None:
    store(workspace, orders(1))
    failures: list[BaseException] = []

    def add(number: int) -> None:
        try:
            add_checks(DB, TABLE, in_range("id", number), workspace=workspace)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(-4, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(each.low for each in get_checks(NAME, workspace=workspace)) == [-4, -3, -2, -1]


def test_a_check_about_no_column_is_refused(workspace: Workspace) -> None:
    store(workspace, orders(1))
    with pytest.raises(DataError, match="Did you mean amount") as refused:
        set_checks(DB, TABLE, [not_null("amuont")], workspace=workspace)
    assert refused.value.reason == Reason.UNKNOWN_COLUMN
    assert len(history(NAME, workspace=workspace)) == 1


def test_a_key_is_unique_among_the_rows_that_stay(workspace: Workspace) -> None:
    store(workspace, orders(1, 2), partition_by=["day"], checks=[unique("id")])
    store(workspace, orders(1, 2, 3))  # the same partition: what is replaced does not count
    with pytest.raises(CheckFailedError, match="1 key is in the table already"):
        store(workspace, orders(4, 3, day="2026-11-21"))
    with pytest.raises(CheckFailedError, match="1 key is in the table already"):
        store(workspace, orders(4, 3), mode="append")
    store(workspace, orders(4, 5), mode="append")
    assert ids(workspace) == [1, 2, 3, 4, 5]


def test_only_files_that_may_hold_a_key_are_read(workspace: Workspace) -> None:
    """The other one is not even there any more."""
    first = store(workspace, orders(1, 2), partition_by=["day"], checks=[unique("id")])
    snapshot = open_snapshot(workspace, first.table)
    workspace.storage.delete([f"{snapshot.root}/{snapshot.files[0].path}"])
    store(workspace, orders(3, 4, day="2026-11-21"))
    with pytest.raises(CheckFailedError, match="1 key is in the table already"):
        store(workspace, orders(4, 5, day="2026-11-22"))


def test_keys_that_became_wider_are_compared_with_the_narrow_ones(workspace: Workspace) -> None:
    narrow = pa.table({"id": pa.array([1, 2], pa.int32())})
    store(workspace, narrow, checks=[unique("id")])
    store(workspace, pa.table({"id": [2**40, 3]}), mode="append")
    with pytest.raises(CheckFailedError, match="2 keys are in the table already"):
        store(workspace, pa.table({"id": [2**40, 1, 9]}), mode="append")


def test_two_who_append_one_key_at_once_do_not_both_pass(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is judged again on top of the first."""
    from data_access.tables import store as storing

    store(workspace, orders(1), checks=[unique("id"), not_null("id")])
    real = storing.Attempts

    def attempts(*arguments: Any) -> Any:
        """Somebody else commits between the checks and the commit."""
        monkeypatch.setattr(storing, "Attempts", real)
        store(workspace, orders(7), mode="append")
        return real(*arguments)

    monkeypatch.setattr(storing, "Attempts", attempts)
    with pytest.raises(CheckFailedError, match="1 key is in the table already"):
        store(workspace, orders(7), mode="append")
    monkeypatch.setattr(storing, "Attempts", real)
    assert ids(workspace) == [1, 7]


def test_checks_that_come_between_judge_too(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from data_access.tables import store as storing

    store(workspace, orders(1))
    real = storing.Attempts

    def attempts(*arguments: Any) -> Any:
        monkeypatch.setattr(storing, "Attempts", real)
        set_checks(DB, TABLE, [in_range("id", None, 5)], workspace=workspace)
        return real(*arguments)

    monkeypatch.setattr(storing, "Attempts", attempts)
    with pytest.raises(CheckFailedError, match="id is at most 5"):
        store(workspace, orders(9), mode="append")
    assert ids(workspace) == [1]


def test_a_foreign_key_looks_into_another_table(workspace: Workspace) -> None:
    store(workspace, pa.table({"code": ["DE", "FR"], "n": [1, 2]}), "countries")
    tag(f"{DB}.countries", "v1", workspace=workspace)
    frame = orders(1, 2, land=["DE", "IT"])
    rule = foreign_key("land", f"{DB}.countries", "code")
    with pytest.raises(
        CheckFailedError, match=r"1 of 2 rows \(50.0 %\) has a value that is not in sandbox_ann.countries: IT"
    ):
        store(workspace, frame, checks=[rule])
    store(workspace, pa.table({"code": ["IT"], "n": [3]}), "countries", mode="append")
    with pytest.raises(CheckFailedError, match="as of v1"):
        store(workspace, frame, checks=[foreign_key("land", f"{DB}.countries", "code", as_of="v1")])
    store(workspace, frame, checks=[rule])
    assert check(NAME, workspace=workspace)
    assert not check(frame, [foreign_key("land", "sandbox_ann.none")], workspace=workspace).results[0].judged


def test_row_counts_are_compared_with_history(workspace: Workspace) -> None:
    rules = [row_count(percent=50, note="Shops report every day.")]
    for day, rows in (("01", 10), ("02", 12), ("03", 11)):
        store(workspace, orders(*range(rows), day=f"2026-11-{day}"), partition_by=["day"], checks=rules)
    with pytest.raises(CheckFailedError) as refused:
        store(workspace, orders(1, 2, day="2026-11-04"))
    assert (
        "day=2026-11-04: 2 rows, where 6 to 16 would be usual (it is new, and the last 3 stores of other partitions "
        "had 11 in the middle)"
    ) in str(refused.value)
    with pytest.raises(
        CheckFailedError, match=r"day=2026-11-01: 99 rows, where 5 to 15 would be usual \(the last store had 10\)"
    ):
        store(workspace, orders(*range(99), day="2026-11-01"))
    store(workspace, orders(*range(14), day="2026-11-01"))
    report = check(NAME, workspace=workspace)
    assert report
    assert report.results[0].seen == "day=2026-11-01: 14 rows, where 10 are usual"


def test_a_drift_is_seen_against_the_last_commit(workspace: Workspace) -> None:
    frame = pa.table({"id": range(1000), "pay": ["card", "cash"] * 500})
    store(workspace, frame, checks=[no_drift("pay", "id")])
    store(workspace, frame)
    other = frame.set_column(1, "pay", pa.array(["card"] * 950 + ["cash"] * 50))
    with pytest.raises(CheckFailedError, match=r"card went from 50\.0% to 95\.0%"):
        store(workspace, other)
    remove_checks(DB, TABLE, *(each.name for each in get_checks(NAME, workspace=workspace)), workspace=workspace)
    store(workspace, other)
    report = check(NAME, [no_drift("pay")], workspace=workspace)
    assert "card went from 50.0% to 95.0%" in report.results[0].seen


def test_a_table_is_checked_on_demand_and_as_of_then(workspace: Workspace) -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    workspace = replace(workspace, now=lambda: now)
    at = {"at": [datetime(2026, 11, 20, tzinfo=UTC)]}
    store(workspace, orders(1, **at), checks=[freshness("at", "1d"), in_range("id", 1)])
    store(workspace, orders(2, **at))
    set_checks(DB, TABLE, [in_range("id", 2), in_range("id", 3, severity="warn")], workspace=workspace)
    assert check(NAME, workspace=workspace)
    assert not check(NAME, [in_set("id", [1])], workspace=workspace)
    then = check(NAME, as_of=1, now=now, workspace=workspace)
    assert (bool(then), len(then), then.subject) == (True, 2, "sandbox_ann.orders, commit 1")
    late = check(NAME, as_of=1, now=now.replace(day=23), workspace=workspace)
    assert [each.passed for each in late] == [False, True]
    assert check(NAME, as_of=history(NAME, workspace=workspace)[0], workspace=workspace)


def test_production_needs_checks_and_none_can_be_demoted(workspace: Workspace) -> None:
    from data_access.metastore.base import DatabaseRecord

    settings = workspace.settings.model_copy(update={"grants": {"sales": ("ann",)}})
    granted = replace(workspace, settings=settings)
    granted.metastore.create_database(DatabaseRecord("sales", f"{workspace.warehouse}/sales"))
    with pytest.raises(DataError, match="production table without any check") as refused:
        store_dataframe(orders(1), "sales", "orders", workspace=granted)
    assert refused.value.reason == Reason.CHECKS_NEEDED
    store_dataframe(orders(1), "sales", "orders", checks=[in_range("id", 1)], workspace=granted)
    store_dataframe(orders(2), "sales", "orders", workspace=granted)
    with pytest.raises(ForbiddenError, match="can't be demoted"):
        store_dataframe(orders(0), "sales", "orders", checks=[demote("in_range(id, 1, …)")], workspace=granted)
    with pytest.raises(DataError, match="gives another one of that name"):
        store_dataframe(
            orders(0), "sales", "orders", checks=[in_range("id", 0, name="in_range(id, 1, …)")], workspace=granted
        )
    with pytest.raises(ForbiddenError):
        set_checks("sales", "orders", [], workspace=workspace)
    assert load_dataframe("sales", "orders", into="arrow", workspace=granted)["id"].to_pylist() == [2]


def test_in_a_sandbox_a_stop_may_be_demoted_and_history_says_by_whom(workspace: Workspace) -> None:
    store(workspace, orders(1), checks=[in_range("id", 1)])
    with pytest.raises(DataError, match="There is no check 'in_range'"):
        store(workspace, orders(0), checks=[demote("in_range")])
    with pytest.warns(CheckWarning, match="warns only"):
        commit = store(workspace, orders(0), checks=[demote("in_range(id, 1, …)"), not_null("id")])
    assert [(each.name, each.severity, each.passed) for each in commit.checks] == [
        ("in_range(id, 1, …)", "warn", False),
        ("not_null(id)", "stop", True),
    ]
    assert commit.checks[0].seen.endswith("(demoted from stop by ann)")
    with pytest.raises(CheckFailedError, match="It last passed in commit 1,"):
        store(workspace, orders(0))


def test_a_function_that_this_session_lacks_is_never_skipped(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    @custom("whole euros", takes="polars")
    def whole_euros(frame: polars.DataFrame) -> polars.Series:
        """Amounts are whole euros.

        Cents come from the old till.
        """
        return frame["amount"] % 1 == 0

    store(workspace, orders(1), checks=[whole_euros])
    with pytest.raises(CheckFailedError, match="Amounts are whole euros"):
        store(workspace, orders(1).set_column(2, "amount", pa.array([0.5])))
    monkeypatch.setattr(functions, "_registered", {})
    for call in (lambda: store(workspace, orders(2)), lambda: check(NAME, workspace=workspace)):
        with pytest.raises(DataError, match="Ask ann for it and run it with @custom") as refused:
            call()
        assert refused.value.reason == Reason.CHECKS_NEEDED
    assert 'frame["amount"] % 1 == 0' in get_checks(NAME, workspace=workspace)[0].source
    custom("whole euros", takes="polars")(whole_euros)
    store(workspace, orders(2))
    assert ids(workspace) == [2]


def test_checks_whose_object_is_gone_or_changed_stop_a_store(workspace: Workspace) -> None:
    first = store(workspace, orders(1), checks=[not_null("id")])
    snapshot = open_snapshot(workspace, first.table)
    (entry,) = workspace.storage.list(f"{snapshot.root}/{FOLDER}")
    stored._read.clear()
    workspace.storage.put(entry.url, b'{"format": 1, "checks": []}')
    with pytest.raises(CorruptError, match="are not what was committed"):
        store(workspace, orders(None))
    workspace.storage.delete([entry.url])
    with pytest.raises(CorruptError, match="nothing is stored without them"):
        store(workspace, orders(None))
    assert ids(workspace) == [1]


def test_gc_leaves_the_checks_that_a_kept_commit_names(workspace: Workspace) -> None:
    eager = replace(workspace, settings=workspace.settings.model_copy(update={"gc_grace_hours": 0}))
    store(eager, orders(1), checks=[not_null("id")])
    add_checks(DB, TABLE, unique("id"), workspace=eager)
    store(eager, orders(2))
    gc(NAME, keep_days=0, workspace=eager)
    stored._read.clear()
    assert [each.name for each in get_checks(NAME, workspace=eager)] == ["not_null(id)", "unique(id)"]
    with pytest.raises(CheckFailedError):
        store(eager, orders(None))


def test_what_is_larger_than_a_batch_is_judged_as_one(workspace: Workspace) -> None:
    """A million rows twice over, from an iterator: rows are numbered through, and a key is found in two batches."""
    half = pa.table({"id": range(600_000), "x": [0.5] * 600_000})
    other = pa.table({"id": range(599_999, 1_200_000), "x": [0.5] * 600_001})
    with pytest.raises(CheckFailedError) as refused:
        store(workspace, iter([half, other]), checks=[unique("id"), in_range("x", 0, 1)])
    (result,) = [each for each in refused.value.results if not each.passed]
    assert [row.number for row in result.sample] == [599_999, 600_000]
    assert (result.rows, result.failed) == (1_200_001, 2)


def test_a_store_without_checks_reads_nothing_back(workspace: Workspace) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        commit = store(workspace, orders(1))
    assert (commit.checks, commit.check_set) == ((), None)
