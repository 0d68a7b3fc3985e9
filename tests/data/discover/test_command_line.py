"""Every command over a real catalog: what `--json` gives, and what a terminal shows."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import data_access as da
from data_access import cli, workspace
from data_access.cli.commands import COMMANDS
from data_access.discover import facts

T = "sandbox_ann.orders"
ORDERS = pa.table({
    "day": [20, 20, 21], "shop": ["a", "b", "a"], "amount": [1.5, 2.0, 3.0],
    "at": pa.array([datetime(2026, 11, 20, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
})  # fmt: skip

Run = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A table of three commits with a comment, a check and a tag, one made from it, and a file."""
    monkeypatch.setattr(workspace, "_current", None)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    made = da.configure(
        metastore=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"{tmp_path}/lake", user="ann",
        grants={"sales": ["ann"]},
    )  # fmt: skip
    facts.forget()
    da.store_dataframe(ORDERS, T, partition_by=["day"], message="first", comments={"amount": "in EUR"})
    da.store_dataframe(ORDERS.slice(2).set_column(1, "shop", [["c"]]), T, mode="append")
    da.checks.set_checks("sandbox_ann", "orders", [da.checks.in_range("amount", 0, 2)])
    da.store_dataframe(da.load_dataframe(T), "sandbox_ann.report")
    da.tag(T, "v1", 1)
    ORDERS.drop_columns("at").to_pandas().to_csv("x.csv", index=False)
    yield tmp_path
    made.close()


@pytest.fixture
def run(here: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*given: str, code: int = 0, as_json: bool = False) -> Any:
        found = cli.main([*(["--json"] if as_json else []), *given])
        shown = capsys.readouterr()
        assert found == code, shown
        return json.loads(shown.out) if as_json else shown.out + shown.err

    return run


#: Each command, its arguments, and its exit code.
CALLS: dict[str, list[tuple[list[str], int]]] = {
    "ls": [([], 0), (["sandbox_ann"], 0), ([T], 0), (["sandbox_ann.report"], 0)],
    "head": [([T], 0), (["x.csv"], 0)],
    "where": [(["orders"], 0)],
    "where-is": [(["orders"], 0)],
    "search": [(["amount"], 0), (["nothing-of-this-name"], 0)],
    "history": [([T], 0)],
    "diff": [
        ([T, "1"], 0),
        ([f"{T}@1"], 0),
        ([T, "1", "2", "--rows"], 0),
        ([f"{T}@1", "2", "--key", "shop", "--key", "day"], 0),
    ],
    "tag": [([T], 0), ([T, "v2", "2", "-m", "why"], 0), ([T, "v2", "--delete"], 0)],
    "anchor": [([T], 0), ([T, "1", "-m", "why"], 0), ([f"{T}@1", "--release"], 0)],
    "lineage": [(["sandbox_ann.report"], 0)],
    "check": [([T], 1)],
    "sql": [([f'select day, "at", sum(amount) from {T} group by all'], 0), (["select 1", "-o", "y.csv"], 0)],
    "copy": [([T, "sandbox_ann.copied"], 0)],
    "move": [(["x.csv", "z.csv"], 0)],
    "rollback": [([T, "1"], 0)],
    "gc": [([T], 0), ([T, "--yes", "--keep-days", "0"], 0)],
    "drop": [(["sandbox_ann.copied", "--yes"], 0)],
    "models": [([], 0)],
    "tutorial": [([], 0)],
}

#: Text for people: `200,000`, `3.8 MB`, `16 seconds ago`, `2026-11-20 08:00`, `yes`, a number in quotes.
_FOR_PEOPLE = re.compile(
    r"-?\d[\d,]*(\.\d+)?|[\d.,]+ ?[kMGTP]?B|.* ago( by .*)?|just now.*|yes|no|true|false|none|null"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d.*|\d+:\d\d(:\d\d.*)?",
    re.IGNORECASE,
)
_SENTENCES = {"comment", "message", "note", "reason", "seen"}


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, with the name it stands under."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from texts(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each, key)
    elif isinstance(value, str):
        yield key, value


