"""What people read, as text and in a notebook."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest

from data_access.checks import CheckReport, CheckResult, check, in_range, in_set, not_null, row_count
from data_access.checks.context import Alone, CheckContext, Passed
from data_access.checks.measure import SampleRow, share, shown
from data_access.checks.run import Stored, run
from data_access.errors import DataError, Reason
from tests.unit.data_access.checks.judging import NOW

AMOUNT = in_range(
    "amount",
    0,
    author="ann",
    note="Refunds are booked in sales.refunds.\nIf one is here, the import mixed them: run it again.",
)
ROWS = (SampleRow(1204, {"amount": -5.0, "shop": "a\nb"}), SampleRow(9, {"amount": None, "shop": "<b>"}))


def report(**changes: object) -> CheckReport:
    failed = CheckResult(AMOUNT, False, "2 of 9 rows are outside", 9, 2, ROWS, **changes)  # type: ignore[arg-type]
    warns = CheckResult(not_null("shop", severity="warn"), False, "1 of 9 rows", 9, 1, severity="warn")
    fine = CheckResult(in_set("shop", ["a"]), True, "all 9 rows", 9)
    return CheckReport("sales.orders", (fine, warns, failed), "Nothing was committed.")


def test_a_failure_reads_like_a_colleagues_message() -> None:
    then = Passed(41, datetime(2026, 11, 19, 8, 12, tzinfo=UTC), "bob")
    assert str(report(last_passed=then)) == (
        "sales.orders: of 3 checks, 1 fails and 1 warns. Nothing was committed.\n"
        "\n"
        "✗ amount is at least 0  [stop]\n"
        "  Seen: 2 of 9 rows are outside.\n"
        "  Namely:\n"
        "      row  amount  shop\n"
        "    1,204      -5  a\\nb\n"
        "        9    null  <b>\n"
        "  Note from ann: Refunds are booked in sales.refunds.\n"
        "    If one is here, the import mixed them: run it again.\n"
        "  It last passed in commit 41, 2026-11-19 08:12 UTC, by bob.\n"
        "\n"
        "! shop is never missing  [warns only]\n"
        "  Seen: 1 of 9 rows.\n"
        "\n"
        "✓ shop is always a: all 9 rows"
    )


@pytest.mark.parametrize(
    ("looked", "said"),
    [(0, None), (1, "It did not pass in the last commit either, and there is no earlier one."),
     (12, "It passed in none of the last 12 commits that were checked.")],
)  # fmt: skip
def test_what_is_said_when_it_never_passed(looked: int, said: str | None) -> None:
    assert CheckResult(AMOUNT, False, "x", looked_back=looked).history() == said


def test_a_page_holds_the_same_and_no_markup_of_the_data() -> None:
    then = Passed(41, datetime(2026, 11, 19, 8, 12, tzinfo=UTC), "bob")
    html = report(last_passed=then)._repr_html_()
    text = "".join(ET.fromstring(html).itertext())
    for said in ("of 3 checks, 1 fails and 1 warns.", "Refunds are booked", "commit 41", "<b>", "1,204", "all 9 rows."):
        assert said in text
    assert "<b>&lt;" not in html
    assert "&lt;b&gt;" in html
    assert html.count("<table") == 1


def test_a_report_is_true_unless_something_stops() -> None:
    assert not report()
    assert CheckReport("x", (CheckResult(AMOUNT, False, "x", severity="warn"),))
    assert CheckReport("x", ())
    assert str(CheckReport("x", ())) == "x has no checks."
    assert [each.name for each in report().failures] == ["in_range(amount, 0, …)", "not_null(shop)"]


def test_a_record_holds_counts_and_no_rows() -> None:
    record = CheckResult(AMOUNT, False, "2 of 9 rows", 9, 2, ROWS, severity="warn", demoted_by="ann").record()
    assert (record.name, record.severity, record.passed) == ("in_range(amount, 0, …)", "warn", False)
    assert record.seen == "2 of 9 rows (demoted from stop by ann)"
    assert "1204" not in str(record)


def test_a_report_is_a_frame_too() -> None:
    frame = report().to_frame()
    assert list(frame["result"]) == ["passed", "warns", "failed"]
    assert frame["failed"].tolist() == [0, 1, 2]


def test_any_frame_is_checked() -> None:
    import polars

    table = pa.table({"amount": [1.0, -2.0]})
    for frame in (table, table.to_batches()[0], table.to_reader(), polars.from_arrow(table), iter(table.to_batches())):
        found = check(frame, AMOUNT, now=NOW)
        assert (bool(found), found.results[0].failed, found.subject) == (False, 1, "The frame")


@pytest.mark.parametrize(
    "call",
    [
        lambda: check(pa.table({"x": [1]})),
        lambda: check(pa.table({"x": [1]}), []),
        lambda: check(pa.table({"x": [1]}), not_null("x"), as_of=3),
        lambda: check(pa.table({"x": [1]}), not_null("x"), now=NOW.replace(tzinfo=None)),
    ],
)
def test_a_check_of_nothing_is_refused(call: object) -> None:
    with pytest.raises(DataError) as refused:
        call()  # type: ignore[operator]
    assert refused.value.reason == Reason.BAD_ARGUMENT


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(1, 1, "1 of 1 row (100 %)"), (1, 10**7, "1 of 10,000,000 rows (less than 0.001 %)"),
     (1, 8, "1 of 8 rows (12.5 %)"), (99_999, 100_000, "99,999 of 100,000 rows (99.9 %)"),
     (1, 30, "1 of 30 rows (3.3 %)")],
)  # fmt: skip
def test_shares_as_people_say_them(part: int, whole: int, said: str) -> None:
    assert share(part, whole) == said


def test_values_as_people_read_them() -> None:
    assert [shown(each) for each in (None, float("nan"), 1e9, "é\t", "x" * 50)] == [
        "null", "NaN", "1e+09", "é\\t", "x" * 39 + "…",
    ]  # fmt: skip


def test_of_files_only_what_checks_look_at_is_read_and_rows_are_shown_whole() -> None:
    asked: list[object] = []
    table = pa.table({"x": [1, 2, 3], "amount": [1.0, -2.0, -3.0], "z": ["a", "b", "c"]})

    def read(columns: object) -> list[pa.RecordBatch]:
        asked.append(columns)
        return (table if columns is None else table.select(columns)).to_batches(max_chunksize=2)

    rows = Stored(table.column_names, read)
    context = CheckContext(NOW, Alone())
    assert run([in_range("x", 0)], rows, context)[0].passed
    assert run([row_count(1)], rows, context)[0].rows == 3
    assert asked == [("x",), ("x",)]
    (found,) = run([AMOUNT], rows, context)
    assert [dict(row.values) for row in found.sample] == [
        {"amount": -2.0, "x": 2, "z": "b"},
        {"amount": -3.0, "x": 3, "z": "c"},
    ]
    (lacking,) = run([in_range("amonut", 0)], rows, context)
    assert lacking.seen == "there is no column amonut. Did you mean amount?"
    (lacking,) = run([in_range("amonut", 0)], Stored(["amount"], lambda _: ()), context)
    assert not lacking.judged
