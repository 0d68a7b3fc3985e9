"""Functions as checks: what they may return, how they are told again, and that none is ever skipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data_access.checks import as_check, custom, functions, not_null
from data_access.checks.functions import code_of, text_of
from data_access.errors import DataError, Reason
from tests.unit.data_access.checks.judging import judged

TABLE = pa.table({"x": [1, -2, 3, -4, None]})


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(functions, "_registered", {})
    yield


def positive(table: pa.Table) -> Any:
    """Amounts are positive.

    Refunds are booked elsewhere.
    Ask Bob.
    """
    return pc.greater(table["x"], 0)


def test_a_function_judges_rows_and_says_so() -> None:
    for rowwise in (False, True):
        check = custom(positive, takes="arrow", rowwise=rowwise)
        found = judged(check, TABLE)
        assert found.seen == "it does not hold for 3 of 5 rows (60.0 %)"
        assert [row.number for row in found.sample] == [1, 3, 4]
        assert (check.name, check.sentence()) == ("custom(positive)", "Amounts are positive")
        assert check.note == "Refunds are booked elsewhere.\nAsk Bob."


def test_a_function_may_take_polars() -> None:
    assert judged(custom(lambda frame: frame["x"] > 0, takes="polars"), TABLE).failed == 3


@pytest.mark.parametrize(
    ("returned", "passed", "said"),
    [
        (True, True, "holds for 5 rows"),
        (False, False, "does not hold for 5 rows"),
        (pa.scalar(False), False, "does not hold for 5 rows"),
        ("", True, "all 5 rows"),
        ("12 orders lack an invoice", False, "12 orders lack an invoice"),
        ([True] * 5, True, "all 5 rows"),
        ([True, None, True, True, True], False, "1 of 5 rows"),
    ],
)
def test_what_a_function_may_return(returned: Any, passed: bool, said: str) -> None:
    found = judged(custom(lambda _: returned, takes="arrow"), TABLE)
    assert (found.passed, found.judged) == (passed, True)
    assert said in found.seen


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "returned nothing; it must return True or False"),
        ([True], "returned 1 values of bool for 5 rows"),
        ([1, 2, 3, 4, 5], "not one boolean for each"),
        (object(), "it returned a object"),
    ],
)
def test_what_says_nothing_has_not_passed(returned: Any, said: str) -> None:
    found = judged(custom(lambda _: returned, takes="arrow"), TABLE)
    assert (found.passed, found.judged) == (False, False)
    assert said in found.seen or "not True or False" in found.seen


def test_a_function_that_breaks_has_not_passed() -> None:
    def broken(table: pa.Table) -> bool:
        return bool(table["y"])

    def asserting(table: pa.Table) -> bool:
        assert table.num_rows > 10, "fewer than ten shops"
        return True

    assert judged(custom(broken, takes="arrow"), TABLE).seen.startswith("KeyError: ")
    found = judged(custom(asserting, takes="arrow"), TABLE)
    assert (found.passed, found.judged, found.seen) == (False, True, "fewer than ten shops")


def test_a_function_without_rows_is_not_asked() -> None:
    assert judged(custom(lambda _: False, takes="arrow", rowwise=True), TABLE.slice(0, 0)).passed


def stored(check: Any) -> Any:
    return check.model_copy(update={"run": None, "author": "ann"})


def test_a_registered_function_is_found_by_its_name_and_text() -> None:
    custom("positive amounts", takes="arrow", note="!")(positive)
    check = as_check(positive)
    assert (check.function, check.note, check.takes) == ("positive amounts", "!", "arrow")
    assert code_of(stored(check)).run is positive


def test_a_function_may_have_another_name_in_history() -> None:
    custom("positive amounts", name="amounts", takes="arrow")(positive)
    check = as_check(positive)
    assert (check.function, check.name) == ("positive amounts", "amounts")
    check = custom(positive, name="amounts", severity="warn", author="ann")
    assert (check.function, check.name, check.severity, check.author) == ("positive", "amounts", "warn", "ann")


def test_a_function_that_is_not_here_is_not_skipped() -> None:
    with pytest.raises(DataError) as refused:
        code_of(stored(custom(positive, takes="arrow")))
    assert refused.value.reason == Reason.CHECKS_NEEDED
    assert "which this session lacks; it is not skipped. Ask ann for it" in str(refused.value)
    assert "@custom('positive')" in str(refused.value)


def test_another_function_of_that_name_does_not_pass_for_it() -> None:
    check = stored(custom(positive, takes="arrow"))

    @custom("positive")
    def other(_: Any) -> bool:
        return True

    with pytest.raises(DataError, match="is not the one that the check 'custom\\(positive\\)' was set with") as refused:
        code_of(check)
    assert refused.value.reason == Reason.CHECKS_NEEDED


def test_the_text_is_without_decorators_and_indentation() -> None:
    @custom("a name")
    def inner(frame: polars.DataFrame) -> bool:
        return len(frame) > 0

    assert text_of(inner) == "def inner(frame: polars.DataFrame) -> bool:\n    return len(frame) > 0"
    assert text_of(len) == ""


def test_what_is_no_check_is_refused() -> None:
    assert as_check(not_null("x")) == not_null("x")
    with pytest.raises(DataError, match="A int is no check"):
        as_check(3)
