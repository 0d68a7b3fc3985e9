"""`make test-unit`: the unit tests in two processes, one for each core of a small computer.

Not pytest-xdist: each of its workers imports every test module, and here the imports (KubeSpawner's 2.6 s, pandas'
1.3 s) cost as much as the tests. The rooms that need the hub's libraries go to one process, all others to the other.
"""

from __future__ import annotations

import subprocess
import sys

from tools.testing.needs import ROOT

UNIT = ROOT / "tests" / "unit"
WITH_HUB = ("culler", "local", "pages", "settings", "spawner")


def halves() -> tuple[list[str], list[str]]:
    """Paths for either process; what is new and named nowhere goes to the second."""
    paths = sorted(path for path in UNIT.iterdir() if path.is_dir() or path.name.startswith("test_"))
    rooms = [path for path in paths if path.name != "__pycache__"]
    return (
        [str(path) for path in rooms if path.name in WITH_HUB],
        [str(path) for path in rooms if path.name not in WITH_HUB],
    )


def main() -> int:
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *half],
            cwd=ROOT,
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
