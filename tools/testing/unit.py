"""`make test-unit`: the unit tests in two processes, one for each core of a small computer.

Not pytest-xdist: each of its workers imports every test module, and here the imports (KubeSpawner's 2.6 s, pandas'
1.3 s) cost as much as the tests. The room that needs pandas, Arrow and the like goes to one process, and all others,
the hub's among them, to the other: each half takes about as long, and no heavy library is imported twice.

Every test of `make test unit` runs here too. Only properties that name no number of examples try fewer
(`quick` in tests/unit/conftest.py); `make test` tries them with all.
"""

from __future__ import annotations

import subprocess
import sys

from tools.testing.bytecode import environment
from tools.testing.needs import ROOT

UNIT = ROOT / "tests" / "unit"
WITH_FRAMES = ("data_access",)
#: The plugins of anyio and typeguard come with these libraries; no test uses them, and their imports take time.
OPTIONS = ("-q", "--hypothesis-profile=quick", "-p", "no:cacheprovider", "-p", "no:anyio", "-p", "no:typeguard")


def halves() -> tuple[list[str], list[str]]:
    """Paths for either process; what is new and named nowhere goes to the first."""
    paths = sorted(path for path in UNIT.iterdir() if path.is_dir() or path.name.startswith("test_"))
    rooms = [path for path in paths if path.name != "__pycache__"]
    return (
        [str(path) for path in rooms if path.name not in WITH_FRAMES],
        [str(path) for path in rooms if path.name in WITH_FRAMES],
    )


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
        for half in halves()
    ]
    for run in runs:
        print(run.communicate()[0], end="", flush=True)
    return max(run.returncode for run in runs)


if __name__ == "__main__":
    sys.exit(main())
