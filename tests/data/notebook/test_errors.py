"""What IPython shows of an error of data, in a real kernel and in a real terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

WORK = """
import pandas
import data_access
from data_access import DataError
from data_access.checks import not_null

def store(frame):
    return data_access.store_dataframe(frame, "sandbox_ann", "orders", checks=[not_null("a")])

def chained():
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise DataError("conflict", "It was changed.", "Load it again.") from error

store(pandas.DataFrame({"a": [1.0, 2.0]}))
"""
WRONG_CONDITION = """# the first of three
condition = "a >> > 1"
data_access.load_dataframe("sandbox_ann", "orders", where=condition)"""
LIBRARIES = ("sqlglot", "site-packages", "data_access/", "direct cause", "concurrent")


def in_a_kernel(home: Path, *cells: str) -> list[str]:
    """What each cell's traceback says, without colours; a cell that raises nothing has its printed text."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in (WORK, *cells)])
    NotebookClient(notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(home)}}).execute()
    assert not any(each.output_type == "error" for each in notebook.cells[0].outputs), notebook.cells[0].outputs

    def text(output: Any) -> str:
        coloured = "\n".join(output.traceback) if output.output_type == "error" else output.get("text", "")
        return re.sub(r"\x1b\[[0-9;]*m", "", coloured)

    return ["".join(text(each) for each in cell.outputs) for cell in notebook.cells[1:]]


def in_a_terminal(home: Path, *cells: str) -> list[str]:
    def one(cell: str) -> str:
        # Each in a process of its own: the shell ends with the first error of a `-c`.
        done = subprocess.run(
            [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", f"{WORK}\n{cell}"],
            capture_output=True, text=True, check=False, timeout=120, cwd=home, env=dict(os.environ),
        )  # fmt: skip
        return done.stdout + done.stderr

    return [one(each) for each in cells]


@pytest.mark.parametrize("where", [in_a_kernel, in_a_terminal])
def test_ipython_shows_my_line_and_the_message(home: Path, where: Callable[..., list[str]]) -> None:
    wrong, refused, through = where(
        home,
        WRONG_CONDITION,
        "store(pandas.DataFrame({'a': [1.5, None]}))",
        "pandas.Series(['nowhere']).map(lambda name: data_access.load_dataframe('sandbox_ann', name))",
    )
    assert "data_access.load_dataframe" in next(each for each in wrong.splitlines() if re.match("-+> ", each))
    assert "DataError: sandbox_ann.orders: 'a >> > 1' can't be read" in wrong
    assert wrong.rstrip().endswith("%tb Verbose shows every step to it.")
    # Through a function of my own: both of my lines, and the report.
    assert "store(pandas.DataFrame" in refused
    assert "return data_access.store_dataframe(frame" in refused
    assert "✗ a is never missing" in refused
    # Through somebody else's library.
    assert "NotFoundError: There is no table 'sandbox_ann.nowhere'" in through
    assert "<lambda>" in through
    for each in (wrong, refused, through):
        assert len(each.splitlines()) < 35
        assert not [word for word in LIBRARIES if word in each]


def test_all_steps_are_shown_on_request_and_kept_with_the_error(home: Path) -> None:
    short, whole, kept, verbose = in_a_kernel(
        home,
        "chained()",
        "%tb Verbose",
        "import sys; print(repr(sys.last_value.__cause__))",
        f"%xmode Verbose\n{WRONG_CONDITION}",
    )
    assert "division by zero" not in short
    assert "raise DataError(" in short
    assert "division by zero" in whole
    assert "direct cause" in whole
    assert kept == "ZeroDivisionError('division by zero')\n"
    assert "data_access/tables/" in verbose
    assert "%tb" not in verbose
