"""`make test` in two processes: no test is left out, and none runs twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.testing.__main__ import by_lines, call
from tools.testing.halves import DATA, TESTS, UNIT, Halves
from tools.testing.needs import ROOT
from tools.testing.stages import Stage


def modules(paths: tuple[str, ...]) -> list[Path]:
    found = [ROOT / path for path in paths]
    return [module for path in found for module in ([path] if path.is_file() else path.rglob("test_*.py"))]


@pytest.mark.parametrize(("folder", "halves"), [("unit", UNIT), ("data", DATA)])
def test_each_module_is_in_one_half(folder: str, halves: Halves) -> None:
    here = [*modules(halves[0]), *modules(halves[1])]
    assert all(halves)
    assert sorted(here) == sorted((TESTS / folder).rglob("test_*.py"))


def test_what_a_call_left_running_holds_nobody_up(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.testing.__main__.TOLD_S", 0.5)
    left = "import subprocess, sys; print('said'); subprocess.Popen(['sleep', '20']); sys.exit(3)"
    assert by_lines([sys.executable, "-c", left], {}) == 3
    assert "said" in capfd.readouterr().out


def test_a_call_that_cannot_run_is_a_failure_with_its_note(tmp_path: Path) -> None:
    stage = Stage("none", "nothing", (), beside=((),))
    done = call(("-c", "raise SystemExit(4)"), tmp_path / "none.xml", stage)
    assert (done.failed, done.note) == (1, "exit status 4 without a failed test: it could not run")
