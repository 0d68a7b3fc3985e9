"""Run KubeSpawner's own test-suite with WorkbenchSpawner in KubeSpawner's place.

    git clone --depth 1 --branch 7.1.0 https://github.com/jupyterhub/kubespawner
    KUBECONFIG=… python tests/contract/kubespawner_suite.py kubespawner [pytest arguments]

Its tests are in no release archive, so they are not fetched here. Cases that need images from a public registry fail
where there is none, for KubeSpawner itself too: `--plain` runs the suite without the replacement, to compare.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def pytest_configure() -> None:
    """As a pytest plugin: before their conftest imports the class."""
    if os.environ.get("REMUDA_PLAIN"):
        return
    import kubespawner
    import kubespawner.spawner

    from spawner.kubernetes import WorkbenchSpawner

    kubespawner.KubeSpawner = kubespawner.spawner.KubeSpawner = WorkbenchSpawner


def main(arguments: list[str]) -> int:
    plain = "--plain" in arguments
    rest = [each for each in arguments if each != "--plain"]
    if not rest or not (Path(rest[0]) / "tests" / "test_spawner.py").exists():
        sys.stderr.write(__doc__ or "")
        return 2
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}
    if plain:
        environment["REMUDA_PLAIN"] = "1"
    command = [sys.executable, "-m", "pytest", "-p", "kubespawner_suite", "tests", *rest[1:]]
    return subprocess.run(command, cwd=rest[0], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
