"""Suites in two processes, one for each core of a small computer: who goes where.

Not pytest-xdist: each of its workers imports every test module, and here the imports (KubeSpawner's 2.6 s, pandas'
1.3 s) cost as much as many tests. A room of tests goes to one process as a whole, and rooms that need the same heavy
library or server go together: no JVM is started twice. Each half takes about as long. What is new and named nowhere
goes to the first.
"""

from __future__ import annotations

from pathlib import Path

from tools.testing.needs import ROOT

TESTS = ROOT / "tests"
Halves = tuple[tuple[str, ...], tuple[str, ...]]
#: Need pandas, Arrow and the like.
WITH_FRAMES = frozenset({"data_access"})
#: Need a Hive Metastore, some of them Spark beside it.
WITH_HIVE = frozenset({"checks", "iceberg", "metastore", "models", "roundtrip", "servers", "spark"})


def halves(folder: str, second: frozenset[str]) -> Halves:
    """Paths of the rooms in tests/`folder` for either process, from the project's root."""
    rooms = sorted(path for path in (TESTS / folder).iterdir() if any(path.rglob("test_*.py")) or _is_test(path))
    names = [(path.name, str(path.relative_to(ROOT))) for path in rooms]
    return (
        tuple(path for name, path in names if name not in second),
        tuple(path for name, path in names if name in second),
    )


def _is_test(path: Path) -> bool:
    return path.name.startswith("test_") and path.suffix == ".py"


UNIT = halves("unit", WITH_FRAMES)
DATA = halves("data", WITH_HIVE)
