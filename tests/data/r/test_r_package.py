"""The R package, by its own tests in a real R: installed from its sources into a library of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "data_access" / "r"
SUITES = sorted(path.stem.removeprefix("test-") for path in (PACKAGE / "tests" / "testthat").glob("test-*.R"))


def rscript(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["Rscript", *words], env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed; skips without R, and fails where nothing may be skipped."""
    packages = "stopifnot(requireNamespace('reticulate'), requireNamespace('testthat'), requireNamespace('bit64'))"
    if shutil.which("Rscript") is None or rscript("-e", packages).returncode:
        reason = "no R with reticulate, testthat and bit64 (Debian: r-base-core r-cran-reticulate r-cran-testthat …)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    folder = tmp_path_factory.mktemp("R")
    done = subprocess.run(
        ["R", "CMD", "INSTALL", "--no-test-load", f"--library={folder}", str(PACKAGE)],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def session(library: Path, tmp_path: Path) -> dict[str, str]:
    """R's environment: a home of its own, this Python, tables in files."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "HOME": str(home),
        "JUPYTERHUB_USER": "ann",
        "PYTHONPATH": str(ROOT),
        "RETICULATE_PYTHON": sys.executable,
        "R_LIBS": str(library),
        "TZ": "Europe/Berlin",
    }


@pytest.mark.parametrize("suite", SUITES)
def test_the_packages_own_tests_pass(suite: str, session: dict[str, str]) -> None:
    folder = PACKAGE / "tests" / "testthat"
    code = (
        f"library(testthat); library(remudadata); test_dir('{folder}', package = 'remudadata', filter = '^{suite}$',"
        " load_package = 'installed', reporter = 'summary', stop_on_failure = TRUE, stop_on_warning = TRUE)"
    )
    done = rscript("-e", code, env=session)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Skipped" not in done.stdout, done.stdout


def test_every_function_is_documented_and_the_pages_are_well_formed(library: Path) -> None:
    code = (
        "pages <- lapply(list.files(commandArgs(TRUE)[1], full.names = TRUE), tools::checkRd);"
        "problems <- unlist(lapply(pages, as.character)); if (length(problems)) { print(problems); quit(status = 1) };"
        "missing <- tools::undoc('remudadata', lib.loc = commandArgs(TRUE)[2]); print(missing);"
        "mismatch <- tools::codoc('remudadata', lib.loc = commandArgs(TRUE)[2]); print(mismatch);"
        "quit(status = length(unlist(missing)) + length(mismatch))"
    )
    done = rscript("-e", code, str(PACKAGE / "man"), str(library))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_python_without_data_access_is_told_with_what_to_do(session: dict[str, str]) -> None:
    code = "tryCatch(remudadata::sf_reader('a', 'b'), data_error_not_installed = function(e) cat(conditionMessage(e)))"
    done = rscript("-e", code, env={**session, "PYTHONPATH": "", "RETICULATE_PYTHON": "/usr/bin/python3"})
    assert "cannot load data_access" in done.stdout and "RETICULATE_PYTHON" in done.stdout, done.stdout + done.stderr
