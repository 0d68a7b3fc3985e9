"""Small things that a person stumbles over: what the messages say then."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pandas
import pytest

import data_access as api
from data_access.checks import not_null
from data_access.cli import main
from data_access.errors import DataError, NotFoundError, Reason
from data_access.storage import local
from data_access.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return api.connect(metastore=f"sqlite:///{tmp_path}/c.sqlite", warehouse=str(tmp_path / "lake"), user="ann")


def test_an_error_with_lines_of_its_own_has_no_space_before_the_remedy() -> None:
    assert str(DataError(Reason.BAD_QUERY, "It does not run:\n    ^^^\n", "Correct it.")).endswith("^^^\nCorrect it.")


def test_an_error_names_its_table_once() -> None:
    error = NotFoundError(Reason.UNKNOWN_PARTITION, "There is no partition day=1.", "There are none.")
    error.about("sales.orders")
    error.about("sales.orders")
    assert str(error) == "sales.orders: There is no partition day=1. There are none."
    assert error.__reduce__()[1][1] == "sales.orders: There is no partition day=1."  # type: ignore[index]


def test_no_leave_names_the_user_and_the_owner(tmp_path: Path) -> None:
    me = pwd.getpwuid(os.geteuid()).pw_name
    with (
        pytest.raises(DataError, match=f"opened by you, '{me}' \\({tmp_path} is {me}'s\\)"),
        local._errors(tmp_path / "x"),
    ):
        raise PermissionError


def test_one_row_is_one_row(workspace: Workspace) -> None:
    commit = api.store_dataframe(pandas.DataFrame({"n": [1]}), "sandbox_ann", "one", workspace=workspace)
    assert "1 row in 1 file>" in repr(commit)


def test_a_check_of_no_column_says_so() -> None:
    with pytest.raises(DataError, match="columns names none"):
        not_null()


def test_a_query_is_a_text_and_a_path_has_an_ending(workspace: Workspace) -> None:
    with pytest.raises(DataError, match="query=3 is of type int"):
        api.sql(3, workspace=workspace)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError, match="neither a table nor a file whose ending says its format"):
        api.sql("select * from '/etc/passwd'", workspace=workspace)


def test_none_is_no_model(workspace: Workspace) -> None:
    with pytest.raises(DataError, match="There is no model to keep as 'churn': it is None"):
        api.save_model(None, "churn", inputs=(), workspace=workspace)


def test_the_command_line_says_which_number_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["head", "sales.orders", "-n", "x"])
    assert "must be 1 or more, not 'x'" in capsys.readouterr().err


def test_remedies_on_the_command_line_name_its_flags(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("n\n1\n")
    assert main(["copy", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]) == 1
    said = capsys.readouterr().err
    assert "--overwrite replaces" in said
    assert "=True" not in said


def test_gc_on_the_command_line_takes_dry_run_but_not_with_yes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["gc", "sales.orders", "--dry-run", "--yes"])
    assert "not allowed with" in capsys.readouterr().err
