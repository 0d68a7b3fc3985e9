"""Environments of contenders that don't go with ours: made by uv of wheels, without any network here."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bench.data import apart
from bench.data.report import table
from tools.run.environment import find_uv
from tools.run.steps import CannotRun

UV = find_uv(Path(sys.prefix))
INFO = "quaint-1.0.dist-info"


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setattr("tools.servers.cache.SERVERS", tmp_path / "locks")


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    """Of one package, which asks for another that is not listed."""
    wheel = tmp_path / "quaint-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("quaint.py", "NAME = 'quaint'\n")
        file.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: quaint\nVersion: 1.0\nRequires-Dist: other\n")
        file.writestr(f"{INFO}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{INFO}/RECORD", "")
    listed = tmp_path / "quaint.txt"
    listed.write_text(f"quaint @ {wheel.as_uri()}\n")
    return listed


def has(python: Path, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def test_it_has_what_is_listed_and_nothing_of_ours(tmp_path: Path, requirements: Path) -> None:
    python = apart.environment(requirements, tmp_path / "made", UV)
    assert has(python, "quaint")
    assert not has(python, "pytest")


def test_it_is_made_once_and_anew_for_another_list(tmp_path: Path, requirements: Path) -> None:
    first = apart.environment(requirements, tmp_path / "made", UV)
    assert apart.environment(requirements, tmp_path / "made", None) == first
    requirements.write_text("")
    second = apart.environment(requirements, tmp_path / "made", UV)
    assert second != first
    assert not has(second, "quaint")


def test_half_of_one_is_not_taken_for_one(tmp_path: Path, requirements: Path) -> None:
    Path(requirements.read_text().split("file://")[1].strip()).rename(wheel := tmp_path / "away.whl")
    with pytest.raises(CannotRun):
        apart.environment(requirements, tmp_path / "made", UV)
    wheel.rename(tmp_path / "quaint-1.0-py3-none-any.whl")
    assert has(apart.environment(requirements, tmp_path / "made", UV), "quaint")


def test_without_network_a_contender_is_left_out_and_the_report_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(apart, "_FOLDER", tmp_path / "made")
    apart.interpreter.cache_clear()
    try:
        found = apart.interpreter("awswrangler")
    finally:
        apart.interpreter.cache_clear()
    assert found.python == ""
    assert "awswrangler is left out" in capsys.readouterr().err
    assert f"| awswrangler | {found.missing} |" in table({"load": {"awswrangler": {"missing": found.missing}}}, {})
    assert "could not be made" in found.missing
    assert apart.version("awswrangler") == ""


def test_others_run_with_our_own_python() -> None:
    assert apart.interpreter("remuda").python == sys.executable


@pytest.mark.parametrize("contender", apart.APART)
def test_every_package_of_a_list_is_pinned(contender: str) -> None:
    lines = [line for line in apart.APART[contender].read_text().splitlines() if not line.startswith("#")]
    assert lines
    assert not [line for line in lines if "==" not in line.partition(";")[0]]
