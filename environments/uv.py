"""venvs made by uv, with a Python of their own kept in the home, so that an image upgrade leaves them working."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from environments.failures import Failure, failure_from

LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "turtledemo"
)
PROBE = "import sys, ssl, sqlite3, ctypes, lzma, json; print(json.dumps([sys.prefix, sys.version.split()[0]]))"


def uv_binary() -> str:
    """uv's own program. Raises Failure(no-uv)."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise Failure("no-uv", "uv is not installed in this image.", "Ask your admin to add it, or leave out --uv.")
    return found


def run_uv(arguments: Sequence[str], doing: str, *, quiet: bool = False) -> None:
    """Run uv with its cache in the home and hardlinks from it. Raises Failure with uv's own words."""
    environ = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1" if quiet else "0"}
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_LINK_MODE"):
        environ.pop(name, None)
    if os.environ.get("UV_LINK_MODE") not in (None, "symlink"):  # a cleaned cache must not break environments
        environ["UV_LINK_MODE"] = os.environ["UV_LINK_MODE"]
    done = subprocess.run([uv_binary(), *arguments], env=environ, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode == 0:
        return
    error = RuntimeError(done.stderr.strip())
    known = failure_from(error, doing)
    raise known or Failure("uv-failed", f"uv stopped while {doing}:\n{done.stderr.strip()}\n", "") from error


def pip_install(prefix: Path, packages: Sequence[str], *, quiet: bool = False) -> None:
    """Install PyPI packages into an environment of either kind. Raises Failure."""
    run_uv(
        ["pip", "install", "--quiet", "--python", str(prefix / "bin" / "python"), *packages],
        f"installing {', '.join(packages)} from PyPI",
        quiet=quiet,
    )


def create_venv(prefix: Path, python: str | None, home: Path) -> bool:
    """An empty venv; whether its Python is its own. Raises Failure."""
    interpreter = own_python(home) if python is None or _is_ours(python) else None
    choice = str(interpreter) if interpreter else python or sys.executable
    run_uv(["venv", "--quiet", "--allow-existing", "--no-project", "--python", choice, str(prefix)], "making the venv")
    return interpreter is not None


def _is_ours(python: str) -> bool:
    own = platform.python_version_tuple()
    asked = tuple(python.removeprefix("python").lstrip("=").split("."))
    return asked == own[: len(asked)]


def own_python(home: Path) -> Path | None:
    """A copy of the image's Python in the home (60 to 90 MB, once per version), or None where a copy does not run.

    It lies where uv keeps its own Pythons, so that plain `uv venv` finds it too; environments made of it do not notice
    when the image changes.
    """
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    pythons = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or home / ".local/share/uv/python")
    libc = "gnu" if platform.libc_ver()[0] == "glibc" else "musl"
    folder = pythons / f"cpython-{platform.python_version()}-linux-{platform.machine()}-{libc}"
    interpreter = folder / "bin" / f"python{minor}"
    if interpreter.exists():
        return interpreter
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building-"))
    try:
        _copy_python(Path(sys.base_prefix), building, minor)
        if not _runs_alone(building / "bin" / f"python{minor}", building):
            return None
        _settle(building, folder, interpreter)
    except OSError as error:
        raise failure_from(error, "copying Python into your home") or Failure(
            "copy-failed", f"Python could not be copied into your home: {error}.", ""
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return interpreter


def _settle(building: Path, folder: Path, interpreter: Path) -> None:
    try:
        building.rename(folder)
    except OSError:  # another command made it meanwhile
        if not interpreter.exists():
            raise


def _copy_python(source: Path, target: Path, minor: str) -> None:
    (target / "bin").mkdir()
    (target / "lib").mkdir()
    shutil.copy2((source / "bin" / f"python{minor}").resolve(), target / "bin" / f"python{minor}")
    for name in ("python", "python3"):
        (target / "bin" / name).symlink_to(f"python{minor}")
    shutil.copytree(source / f"lib/python{minor}", target / f"lib/python{minor}", ignore=LEFT_OUT)
    for library in sorted(source.glob("lib/libpython3*.so*")):
        shutil.copy2(library, target / "lib" / library.name, follow_symlinks=False)
    (target / f"lib/python{minor}/site-packages").mkdir()


def _runs_alone(interpreter: Path, prefix: Path) -> bool:
    """Whether the copy finds its own library and loads the usual compiled modules."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_"))}
    done = subprocess.run(  # noqa: S603
        [interpreter, "-I", "-c", PROBE], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode == 0 and str(prefix) in done.stdout
