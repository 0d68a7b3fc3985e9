"""`simulate` and `replay` from a shell: what is printed, what is written, and every mistake told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from profiles.__main__ import main
from profiles.ledger_csv import write_ledger
from profiles.simulation import svg
from profiles.simulation.day import simulate
from tests.unit.simulation.machines import SPAN, catalog, visit

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "what-if"
THREE = [str(EXAMPLES / f"{name}.yaml") for name in ("today", "fair", "tight")]


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    day = simulate(catalog(), [visit("ada", 540), visit("ada", 550), visit("bob", 560)], SPAN)
    path = tmp_path / "march.csv"
    path.write_text("".join(write_ledger(day.entries)), encoding="utf-8", newline="")
    return str(path)


@pytest.fixture
def one_each(tmp_path: Path) -> str:
    path = tmp_path / "one-each.yaml"
    path.write_text("policies: {quotas: {machines-each: {per: user, servers: 1}}}")
    return str(path)


def test_three_examples_side_by_side(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "report"
    arguments = ["simulate", THREE[0], "--compare", *THREE[1:], "--users", "120", "--nodes", "gpu=2", "--out", str(out)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()[3:6]] == ["today", "fair", "tight"]
    assert "refused by  rule" in printed and "cost by group" in printed
    assert sorted(path.name for path in out.iterdir()) == [
        "cost.svg",
        "ledger.csv",
        "line.svg",
        "machines.svg",
        "report.html",
        "report.json",
        "utilisation.svg",
        "waiting.svg",
    ]
    assert main(["replay", THREE[0], str(out / "ledger.csv")]) == 0
    assert "would have refused 0 (0.0%) of 0 people" in capsys.readouterr().out
    today, fair, tight = json.loads((out / "report.json").read_text(encoding="utf-8"))["compared"]
    assert today["lost"] == 0 and not today["rules"]
    assert today["started"] >= fair["started"] > tight["started"]
    assert float(today["cost"]["amount"]) > float(tight["cost"]["amount"])
    assert max(pool["peak_share"] or 0 for pool in today["pools"].values()) <= 1
    for path in out.glob("*.svg"):
        _assert_readable(path.read_text(encoding="utf-8"))


def _assert_readable(plot: str) -> None:
    """Well-formed, titled, its texts within the picture, for light and dark."""
    root = ET.fromstring(plot)
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    texts = [each for each in root.iter("{http://www.w3.org/2000/svg}text") if "transform" not in each.attrib]
    assert len(texts) > 8
    assert root.attrib["aria-label"]
    assert "prefers-color-scheme: dark" in plot
    for each in texts:
        assert left <= float(each.attrib["x"]) <= width and top < float(each.attrib["y"]) < height


def test_plots_quote_what_people_named() -> None:
    x, y = svg.axis("x", 1), svg.axis("y", 1)
    plot = svg.panels("<a & b>", [svg.Panel("<script>", [svg.Curve("</svg>", [(0, 0), (1, 1)], 7)])] * 2, x, y)
    assert "<script>" not in plot
    _assert_readable(plot)


def test_axes_end_at_round_numbers() -> None:
    assert list(svg.axis("", 1053).ticks) == [0, 250, 500, 750, 1000, 1250]
    assert list(svg.axis("", 1.0, steps=4).ticks) == [0, 0.25, 0.5, 0.75, 1.0]
    assert svg.axis("", 0).most > 0


def test_a_report_names_no_script_of_a_group(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = tmp_path / "<b>.yaml"
    values.write_text('policies: {quotas: {q: {per: group, groups: ["<script>x</script>"], servers: 1}}}')
    assert main(["simulate", str(values), "--users", "30", "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in page and "<b>" not in page


def test_a_day_of_a_ledger(capsys: pytest.CaptureFixture[str], ledger: str, one_each: str) -> None:
    assert main(["simulate", one_each, ledger]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("The visits of march.csv, from 2026-03-02 00:00 UTC to 2026-03-03 00:00 UTC.")
    assert "machines-each" in printed


def test_whom_it_would_have_refused(capsys: pytest.CaptureFixture[str], ledger: str, one_each: str) -> None:
    assert main(["replay", one_each, ledger]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0] == (
        "3 starts of 2 people. one-each.yaml would have refused 1 (33.3%) of 1 person, and cut 0 short."
    )
    assert "ada  machines-each        1  2026-03-02 09:10 UTC  You may have 1 server at once" in printed
    assert main(["replay", one_each, ledger, "--json"]) == 0
    (refused,) = json.loads(capsys.readouterr().out)["refused"]
    assert (refused["user"], refused["reason"], refused["lease_id"]) == ("ada", "over-quota", "ada-550")


RULES = """
policies:
  quotas:
    gpus-of-a-team: {per: group, gpus: 1, borrowing: {within: all-gpus, notice: 10m}}
    all-gpus: {per: hub, gpus: 4}
  reservations:
    gpus: {pools: [gpu], gpus: 6}
  approvals:
    several: {moreThan: {gpus: 1}}
"""


def test_what_is_promised_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    values = tmp_path / "promised.yaml"
    values.write_text(RULES)
    out = tmp_path / "out"
    options = ["--users", "200", "--seed", "2", "--reserving", "20", "--answers-after", "1h", "--out", str(out)]
    assert main(["simulate", str(values), *options]) == 0
    printed = capsys.readouterr().out
    assert "in line   stood  called" in printed and "missed the call" in printed
    (found,) = json.loads((out / "report.json").read_text(encoding="utf-8"))["compared"]
    line, promises = found["line"], found["promises"]
    assert line["stood"] >= line["called"] > 0 and line["waits"]["p95"] >= line["waits"]["p50"] > 0
    assert all(promises[name] > 0 for name in ("asked", "reserved", "taken_up", "no_shows", "cleared", "given_back"))
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<h2>In line</h2>" in page and "no-shows" in page
    for path in out.glob("*.svg"):
        _assert_readable(path.read_text(encoding="utf-8"))


def test_reservations_come_from_a_file_beside_the_ledger(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, ledger: str
) -> None:
    values, reserved = tmp_path / "promised.yaml", tmp_path / "reserved.csv"
    values.write_text("policies: {reservations: {gpus: {pools: [gpu], gpus: 2}}}")
    reserved.write_text(
        "user,groups,profile,begins_at,ends_at,made_at,options\n"
        "bob,,gpu,2026-03-02T09:00:00Z,2026-03-02T10:00:00Z,2026-03-01T09:00:00Z,gpus=1\n"
        "eve,ml;ops,gpu,2026-03-02T09:05:00+00:00,2026-03-02T12:00:00Z,,gpus=1\n"
    )
    assert main(["simulate", str(values), ledger, "--reservations", str(reserved)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["promised", "0", "2", "0", "1", "1", "0", "0"] in rows
    assert main(["replay", str(values), ledger, "--reservations", str(reserved)]) == 0
    printed = capsys.readouterr().out
    assert "would have refused 2 (66.7%) of 1 person" in printed, "all is promised to bob and eve"
    assert "2 of the refused could have stood in line for it." in printed


def test_every_mistake_in_reservations_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, one_each: str
) -> None:
    reserved = tmp_path / "reserved.csv"
    reserved.write_text(
        "user,groups,profile,begins_at,ends_at,options\n"
        ",,gpu,2026-03-02T09:00:00Z,2026-03-02T08:00:00Z,\n"
        "bob,,gpus,,9 o'clock,four\n"
    )
    assert main(["simulate", one_each, "--reservations", str(reserved)]) == 1
    printed = capsys.readouterr().out
    for told in (
        ":2: column 'user': it is empty",
        ":2: column 'ends_at': it is not after the beginning",
        ":3: column 'begins_at': it is empty",
        ":3: column 'ends_at': \"9 o'clock\" is not a time",
        ":3: column 'options': 'four' is not an option and its choice",
        ":3: column 'profile': there is no machine 'gpus'",
        "6 to correct",
    ):
        assert told in printed


def test_whoever_needs_a_yes_may_be_taken_to_have_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, ledger: str
) -> None:
    values = tmp_path / "asked.yaml"
    values.write_text("policies: {approvals: {every: {profiles: [gpu]}}}")
    assert main(["replay", str(values), ledger]) == 0
    assert "would have refused 3 (100.0%)" in capsys.readouterr().out
    assert main(["replay", str(values), ledger, "--approved"]) == 0
    assert "would have refused 0 (0.0%)" in capsys.readouterr().out


def test_rules_of_the_compared_file_replace_those_of_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", THREE[2], "--compare", THREE[1], "--users", "60"]) == 0
    printed = capsys.readouterr().out
    assert "many-cores" not in [line.split()[1] for line in printed.splitlines() if line.startswith("fair ")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["simulate", "gone.yaml"], "gone.yaml: it cannot be read: No such file or directory"),
        (["simulate", THREE[0], "gone.csv"], "gone.csv: it cannot be read"),
        (["simulate", THREE[0], "--nodes", "gpus=3"], "--nodes: there is no pool 'gpus' — did you mean \"gpu\"?"),
        (["replay", THREE[0], THREE[0]], "no columns lease_id, user, groups"),
        (["replay", "gone.yaml", "gone.csv"], "gone.yaml: it cannot be read"),
    ],
)
def test_mistakes_are_told_and_the_exit_code_says_so(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert told in capsys.readouterr().out


def test_mistakes_of_all_compared_files_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("policies: {quotas: {q: {per: everyone, servers: 1}}}")
    assert main(["simulate", THREE[0], "--compare", str(tmp_path / "one.yaml"), str(tmp_path / "two.yaml")]) == 1
    printed = capsys.readouterr().out
    assert "one.yaml" in printed and "two.yaml" in printed
    assert printed.endswith("2 to correct\n")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--nodes", "gpu"],
        ["--users", "0"],
        ["--days", "100000"],
        ["--start", "monday"],
        ["--start", "2026-02-30"],
        ["--start", "9999-12-31"],
        ["--reserving", "101"],
        ["--answers-after", "soon"],
    ],
)
def test_wrong_usage_is_code_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["simulate", THREE[0], *wrong])
    assert raised.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["simulate", THREE[0], "--users", "5", "--out", str(tmp_path / "file" / "report")]) == 1
    assert "report: it cannot be written: Not a directory" in capsys.readouterr().out


def test_what_the_how_to_shows_is_what_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(EXAMPLES)
    page = (EXAMPLES.parent / "what-if.md").read_text(encoding="utf-8")
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        *_, (command, shown) = re.findall(r"\$ python -m profiles (.*)\n([^$]*)", block)
        arguments = [str(tmp_path) if word == "report" else word for word in command.split()]
        assert main(arguments) == 0
        printed = capsys.readouterr().out.splitlines()
        timeless = [line for line in shown.splitlines() if not line.startswith(("…", "Report", "500 invented"))]
        assert [line for line in timeless if line not in printed] == []
