"""Contenders whose libraries don't go with ours run in an environment of their own, made when it is first needed.

What is in it says `<contender>.txt` beside this file. `child.py` and `races.py` need numpy, pandas and pyarrow there,
which the library brings.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from tools.run.environment import find_uv
from tools.run.steps import CannotRun, call
from tools.servers.cache import CACHE, only_one

APART = {"awswrangler": Path(__file__).with_name("awswrangler.txt")}
_FOLDER = CACHE / "bench"
_UNREACHED = "See that this machine reaches the package index (proxy, certificates); the same command tries again."


@dataclass(frozen=True)
class Interpreter:
    """Of `python` and `missing` one is empty; `missing` says why there is none."""

    python: str = ""
    missing: str = ""


@cache
def interpreter(contender: str) -> Interpreter:
    """Ours, or that of the contender's own environment, which is tried once in a run."""
    if contender not in APART:
        return Interpreter(sys.executable)
    print(f"environment of {contender}", file=sys.stderr, flush=True)
    try:
        return Interpreter(str(environment(APART[contender], _FOLDER, find_uv(Path(sys.prefix)))))
    except CannotRun as why:
        said = " ".join(why.output.split())[:200]
        print(f"{why.output}\n{contender} is left out: {why.problem}. {why.remedy}", file=sys.stderr, flush=True)
        return Interpreter(missing=f"its environment could not be made: {said or why.problem}")


def environment(requirements: Path, folder: Path, uv: str | None) -> Path:
    """Python of the environment with these requirements and no others, in `folder`. Raises `CannotRun`."""
    home = _home(requirements, folder)
    python, whole = home / "bin" / "python", home / ".whole"
    with only_one(f"bench-{requirements.stem}"):
        if python.exists() and whole.exists():  # a link that dangles does not exist: its interpreter has gone
            return python
        if uv is None:
            raise CannotRun("there is no uv to make it with", "Run this through `make bench-data`.")
        shutil.rmtree(home, ignore_errors=True)  # half of one
        home.parent.mkdir(parents=True, exist_ok=True)
        venv = [uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(home)]
        # Compiled, or the first call would be told with the compiler's seconds in it.
        install = [uv, "pip", "install", "--quiet", "--no-deps", "--compile-bytecode", "--python", str(python)]
        for command in (venv, [*install, "--requirement", str(requirements)]):
            call(command, remedy=_UNREACHED, cwd=home.parent)
        whole.touch()
    return python


def version(contender: str) -> str:
    """What is in its environment, and which pyarrow, since that is not ours; nothing where it was not made."""
    found = _home(APART[contender], _FOLDER).glob("lib/python3*/site-packages")
    have = {each.name: each.version for each in metadata.distributions(path=[str(site) for site in found])}
    return f"{have[contender]}, with pyarrow {have['pyarrow']}" if {contender, "pyarrow"} <= have.keys() else ""


def _home(requirements: Path, folder: Path) -> Path:
    """Another one for other requirements and for another Python."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    return folder.absolute() / f"{requirements.stem}-{digest}-{sys.version_info.major}.{sys.version_info.minor}"
