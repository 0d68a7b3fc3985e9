"""Decide what an environment is called, which kernels it offers, and whether it runs on this machine. Pure.

`facts.read_facts` gathers, `describe` decides; `catalogue.Catalogue` and `remuda-env list` act on the answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from environments.facts import Facts, KernelFile
from environments.places import PROJECT_VENVS


class Reason(StrEnum):
    """Why an environment cannot be used here, as a code that does not change."""

    NEEDS_IPYKERNEL = "needs-ipykernel"
    WRONG_ARCHITECTURE = "wrong-architecture"
    INTERPRETER_GONE = "interpreter-gone"
    INTERPRETER_MOVED = "interpreter-moved"
    NEEDS_NEWER_LIBC = "needs-newer-libc"
    UNFINISHED = "unfinished"
    NO_KERNEL = "no-kernel"


@dataclass(frozen=True)
class Problem:
    """Why an environment does not run here and what to do about it."""

    reason: Reason
    short: str
    sentence: str
    remedy: str

    @property
    def message(self) -> str:
        return f"{self.sentence} {self.remedy}"


@dataclass(frozen=True)
class Machine:
    """The machine that environments are judged for."""

    arch: str
    glibc: str | None = None  # None: not glibc, or unknown: no verdict on it
    has_gpu: bool = False
    pythons: Mapping[str, Path] = field(default_factory=dict)  # minor version -> interpreter of the image


@dataclass(frozen=True)
class Kernel:
    """A Jupyter kernel inside an environment."""

    id: str  # the kernelspec name, stored in notebooks: made of the place only, so it is the same on every machine
    display_name: str
    source: KernelFile | None  # None: ipykernel without a kernel.json of its own


@dataclass(frozen=True)
class Environment:
    """An environment in the home, judged for one machine."""

    name: str
    prefix: Path
    tool: str
    facts: Facts
    kernels: tuple[Kernel, ...]
    problem: Problem | None
    notes: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        return self.problem is None


def describe_all(found: Iterable[tuple[Facts, str]], home: Path, machine: Machine) -> tuple[Environment, ...]:
    """Every environment, sorted by name. Of two with one name, the one outside ~/envs also says where it is."""
    named: dict[str, tuple[Facts, str]] = {}
    for facts, tool in sorted(found, key=lambda item: (item[0].prefix.parent != home / "envs", str(item[0].prefix))):
        name = display_name(facts.prefix, home)
        if name in named:
            name = f"{name} ({place(facts.prefix.parent, home)})"
        named.setdefault(name, (facts, tool))
    ids: set[str] = set()
    environments = []
    for name, (facts, tool) in named.items():
        identity = kernel_id(facts.prefix, home)
        if identity in ids:  # a/b beside a-b
            identity = f"{identity}-{hashlib.sha256(str(facts.prefix).encode()).hexdigest()[:6]}"
        ids.add(identity)
        environments.append(describe(facts, name, identity, tool, machine))
    return tuple(sorted(environments, key=lambda environment: environment.name.lower()))


def describe(facts: Facts, name: str, identity: str, tool: str, machine: Machine) -> Environment:
    """One environment, judged."""
    problem = judge(facts, name, machine)
    notes: list[str] = []
    if facts.cuda and not machine.has_gpu:
        notes.append("Uses CUDA, and this machine has no GPU: it runs here on the processor only.")
    kernels = kernels_of(facts, name, identity, problem)
    return Environment(name, facts.prefix, tool, facts, kernels, problem, tuple(notes))


def judge(facts: Facts, name: str, machine: Machine) -> Problem | None:
    """Why this environment does not run on this machine; None when it does."""
    if facts.unfinished:
        return Problem(
            Reason.UNFINISHED,
            "not finished",
            f"Making '{name}' was interrupted before it was complete.",
            f"Run `remuda-env create {name} …` again to finish it, or `remuda-env remove {name}`.",
        )
    if facts.arch and facts.arch != machine.arch:
        return Problem(
            Reason.WRONG_ARCHITECTURE,
            f"built for {facts.arch}",
            f"'{name}' was built for {facts.arch}; this machine is {machine.arch}.",
            f"Use it on such a machine, or make it again here: `remuda-env clone {name} {name}-{machine.arch}`.",
        )
    if facts.interpreter is not None and facts.interpreter_target is None:
        return _interpreter_problem(facts, name, machine)
    if facts.glibc and machine.glibc and _version(facts.glibc) > _version(machine.glibc):
        return Problem(
            Reason.NEEDS_NEWER_LIBC,
            f"needs glibc {facts.glibc}",
            f"'{name}' needs glibc {facts.glibc} or newer; this machine has {machine.glibc}.",
            "Use it on a machine with a newer image.",
        )
    if not facts.kernels and not facts.has_ipykernel:
        return _kernel_problem(facts, name)
    return None


def _interpreter_problem(facts: Facts, name: str, machine: Machine) -> Problem:
    minor = minor_version(facts.python)
    if facts.kind == "venv" and minor and minor in machine.pythons:
        return Problem(
            Reason.INTERPRETER_MOVED,
            "its Python moved",
            f"'{name}' was made with a Python {minor} that is no longer at {facts.base_home or 'its place'}.",
            f"This machine has Python {minor} elsewhere: `remuda-env repair {name}` points the environment to it.",
        )
    has = ", ".join(sorted(machine.pythons)) or "none"
    made_with = f"Python {facts.python}" if facts.python else "a Python"
    place = "from the image" if facts.base_home and not _under_home(facts) else "that was removed"
    return Problem(
        Reason.INTERPRETER_GONE,
        "its Python is gone",
        f"'{name}' was made with {made_with} {place}; it is not here (this machine has: {has}).",
        f"Make it again with a Python of its own: `remuda-env create {name} python={minor or '3'} …`.",
    )


def _under_home(facts: Facts) -> bool:
    return bool(facts.base_home and any(part in (".local", "envs", "micromamba") for part in facts.base_home.parts))


def _kernel_problem(facts: Facts, name: str) -> Problem:
    if facts.interpreter is None:
        return Problem(
            Reason.NO_KERNEL,
            "no kernel",
            f"'{name}' has no Python and no Jupyter kernel, so notebooks cannot use it.",
            f"Programs in it run with `remuda-env run {name} -- COMMAND`.",
        )
    return Problem(
        Reason.NEEDS_IPYKERNEL,
        "needs ipykernel",
        f"'{name}' has no ipykernel, which notebooks need.",
        f"Run `remuda-env add {name} ipykernel`.",
    )


def kernels_of(facts: Facts, name: str, base: str, problem: Problem | None) -> tuple[Kernel, ...]:
    """The kernels to show: those installed, or one that stands for an environment that cannot be used."""
    if problem is not None:
        return (Kernel(base, f"{name} · {problem.short}", None),)
    minor = minor_version(facts.python)
    python = f"{name} (Python {minor})" if minor else name
    kernels: list[Kernel] = []
    for file in facts.kernels:
        if is_python(file):
            kernels.append(Kernel(base if file.name == "python3" else f"{base}-{slug(file.name)}", python, file))
        else:
            title = str(file.spec.get("display_name") or file.name)
            kernels.append(Kernel(f"{base}-{slug(file.name)}", f"{name} ({title})", file))
    if facts.has_ipykernel and not any(kernel.id == base for kernel in kernels):
        kernels.insert(0, Kernel(base, python, None))
    return tuple(kernels)


def is_python(file: KernelFile) -> bool:
    """Whether a kernel.json is ipykernel's."""
    return any("ipykernel" in str(argument) for argument in file.spec.get("argv", ()))


def display_name(prefix: Path, home: Path) -> str:
    """What people call it: `science` for ~/envs/science, `projects/churn` for ~/projects/churn/.venv."""
    if not prefix.is_relative_to(home):
        return prefix.name
    parts = prefix.relative_to(home).parts
    if ".pixi" in parts[:-1]:
        project = parts[: parts.index(".pixi")]
        inner = () if parts[-1] == "default" and project else parts[-1:]
        return "/".join(project + inner)
    if len(parts) > 1 and parts[-1] in PROJECT_VENVS:
        return "/".join(parts[:-1])
    return parts[-1] if parts else home.name


def kernel_id(prefix: Path, home: Path) -> str:
    """The kernelspec name stored in notebooks: made of the place alone, so other environments never change it."""
    where = place(prefix, home)
    return "env-" + slug(where.removeprefix("envs/").removesuffix("/.venv"))


def place(path: Path, home: Path) -> str:
    """A path as people write it, relative to the home where it is inside."""
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else path.as_posix()


def slug(name: str) -> str:
    """A kernelspec name: letters, digits, dot, dash, underscore."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.") or "environment"


def minor_version(version: str | None) -> str | None:
    """`3.12` of `3.12.4`."""
    return ".".join(version.split(".")[:2]) if version else None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))
