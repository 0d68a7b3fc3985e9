"""The command line: what it takes, what it says, how it ends."""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from data_access import cli
from data_access.cli import commands
from data_access.cli.arguments import parser
from data_access.cli.hints import in_shell
from data_access.cli.output import Answer, plain
from data_access.errors import DataError, NotFoundError, Reason
from data_access.names import TableName
from data_access.tables.model import Anchor

REPOSITORY = Path(__file__).parents[4]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """`ls` then gives, or raises, this."""

    def set_(outcome: object) -> None:
        def ls(_: argparse.Namespace) -> Answer:
            if isinstance(outcome, BaseException):
                raise outcome
            assert isinstance(outcome, Answer)
            return outcome

        monkeypatch.setitem(commands.COMMANDS, "ls", ls)

    return set_


MISSING = NotFoundError(Reason.UNKNOWN_TABLE, "There is no table 'sales.ordrs'.", "Did you mean orders?")


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Answer([], "fine"), 0),
        (Answer([], "a check failed", failed=True), 1),
        (MISSING, 1),
        (DataError(Reason.BAD_NAME, "No.", "Yes."), 2),
        (DataError(Reason.BAD_ARGUMENT, "No.", "Yes."), 2),
        (KeyboardInterrupt(), 130),
        (RuntimeError("a mistake"), 1),
    ],
)
def test_exit_codes(answering: Callable[[object], None], outcome: object, code: int) -> None:
    answering(outcome)
    assert cli.main(["ls"]) == code


def test_an_error_is_two_lines(answering: Callable[[object], None], capsys: pytest.CaptureFixture[str]) -> None:
    answering(MISSING)
    cli.main(["ls"])
    shown = capsys.readouterr()
    assert shown.err == "data-access: There is no table 'sales.ordrs'.\nDid you mean orders?\n"
    assert shown.out == ""


def test_an_error_for_programs(answering: Callable[[object], None], capsys: pytest.CaptureFixture[str]) -> None:
    answering(MISSING)
    cli.main(["--json", "ls"])
    assert json.loads(capsys.readouterr().err) == {
        "error": {
            "reason": "unknown-table",
            "sentence": "There is no table 'sales.ordrs'.",
            "remedy": "Did you mean orders?",
        }
    }


@pytest.mark.parametrize("outcome", [MISSING, RuntimeError("a mistake")])
def test_debug_shows_where(answering: Callable[[object], None], outcome: Exception) -> None:
    answering(outcome)
    with pytest.raises(type(outcome)):
        cli.main(["ls", "--debug"])


def test_json_goes_before_or_after_the_verb(
    answering: Callable[[object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    answering(Answer([{"table": TableName("a", "b"), "at": datetime(2026, 1, 2, tzinfo=UTC)}], "text"))
    for given in (["--json", "ls"], ["ls", "--json"]):
        assert cli.main(given) == 0
        assert json.loads(capsys.readouterr().out) == [{"table": "a.b", "at": "2026-01-02T00:00:00+00:00"}]
    cli.main(["ls"])
    assert capsys.readouterr().out == "text\n"


@pytest.mark.parametrize(
    ("python", "command"),
    [
        ('browse("name") shows the tables of one.', "data-access ls NAME shows the tables of one."),
        ("browse() shows all.", "data-access ls shows all."),
        ('history("sandbox_ann.orders") lists them.', "data-access history sandbox_ann.orders lists them."),
        ("history(table, limit=None)", "data-access history TABLE --all"),
        ('rollback("a.b", 41);', "data-access rollback a.b 41;"),
        (
            "search('some words') and search(…, tags=True)",
            "data-access search some words and data-access search … --tags",
        ),
        ('untag("a.b", "v1")', "data-access tag a.b v1 --delete"),
        ('release("a.b@1:01J")', "data-access anchor a.b@1:01J --release"),
        ("where_is('ord*')", "data-access where 'ord*'"),
        ("overwrite=True replaces it", "--overwrite replaces it"),
        (
            "checks.browse(x), get_checks(…) and load_dataframe(x)",
            "checks.browse(x), get_checks(…) and load_dataframe(x)",
        ),
    ],
)
def test_hints_in_python_are_said_as_commands(python: str, command: str) -> None:
    assert in_shell(python) == command


@dataclass(frozen=True)
class Nested:
    anchor: Anchor
    reason: Reason


def test_everything_has_a_json_form() -> None:
    anchor = Anchor(TableName("a", "b"), 3, "01J")
    value = {
        "n": math.nan, "d": Decimal("1.50"), "day": date(2026, 1, 2), "b": b"\x00\xff", "t": (1, {2}),
        1: Nested(anchor, Reason.CORRUPT), "o": object, "yes": True, "none": None,
        "took": timedelta(minutes=1.5),
    }  # fmt: skip
    assert json.loads(json.dumps(plain(value))) == {
        "n": None, "d": "1.50", "day": "2026-01-02", "b": "AP8=", "t": [1, [2]],
        "1": {"anchor": "a.b@3:01J", "reason": "corrupt"}, "o": str(object), "yes": True, "none": None,
        "took": 90.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [[], ["dance"], ["head"], ["head", "a.b", "-n", "0"], ["sql", "select 1", "--param", "x"], ["copy", "a.b"],
     ["copy", "a", "b", "--verify", "hope"], ["move", "a", "b", "--sha256", "x"]],
)  # fmt: skip
def test_a_wrong_command_line_is_two(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(given)
    assert caught.value.code == 2
    assert "usage: data-access" in capsys.readouterr().err


def test_arguments_mean_what_they_say() -> None:
    given = parser().parse_args(["rollback", "a.b", "41", "-m", "why"])
    assert (given.table, given.to, given.message, given.json) == ("a.b", 41, "why", False)
    assert parser().parse_args(["diff", "a.b", "q3", "42"]).before == "q3"
    given = parser().parse_args(["sql", "-", "--param", "a=1=2", "--as-of", "a.b=3"])
    assert (given.param, given.as_of) == ([("a", "1=2")], [("a.b", "3")])


def test_every_verb_is_there_and_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in commands.COMMANDS:
        with pytest.raises(SystemExit) as caught:
            parser().parse_args([verb, "--help"])
        assert caught.value.code == 0
        assert "example:" in capsys.readouterr().out


def test_help_comes_at_once() -> None:
    """0.3 s is the promise; what is imported is what takes time, so that is looked at."""
    code = (
        "import sys; from data_access.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'pyarrow', 'pandas', 'duckdb', 'pydantic', 'sqlglot', 'boto3', 'yaml'} & set(sys.modules)))"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert time.monotonic() - began < 30  # a machine under load; alone it takes 0.06 s


def test_a_closed_pipe_is_no_error() -> None:
    code = (
        "from data_access import cli; from data_access.cli import commands; from data_access.cli.output import Answer\n"
        "commands.COMMANDS['ls'] = lambda given: Answer([], 'line\\n' * 200_000)\n"
        "import sys; sys.exit(cli.main(['ls']))"
    )
    shell = f'set -o pipefail; {sys.executable} -c "$CODE" | head -1'
    done = subprocess.run(
        ["bash", "-c", shell], cwd=REPOSITORY, capture_output=True, text=True, check=False,
        env={**os.environ, "CODE": code},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "line\n", "")
