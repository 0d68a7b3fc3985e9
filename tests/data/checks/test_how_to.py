"""The guide's snippets run as they stand, and say what the guide says they say."""

from __future__ import annotations

import ast
import linecache
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data_access import workspace as workspaces_of_process
from data_access.checks import CheckWarning, functions
from data_access.errors import CheckFailedError
from data_access.workspace import Workspace

GUIDE = Path(__file__).parents[3] / "docs/how-to/check-data.md"
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(code: str, names: dict[str, Any], number: int) -> str:
    """Run a cell; the text of its last expression's value, or of the check that failed."""
    file = f"<snippet {number}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)  # as a notebook does
    tree = ast.parse(code, file)
    last = tree.body[-1]
    body = tree.body[:-1] if isinstance(last, ast.Expr) else tree.body
    try:
        exec(compile(ast.Module(body, []), file, "exec"), names)
        value = eval(compile(ast.Expression(last.value), file, "eval"), names) if isinstance(last, ast.Expr) else None
    except CheckFailedError as error:
        return str(error)
    return repr(value)


@pytest.mark.parametrize("workspace", ["sqlite+local"], indirect=True)
@pytest.mark.filterwarnings(f"ignore::{CheckWarning.__module__}.{CheckWarning.__qualname__}")
def test_the_snippets_of_the_guide(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    eight = datetime(2026, 11, 20, 8, tzinfo=UTC)
    monkeypatch.setattr(workspaces_of_process, "_current", replace(workspace, now=lambda: eight))
    monkeypatch.setattr(functions, "_registered", {})
    names: dict[str, Any] = {}
    said, compared = "", 0
    for number, (kind, text) in enumerate(BLOCK.findall(GUIDE.read_text())):
        if kind == "python":
            assert "Nothing was committed" not in said, "a store failed, and the guide does not say so"
            said = run(text, names, number)
        else:
            assert said == text.rstrip("\n")
            said, compared = "", compared + 1
    assert "Nothing was committed" not in said
    assert compared == 3
