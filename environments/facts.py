"""What can be read off one prefix without running anything in it: at most about ten small reads."""

from __future__ import annotations

import contextlib
import json
import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MARKER = "conda-meta/.remuda-unfinished"
"""Present while `remuda-env` builds a prefix: such an environment is not offered."""

ELF_MACHINES = {0x3E: "x86_64", 0xB7: "aarch64", 0x15: "ppc64le", 0xF3: "riscv64"}
PYTHON_RECORD = re.compile(r"python-(\d+\.\d+\.\d+)[^-]*-[^-]+\.json\Z")
GLIBC = re.compile(r"__glibc\s*>=\s*([0-9.]+)")
CUDA_RECORD = re.compile(r"(cuda-version|cudatoolkit|cuda-cudart|.*_cuda|pytorch-.*cuda.*)", re.IGNORECASE)


@dataclass(frozen=True)
class KernelFile:
    """One share/jupyter/kernels/NAME/kernel.json inside the prefix."""

    name: str
    folder: Path
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What lies in a prefix."""

    prefix: Path
    kind: str  # conda or venv
    python: str | None = None  # full version where it is written down
    interpreter: Path | None = None  # bin/python, if the environment has a Python at all
    interpreter_target: Path | None = None  # what it finally points to; None where that is gone
    arch: str | None = None
    glibc: str | None = None
    cuda: bool = False
    unfinished: bool = False
    base_home: Path | None = None  # `home` of pyvenv.cfg: the bin folder of the Python it was made from
    has_ipykernel: bool = False
    kernels: tuple[KernelFile, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)  # set with `conda env config vars` or by packages


def stamp(prefix: Path) -> tuple[int, ...]:
    """Changes when packages or kernels were added or removed: four or five `stat` calls, no reads."""
    watched = [prefix / "conda-meta", prefix / "pyvenv.cfg", prefix / "share/jupyter/kernels", prefix / "bin"]
    watched.append(prefix / "conda-meta" / "state")
    site = site_packages(prefix)
    if site:
        watched.append(site)
    watched.append(prefix / "bin" / "python")
    return tuple(_mtime(path) for path in watched)


def _mtime(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def site_packages(prefix: Path) -> Path | None:
    """lib/pythonX.Y/site-packages of a prefix."""
    try:
        with os.scandir(prefix / "lib") as entries:
            names = sorted(entry.name for entry in entries if re.fullmatch(r"python3\.\d+t?", entry.name))
    except OSError:
        return None
    return prefix / "lib" / names[-1] / "site-packages" if names else None


def read_facts(prefix: Path) -> Facts | None:
    """The facts of a prefix, or None when this is no environment."""
    try:
        records = os.listdir(prefix / "conda-meta")  # noqa: PTH208 - names only, 5 times faster on a network home
    except OSError:
        records = []
    if (prefix / "pyvenv.cfg").is_file():
        return _venv_facts(prefix)
    if "history" in records or any(name.endswith(".json") for name in records):
        return _conda_facts(prefix, records)
    if ".remuda-unfinished" in records:
        return Facts(prefix, "conda", unfinished=True)
    return None


def _conda_facts(prefix: Path, records: list[str]) -> Facts:
    python, glibc = None, None
    for name in records:
        if match := PYTHON_RECORD.fullmatch(name):
            python = match[1]
            depends = read_json(prefix / "conda-meta" / name).get("depends") or []
            bounds = [found[1] for text in depends if (found := GLIBC.search(str(text)))]
            glibc = bounds[0] if bounds else None
    interpreter = prefix / "bin" / "python" if python else None
    return Facts(
        prefix,
        "conda",
        python=python,
        interpreter=interpreter,
        interpreter_target=_target(interpreter),
        arch=elf_arch(interpreter) if interpreter else _first_binary_arch(prefix),
        glibc=glibc,
        cuda=any(CUDA_RECORD.match(name) for name in records),
        unfinished=".remuda-unfinished" in records,
        has_ipykernel=_has_ipykernel(prefix, None),
        kernels=kernel_files(prefix),
        variables=_conda_variables(prefix),
    )


def _venv_facts(prefix: Path) -> Facts:
    settings = read_pyvenv(prefix)
    version = settings.get("version") or settings.get("version_info")
    base_home = Path(settings["home"]) if settings.get("home") else None
    inherits = settings.get("include-system-site-packages", "false").lower() == "true"
    interpreter = prefix / "bin" / "python"
    return Facts(
        prefix,
        "venv",
        python=".".join(version.split(".")[:3]) if version else None,
        interpreter=interpreter,
        interpreter_target=_target(interpreter),
        arch=elf_arch(interpreter),
        base_home=base_home,
        has_ipykernel=_has_ipykernel(prefix, base_home.parent if inherits and base_home else None),
        kernels=kernel_files(prefix),
    )


def read_pyvenv(prefix: Path) -> dict[str, str]:
    """The settings of pyvenv.cfg."""
    settings: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in (prefix / "pyvenv.cfg").read_text(errors="replace").splitlines():
            key, separator, value = line.partition("=")
            if separator:
                settings[key.strip().lower()] = value.strip()
    return settings


def _has_ipykernel(prefix: Path, base: Path | None) -> bool:
    for place in filter(None, (prefix, base)):
        site = site_packages(place)
        if site and (site / "ipykernel_launcher.py").is_file():
            return True
    return False


def kernel_files(prefix: Path) -> tuple[KernelFile, ...]:
    """The Jupyter kernels installed in a prefix, of any language."""
    try:
        with os.scandir(prefix / "share/jupyter/kernels") as entries:
            folders = sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except OSError:
        return ()
    specs = ((folder, read_json(folder / "kernel.json")) for folder in folders)
    return tuple(KernelFile(folder.name, folder, spec) for folder, spec in specs if spec.get("argv"))


def _conda_variables(prefix: Path) -> dict[str, str]:
    """Variables that conda would set at activation, beside the scripts."""
    variables: dict[str, str] = {}
    try:
        files = sorted((prefix / "etc/conda/env_vars.d").glob("*.json"))
    except OSError:
        files = []
    for file in files:
        variables.update({str(key): str(value) for key, value in read_json(file).items()})
    state = read_json(prefix / "conda-meta" / "state").get("env_vars")
    if isinstance(state, dict):
        variables.update({str(key): str(value) for key, value in state.items() if value != "***unset***"})
    return variables


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; an empty one when it cannot be read or is something else."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _target(interpreter: Path | None) -> Path | None:
    if interpreter is None:
        return None
    try:
        return interpreter.resolve(strict=True)
    except (OSError, RuntimeError):
        return None


def elf_arch(binary: Path) -> str | None:
    """The processor an ELF file was built for, from its first 20 bytes; None for anything else."""
    try:
        with binary.open("rb") as file:
            head = file.read(20)
    except OSError:
        return None
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return None
    order = "<" if head[5] == 1 else ">"
    return ELF_MACHINES.get(struct.unpack(f"{order}H", head[18:20])[0], "another processor")


def _first_binary_arch(prefix: Path) -> str | None:
    try:
        with os.scandir(prefix / "bin") as entries:
            for entry, _ in zip(entries, range(20), strict=False):
                if arch := elf_arch(Path(entry.path)):
                    return arch
    except OSError:
        return None
    return None
