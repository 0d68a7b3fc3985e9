"""Which notebook or script this is. Honest: None where nobody said."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def notebook(environ: Mapping[str, str] | None = None) -> Path | None:
    """The notebook's file, in a kernel that was told: Jupyter Server sets JPY_SESSION_NAME, VS Code a variable.

    The file as it was last saved; what was typed since is not in it.
    """
    shell = _shell()
    if shell is None:
        return None
    environ = os.environ if environ is None else environ
    for said in (shell.user_ns.get("__vsc_ipynb_file__"), environ.get("JPY_SESSION_NAME")):
        path = Path(said) if isinstance(said, str) and said.endswith(".ipynb") else None
        if path is not None and path.is_file():
            return path.absolute()
    return None


def _shell() -> Any:
    """IPython's shell, if this process is a kernel: a script that a notebook starts inherits its environment."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if getattr(shell, "kernel", None) is not None else None


def script(argv: Sequence[str] | None = None) -> Path | None:
    """The file that Python was started with; None in a kernel, a shell, or for `python -c`."""
    if _shell() is not None:
        return None
    first = (sys.argv if argv is None else argv)[:1]
    path = Path(first[0]) if first and first[0] not in ("", "-c", "-") else None
    return path.absolute() if path is not None and path.is_file() else None


def sha256_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