def test_json_has_numbers_times_and_booleans(run: Run) -> None:
    assert set(CALLS) == set(COMMANDS)
    times = 0
    for command, calls in CALLS.items():
        for given, code in calls:
            for key, text in texts(run(command, *given, code=code, as_json=True)):
                if key not in _SENTENCES:
                    assert not _FOR_PEOPLE.fullmatch(text), f"{command} {given}: {key} is {text!r}"
                if key == "changed" or (key == "at" and not text.startswith("timestamp[")):  # a column of that name
                    datetime.fromisoformat(text)
                    times += 1
    assert times > 10


def test_a_table_for_programs(run: Run) -> None:
    found = run("ls", T, as_json=True)
    assert (found["rows"], found["files"], found["commit"], found["by"]) == (4, 3, 3, "ann")
    assert isinstance(found["size"], int)
    assert datetime.fromisoformat(found["changed"]).tzinfo is not None
    assert found["tags"] == {"v1": 1}
    assert found["checks"] == {"passed": 0, "failed": []}
    assert {each["column"]: each["partition"] for each in found["columns"]} == {
        "shop": False, "amount": False, "at": False, "day": True,
    }  # fmt: skip
    assert [(each["day"], each["rows"]) for each in found["partitions"]] == [(20, 2), (21, 2)]
    assert run("ls", "sandbox_ann", as_json=True)[0]["partitioned by"] == ["day"]
    assert run("history", T, as_json=True)[-1]["changed"][0]["partition"] == {"day": 20}


def test_hints_are_commands(run: Run) -> None:
    assert run("ls").rstrip().endswith("data-access ls NAME shows the tables of one.")
    assert f"data-access history {T} lists them." in run("rollback", T, "9", code=1)
    assert "data-access history TABLE --all shows all." in run("history", T, "-n", "1")
    assert "data-access ls shows all there is." in run("search", "nothing-of-this-name")
    assert "data-access search nothing also looks" in run("where-is", "nothing")
    assert f"Write: data-access diff {T} 41" in run("diff", T, code=2)


def test_diff_takes_commits_as_python_does(run: Run) -> None:
    for given in ([T, "1"], [f"{T}@1"], [str(da.history(T)[-1].anchor)]):
        assert "from commit 1 to 3" in run("diff", *given)
    for given in ([f"{T}@1", "2"], [f"{T}@1", f"{T}@2"], [T, "v1", "2"]):
        assert "from commit 1 to 2" in run("diff", *given)


def test_a_rollback_says_what_changed(run: Run) -> None:
    shown = run("rollback", T, "1")
    assert f"{T} is what it was at commit 1; this is commit 4." in shown
    assert "4 → 3" in shown
    assert re.search(r"21 +changed +2 +1 ", shown)


def test_a_drop_wants_a_yes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    report = "sandbox_ann.report"
    assert "was not dropped: nobody can be asked here.\n--yes drops it" in run("drop", report, code=2)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    for answer, code in (("y\n", 2), (f"{report}\n", 0)):
        monkeypatch.setattr(sys.stdin, "readline", lambda answer=answer: answer, raising=False)
        shown = run("drop", report, code=code)
    assert f"data-access gc {report} removes them after that." in shown
    assert [row["table"] for row in run("ls", "sandbox_ann", as_json=True)] == ["orders"]
    assert f"data-access tag {T} … --delete takes a tag away" in run("drop", T, "--yes", code=1)


def test_anchors_are_held_and_given_back(run: Run) -> None:
    held = run("anchor", T, "1", as_json=True)["anchor"]
    assert run("anchor", held, "--release", as_json=True) == {"anchor": held, "released": 1}
    assert "names no commit to let go of" in run("anchor", T, "--release", code=2)
    assert f"{T}@3" in run("lineage", "sandbox_ann.report")
