"""Point a venv made on the image's Python to where that Python is now, when the image moved it.

Only the same minor version will do: compiled packages in the environment are bound to it.
"""

from __future__ import annotations

import os
from pathlib import Path

from environments.discovery import minor_version
from environments.facts import Facts
from environments.files import replace_text


def repair_interpreter(facts: Facts, pythons: dict[str, Path]) -> Path | None:
    """Rewrite `bin/python` and `home` in pyvenv.cfg; the interpreter now used, or None when none fits.

    Raises OSError when the home cannot be written.
    """
    minor = minor_version(facts.python)
    interpreter = pythons.get(minor or "")
    if facts.kind != "venv" or interpreter is None:
        return None
    relink(facts.prefix / "bin" / "python", interpreter)
    for name in ("python3", f"python{minor}"):
        link = facts.prefix / "bin" / name
        if link.is_symlink() and not link.exists():
            relink(link, Path("python"))
    config = facts.prefix / "pyvenv.cfg"
    lines = config.read_text().splitlines()
    kept = [f"home = {interpreter.parent}" if line.split("=")[0].strip() == "home" else line for line in lines]
    replace_text(config, "\n".join(kept) + "\n")
    return interpreter


def relink(link: Path, target: Path) -> None:
    """Make `link` point to `target` in one step: a reader sees the old or the new, never none."""
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
