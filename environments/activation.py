"""The command that runs something inside an environment, activated."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from environments.facts import Facts

SCRIPT = Path(__file__).with_name("run-activated.sh")


@cache
def shell() -> str:
    """bash where there is one: activation scripts of packages are written for it more often than for plain sh."""
    return shutil.which("bash") or "/bin/sh"


def activated(facts: Facts, command: Sequence[str]) -> list[str]:
    """`command`, to be run with the environment's own programs first and its activation scripts done."""
    return [shell(), str(SCRIPT), facts.kind, str(facts.prefix), *command]


def activation_code(facts: Facts) -> str:
    """Shell code that activates the environment in the shell that evaluates it."""
    prefix = shlex.quote(str(facts.prefix))
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(facts.variables.items())]
    lines.append(f"export PATH={prefix}/bin:$PATH")
    if facts.kind == "venv":
        return "\n".join([*lines, f"export VIRTUAL_ENV={prefix}"])
    lines += [f"export CONDA_PREFIX={prefix}", f"export CONDA_DEFAULT_ENV={shlex.quote(facts.prefix.name)}"]
    scripts = sorted((facts.prefix / "etc/conda/activate.d").glob("*.sh"))
    return "\n".join([*lines, *(f". {shlex.quote(str(script))}" for script in scripts)])
