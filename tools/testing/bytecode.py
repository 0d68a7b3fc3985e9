"""Where Python keeps what it compiled: under build/ where PYTHONDONTWRITEBYTECODE is set, as in many containers.

Without any, every program of a test compiles its libraries again: a Hub's import took 8.3 s of a core instead of 2.3 s,
each of some hundred times that `make test` starts a Hub, a person's server, a kernel or a writer of tables.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from tools.testing.needs import ROOT

BYTECODE = ROOT / "build" / "bytecode"


def environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`given`, with a place for bytecode where none may lie beside the sources."""
    found = dict(given)
    if found.pop("PYTHONDONTWRITEBYTECODE", ""):
        found.setdefault("PYTHONPYCACHEPREFIX", str(BYTECODE))
    return found
