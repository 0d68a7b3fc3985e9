"""`make test-unit`: the unit tests in two processes, and nothing else.

Every test of `make test unit` runs here too. Only properties that name no number of examples try fewer
(`quick` in tests/unit/conftest.py); `make test` tries them with all.
"""

from __future__ import annotations

import subprocess
import sys

from tools.testing.bytecode import environment
from tools.testing.halves import UNIT
from tools.testing.needs import ROOT

#: The plugins of anyio and typeguard come with these libraries; no test uses them, and their imports take time.
OPTIONS = ("-q", "--hypothesis-profile=quick", "-p", "no:cacheprovider", "-p", "no:anyio", "-p", "no:typeguard")


def main() -> int:
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", *OPTIONS, *half],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for half in UNIT
    ]
    for run in runs:
        print(run.communicate()[0], end="", flush=True)
    return max(run.returncode for run in runs)


if __name__ == "__main__":
    sys.exit(main())
