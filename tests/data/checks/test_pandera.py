"""Pandera's schemas as checks, of pandas and of Polars; they judge and change nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pandas
import pandera.pandas as pa_pandas
import pandera.polars as pa_polars
import polars
import pyarrow as pa
import pytest

from data_access import load_dataframe, store_dataframe
from data_access.checks import check, custom, functions, get_checks, pandera
from data_access.errors import CheckFailedError, DataError, Reason
from data_access.workspace import Workspace

FRAME = pandas.DataFrame({"a": [1, -2, 3, 400], "b": ["x", "z", None, "y"]})


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(functions, "_registered", {})
    yield


def schema() -> pa_pandas.DataFrameSchema:
    return pa_pandas.DataFrameSchema(
        {
            "a": pa_pandas.Column(int, pa_pandas.Check.ge(0)),
            "b": pa_pandas.Column(str, pa_pandas.Check.isin(["x", "y"]), nullable=False),
        },
        name="letters",
        description="Letters come from the form.",
    )


class Letters(pa_pandas.DataFrameModel):
    """Letters come from the form."""

    a: int = pa_pandas.Field(ge=0)

    @pa_pandas.dataframe_check
    def small(cls, frame: pandas.DataFrame) -> pandas.Series:
        return frame["a"] < 100


def test_all_failures_are_found_at_once_with_counts_and_rows() -> None:
    (result,) = check(FRAME, [schema()])
    assert (result.name, result.check.sentence()) == ("pandera(letters)", "the rows fit the Pandera schema letters")
    assert result.seen == (
        "a: greater_than_or_equal_to(0), 1 of 4 rows (25.0 %), as -2; b: not_nullable, 1 of 4 rows (25.0 %), as NaN; "
        "b: isin(['x', 'y']), 1 of 4 rows (25.0 %), as z"
    )
    assert result.failed == 2
    assert [(row.number, row.values) for row in result.sample] == [(1, {"a": -2, "b": "z"}), (2, {"a": 3, "b": None})]
    assert result.check.note == "Letters come from the form."
    assert check(FRAME.iloc[[0, 3]], [schema()])


def test_models_are_taken_as_they_are() -> None:
    (result,) = check(FRAME, [Letters])
    assert "small, 1 of 4 rows (25.0 %)" in result.seen
    assert "a: greater_than_or_equal_to(0), 1 of 4 rows (25.0 %), as -2" in result.seen
    assert result.name == "pandera(Letters)"


def test_a_schema_may_have_another_name_in_history() -> None:
    assert (pandera(schema(), name="l").name, pandera(schema(), name="l").schema_name) == ("l", "letters")
    custom("words", name="w", note="!")(Letters)
    (result,) = check(FRAME, [Letters])
    assert (result.name, result.check.note, result.check.sentence()) == (
        "w",
        "!",
        "the rows fit the Pandera schema words",
    )


def test_schemas_of_polars_too() -> None:
    rules = pa_polars.DataFrameSchema({"a": pa_polars.Column(polars.Int64, pa_polars.Check.ge(0))}, name="p")
    (result,) = check(FRAME, [rules])
    assert (result.failed, result.sample[0].number) == (1, 1)
    assert check(polars.DataFrame({"a": [1, 2]}), [rules])

    class Model(pa_polars.DataFrameModel):
        a: int = pa_polars.Field(ge=0)

    assert not check(FRAME, [Model])


def test_a_schema_changes_nothing_so_what_it_would_change_fails() -> None:
    coercing = pa_pandas.DataFrameSchema({"a": pa_pandas.Column(str, coerce=True)}, coerce=True)
    assert not check(FRAME, [coercing])
    assert coercing.coerce, "the given schema is as it was"
    dropping = pa_pandas.DataFrameSchema({"a": pa_pandas.Column(int, pa_pandas.Check.ge(0))}, drop_invalid_rows=True)
    assert not check(FRAME, [dropping])
    filtering = pa_pandas.DataFrameSchema({"a": pa_pandas.Column(int)}, strict="filter")
    assert "column_in_schema" in check(FRAME, [filtering]).results[0].seen


def test_a_missing_column_and_an_empty_frame() -> None:
    assert "column_in_dataframe" in check(FRAME[["a"]], [schema()]).results[0].seen
    assert check(pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())}), [schema()])


@pytest.mark.parametrize("workspace", ["sqlite+local"], indirect=True)
def test_a_schema_guards_a_table_and_needs_no_code_where_it_can_be_written(workspace: Workspace) -> None:
    fine = FRAME.iloc[[0, 3]].reset_index(drop=True)
    store_dataframe(fine, "sandbox_ann", "letters", checks=[pandera(schema(), author="bob")], workspace=workspace)
    (kept,) = get_checks("sandbox_ann.letters", workspace=workspace)
    assert (kept.run, kept.author, kept.backend) == (None, "bob", "pandas")
    with pytest.raises(CheckFailedError, match="b: not_nullable"):
        store_dataframe(FRAME, "sandbox_ann", "letters", workspace=workspace)
    assert check("sandbox_ann.letters", workspace=workspace)
    assert len(load_dataframe("sandbox_ann", "letters", workspace=workspace)) == 2


@pytest.mark.parametrize("workspace", ["sqlite+local"], indirect=True)
def test_a_schema_with_code_needs_it_in_the_session(workspace: Workspace) -> None:
    fine = FRAME.iloc[[0]].reset_index(drop=True)
    store_dataframe(fine, "sandbox_ann", "letters", checks=[Letters], workspace=workspace)
    with pytest.raises(DataError, match="the Pandera schema 'Letters', which this session lacks") as refused:
        store_dataframe(fine, "sandbox_ann", "letters", workspace=workspace)
    assert refused.value.reason == Reason.CHECKS_NEEDED
    custom("Letters")(Letters)
    store_dataframe(fine, "sandbox_ann", "letters", workspace=workspace)
    with pytest.raises(CheckFailedError):
        store_dataframe(FRAME, "sandbox_ann", "letters", workspace=workspace)


@pytest.mark.parametrize("workspace", ["sqlite+local"], indirect=True)
def test_a_schema_whose_code_has_no_text_is_not_kept(workspace: Workspace) -> None:
    loose = pa_pandas.DataFrameSchema({"a": pa_pandas.Column(int, pa_pandas.Check(lambda column: column > 0))})
    with pytest.raises(DataError, match="can't be found"):
        store_dataframe(FRAME.iloc[[0]], "sandbox_ann", "letters", checks=[loose], workspace=workspace)
