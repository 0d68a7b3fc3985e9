"""Where people's tools put environments: every prefix in a home worth a look, with a bounded number of listings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

CONDA_ROOTS = (
    "miniforge3", "mambaforge", "miniconda3", "anaconda3", "micromamba", ".conda", ".mamba", ".local/share/mamba",
)  # fmt: skip
VENV_COLLECTIONS = (".virtualenvs", ".cache/pypoetry/virtualenvs", ".local/share/virtualenvs")
PROJECT_VENVS = (".venv", "venv", "env")
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages", "envs", "lost+found", "pkgs"})


@dataclass(frozen=True)
class Found:
    """A folder that may be an environment, with the tool whose habit made us look there."""

    prefix: Path
    by: str  # remuda, conda, pixi, venv


@dataclass(frozen=True)
class Bounds:
    """How far the search for project environments goes."""

    depth: int = 4
    folders: int = 3000
    seconds: float = 2.0


def known_places(home: Path, environ: Mapping[str, str]) -> Iterator[Found]:
    """Prefixes in the collections of each tool: about fifteen listings, whatever the home's size."""
    for prefix in folders_in(home / "envs"):
        yield Found(prefix, "remuda")
    for prefix in registered_with_conda(home):
        yield Found(prefix, "conda")
    roots = [home / root for root in CONDA_ROOTS]
    if environ.get("MAMBA_ROOT_PREFIX"):
        roots.append(Path(environ["MAMBA_ROOT_PREFIX"]))
    for root in roots:
        yield Found(root, "conda")
        for prefix in folders_in(root / "envs"):
            yield Found(prefix, "conda")
    for collection in filter(None, environ.get("CONDA_ENVS_PATH", environ.get("CONDA_ENVS_DIRS", "")).split(":")):
        for prefix in folders_in(Path(collection)):
            yield Found(prefix, "conda")
    for prefix in folders_in(home / ".pixi" / "envs"):
        yield Found(prefix, "pixi")
    for collection in VENV_COLLECTIONS:
        for prefix in folders_in(home / collection):
            yield Found(prefix, "venv")


def registered_with_conda(home: Path) -> Iterator[Path]:
    """The prefixes that conda and mamba write down in ~/.conda/environments.txt; only those inside the home."""
    try:
        lines = (home / ".conda" / "environments.txt").read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in lines[:500]:
        path = Path(line.strip())
        if path.is_absolute() and path.is_relative_to(home):
            yield path


def project_places(home: Path, bounds: Bounds) -> Iterator[Found]:
    """Environments inside project folders (`.venv`, `.pixi/envs/*`), breadth first, within `bounds`."""
    deadline = monotonic() + bounds.seconds
    level = [home]
    visited = 0
    for _ in range(bounds.depth + 1):
        deeper: list[Path] = []
        for folder in level:
            visited += 1
            if visited > bounds.folders or monotonic() > deadline:
                return
            names = folder_names(folder)
            for name in PROJECT_VENVS:
                if name in names and (folder / name / "pyvenv.cfg").is_file():
                    yield Found(folder / name, "venv")
            if ".pixi" in names and folder != home:
                for prefix in folders_in(folder / ".pixi" / "envs"):
                    yield Found(prefix, "pixi")
            if not {"conda-meta", "pyvenv.cfg"} & names.keys():
                deeper.extend(folder / name for name in names if _may_hold_projects(name, folder, home))
        level = deeper


def _may_hold_projects(name: str, folder: Path, home: Path) -> bool:
    if name.startswith(".") or name in SKIPPED_FOLDERS or name in PROJECT_VENVS:
        return False
    return not (folder == home and name in CONDA_ROOTS)


def folder_names(folder: Path) -> dict[str, None]:
    """Names of the folders in `folder` (not through links), plus the two files that mark an environment, in order."""
    names: dict[str, None] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name == "pyvenv.cfg" or entry.is_dir(follow_symlinks=False):
                    names[entry.name] = None
    except OSError:
        return {}
    return dict.fromkeys(sorted(names))


def folders_in(folder: Path) -> list[Path]:
    """The folders in `folder` that may be prefixes; links are followed, hidden and half-made ones are not listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []
