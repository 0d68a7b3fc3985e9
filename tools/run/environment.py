"""The project-local Python environment, with uv from wherever it can be had."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from tools.run.steps import CannotRun, Step, call

UNREACHED = "check that the package index is reached (proxy settings, certificates), then run `make run` again"


#: What uv installs for `make run`, and for tests and benches.
RUN = ("--no-default-groups", "--extra", "local")
TEST = ("--all-extras", "--group", "dev", "--group", "bench")


def prepare_environment(root: Path, step: Step, wants: tuple[str, ...] = RUN) -> Path:
    """Python of the synchronised `.venv`. Raises `CannotRun`. Does nothing when the lock has not changed."""
    venv = root / ".venv"
    python = venv / "bin" / "python"
    stamp = venv / (".remuda-run" if wants == RUN else ".remuda-test")
    wanted = fingerprint(root / "uv.lock", root / "pyproject.toml")
    if python.exists() and _read(stamp) == wanted:
        step.note = "nothing to do"
        return python
    uv = find_uv(venv) or install_uv(root, venv)
    # --inexact leaves alone what a developer or another extra put there.
    sync = [uv, "sync", "--frozen", "--inexact", *wants, "--python", base_python(python)]
    call(sync, remedy=UNREACHED, cwd=root, env={**_clean(), "UV_PROJECT_ENVIRONMENT": str(venv)})
    stamp.write_text(wanted, encoding="utf-8")
    return python


def base_python(venv_python: Path) -> str:
    """Interpreter for the environment: the one that is there already, or else the one that runs us."""
    return str(venv_python) if venv_python.exists() else sys.executable


def find_uv(venv: Path) -> str | None:
    own = venv / "bin" / "uv"
    return str(own) if own.exists() else shutil.which("uv")


def install_uv(root: Path, venv: Path) -> str:
    """uv from PyPI, in the environment itself. Raises `CannotRun`, with the remedy where `venv` is not whole."""
    # bin/python is a link: it dangles when the interpreter it was made with has gone.
    if not ((venv / "bin" / "python").exists() and (venv / "bin" / "pip").exists()):
        missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
        if missing:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise CannotRun(
                f"this Python {version} comes without {' and '.join(missing)}",
                f"Debian and Ubuntu: sudo apt-get install python{version}-venv; or install uv, which is used if found",
            )
        call([sys.executable, "-m", "venv", "--clear", str(venv)], remedy="see what Python says above", cwd=root)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv>=0.8"]
    call(pip, remedy=UNREACHED, cwd=root)
    return str(venv / "bin" / "uv")


def fingerprint(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _clean() -> dict[str, str]:
    """Our environment without another activated one, which uv would warn about."""
    return {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
