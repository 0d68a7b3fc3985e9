"""Entry of `make test` and `make test-unit`: the project's environment with the test tools, then the program named."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 (said before anything newer is imported)
    sys.exit("make test: needs Python 3.11 or newer. Name another one: make test PYTHON=python3.12")

from tools.run.environment import TEST, prepare_environment
from tools.run.steps import CannotRun, Progress


def main(arguments: list[str]) -> None:
    """Replaces this process by `.venv/bin/python ARGUMENTS`."""
    root = Path(__file__).resolve().parents[2]
    try:
        with Progress(1).step("Python environment for tests") as step:
            python = prepare_environment(root, step, TEST)
    except CannotRun as error:
        sys.exit(f"{error.output}\nmake test: {error.problem}\n  {error.remedy}")
    os.chdir(root)
    os.execv(python, [str(python), *arguments])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
